"""`claim_contact`: other tools ask whether they may contact a customer now, and book it at once, so
that two of them never write to the same one. Docs: docs/guides/claims.md."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import islice
from typing import Any

import sqlalchemy as sa

from models.errors import WarmlineError
from outreach.store import tables
from outreach.store.audit import audit
from outreach.store.booked import Rules, lock, too_often
from outreach.store.database import Store
from outreach.store.interactions import closed
from outreach.store.permissions import known_better, shut
from outreach.words import day

_AT_ONCE = 5_000
UNTOLD = "no plan has told the rules yet"
CONTACT = "contact"  # the row of `rules`


class AnotherClaim(WarmlineError):
    """The tool used this key for another claim."""


@dataclass(frozen=True)
class Wanted:
    """A contact that a tool wants to make. `contact_point`: its address as a keyed hash."""

    customer_id: str
    channel: str
    purpose: str
    transactional: bool = False
    contact_point: str | None = None


@dataclass(frozen=True)
class Claim:
    """The answer: it is booked, or every reason why not."""

    allowed: bool
    reasons: tuple[str, ...] = ()


def claim_contact(
    store: Store, *, by: str, now: datetime, key: str, wanted: Wanted, rules: Rules
) -> Claim:
    """Whether the tool `by` may contact the customer now; booked in the same transaction where it
    may. `key` is the tool's own: the same again is the same claim.

    Raises `AnotherClaim` where it stands for another one.
    """
    with store.begin() as tx:
        unit = _unit(tx, wanted.customer_id)
        lock(tx, unit)
        before = _before(tx, by, key, wanted)
        if before is not None:
            return before
        known = tx.scalar(sa.select(tables.rules.c.name).where(tables.rules.c.name == CONTACT))
        if known is None:
            return Claim(False, (UNTOLD,))
        reasons = tuple(dict.fromkeys(_reasons(tx, wanted, unit, now, rules)))
        if reasons:
            return Claim(False, reasons)
        tx.execute(
            tables.claims.insert().values(tool=by, key=key, unit=unit, at=now, **asdict(wanted))
        )
        if not wanted.transactional:
            words = f"was booked by {by} on {day(now, rules.zone)}"
            closed(tx, wanted.customer_id, words, now=now)
        audit(
            tx, by=by, now=now, verb="claim_contact", subject=f"customer {wanted.customer_id}",
            customer_id=wanted.customer_id, channel=wanted.channel, purpose=wanted.purpose,
        )  # fmt: skip
        return Claim(True)


def release(store: Store, *, by: str, now: datetime, key: str) -> bool:
    """The tool does not contact them after all; whether a claim stood under its key."""
    claim = tables.claims
    standing = (claim.c.tool == by) & (claim.c.key == key) & claim.c.released_at.is_(None)
    with store.begin() as tx:
        row = tx.execute(sa.select(claim).where(standing)).one_or_none()
        if row is None:
            return False
        tx.execute(claim.update().where(standing).values(released_at=now))
        audit(
            tx, by=by, now=now, verb="release", subject=f"customer {row.customer_id}",
            customer_id=row.customer_id,
        )  # fmt: skip
        return True


def tell_claims(
    store: Store,
    *,
    by: str,
    now: datetime,
    rules: Rules,
    units: Iterable[tuple[str, str]],
    closed: Iterable[tuple[str, str | None, str | None, str]],
    granted: Iterable[tuple[str, str | None, str | None]],
) -> None:
    """What a plan knows, for claims until the next one: customers with the household or account
    that they have; who may not be contacted (customer, channel, purpose, reason); who agreed."""
    names = ("customer_id", "channel", "purpose", "reason")
    told = (dict(zip(names, each, strict=True)) for each in closed)
    agreed = (dict(zip(names, (*each, None), strict=True)) for each in granted)
    with store.begin() as tx:
        for table in (tables.told, tables.units, tables.rules):
            tx.execute(table.delete())
        tx.execute(tables.rules.insert().values(name=CONTACT, value=_plain(rules)))
        _insert(tx, tables.units, ({"customer_id": who, "unit": of} for who, of in units))
        for rows in (told, agreed):
            _insert(tx, tables.told, rows)
        audit(tx, by=by, now=now, verb="tell_claims", subject="claims")


def _insert(tx: sa.Connection, table: sa.Table, rows: Iterable[Mapping[str, Any]]) -> None:
    left = iter(rows)
    while some := list(islice(left, _AT_ONCE)):
        tx.execute(table.insert(), some)


def _plain(rules: Rules) -> dict[str, Any]:
    return {
        "caps": rules.caps.model_dump(),
        "transactional_caps": rules.transactional_caps.model_dump(),
        "opt_in": sorted(rules.opt_in),
        "cool_down_days": rules.cool_down.days,
    }


def _unit(tx: sa.Connection, customer_id: str) -> str:
    row = tables.units.c
    found = tx.scalar(sa.select(row.unit).where(row.customer_id == customer_id))
    return found or customer_id


def _before(tx: sa.Connection, by: str, key: str, wanted: Wanted) -> Claim | None:
    row = tables.claims.c
    same = tx.execute(sa.select(tables.claims).where(row.tool == by, row.key == key)).one_or_none()
    if same is None:
        return None
    asked = {**asdict(wanted), "contact_point": same.contact_point}
    if any(getattr(same, name) != value for name, value in asked.items()):
        raise AnotherClaim(f"The key {key!r} stands for another claim. Nothing was changed.")
    return Claim(True) if same.released_at is None else Claim(False, ("it was released",))


def _reasons(
    tx: sa.Connection, wanted: Wanted, unit: str, now: datetime, rules: Rules
) -> Iterable[str]:
    """Every one, the plan's first."""
    who, channel, purpose = wanted.customer_id, wanted.channel, wanted.purpose
    told = _told(tx, who, channel, purpose)
    yield from (row.reason for row in told if row.reason is not None)
    agreed = next((now for row in told if row.reason is None), None)
    points = _points(tx, wanted)
    found = (
        shut(tx, who, points, channel=channel, purpose=purpose, rules=rules, agreed=agreed),
        known_better(tx, who, now),
        None if wanted.transactional else _answered(tx, who, now, rules),
        too_often(
            tx, unit=unit, contact_points=points, transactional=wanted.transactional, now=now,
            rules=rules,
        ),
    )  # fmt: skip
    yield from (reason for reason in found if reason is not None)


def _told(tx: sa.Connection, customer_id: str, channel: str, purpose: str) -> list[Any]:
    row = tables.told.c
    return list(
        tx.execute(
            sa.select(row.reason)
            .where(
                row.customer_id == customer_id,
                sa.or_(row.channel.is_(None), row.channel == channel),
                sa.or_(row.purpose.is_(None), row.purpose == purpose),
            )
            .order_by(row.id)
        )
    )


def _points(tx: sa.Connection, wanted: Wanted) -> list[str]:
    """The address that was given, and those at which they were written to on that channel."""
    row = tables.messages.c
    known = tx.scalars(
        sa.select(row.contact_point)
        .where(
            row.customer_id == wanted.customer_id,
            row.contact_point.is_not(None),
            row.channel == wanted.channel,
        )
        .distinct()
    )
    return sorted({*known, *([wanted.contact_point] if wanted.contact_point else [])})


def _answered(tx: sa.Connection, customer_id: str, now: datetime, rules: Rules) -> str | None:
    row = tables.answers.c
    last = tx.scalar(sa.select(sa.func.max(row.at)).where(row.customer_id == customer_id))
    if last is None or now - last >= rules.cool_down:
        return None
    return f"answered on {last:%Y-%m-%d} ({rules.cool_down.days} days of rest)"
