"""`warmline push`: the CRM hears of changed scores and of work, owners of their lists."""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import click

from models.command import Run, command, user
from outreach.opened import opened
from outreach.staying import until_told_to_end

if TYPE_CHECKING:
    from models.batch import ScoreBatch
    from outreach.push.due import Due
    from outreach.push.target import Target
    from outreach.store.database import Store

SHOWN, ALL = 50, 10**9  # of what was refused, for people and for machines


@command("push")
@click.option("--dry-run", is_flag=True, help="Push nothing: say how many would go, show one.")
@click.option("--failed", is_flag=True, help="Push nothing: list what the CRM did not take.")
@click.option("--again", is_flag=True, help="Also what was refused and has not changed since.")
def push(run: Run, dry_run: bool, failed: bool, again: bool) -> None:
    """Write changed scores and work to the CRM of [crm]; tell owners in chat of their lists."""
    from models.erasure import refuse_unfinished

    refuse_unfinished(run.home)
    store = opened(run)
    if failed:
        _show_failed(run, store)
    elif dry_run:
        _show_due(run, store)
    else:
        with _alone(run), until_told_to_end() as going:
            facts = _chat(run, store)
            if run.settings.crm.kind or not facts:  # without both it says what is missing
                facts |= _crm(run, store, going, again=again)
        run.result(facts, _pushed(facts))


def push_night(run: Run, as_of: date) -> dict[str, Any]:
    """What a night says last, to the CRM and to owners, where they are set. What fails is said
    and does not undo the night: the next push goes on."""
    from models.errors import WarmlineError

    facts: dict[str, Any] = {}
    chat = run.settings.channels.chat
    if not (run.settings.crm.kind or chat.url or chat.owners):
        return facts
    try:
        with _alone(run), until_told_to_end() as going:
            facts = _chat(run, opened(run))
            if run.settings.crm.kind:
                facts |= _crm(run, opened(run), going)
    except (WarmlineError, OSError) as error:
        notes = [*facts.get("notes", ()), f"pushing to the CRM failed: {error}"]
        return {**facts, "failed": True, "notes": notes}
    return facts


def _chat(run: Run, store: Store) -> dict[str, Any]:
    """Owners are told of their lists; nothing where no webhook is set."""
    from outreach.channels.chat import Chat
    from outreach.push.owners import Teller

    ours = run.settings.channels.chat
    if not ours.url and not ours.owners:
        return {}
    teller = Teller(store, Chat(ours), ours, run.settings.zone)
    count, why = teller.tell(by=user(), now=run.now)
    names = ("sent", "later", "refused", "unknown")
    return {"chat": {name: count[name] for name in names}, **({"notes": why} if why else {})}


def _crm(
    run: Run, store: Store, going: Callable[[], bool], *, again: bool = False
) -> dict[str, Any]:
    from outreach.push import memory, tasks
    from outreach.push.scores import Pusher

    aim = _target(run)
    if again:
        memory.try_again(store)
        tasks.try_again(store)
    batch = _batch(run)
    pusher = Pusher(store, aim.crm, batch.as_of.toordinal(), run.settings.crm.parallel, going)
    count = pusher.end_jobs()
    due = _due(run, store, aim, batch)
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


def _batch(run: Run) -> ScoreBatch:
    from models.batch import ScoreBatch
    from models.storage import pull_scores

    pull_scores(run.home, run.settings)
    return ScoreBatch.latest(run.home.scores)


def _due(run: Run, store: Store, aim: Target, batch: ScoreBatch) -> Due:
    from outreach.push.due import due
    from outreach.push.memory import Known

    return due(
        batch, Known.of(store), aim.naming,
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


def _show_due(run: Run, store: Store) -> None:
    due = _due(run, store, aim := _target(run), _batch(run))
    one = next((record for record, _ in due.records()), None)
    fields = {} if one is None else {aim.naming.key: one.key, **one.fields}
    lines = [
        f"{due.many:,} of {len(due.due):,} scores of {due.batch.as_of} would go; "
        f"{len(due.gone):,} customers who are scored no more would be cleared."
    ]
    lines += [f"  {name}: {'' if value is None else value}" for name, value in fields.items()]
    facts = {"as_of": str(due.batch.as_of), "due": due.many, "gone": len(due.gone)}
    run.result({**facts, "record": fields}, lines)


def _show_failed(run: Run, store: Store) -> None:
    from outreach.push import memory, tasks

    most = ALL if run.json else SHOWN
    rows, not_made = memory.refused(store, most), tasks.refused(store, most)
    count = memory.count(store)
    lines = [f"{row['customer_id']}: {row['why']}" for row in rows]
    if (more := count["refused"] - len(rows)) > 0:
        lines.append(f"... and {more:,} more.")
    lines += [f"task of item {row['item']}, {row['customer_id']}: {row['why']}" for row in not_made]
    lines += ["`warmline push --again` tries them once more."] if lines else []
    facts = {"failed": rows, "failed_tasks": not_made, **count}
    run.result(facts, lines or ["The CRM refused nothing."])


def _pushed(facts: dict[str, Any]) -> list[str]:
    lines = []
    if chat := facts.get("chat"):
        lines.append(f"Chat: {chat['sent']:,} owners told.")
    if "rows" in facts:
        lines.append(
            f"Scores of {facts['as_of']}: {facts['sent']:,} of {facts['rows']:,} written, "
            f"{facts['cleared']:,} cleared."
        )
    if tasks := facts.get("tasks"):
        lines.append(f"Tasks: {tasks['sent']:,} written, {tasks['finished']:,} finished there.")
    if left := sum(facts.get(name, 0) for name in ("later", "not_cleared")):
        lines.append(f"{left:,} could not be written now: the next push tries again.")
    if refused := facts.get("refused", 0) + (tasks["refused"] if tasks else 0):
        lines.append(f"{refused:,} refused: `warmline push --failed` says why.")
    return lines + [f"Note: {note}." for note in facts.get("notes", ())]
