"""Work items as tasks of the CRM: one each, which follows what is done about the item, and closes
it when somebody finishes it there."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from models.errors import WarmlineError, WrongUsage
from models.settings_outreach import CrmTasks
from outreach.channels import Refused, Sent
from outreach.channels.crm import Fate
from outreach.channels.crm.tasks import Ended, Task, Tasks
from outreach.store import items
from outreach.store.audit import audit, replace_rows
from outreach.store.database import Store
from outreach.store.tables import close_reasons, crm_tasks, messages, unfinished, work_items

T = TypeVar("T")
BY = "crm"
DONE = "done"  # how an item is closed whose task ended in a way that the settings do not name
_READ_AT_ONCE = 1_000


@dataclass(frozen=True)
class TaskPusher:
    """Brings the CRM's tasks to the work items. `key` is the home's. `going` says whether to begin
    another call."""

    store: Store
    tasks: Tasks
    settings: CrmTasks
    key: bytes
    zone: ZoneInfo
    going: Callable[[], bool] = lambda: True

    def take_back(self, *, now: datetime) -> Counter[str]:
        """Closes the items whose tasks were finished in the CRM. A task that was deleted there is
        not made again; its item stays.

        Raises `WrongUsage` where the settings close as what is no reason.
        """
        self._check()
        count: Counter[str] = Counter()
        for rows in self._read(crm_tasks.c.remote_id.is_not(None), ~crm_tasks.c.ended):
            for some in _some(rows, self.tasks.at_once):
                if not self.going():
                    return count
                ends = self.tasks.ended([row.remote_id for row in some])
                for row in some:
                    if row.remote_id in ends:
                        count[self._end(row, ends[row.remote_id], now)] += 1
        return count

    def push(self, *, by: str, now: datetime) -> Counter[str]:
        """Writes the tasks that differ from what the CRM was told last; counts what became of them.
        Raises `CannotPush`; what was acknowledged stays."""
        count: Counter[str] = Counter()
        try:
            for rows in self._read(_is_due()):
                due = [(row, task) for row in rows if (task := self._due(row)) is not None]
                for some in _some(due, self.tasks.at_once):
                    if not self.going():
                        return count
                    fates = self.tasks.write([task for _, task in some])
                    self._note(some, fates)
                    count.update(type(fate).__name__.lower() for fate in fates.values())
        finally:
            if count:
                with self.store.begin() as tx:
                    audit(tx, by=by, now=now, verb="push", subject="crm tasks", counts=dict(count))
        return count

    def _check(self) -> None:
        with self.store.read() as tx:
            known = set(tx.scalars(sa.select(close_reasons.c.name)))
        wrong = sorted(set(self.settings.closed_as.values()) - known)
        if wrong:
            raise WrongUsage(
                f"[crm.tasks] closed_as: {wrong[0]!r} is no way to close an item: use "
                f"{', '.join(sorted(known))}. Nothing was changed."
            )

    def _read(self, *where: sa.ColumnElement[bool]) -> Iterator[Sequence[Any]]:
        """Items with what the CRM was told of them, some at a time."""
        row, after = work_items.c, 0
        sent = sa.select(sa.func.max(messages.c.sent_at)).where(messages.c.item_id == row.id)
        query = (
            sa.select(
                work_items, crm_tasks.c.remote_id, sent.scalar_subquery().label("sent_at"),
                crm_tasks.c.digest.label("crm_digest"), crm_tasks.c.status.label("crm_status"),
                crm_tasks.c.erased.label("crm_erased"),
            )
            .outerjoin(crm_tasks, crm_tasks.c.item_id == row.id)
            .where(*where)
            .order_by(row.id)
            .limit(_READ_AT_ONCE)
        )  # fmt: skip
        while True:
            with self.store.read() as tx:
                rows = tx.execute(query.where(row.id > after)).all()
            if not rows:
                return
            after = rows[-1].id
            yield rows

    def _end(self, row: Any, ended: Ended, now: datetime) -> str:
        """The item first: cut off in between, the same again finds it closed."""
        if ended.how is not None and row.state != "closed":
            closed_as = self.settings.closed_as.get(ended.how, DONE)
            with suppress(WarmlineError):  # somebody closed it meanwhile
                items.close(
                    self.store, by=BY, now=now, item=row.id, closed_as=closed_as,
                    why="its task in the CRM was finished",
                )  # fmt: skip
        with self.store.begin() as tx:
            tx.execute(crm_tasks.update().where(crm_tasks.c.item_id == row.id).values(ended=True))
        return "deleted" if ended.how is None else "finished"

    def _due(self, row: Any) -> Task | None:
        """What the CRM is to be told of the item; None where it knows. A status that has not
        changed here is not told: somebody may have moved the task on there."""
        task = self._task(row)
        if _digest(task, self.key) == row.crm_digest:
            return None
        return replace(task, status=None) if task.status == row.crm_status else task

    def _task(self, row: Any) -> Task:
        owner = self.settings.owners.get(row.owner_id or "", self.settings.default_owner)
        snoozed = row.state == "snoozed" and row.snoozed_until
        task = Task(
            key=_name(row, self.key), remote_id=row.remote_id, customer_id=row.customer_id,
            subject=": ".join([_title(row.playbook), *row.reasons[:1]]), body=self._body(row),
            due_at=snoozed or row.due_at or row.created_at, owner=owner or None, status=row.state,
            urgent=row.decision == "refer",
        )  # fmt: skip
        if not row.crm_erased:
            return task
        return replace(task, subject="erased", body="", owner=None, status="closed")

    def _body(self, row: Any) -> str:
        lines = list(row.reasons)
        if row.sent_at:
            lines.append(f"Written to on {row.sent_at.astimezone(self.zone):%Y-%m-%d}.")
        if row.state == "closed":
            lines.append(f"Closed as {str(row.closed_as).replace('_', ' ')}.")
        return "\n".join(lines)

    def _note(self, some: Sequence[tuple[Any, Task]], fates: Mapping[str, Fate]) -> None:
        rows = []
        for row, task in some:
            fate, status = fates.get(task.key), task.status or row.crm_status
            told = {"item_id": row.id, "digest": _digest(self._task(row), self.key)}
            if isinstance(fate, Sent):
                number, over = fate.remote_id or row.remote_id, status == "closed"
                rows.append({**told, "remote_id": number, "status": status, "refused": None,
                             "ended": over, "erased": False})  # fmt: skip
            elif isinstance(fate, Refused):
                rows.append({**told, "remote_id": row.remote_id, "status": row.crm_status,
                             "refused": fate.why, "ended": False,
                             "erased": bool(row.crm_erased)})  # fmt: skip
        with self.store.begin() as tx:
            replace_rows(tx, crm_tasks, rows)


def refused(store: Store, most: int) -> list[dict[str, Any]]:
    """Tasks that the CRM did not take and why: item, customer_id, why."""
    row = work_items.c
    query = sa.select(row.id.label("item"), row.customer_id, crm_tasks.c.refused.label("why"))
    theirs = query.join(crm_tasks, crm_tasks.c.item_id == row.id)
    with store.read() as tx:
        found = tx.execute(theirs.where(crm_tasks.c.refused.is_not(None)).limit(most))
        return [dict(each._mapping) for each in found]


def try_again(store: Store) -> None:
    """Those that were refused are due again."""
    with store.begin() as tx:
        tx.execute(crm_tasks.update().where(crm_tasks.c.refused.is_not(None)).values(digest=None))


def _is_due() -> sa.ColumnElement[bool]:
    """Unfinished items, and those whose task is not done with yet."""
    there = crm_tasks.c
    going_on = sa.or_(unfinished, there.remote_id.is_not(None))
    return sa.or_(there.erased, sa.and_(sa.or_(there.ended.is_(None), ~there.ended), going_on))


def _name(row: Any, key: bytes) -> str:
    """What the task is called in the CRM: of this home and this item alone, also where the store
    was made anew and its numbers began again."""
    text = f"{row.id} {row.created_at.isoformat()} {row.reason_key}"
    return hashlib.blake2b(text.encode(), key=key, digest_size=12).hexdigest()


def _digest(task: Task, key: bytes) -> int:
    told = (task.subject, task.body, task.due_at.isoformat(), task.owner, task.status, task.urgent)
    found = hashlib.blake2b(repr(told).encode(), key=key, digest_size=8)
    return int.from_bytes(found.digest(), "big", signed=True)


def _title(playbook: str) -> str:
    return playbook.replace("-", " ").capitalize()


def _some(rows: Sequence[T], at_once: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(rows), at_once):
        yield rows[start : start + at_once]
