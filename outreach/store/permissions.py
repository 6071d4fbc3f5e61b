"""Who may be written to: suppressions, consents, overrides; and the switch that stops it all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from models.errors import WarmlineError
from outreach.ledger import CONSENT, REASONS
from outreach.store.audit import audit
from outreach.store.booked import Rules, too_often
from outreach.store.database import Store
from outreach.store.interactions import closed, happened
from outreach.store.messages import found
from outreach.store.tables import consents, messages, overrides, stops, suppressions
from outreach.words import day, opted_out, suppressed


def suppress(
    store: Store,
    *,
    by: str,
    now: datetime,
    contact_point: str,
    reason: str,
    channel: str | None = None,
    customer_id: str | None = None,
) -> bool:
    """Nobody writes to that contact point any more, on `channel` or (None) at all; whether that
    is new. Raises `WarmlineError` for a reason that is none of `REASONS`."""
    if reason not in REASONS:
        raise WarmlineError(f"{reason!r} is no reason to suppress: use {', '.join(REASONS)}.")
    with store.begin() as tx:
        return suppress_in(
            tx, by=by, now=now, contact_point=contact_point, reason=reason, channel=channel,
            customer_id=customer_id,
        )  # fmt: skip


def suppress_in(
    tx: sa.Connection,
    *,
    by: str,
    now: datetime,
    contact_point: str,
    reason: str,
    channel: str | None = None,
    customer_id: str | None = None,
) -> bool:
    """`suppress`, as part of a transaction."""
    row = suppressions.c
    same = sa.select(row.id).where(
        row.contact_point == contact_point, row.reason == reason, row.lifted_at.is_(None),
        row.channel.is_(None) if channel is None else row.channel == channel,
    )  # fmt: skip
    if tx.execute(same).first() is not None:
        return False
    values = {"contact_point": contact_point, "channel": channel, "reason": reason, "at": now}
    tx.execute(suppressions.insert().values(values))
    audit(
        tx, by=by, now=now, verb="suppress", subject=f"contact point {contact_point}",
        customer_id=customer_id, reason=reason, channel=channel,
    )  # fmt: skip
    for whose in _whose(tx, contact_point) | ({customer_id} if customer_id else set()):
        closed(tx, whose, suppressed(reason, channel, now), now=now, channel=channel)
    return True


def _whose(tx: sa.Connection, contact_point: str) -> set[str]:
    """Customers who were written to there, or are to be."""
    row = messages.c
    query = sa.select(row.customer_id).where(row.contact_point == contact_point).distinct()
    return set(tx.scalars(query))


def lift(store: Store, *, by: str, now: datetime, contact_point: str, why: str) -> int:
    """The contact point may be written to again; how many suppressions that lifted. An erased
    person's is never lifted."""
    row = suppressions.c
    with store.begin() as tx:
        many = tx.execute(
            suppressions.update()
            .where(
                row.contact_point == contact_point,
                row.lifted_at.is_(None),
                row.reason != "erased",
            )
            .values(lifted_at=now)
        ).rowcount
        if many:
            audit(
                tx, by=by, now=now, verb="lift", subject=f"contact point {contact_point}", why=why
            )
        return many


def consent(
    store: Store,
    *,
    by: str,
    now: datetime,
    customer_id: str,
    state: str,
    contact_point: str | None = None,
    channel: str | None = None,
    purpose: str | None = None,
) -> None:
    """What the customer said: `granted`, `refused` or `unknown`; of a contact point, channel or
    purpose, or (None) of whichever. Raises `WarmlineError` for another state."""
    if state not in CONSENT:
        raise WarmlineError(f"{state!r} is no consent: use {', '.join(CONSENT)}.")
    with store.begin() as tx:
        consent_in(
            tx, by=by, now=now, customer_id=customer_id, state=state, contact_point=contact_point,
            channel=channel, purpose=purpose,
        )  # fmt: skip


def consent_in(
    tx: sa.Connection, *, by: str, now: datetime, customer_id: str, state: str, **scope: str | None
) -> None:
    """`consent`, as part of a transaction."""
    tx.execute(consents.insert().values(customer_id=customer_id, state=state, at=now, **scope))
    if state == "refused":
        by_channel, of = scope.get("channel"), scope.get("purpose")
        closed(tx, customer_id, opted_out(by_channel, now), now=now, channel=by_channel, purpose=of)
    named = {name: value for name, value in scope.items() if name != "contact_point"}
    audit(
        tx, by=by, now=now, verb="consent", subject=f"customer {customer_id}",
        customer_id=customer_id, state=state, **named,
    )  # fmt: skip


def override(
    store: Store,
    *,
    by: str,
    now: datetime,
    customer_id: str,
    until: datetime,
    why: str,
    playbook: str | None = None,
) -> None:
    """Somebody knows better until then: by plan nobody contacts them. Raises `WarmlineError` for
    a moment that is past."""
    if until <= now:
        raise WarmlineError(f"{until:%Y-%m-%d} is past: an override lasts until a later day.")
    with store.begin() as tx:
        tx.execute(
            overrides.insert().values(
                customer_id=customer_id, playbook=playbook, until=until, by=by, why=why, at=now
            )
        )
        audit(
            tx, by=by, now=now, verb="override", subject=f"customer {customer_id}",
            customer_id=customer_id, playbook=playbook, until=until.isoformat(),
        )  # fmt: skip
        if playbook is None:
            closed(tx, customer_id, f"{by} knows better until {day(until, UTC)}", now=now)


def unsubscribe(store: Store, *, by: str, now: datetime, message: str) -> bool:
    """Whoever got that message wants no more of them; whether that is new. Raises `WarmlineError`
    where there is none, or it had no address."""
    with store.begin() as tx:
        row = found(tx, message)
        if row.contact_point is None:
            raise WarmlineError(f"Message {row.id} has no address. Nothing was changed.")
        return unsubscribe_in(tx, row, by=by, now=now)


def unsubscribe_in(
    tx: sa.Connection, row: Any, *, by: str, now: datetime, reason: str = "unsubscribe"
) -> bool:
    """`unsubscribe`, as part of a transaction: the contact point of a row of `messages` is closed
    on its channel for that reason, and the refusal is on record."""
    new = suppress_in(
        tx, by=by, now=now, contact_point=row.contact_point, reason=reason, channel=row.channel,
        customer_id=row.customer_id,
    )  # fmt: skip
    if new:
        consent_in(
            tx, by=by, now=now, customer_id=row.customer_id, state="refused",
            contact_point=row.contact_point, channel=row.channel, purpose=None,
        )  # fmt: skip
        happened(tx, "outreach_unsubscribed", row, now=now)
    return new


def stop(store: Store, *, by: str, now: datetime, why: str) -> bool:
    """From the next claim on nothing is sent; whether that is new."""
    with store.begin() as tx:
        if stopped(tx) is not None:
            return False
        tx.execute(stops.insert().values(by=by, why=why, at=now))
        audit(tx, by=by, now=now, verb="stop", subject="sending", why=why)
        return True


def go(store: Store, *, by: str, now: datetime) -> bool:
    """Sending goes on; whether it was stopped."""
    with store.begin() as tx:
        if stopped(tx) is None:
            return False
        tx.execute(
            stops.update().where(stops.c.lifted_at.is_(None)).values(lifted_at=now, lifted_by=by)
        )
        audit(tx, by=by, now=now, verb="go", subject="sending")
        return True


def stopped(tx: sa.Connection) -> Any:
    """The stop that stands (by, why, at); None where sending goes on."""
    query = sa.select(stops.c.by, stops.c.why, stops.c.at).where(stops.c.lifted_at.is_(None))
    return tx.execute(query.order_by(stops.c.id.desc()).limit(1)).one_or_none()


def why_not(tx: sa.Connection, message: Any, now: datetime, rules: Rules) -> str | None:
    """Why that message (a row of `messages`) may not go at `now`; None where it may."""
    if not message.address or not message.contact_point:
        return "it has no address"
    closed_there = shut(
        tx, message.customer_id, [message.contact_point], channel=message.channel,
        purpose=message.purpose, rules=rules, agreed=message.created_at,
    )  # fmt: skip
    return (
        closed_there
        or known_better(tx, message.customer_id, now, playbook=message.playbook)
        or too_often(
            tx, unit=message.unit, contact_points=[message.contact_point], now=now, rules=rules,
            transactional=message.transactional, but=message.id,
        )
    )  # fmt: skip


def shut(
    tx: sa.Connection,
    customer_id: str,
    contact_points: Sequence[str],
    *,
    channel: str,
    purpose: str,
    rules: Rules,
    agreed: datetime | None,
) -> str | None:
    """Why nobody may write there on that channel for that purpose; None where somebody may.

    `agreed`: the moment as of which a plan found the agreement that `rules.opt_in` asks for; None:
    none is known but what was said to outreach itself.
    """
    row = suppressions.c
    reason = tx.scalar(
        sa.select(sa.func.min(row.reason)).where(
            row.contact_point.in_(contact_points), row.lifted_at.is_(None),
            sa.or_(row.channel.is_(None), row.channel == channel),
        )
    )  # fmt: skip
    if reason is not None:
        return f"nobody may write there: {reason}"
    said = _standing(_said(tx, customer_id, contact_points), channel=channel, purpose=purpose)
    states = {row.state for row in said}
    if "refused" in states:
        return "the customer refused"
    if channel not in rules.opt_in or "granted" in states:
        return None
    # What they said since counts for more than what the plan found: it is no agreement any more.
    if agreed is None or any(row.at > agreed for row in said):
        return "the customer has not agreed"
    return None


def known_better(
    tx: sa.Connection, customer_id: str, now: datetime, *, playbook: str | None = None
) -> str | None:
    """Until when somebody knows better than the plan, in words; None where nobody does."""
    asked = overrides.c
    bears = asked.playbook.is_(None) if playbook is None else sa.or_(
        asked.playbook.is_(None), asked.playbook == playbook
    )  # fmt: skip
    until = tx.scalar(
        sa.select(sa.func.max(asked.until)).where(
            asked.customer_id == customer_id, asked.until > now, bears
        )
    )
    return None if until is None else f"somebody knows better until {until:%Y-%m-%d}"


def refused(said: Iterable[Any], *, channel: str, purpose: str) -> bool:
    """Whether a refusal stands among `said` (rows of `consents`, oldest first) for that channel
    and purpose. What is granted lifts a refusal of just the same scope, never a wider one."""
    standing = _standing(said, channel=channel, purpose=purpose)
    return any(row.state == "refused" for row in standing)


def _standing(said: Iterable[Any], *, channel: str, purpose: str) -> list[Any]:
    """The newest word of each scope that covers that channel and purpose."""
    newest = {(row.contact_point, row.channel, row.purpose): row for row in said}
    return [
        row
        for (_, by, what), row in newest.items()
        if by in (None, channel) and what in (None, purpose)
    ]


def _said(tx: sa.Connection, customer_id: str, contact_points: Sequence[str]) -> list[Any]:
    """What was said of those contact points, and by that customer of whichever."""
    row = consents.c
    return list(
        tx.execute(
            sa.select(row.contact_point, row.channel, row.purpose, row.state, row.at)
            .where(
                sa.or_(
                    row.contact_point.in_(contact_points),
                    sa.and_(row.customer_id == customer_id, row.contact_point.is_(None)),
                )
            )
            .order_by(row.at, row.id)
        )
    )
