"""A customer for whom a playbook fires, as a decision sees them: facts as of the night."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from outreach.playbooks import REACHABLE, Playbook

ERASED = "erased"
REFUSED = "refused"
PASSED = "passed"  # how an item ends by itself; should what it was about come again, it returns


@dataclass(frozen=True, slots=True)
class Closed:
    """A way that is closed to us. `channel` None: all of them.

    `why`: `refused` (a consent), or the reason of a suppression (`outreach.ledger.REASONS`).
    """

    channel: str | None
    why: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Sent:
    """How often somebody was written to or called, up to the night; all over rolling windows."""

    day: int = 0  # 24 hours
    week: int = 0  # 7 days
    month: int = 0  # 30 days
    last_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Effect:
    """What the playbook does to the probability of leaving: below zero, it keeps customers."""

    effect: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Override:
    """Somebody knows better until a day."""

    by: str
    until: datetime
    why: str


@dataclass(frozen=True, slots=True)
class Shown:
    """The work item about the same, as it was left."""

    state: str
    closed_as: str | None
    since: datetime
    evidence_at: datetime | None


@dataclass(frozen=True, slots=True)
class Candidate:
    """One customer on the way to a decision. Instants carry a time zone."""

    customer_id: str
    playbook: Playbook
    evidence_at: datetime | None = None  # of the dated fact that the playbook fired on
    owner_id: str | None = None  # who works it: a delegate where the owner is away
    preferred_channel: str | None = None
    objects_to_profiling: bool = False
    closed: tuple[Closed, ...] = ()  # ways closed to this playbook's purpose
    granted: frozenset[str] = frozenset()  # channels on which its purpose was agreed to
    case_open_since: datetime | None = None  # the oldest of the open ones
    sent: Sent = Sent()  # to the household or parent account, of the playbook's kind
    sent_here: Sent = Sent()  # to the same contact points, whoever's
    answered_at: datetime | None = None
    override: Override | None = None
    shown: Shown | None = None
    effect: Effect | None = None
    value_at_stake: float | None = None  # what would be lost, in the home's currency
    fading: float | None = None  # the present gap over the customer's own usual one
    only_silence: bool = False  # no other sign raises the risk
    full: str | None = None  # whose capacity tonight is used up, in words; looked at after that
    arm: str = "treat"  # as drawn; looked at last
    turn: str | None = None  # where timing is drawn: the day from which it is theirs, in words

    @property
    def ways(self) -> tuple[str, ...]:
        """Channels in the order tried: the preferred one, then the playbook's. A survey goes only
        where the playbook sends it."""
        ways, first = self.playbook.channels, self.preferred_channel
        if first in REACHABLE and (first in ways or not self.playbook.survey):
            return (first, *(way for way in ways if way != first))
        return ways

    @property
    def saved(self) -> float | None:
        """What a contact is expected to save; None until an effect has been learned."""
        if self.effect is None or self.value_at_stake is None:
            return None
        return -self.effect.effect * self.value_at_stake
