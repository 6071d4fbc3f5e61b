"""One person out of the store. Decisions, arms and the audit stay, under the pseudonym that the log
of assignments has too; addresses and words go; the contact points stay closed, as keyed hashes."""

from __future__ import annotations

import hmac
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from models.erasure import Erasure
from models.person import Person
from outreach.contact_point import NotAnAddress, keyed
from outreach.store import tables
from outreach.store.database import Store
from outreach.store.messages import EDITABLE
from outreach.store.permissions import suppress_in

BY = "forget"
_NAMED = (
    tables.decisions, tables.work_items, tables.messages, tables.consents, tables.overrides,
    tables.answers, tables.received, tables.claims, tables.audit,
)  # fmt: skip
_WORDS = ("address", "name", "from_name", "subject", "text", "html", "domain", "in_reply_to",
          "contact_id", "remote_id", "drafted_text")  # fmt: skip
# Free text and JSON in which a person may be named by those who wrote it.
_TOLD = {
    tables.decisions: ("reasons", "gates"), tables.work_items: ("reasons", "why"),
    tables.messages: ("why",), tables.overrides: ("why",), tables.audit: ("subject", "details"),
}  # fmt: skip


def count(store: Store, person: Person) -> dict[str, int]:
    """What of the person stands in the store, by kind."""
    kinds = {"outreach_messages": tables.messages, "outreach_decisions": tables.decisions,
             "outreach_items": tables.work_items}  # fmt: skip
    with store.read() as tx:
        return {
            name: tx.scalar(
                sa.select(sa.func.count())
                .select_from(table)
                .where(table.c.customer_id.in_(person.ids))
            )
            or 0
            for name, table in kinds.items()
        }


def erase(store: Store, erasure: Erasure, key: bytes, *, has_crm: bool = False) -> None:
    """All in one transaction; again is harmless. What was not sent yet never goes.

    `has_crm`: of whom it was told the ids stay, until the next push has emptied their fields
    there and takes them out here too.
    """
    person, pseudonym = erasure.person, erasure.pseudonym
    with store.begin() as tx:
        now = _moment(tx)
        message = tables.messages
        theirs = message.c.customer_id.in_(person.ids)
        unsent = theirs & message.c.state.in_((*EDITABLE, "queued"))
        tx.execute(message.update().where(unsent).values(state="withdrawn", why="erased"))
        tx.execute(message.update().where(theirs).values(dict.fromkeys(_WORDS)))
        for table in (tables.decisions, tables.work_items):
            tx.execute(
                table.update().where(table.c.customer_id.in_(person.ids)).values(contact_id=None)
            )
        item = tables.work_items
        unfinished = item.c.customer_id.in_(person.ids) & tables.unfinished
        ended = {"state": "closed", "closed_as": "passed", "why": "erased", "since": now}
        tx.execute(item.update().where(unfinished).values(ended))
        for gone in (tables.interactions, tables.closures, tables.told, tables.units):
            tx.execute(gone.delete().where(gone.c.customer_id.in_(person.ids)))
        for table, columns in _TOLD.items():
            _clear(tx, table, columns, erasure)
        _other_keys(tx, person, key)
        _out_of_the_crm(tx, person, has_crm)
        _rename(tx, person, pseudonym)
        for channel, address in _addresses(person):
            _close(tx, key, channel, address, now)
    store.wipe()


def _other_keys(tx: sa.Connection, person: Person, secret: bytes) -> None:
    """A tool may have named its claim after the customer."""
    claim = tables.claims
    for row in tx.execute(sa.select(claim).where(claim.c.customer_id.in_(person.ids))).all():
        this = (claim.c.tool == row.tool) & (claim.c.key == row.key)
        other = hmac.digest(secret, f"claim\0{row.tool}\0{row.key}".encode(), "sha256").hex()
        tx.execute(claim.update().where(this).values(key=other))


def _out_of_the_crm(tx: sa.Connection, person: Person, has_crm: bool) -> None:
    """What the CRM has of them is to be emptied, where there is one; it gets nothing more."""
    told, task, item = tables.crm_records, tables.crm_tasks, tables.work_items
    theirs = told.c.customer_id.in_(person.ids)
    numbers = sa.select(item.c.id).where(item.c.customer_id.in_(person.ids))
    new = numbers.add_columns(sa.true(), sa.false())
    new = new.where(item.c.id.not_in(sa.select(task.c.item_id)))
    tx.execute(task.insert().from_select(["item_id", "ended", "erased"], new))
    tasks = task.update().where(task.c.item_id.in_(numbers))
    there = task.c.remote_id.is_not(None)
    if has_crm:
        tx.execute(told.update().where(theirs).values(erased=True, refused=None))
        tx.execute(tasks.values(ended=True, erased=there, refused=None))
    else:
        tx.execute(told.delete().where(theirs))
        tx.execute(tasks.values(remote_id=None, ended=True, refused=None))


def _moment(tx: sa.Connection) -> datetime:
    """When the store last changed: an erasure tells no time of its own."""
    found = tx.scalar(sa.select(sa.func.max(tables.audit.c.at)))
    return found or datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def _clear(tx: sa.Connection, table: sa.Table, columns: tuple[str, ...], erasure: Erasure) -> None:
    (key,) = table.primary_key.columns
    query = sa.select(key, *(table.c[name] for name in columns))
    for row in tx.execute(query.where(table.c.customer_id.in_(erasure.person.ids))).all():
        before = dict(zip(columns, row[1:], strict=True))
        after = {
            name: erasure.person.traces.cleared(value, erasure.pseudonym)
            for name, value in before.items()
        }
        if after != before:
            tx.execute(table.update().where(key == row[0]).values(after))


def _rename(tx: sa.Connection, person: Person, pseudonym: str) -> None:
    for table in _NAMED:
        tx.execute(
            table.update().where(table.c.customer_id.in_(person.ids)).values(customer_id=pseudonym)
        )
    units = tables.units
    tx.execute(units.delete().where(units.c.unit.in_(person.ids)))
    for table in (tables.decisions, tables.messages, tables.claims):
        tx.execute(table.update().where(table.c.unit.in_(person.ids)).values(unit=pseudonym))
    drawn = tables.assignments
    known = sa.select(drawn.c.period).where(drawn.c.unit == pseudonym)
    theirs = drawn.c.unit.in_(person.ids)
    tx.execute(drawn.delete().where(theirs, drawn.c.period.in_(known)))
    for row in tx.execute(sa.select(drawn).where(theirs).order_by(drawn.c.unit)).all():
        # Of several ids of one person the first one's arm stays.
        again = sa.select(drawn.c.unit).where(
            drawn.c.unit == pseudonym, drawn.c.period == row.period
        )
        this = drawn.c.unit.in_([row.unit]) & (drawn.c.period == row.period)
        if tx.execute(again).first() is None:
            tx.execute(drawn.update().where(this).values(unit=pseudonym))
        else:
            tx.execute(drawn.delete().where(this))


def _addresses(person: Person) -> list[tuple[str, str]]:
    emails = [("email", address) for address in person.emails]
    return emails + [("phone", number) for number in person.phones]


def _close(tx: sa.Connection, key: bytes, channel: str, address: str, now: datetime) -> None:
    try:
        point: Any = keyed(key, channel, address)
    except NotAnAddress:
        return  # nobody can write there
    suppress_in(tx, by=BY, now=now, contact_point=point, reason="erased")
