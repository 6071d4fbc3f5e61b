"""Claim one due message: all that forbids sending is looked at in the transaction that claims."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from outreach.outbox import limits
from outreach.store.audit import audit
from outreach.store.booked import Rules, lock
from outreach.store.database import Store
from outreach.store.permissions import stopped, why_not
from outreach.store.tables import messages, rate_limits


@dataclass(frozen=True)
class Allowed:
    """What sending on a channel is allowed."""

    live: bool
    lease: timedelta
    stale: timedelta
    per_minute: int = 0
    per_domain_per_minute: int = 0
    rules: Rules = field(default_factory=Rules)


@dataclass(frozen=True)
class Claimed:
    """A message (a row of `messages`) that only this sender has now."""

    row: Any
    sender: str


@dataclass(frozen=True)
class Wait:
    """There is something to send, from that moment on."""

    until: datetime


def claim(
    store: Store, channel: str, allowed: Allowed, *, sender: str, now: datetime
) -> Claimed | Wait | None:
    """Claims the message that is due the longest on `channel`; None where none is, where sending
    is stopped or not live, or where the channel rests.

    What may not go any more is withdrawn on the way, what is stale is parked.
    """
    if not allowed.live:
        return None
    while True:
        # One message a transaction: it holds the lock of one household, so none waits in a circle.
        with store.begin() as tx:
            if stopped(tx) is not None:
                return None
            row = tx.execute(_due(channel, now, tx.dialect.name)).one_or_none()
            if row is None:
                return _next(tx, channel, now)
            if _may_go(tx, row, allowed, sender=sender, now=now):
                return _place(tx, row, allowed, sender=sender, now=now)


def _place(
    tx: sa.Connection, row: Any, allowed: Allowed, *, sender: str, now: datetime
) -> Claimed | Wait | None:
    """The message with a place of its channel's and its recipient's rate, or nothing taken."""
    channel, domain = row.channel, f"{row.channel}/{row.domain}"
    with tx.begin_nested() as step:
        if not limits.take(tx, channel, allowed.per_minute, now):
            full: str | None = channel
        elif row.domain and not limits.take(tx, domain, allowed.per_domain_per_minute, now):
            full = domain  # another sender took that place meanwhile
        elif limits.rests(tx, channel, now, allowed.lease):
            full = None
        else:
            return _claimed(tx, row, allowed, sender=sender, now=now)
        step.rollback()
    return None if full is None else Wait(limits.free_at(tx, full) or now)


def _due(channel: str, now: datetime, dialect: str) -> sa.Select[Any]:
    """The longest due message whose recipient's domain has a place now."""
    row = messages.c
    full = sa.select(rate_limits.c.key).where(
        rate_limits.c.key == sa.literal(f"{channel}/").concat(row.domain),
        rate_limits.c.free_at > now,
    )
    query = (
        sa.select(messages)
        .where(
            row.state == "queued", row.channel == channel, row.next_try_at <= now,
            sa.or_(row.not_before.is_(None), row.not_before <= now),
            ~full.exists(),
        )
        .order_by(row.next_try_at, row.id)
        .limit(1)
    )  # fmt: skip
    # Another sender's row is passed over; SQLite has one writer at a time anyway.
    return query.with_for_update(skip_locked=True) if dialect == "postgresql" else query


def _next(tx: sa.Connection, channel: str, now: datetime) -> Wait | None:
    """Whether something waits only for a place of its recipient's domain."""
    row = messages.c
    until = tx.scalar(
        sa.select(sa.func.min(rate_limits.c.free_at))
        .select_from(messages)
        .join(rate_limits, rate_limits.c.key == sa.literal(f"{channel}/").concat(row.domain))
        .where(
            row.state == "queued", row.channel == channel, row.next_try_at <= now,
            rate_limits.c.free_at > now,
        )
    )  # fmt: skip
    return None if until is None else Wait(until)


def _may_go(tx: sa.Connection, row: Any, allowed: Allowed, *, sender: str, now: datetime) -> bool:
    lock(tx, row.unit)
    why, state = why_not(tx, row, now, allowed.rules), "withdrawn"
    if (
        why is None
        and now - max(row.created_at, row.not_before or now - allowed.stale) > allowed.stale
    ):
        why, state = f"it could not go for {allowed.stale.days} days", "parked"
    if why is None:
        return True
    tx.execute(
        messages.update()
        .where(messages.c.id == row.id)
        .values(state=state, why=why, updated_at=now)
    )
    verb = {"withdrawn": "withdraw", "parked": "park"}[state]
    _trace(tx, row, by=sender, now=now, verb=verb, why=why)
    return False


def _claimed(
    tx: sa.Connection, row: Any, allowed: Allowed, *, sender: str, now: datetime
) -> Claimed | Wait:
    done = tx.execute(
        messages.update()
        .where(messages.c.id == row.id, messages.c.state == "queued")
        .values(
            state="sending", claimed_by=sender, lease_until=now + allowed.lease,
            attempts=row.attempts + 1, updated_at=now,
        )
    )  # fmt: skip
    if not done.rowcount:
        return Wait(now)
    _trace(tx, row, by=sender, now=now, verb="claim", attempt=row.attempts + 1)
    return Claimed(row, sender)


def _trace(tx: sa.Connection, row: Any, **facts: Any) -> None:
    audit(tx, subject=f"message {row.id}", customer_id=row.customer_id, **facts)
