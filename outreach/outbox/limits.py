"""How fast a channel may be written to, and when it rests. Shared by all senders, in the store."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from outreach.store.audit import audit, insert_new
from outreach.store.tables import breakers, rate_limits

# A channel that fails so often in a row is down, not unlucky.
FAILURES = 5
_FIRST_REST = timedelta(minutes=1)
_LONGEST_REST = timedelta(hours=1)
MINUTE = 60.0


def take(tx: sa.Connection, key: str, per_minute: int, now: datetime) -> bool:
    """Takes the next place of `key` where one is free: places lie a minute / `per_minute` apart,
    so that no window of a minute holds more. 0: there is no limit."""
    if not per_minute:
        return True
    then = now + timedelta(seconds=MINUTE / per_minute)
    row = rate_limits.c
    insert_new(tx, rate_limits, [{"key": key, "free_at": now}])
    taken = tx.execute(
        rate_limits.update().where(row.key == key, row.free_at <= now).values(free_at=then)
    )
    return bool(taken.rowcount)


def free_at(tx: sa.Connection, key: str) -> datetime | None:
    """From when on `key` has a place; None where it has one."""
    return tx.scalar(sa.select(rate_limits.c.free_at).where(rate_limits.c.key == key))


def rests(tx: sa.Connection, channel: str, now: datetime, lease: timedelta) -> bool:
    """Whether the channel rests.

    After a rest one attempt goes ahead: the others rest on until its lease has passed.
    """
    row = breakers.c
    found = _of(tx, channel)
    if found is None or found.failures < FAILURES:
        return False
    if found.open_until > now:
        return True
    probe = breakers.update().where(row.channel == channel, row.open_until == found.open_until)
    return not tx.execute(probe.values(open_until=now + lease)).rowcount


def failed(tx: sa.Connection, channel: str, *, by: str, now: datetime, why: str) -> None:
    """One more failure of the channel itself; from `FAILURES` on it rests, longer each time."""
    insert_new(tx, breakers, [{"channel": channel, "failures": 0}])
    row = breakers.c
    tx.execute(
        breakers.update().where(row.channel == channel).values(failures=row.failures + 1, why=why)
    )
    failures = _of(tx, channel).failures
    if failures >= FAILURES:
        rest = min(_FIRST_REST * 2 ** min(failures - FAILURES, 10), _LONGEST_REST)
        tx.execute(breakers.update().where(row.channel == channel).values(open_until=now + rest))
        audit(
            tx, by=by, now=now, verb="rest", subject=f"channel {channel}", why=why,
            until=(now + rest).isoformat(),
        )  # fmt: skip


def worked(tx: sa.Connection, channel: str, *, by: str, now: datetime) -> None:
    """The channel works: what failed before no longer counts."""
    row = breakers.c
    healed = breakers.update().where(row.channel == channel, row.failures > 0)
    if tx.execute(healed.values(failures=0, open_until=None, why=None)).rowcount:
        audit(tx, by=by, now=now, verb="recover", subject=f"channel {channel}")


def _of(tx: sa.Connection, channel: str) -> Any:
    return tx.execute(sa.select(breakers).where(breakers.c.channel == channel)).one_or_none()
