"""What people do with work items. Each verb changes one item and leaves its trace."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa

from models.errors import WarmlineError
from outreach.candidate import PASSED
from outreach.store.audit import AT_ONCE, audit, audit_many
from outreach.store.database import Store
from outreach.store.messages import withdraw
from outreach.store.recording import is_past
from outreach.store.signing import Signed, sign
from outreach.store.tables import close_reasons, messages, unfinished, work_items

PASSED_DAYS = 7
WHY_PASSED = "what it was about has passed"
WHY_BARRED = "they must not be contacted about it any more"
UNFINISHED = ("open", "in_progress", "waiting", "snoozed")


class HandedOver(NamedTuple):
    """`known`: whether that owner has, or had, other items."""

    known: bool
    letters: Signed


def start(store: Store, *, by: str, now: datetime, item: int) -> None:
    """Somebody is at work on it. Raises `WarmlineError` where it is closed or unknown."""
    with store.begin() as tx:
        _move(tx, item, "in_progress", by=by, now=now, verb="start", snoozed_until=None)


def wait(store: Store, *, by: str, now: datetime, item: int, why: str) -> None:
    """It waits for the customer or for somebody else. Raises as `start`."""
    with store.begin() as tx:
        _move(tx, item, "waiting", by=by, now=now, verb="wait", why=why, snoozed_until=None)


def snooze(store: Store, *, by: str, now: datetime, item: int, until: datetime, why: str) -> None:
    """Not before `until`, nor then without newer evidence. Raises as `start`."""
    if until <= now:
        raise WarmlineError(f"{until:%Y-%m-%d} is past: snooze it until a later day.")
    with store.begin() as tx:
        _move(tx, item, "snoozed", by=by, now=now, verb="snooze", why=why, snoozed_until=until)


def close(store: Store, *, by: str, now: datetime, item: int, closed_as: str, why: str) -> None:
    """It is finished, as one of `close_reasons`; what was not sent yet is withdrawn.

    Raises as `start`, and for a reason that is not known.
    """
    with store.begin() as tx:
        known = list(tx.scalars(sa.select(close_reasons.c.name)))
        if closed_as not in known:
            raise WarmlineError(
                f"{closed_as!r} is no way to close an item: use {', '.join(sorted(known))}."
            )
        _move(tx, item, "closed", by=by, now=now, verb="close", why=why, closed_as=closed_as)
        withdraw(tx, messages.c.item_id == item, by=by, now=now, why="its item was closed")


def close_passed(
    store: Store,
    *,
    by: str,
    now: datetime,
    as_of: date,
    passed: Collection[tuple[str, str]],
    barred: Collection[tuple[str, str]] = (),
) -> int:
    """Of items (customer and reason) that a plan of the night `as_of` finds no cause for any more,
    or about which it must not contact (`barred`), those on which nobody is at work are closed,
    what was not sent yet is withdrawn; how many.

    What must not be done ends at once, and so does what was referred to a person: it was dealt
    with. Others rest some days first (`PASSED_DAYS`), since a risk comes and goes at the edge of a
    band. A past night ends nothing.
    """
    if is_past(store, as_of):
        return 0
    item = work_items.c
    idle = item.state.in_(("open", "snoozed")) & item.came_back_at.is_(None)
    rested = (item.decision == "refer") | (item.seen_at < now - timedelta(days=PASSED_DAYS))
    with store.begin() as tx:
        ended = _end(tx, idle, barred, by=by, now=now, why=WHY_BARRED)
        return ended + _end(tx, idle & rested, passed, by=by, now=now, why=WHY_PASSED)


def _end(
    tx: sa.Connection,
    which: sa.ColumnElement[bool],
    among: Collection[tuple[str, str]],
    *,
    by: str,
    now: datetime,
    why: str,
) -> int:
    """Of the items `which`, those `among` (customer and reason) have passed; how many they were."""
    item, many = work_items.c, 0
    if not among:
        return many
    rows = tx.execute(sa.select(item.id, item.customer_id, item.reason_key).where(which)).all()
    ended = [row.id for row in rows if (row.customer_id, row.reason_key) in among]
    told = {"closed_as": PASSED, "why": why}
    for first in range(0, len(ended), AT_ONCE):
        some = item.id.in_(ended[first : first + AT_ONCE]) & which
        query = sa.select(item.id, item.customer_id, item.state).where(some).order_by(item.id)
        found = tx.execute(query.with_for_update()).all()
        numbers = [row.id for row in found]
        tx.execute(
            work_items.update()
            .where(item.id.in_(numbers))
            .values(state="closed", since=now, came_back_at=None, **told)
        )
        traced = [
            (f"item {row.id}", row.customer_id, {"before": row.state, **told}) for row in found
        ]
        audit_many(tx, by=by, now=now, verb="close", rows=traced)
        withdraw(tx, messages.c.item_id.in_(numbers), by=by, now=now, why=why)
        many += len(found)
    return many


def hand_over(
    store: Store,
    *,
    by: str,
    now: datetime,
    item: int,
    owner_id: str | None,
    sender: str | None = None,
) -> HandedOver:
    """Another owner's from now on, whatever later plans say; None: the queue's. Letters that have
    not gone yet are signed by `sender`, that owner's name. Raises as `start`."""
    table = work_items.c
    with store.begin() as tx:
        row = _of(tx, item)
        given = {"owner_id": owner_id, "handed_over_at": now}
        tx.execute(work_items.update().where(table.id == item).values(**given))
        _trace(tx, row, by=by, now=now, verb="hand_over", to=owner_id, before=row.owner_id)
        others = sa.select(table.id).where(table.owner_id == owner_id, table.id != item).limit(1)
        known = owner_id is None or tx.scalar(others) is not None
        return HandedOver(known, sign(tx, item, sender, by=by, now=now))


def to_a_person(tx: sa.Connection, item: int | None, *, by: str, now: datetime, why: str) -> None:
    """Somebody has to act on what came back: the item is open again, and before all others until
    somebody does. Where another one of the same customer and reason was opened since, that is."""
    row = work_items.c
    this = tx.execute(sa.select(work_items).where(row.id == item).with_for_update()).one_or_none()
    if this is None:
        return
    same = (row.customer_id == this.customer_id, row.reason_key == this.reason_key, unfinished)
    query = sa.select(work_items).where(*same).with_for_update()
    found = tx.execute(query).one_or_none() or this
    state = "in_progress" if found.state == "in_progress" else "open"
    tx.execute(
        work_items.update()
        .where(row.id == found.id)
        .values(state=state, since=now, came_back_at=now, why=why, closed_as=None,
                snoozed_until=None)
    )  # fmt: skip
    _trace(tx, found, by=by, now=now, verb="reopen", before=found.state, why=why)


def add_close_reason(store: Store, *, by: str, now: datetime, name: str, words: str) -> None:
    """A further way in which an item may end; the same name again changes its words."""
    with store.begin() as tx:
        tx.execute(close_reasons.delete().where(close_reasons.c.name == name))
        tx.execute(close_reasons.insert().values(name=name, words=words))
        audit(tx, by=by, now=now, verb="add_close_reason", subject=f"close reason {name}")


def _of(tx: sa.Connection, item: int) -> Any:
    query = sa.select(work_items).where(work_items.c.id == item).with_for_update()
    row = tx.execute(query).one_or_none()
    if row is None:
        raise WarmlineError(
            f"There is no item {item}: `warmline outreach list --items` shows them."
        )
    if row.state not in UNFINISHED:
        raise WarmlineError(f"Item {item} is closed ({row.closed_as}). Nothing was changed.")
    return row


def _move(
    tx: sa.Connection, item: int, to: str, *, by: str, now: datetime, verb: str, **values: Any
) -> None:
    row = _of(tx, item)
    tx.execute(
        work_items.update()
        .where(work_items.c.id == item)
        .values(state=to, since=now, came_back_at=None, **values)
    )
    told = {name: str(value) for name, value in values.items() if value is not None}
    _trace(tx, row, by=by, now=now, verb=verb, before=row.state, **told)


def _trace(tx: sa.Connection, row: Any, **facts: Any) -> None:
    audit(tx, subject=f"item {row.id}", customer_id=row.customer_id, **facts)
