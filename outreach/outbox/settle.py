"""What became of a claimed message, and of those whose sender died."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from outreach.channels import Later, Refused, Result, Sent, Unknown
from outreach.outbox import limits
from outreach.outbox.claim import Claimed
from outreach.store.audit import audit
from outreach.store.database import Store
from outreach.store.interactions import closed, happened
from outreach.store.permissions import suppress_in
from outreach.store.tables import messages
from outreach.words import day

_LONGEST_WAIT = 4 * 3600.0  # seconds
DIED = "its sender died while sending: it may have gone"


@dataclass(frozen=True)
class Retries:
    """How often a message is tried, and how long is waited: doubling, with full jitter on half of
    it, so that what failed together does not come back together (Brooker, "Exponential Backoff
    And Jitter", AWS 2015). `draw` gives a number from 0 to 1."""

    most: int
    first_wait: timedelta
    draw: Callable[[], float]

    def wait(self, attempt: int, asked: float | None) -> timedelta:
        """Until the attempt after the `attempt`-th; never shorter than the other side `asked`."""
        longest = min(self.first_wait.total_seconds() * 2 ** min(attempt - 1, 20), _LONGEST_WAIT)
        return timedelta(seconds=max(longest * (0.5 + self.draw() / 2), asked or 0))


def settle(
    store: Store,
    claimed: Claimed,
    result: Result,
    retries: Retries,
    *,
    now: datetime,
    redirected: bool = False,
) -> bool:
    """Marks what became of it; False where it is no longer this sender's to mark."""
    row = claimed.row
    attempt = row.attempts + 1
    to = _after(result, attempt, retries, now)
    with store.begin() as tx:
        mine = tx.execute(
            messages.update()
            .where(
                messages.c.id == row.id, messages.c.claimed_by == claimed.sender,
                messages.c.attempts == attempt, messages.c.state.in_(("sending", "in_doubt")),
            )
            .values(
                updated_at=now, lease_until=None,
                redirected=redirected and isinstance(result, Sent), **to,
            )
        )  # fmt: skip
        if not mine.rowcount:
            return False
        _trace(tx, row, by=claimed.sender, now=now, verb=to["state"], why=to["why"])
        _told(tx, row, result, by=claimed.sender, now=now, redirected=redirected)
    return True


def _after(result: Result, attempt: int, retries: Retries, now: datetime) -> dict[str, Any]:
    """The columns that change."""
    if isinstance(result, Sent):
        return {"state": "sent", "why": None, "sent_at": now, "remote_id": result.remote_id}
    if isinstance(result, Unknown):
        return {"state": "in_doubt", "why": result.why}
    if isinstance(result, Refused):
        return {"state": "parked", "why": result.why}
    # While the channel is down the message is not to blame: it is not counted against it.
    if attempt >= retries.most and not result.down:
        return {"state": "parked", "why": f"tried {attempt} times: {result.why}"}
    wait = retries.wait(attempt, result.after)
    counted = attempt - result.down
    return {"state": "queued", "why": result.why, "next_try_at": now + wait, "attempts": counted}


def _told(
    tx: sa.Connection, row: Any, result: Result, *, by: str, now: datetime, redirected: bool
) -> None:
    """What the result says of the channel and of the recipient."""
    if isinstance(result, Later) and result.down:
        limits.failed(tx, row.channel, by=by, now=now, why=result.why)
    elif isinstance(result, Sent):
        limits.worked(tx, row.channel, by=by, now=now)
    if isinstance(result, Sent) and not redirected:
        happened(tx, "outreach_sent", row, now=now)
        if not row.transactional:
            closed(tx, row.customer_id, f"was contacted on {day(now, UTC)}", now=now)
    if isinstance(result, Refused) and result.bounced and not redirected:
        happened(tx, "outreach_bounced", row, now=now)
        suppress_in(
            tx, by=by, now=now, contact_point=row.contact_point, reason="bounce",
            channel=row.channel, customer_id=row.customer_id,
        )  # fmt: skip


def orphans(store: Store, *, by: str, now: datetime, repeatable: Collection[str] = ()) -> int:
    """Messages whose lease ran out are in doubt; on `repeatable` channels they are tried again.
    How many there were."""
    row = messages.c
    query = sa.select(messages).where(row.state == "sending", row.lease_until < now)
    with store.read() as tx:
        if tx.execute(query.limit(1)).first() is None:
            return 0
    with store.begin() as tx:
        found = tx.execute(query.with_for_update(skip_locked=True)).all()
        for one in found:
            again = one.channel in repeatable
            to = {"state": "queued", "next_try_at": now} if again else {"state": "in_doubt"}
            tx.execute(
                messages.update()
                .where(row.id == one.id, row.state == "sending")
                .values(updated_at=now, why=DIED, **to)
            )
            _trace(tx, one, by=by, now=now, verb=to["state"], why=DIED)
    return len(found)


def _trace(tx: sa.Connection, row: Any, **facts: Any) -> None:
    audit(tx, subject=f"message {row.id}", customer_id=row.customer_id, **facts)
