"""How often somebody was contacted, as the transaction that books a contact sees it.

What a plan counted is a night old: another sender, or another tool that wrote to the same customer
(outreach/store/claims.py), may have come first.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo

import sqlalchemy as sa

from models.contracts import CHANNELS
from models.settings import Caps, Plan
from outreach.candidate import Sent
from outreach.frequency import WINDOWS, above
from outreach.store import tables

LOCKS = 7228  # of advisory locks; `claim_contact` in SQL takes the same
REACHED = ("sent", "in_doubt", "sending")  # it went, or may have


@dataclass(frozen=True)
class Rules:
    """What `[plan]` says of a contact, whoever makes it. `opt_in`: channels that are open only to
    who has agreed. Dates in reasons are written in `zone`."""

    caps: Caps = field(default_factory=lambda: Plan().caps)
    transactional_caps: Caps = field(default_factory=lambda: Plan().transactional_caps)
    opt_in: frozenset[str] = frozenset()
    cool_down: timedelta = timedelta(days=14)
    zone: tzinfo = UTC

    @classmethod
    def of(cls, plan: Plan, zone: tzinfo) -> Rules:
        """Those of the settings."""
        asks = CHANNELS if plan.consent == "opt_in" else plan.opt_in_channels
        days = timedelta(days=plan.cool_down_days)
        return cls(plan.caps, plan.transactional_caps, frozenset(asks), days, zone)


def lock(tx: sa.Connection, unit: str) -> None:
    """Nobody else books a contact of that household or account before this transaction ends.
    SQLite has one writer at a time anyway."""
    if tx.dialect.name == "postgresql":
        tx.execute(sa.select(sa.func.pg_advisory_xact_lock(
            sa.func.hashtextextended(unit, LOCKS)
        )))  # fmt: skip


def too_often(
    tx: sa.Connection,
    *,
    unit: str,
    contact_points: Collection[str],
    transactional: bool,
    now: datetime,
    rules: Rules,
    but: str | None = None,
) -> str | None:
    """Why one more contact of that household or account, or at one of those addresses, were too
    many; None where it were not. `but`: a message that is not counted."""
    caps = rules.transactional_caps if transactional else rules.caps
    found = _contacts(tx, unit, contact_points, transactional, now, but)
    words = above(_counted([at for at, theirs, _ in found if theirs], now), caps, rules.zone)
    if words:
        return f"was contacted {words}"
    here = above(_counted([at for at, _, here in found if here], now), caps, rules.zone)
    return f"the same address was written to {here}" if here else None


def _contacts(
    tx: sa.Connection,
    unit: str,
    contact_points: Collection[str],
    transactional: bool,
    now: datetime,
    but: str | None,
) -> list[tuple[datetime, bool, bool]]:
    """When, whether it was the unit's own, and whether at one of the addresses; over the longest
    window."""
    message, claim = tables.messages.c, tables.claims.c
    since = now - WINDOWS["month"]
    at = sa.type_coerce(sa.func.coalesce(message.sent_at, message.updated_at), tables.Instant)
    sent = tx.execute(
        sa.select(at, message.unit, message.contact_point).where(
            sa.or_(message.unit == unit, message.contact_point.in_(contact_points)),
            message.transactional.is_(transactional), message.redirected.is_(False),
            message.state.in_(REACHED), at > since, message.id != (but or ""),
        )
    ).all()  # fmt: skip
    booked = tx.execute(
        sa.select(claim.at, claim.unit, claim.contact_point).where(
            sa.or_(claim.unit == unit, claim.contact_point.in_(contact_points)),
            claim.transactional.is_(transactional), claim.released_at.is_(None), claim.at > since,
        )
    ).all()  # fmt: skip
    return [
        (when, whose == unit, point in contact_points) for when, whose, point in (*sent, *booked)
    ]


def _counted(times: Collection[datetime], now: datetime) -> Sent:
    day, week, month = (
        sum(now - at < window for at in times) for window in (WINDOWS[name] for name in WINDOWS)
    )
    return Sent(day, week, month, max(times, default=None))
