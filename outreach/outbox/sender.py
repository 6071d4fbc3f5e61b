"""A sender: claims, delivers and marks one message after the other. Any number may run at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from outreach.channels import Outgoing, Refused, Result, Transport, Unknown, Unsendable
from outreach.outbox.claim import Allowed, Claimed, Wait, claim
from outreach.outbox.settle import Retries, orphans, settle
from outreach.store.database import Store

_SHORTEST_WAIT = timedelta(milliseconds=10)


@dataclass(frozen=True)
class Lane:
    """A channel with its way out and what it is allowed."""

    transport: Transport
    allowed: Allowed


@dataclass(frozen=True)
class Sender:
    """`clock` tells the time, `sleep` waits so many seconds. `redirect_to`: where all goes
    instead. `unsubscribe` gives a message's link. `going` says whether to begin another one."""

    store: Store
    name: str
    lanes: Mapping[str, Lane]
    retries: Retries
    clock: Callable[[], datetime]
    sleep: Callable[[float], None]
    redirect_to: str = ""
    unsubscribe: Callable[[Outgoing], str | None] = lambda message: None
    going: Callable[[], bool] = lambda: True

    def send_due(self, most: int | None = None) -> Counter[str]:
        """Sends what is due on every channel, waiting for its rate, and counts what became of it;
        about `most` messages at most."""
        again = [name for name, lane in self.lanes.items() if lane.transport.repeatable]
        orphaned = orphans(self.store, by=self.name, now=self.clock(), repeatable=again)
        count: Counter[str] = Counter()
        left = list(self.lanes)
        while left and self.going() and (most is None or count.total() < most):
            # In turn, so that a channel that waits for its rate holds up no other.
            became = {channel: self.send_one(channel) for channel in left}
            left = [channel for channel, what in became.items() if what is not None]
            count.update(what for what in became.values() if isinstance(what, str))
            waits = [what for what in became.values() if isinstance(what, Wait)]
            if waits and len(waits) == len(left):
                self._wait_for(min(wait.until for wait in waits))
        count["orphaned"] = orphaned
        return +count

    def send_one(self, channel: str) -> str | Wait | None:
        """Claims one due message, delivers it, records what became of it: `sent`, `later`,
        `refused`, `unknown`. None when none may go now."""
        lane = self.lanes[channel]
        claimed = claim(self.store, channel, lane.allowed, sender=self.name, now=self.clock())
        if not isinstance(claimed, Claimed):
            return claimed
        # A crash from here to `settle` leaves the claim: `in_doubt`, for a person to settle.
        result = self._deliver(claimed, lane.transport)
        settle(
            self.store, claimed, result, self.retries, now=self.clock(),
            redirected=bool(self.redirect_to),
        )  # fmt: skip
        return type(result).__name__.lower()

    def _deliver(self, claimed: Claimed, transport: Transport) -> Result:
        try:
            return transport.deliver(self._outgoing(claimed))
        except Unsendable as error:
            return Refused(str(error))
        except Exception as error:  # whatever it is, nobody knows how far it came
            return Unknown(f"{type(error).__name__} while sending: it may have gone")

    def _outgoing(self, claimed: Claimed) -> Outgoing:
        message = Outgoing.of(claimed.row, self.clock())
        message = replace(message, unsubscribe_url=self.unsubscribe(message))
        if self.redirect_to:
            return replace(message, address=self.redirect_to, name=None)
        return message

    def _wait_for(self, until: datetime) -> None:
        self.sleep(max(until - self.clock(), _SHORTEST_WAIT).total_seconds())
