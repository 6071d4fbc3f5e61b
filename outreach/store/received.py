"""What came in about a message of ours, and what becomes of it: each once, in one transaction."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from models.errors import WarmlineError
from outreach.assign import OUTSIDE
from outreach.store import tables
from outreach.store.audit import audit, insert_new
from outreach.store.booked import REACHED
from outreach.store.database import Store
from outreach.store.interactions import closed, happened
from outreach.store.items import to_a_person
from outreach.store.messages import sent_after_all, withdraw
from outreach.store.permissions import suppress_in, unsubscribe_in
from outreach.words import day


@dataclass(frozen=True)
class Place:
    """Where a mail lies. `to_file`: it is to be moved or marked once it was dealt with."""

    mailbox: str
    validity: int
    uid: int
    to_file: bool = False


@dataclass(frozen=True)
class Arrived:
    """`id` names it (a keyed hash): the same again has no second effect. `about`: ids of messages,
    nearest first. `who`: the contact point that it comes from, or that a bounce is about; empty
    where that could not be read. `trusted`: its sender is known, so `who` need not be the address
    that was written to. `lasting`, `status`: of a bounce. `text`: to be kept in the history."""

    id: str
    kind: str
    at: datetime
    about: tuple[str, ...] = ()
    who: str = ""
    trusted: bool = False
    lasting: bool = False
    status: str = ""
    text: str | None = None
    place: Place | None = None


def receive(store: Store, arrived: Arrived, *, by: str, now: datetime) -> str:
    """Does what follows from it, and says what that was: `answered`, `unsubscribed`, `bounced`,
    `complained`, `delivered`, `automatic`; `noted`, where a person is to look; `again`, where it
    was here before; `unknown`, where it is about no message of ours, which leaves no trace."""
    with store.begin() as tx:
        row = _message(tx, arrived)
        if row is None and not (arrived.kind == "unsubscribe" and arrived.who):
            return "unknown"
        if _is_known(tx, arrived):
            return "again"
        why = None if row is None else _doubt(arrived, row)
        if why is not None:
            became = "noted"
        elif row is None:
            became = _closed_to(tx, arrived, by=by, now=now)
        elif _is_erased(tx, row):
            became, row = "erased", None
        else:
            # Mailboxes tell whole seconds, by their own clock: nothing is answered before it went.
            arrived = replace(arrived, at=max(arrived.at, row.sent_at or arrived.at))
            became = _DOES[arrived.kind](tx, row, arrived, by, now)
        note(tx, arrived, row, became=became, why=why)
        return became


def note(tx: sa.Connection, arrived: Arrived, row: Any, *, became: str, why: str | None) -> None:
    """Remembers that it was here; with `why` it waits for a person."""
    place = vars(arrived.place) if arrived.place else {}
    values = {
        "id": arrived.id, "at": arrived.at, "kind": arrived.kind, "became": became, "why": why,
        "message_id": row.id if row else None, "customer_id": row.customer_id if row else None,
        "for_a_person": why is not None, **place,
        "to_file": bool(place.get("to_file")) and why is None,
    }  # fmt: skip
    insert_new(tx, tables.received, [values])


def for_a_person(store: Store, most: int) -> list[dict[str, Any]]:
    """What waits for a person to look at it, oldest first."""
    row = tables.received.c
    query = (
        sa.select(row.id, row.at, row.kind, row.why, row.message_id, row.customer_id, row.mailbox,
                  row.uid)
        .where(row.for_a_person.is_(True), row.seen_at.is_(None))
        .order_by(row.at, row.id)
        .limit(most)
    )  # fmt: skip
    with store.read() as tx:
        return [dict(each._mapping) for each in tx.execute(query)]


def seen(store: Store, *, by: str, now: datetime, received: str) -> str:
    """Somebody has looked at it; gives its whole id. Raises `WarmlineError` where nothing that
    waits begins so, or several do."""
    row = tables.received.c
    waits = sa.and_(row.id.startswith(received, autoescape=True), row.for_a_person.is_(True),
                    row.seen_at.is_(None))  # fmt: skip
    with store.begin() as tx:
        found = tx.execute(sa.select(row.id, row.customer_id).where(waits).limit(2)).all()
        if len(found) != 1 or not received:
            raise WarmlineError(
                f"{'Several' if found else 'Nothing'} that waits for a person begins with "
                f"{received!r}: `warmline outreach received` shows what does. Nothing was changed."
            )
        (one,) = found
        tx.execute(tables.received.update().where(row.id == one.id).values(seen_at=now))
        audit(tx, by=by, now=now, verb="seen", subject=f"received {one.id}",
              customer_id=one.customer_id)  # fmt: skip
        return str(one.id)


def _message(tx: sa.Connection, arrived: Arrived) -> Any:
    """The message it is about: the nearest that we know, or the last one to who unsubscribes."""
    row = tables.messages.c
    if arrived.about:
        query = sa.select(tables.messages).where(row.id.in_(arrived.about)).with_for_update()
        known = {found.id: found for found in tx.execute(query)}
        if known:
            return next(known[one] for one in arrived.about if one in known)
    if arrived.kind != "unsubscribe" or not arrived.who:
        return None
    last = sa.select(tables.messages).where(
        row.contact_point == arrived.who, row.state.in_(REACHED), row.redirected.is_(False)
    )
    newest = last.order_by(row.updated_at.desc()).limit(1).with_for_update()
    return tx.execute(newest).one_or_none()


def _is_known(tx: sa.Connection, arrived: Arrived) -> bool:
    """Whether it was here before; a second copy of what was dealt with is filed as the first."""
    row, place = tables.received.c, arrived.place
    known = tx.execute(
        sa.select(row.for_a_person).where(row.id == arrived.id).with_for_update()
    ).one_or_none()
    if known is not None and not known.for_a_person and place is not None and place.to_file:
        tx.execute(tables.received.update().where(row.id == arrived.id).values(**vars(place)))
    return known is not None


def _is_erased(tx: sa.Connection, message: Any) -> bool:
    """Whether its recipient was erased: of them nothing new is learned."""
    row = tables.suppressions.c
    query = sa.select(row.id).where(
        row.contact_point == message.contact_point, row.reason == "erased"
    )
    return tx.execute(query.limit(1)).first() is not None


def _doubt(arrived: Arrived, message: Any) -> str | None:
    """Why a person has to look at it first."""
    if message.state not in REACHED:
        return "it is about a message that was never sent"
    if message.redirected:
        return "it is about a message that was redirected"
    if arrived.trusted or arrived.kind in ("complaint", "automatic"):
        return None  # of a complaint only the provider's word is there
    if arrived.who != message.contact_point:
        whose = "is about" if arrived.kind == "bounce" else "comes from"
        return f"it {whose} another address than was written to"
    return None


def _closed_to(tx: sa.Connection, arrived: Arrived, *, by: str, now: datetime) -> str:
    """Nobody was written to there, and nobody will be."""
    suppress_in(
        tx, by=by, now=now, contact_point=arrived.who, reason="unsubscribe", channel="email"
    )
    return "unsubscribed"


def _answer(tx: sa.Connection, row: Any, arrived: Arrived, by: str, now: datetime) -> str:
    """The customer rests, and a person acts; letters that are not owed are withdrawn."""
    known = tables.answers.c
    first = tx.execute(sa.select(known.id).where(known.message_id == row.id)).first() is None
    _went(tx, row, by, now)
    values = {"customer_id": row.customer_id, "channel": row.channel, "message_id": row.id}
    tx.execute(tables.answers.insert().values(at=arrived.at, **values))
    if first:
        happened(tx, "outreach_answered", row, now=arrived.at, text=arrived.text)
    on = day(arrived.at, UTC)
    closed(tx, row.customer_id, f"answered on {on}", now=now)
    _trace(tx, row, "answer", by, now)
    decided = tables.decisions.c
    drawn = sa.select(decided.decision_id).where(
        decided.customer_id == row.customer_id, decided.arm != OUTSIDE
    )
    message = tables.messages.c
    # As the plan's gate has it (outreach/gates.py): what is owed is owed to who answered, too.
    theirs = sa.and_(
        message.customer_id == row.customer_id, message.transactional.is_(False),
        message.decision_id.in_(drawn),
    )  # fmt: skip
    withdraw(tx, theirs, by=by, now=now, why="the customer answered")
    to_a_person(tx, row.item_id, by=by, now=now, why=f"answered on {on}")
    return "answered"


def _bounce(tx: sa.Connection, row: Any, arrived: Arrived, by: str, now: datetime) -> str:
    """It reached nobody: a person looks for another way, and nobody writes there again where that
    will last."""
    why = f"came back: {arrived.status or 'without a status'}"
    _went(tx, row, by, now)
    message = tables.messages
    tx.execute(message.update().where(message.c.id == row.id).values(why=why, updated_at=now))
    happened(tx, "outreach_bounced", row, now=arrived.at)
    _trace(tx, row, "bounce", by, now, status=arrived.status, lasting=arrived.lasting)
    if arrived.lasting:
        suppress_in(
            tx, by=by, now=now, contact_point=row.contact_point, reason="bounce",
            channel=row.channel, customer_id=row.customer_id,
        )  # fmt: skip
    to_a_person(tx, row.item_id, by=by, now=now, why=why)
    return "bounced"


def _unsubscribe(tx: sa.Connection, row: Any, arrived: Arrived, by: str, now: datetime) -> str:
    _went(tx, row, by, now)
    unsubscribe_in(tx, row, by=by, now=now)
    return "unsubscribed"


def _complaint(tx: sa.Connection, row: Any, arrived: Arrived, by: str, now: datetime) -> str:
    """Reported as spam. History has no kind for it: there it is an unsubscribe."""
    _went(tx, row, by, now)
    unsubscribe_in(tx, row, by=by, now=now, reason="complaint")
    return "complained"


def _delivery(tx: sa.Connection, row: Any, arrived: Arrived, by: str, now: datetime) -> str:
    _went(tx, row, by, now)
    return "delivered"


def _automatic(tx: sa.Connection, row: Any, arrived: Arrived, by: str, now: datetime) -> str:
    return "automatic"


_DOES = {
    "answer": _answer, "bounce": _bounce, "unsubscribe": _unsubscribe, "complaint": _complaint,
    "delivery": _delivery, "automatic": _automatic,
}  # fmt: skip


def _went(tx: sa.Connection, row: Any, by: str, now: datetime) -> None:
    """What came back for it proves that it went, where nobody knew."""
    if row.state == "in_doubt":
        sent_after_all(tx, row, by=by, now=now)


def _trace(tx: sa.Connection, row: Any, verb: str, by: str, now: datetime, **facts: Any) -> None:
    audit(tx, by=by, now=now, verb=verb, subject=f"message {row.id}", customer_id=row.customer_id,
          **facts)  # fmt: skip
