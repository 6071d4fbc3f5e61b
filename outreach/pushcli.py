"""`warmline push`: the CRM hears of changed scores."""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import click

from models.command import Run, command, user
from outreach.sendcli import until_told_to_end

if TYPE_CHECKING:
    from outreach.push.due import Due
    from outreach.push.target import Target
    from outreach.store.database import Store

SHOWN = 50


@command("push")
@click.option("--dry-run", is_flag=True, help="Push nothing: say how many would go, show one.")
@click.option("--failed", is_flag=True, help="Push nothing: list what the CRM did not take.")
@click.option("--again", is_flag=True, help="Also what was refused and has not changed since.")
def push(run: Run, dry_run: bool, failed: bool, again: bool) -> None:
    """Write changed scores to the CRM of [crm]; clear those of customers who have gone."""
    from models.erasure import refuse_unfinished
    from outreach.push import memory, tasks
    from outreach.storecli import opened

    refuse_unfinished(run.home)
    store = opened(run)
    if failed:
        rows = memory.refused(store, SHOWN)
        count, not_made = memory.count(store), tasks.refused(store, SHOWN)
        facts = {"failed": rows, "failed_tasks": not_made, **count}
        run.result(facts, _failed(rows, not_made, count["refused"]))
        return
    aim = _target(run)
    if dry_run:
        due = _due(run, store, aim)
        one = next((record for record, _ in due.records()), None)
        fields = {} if one is None else {aim.naming.key: one.key, **one.fields}
        facts = {"as_of": str(due.batch.as_of), "due": due.many, "gone": len(due.gone),
                 "record": fields}  # fmt: skip
        run.result(facts, _planned(due, fields))
        return
    with until_told_to_end() as going:
        facts = _push(run, store, aim, going, again=again)
    run.result(facts, _pushed(facts))


def push_night(run: Run, as_of: date) -> dict[str, Any]:
    """Scores go to the CRM, as a step of the night, where one is set. What fails is said and does
    not undo the night: the next push goes on."""
    from models.errors import WarmlineError
    from outreach.storecli import opened

    if not run.settings.crm.kind:
        return {"configured": False}
    try:
        with until_told_to_end() as going:
            return {"configured": True, **_push(run, opened(run), _target(run), going)}
    except (WarmlineError, OSError) as error:
        notes = [f"pushing to the CRM failed: {error}"]
        return {"configured": True, "failed": True, "notes": notes}


def _push(
    run: Run, store: Store, aim: Target, going: Callable[[], bool], *, again: bool = False
) -> dict[str, Any]:
    from outreach.push import memory, tasks
    from outreach.push.scores import Pusher

    with _alone(run):
        if again:
            memory.try_again(store)
            tasks.try_again(store)
        night = _batch(run).as_of.toordinal()
        pusher = Pusher(store, aim.crm, night, run.settings.crm.parallel, going)
        count = pusher.end_jobs()
        due = _due(run, store, aim)
        count += pusher.push(due, by=user(), now=run.now)
        names = ("sent", "refused", "later", "cleared", "not_cleared")
        told = {"as_of": str(due.batch.as_of), "rows": len(due.due), "due": due.many}
        facts = {**told, **{name: count[name] for name in names}, **memory.count(store)}
        return facts | _tasks(run, store, aim, going)


def _tasks(
    run: Run, store: Store, aim: Target, going: Callable[[], bool]
) -> dict[str, dict[str, int]]:
    """What was finished in the CRM comes back, then what is to be done goes there."""
    from outreach.push.tasks import TaskPusher

    ours = run.settings.crm.tasks
    if not ours.live:
        return {}
    key, zone = run.home.secret_key(), run.settings.zone
    pusher = TaskPusher(store, aim.tasks, ours, key, zone, going)
    count = pusher.take_back(now=run.now) + pusher.push(by=user(), now=run.now)
    names = ("sent", "refused", "later", "finished", "deleted")
    return {"tasks": {name: count[name] for name in names}}


def _target(run: Run) -> Target:
    from outreach.push.target import target

    return target(run.settings.crm, clock=lambda: datetime.now(UTC))


def _batch(run: Run) -> Any:
    from models.batch import ScoreBatch
    from models.storage import pull_scores

    pull_scores(run.home, run.settings)
    return ScoreBatch.latest(run.home.scores)


def _due(run: Run, store: Store, aim: Target) -> Due:
    from outreach.push.due import due
    from outreach.push.memory import Known

    return due(
        _batch(run), Known.of(store), aim.naming,
        key=run.home.secret_key(), refresh_days=run.settings.crm.refresh_days,
    )  # fmt: skip


@contextmanager
def _alone(run: Run) -> Iterator[None]:
    """One push of a home at a time. Raises `Busy`."""
    from models.errors import Busy

    with (run.home.root / ".push.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Busy("Another push of this home is running. Nothing was changed.") from None
        yield


def _planned(due: Due, fields: dict[str, Any]) -> list[str]:
    lines = [
        f"{due.many:,} of {len(due.due):,} scores of {due.batch.as_of} would go; "
        f"{len(due.gone):,} customers who are scored no more would be cleared."
    ]
    return lines + [f"  {name}: {'' if value is None else value}" for name, value in fields.items()]


def _pushed(facts: dict[str, Any]) -> list[str]:
    lines = [
        f"Scores of {facts['as_of']}: {facts['sent']:,} of {facts['rows']:,} written, "
        f"{facts['cleared']:,} cleared."
    ]
    if left := facts["later"] + facts["not_cleared"]:
        lines.append(f"{left:,} could not be written now: the next push tries again.")
    if tasks := facts.get("tasks"):
        lines.append(f"Tasks: {tasks['sent']:,} written, {tasks['finished']:,} finished there.")
    if facts["refused"] or (tasks and tasks["refused"]):
        refused = facts["refused"] + (tasks["refused"] if tasks else 0)
        lines.append(f"{refused:,} refused: `warmline push --failed` says why.")
    return lines


def _failed(rows: list[dict[str, Any]], not_made: list[dict[str, Any]], many: int) -> list[str]:
    if not rows and not not_made:
        return ["The CRM refused nothing."]
    lines = [f"{row['customer_id']}: {row['why']}" for row in rows]
    if many > len(rows):
        lines.append(f"... and {many - len(rows):,} more.")
    lines += [f"task of item {row['item']}, {row['customer_id']}: {row['why']}" for row in not_made]
    return [*lines, "`warmline push --again` tries them once more."]
