"""A scored customer as a decision sees them: facts as of the night, nothing looked up later."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

# What a person can reach a customer by on the customer's behalf; public and automatic channels
# are not among them.
REACHABLE = ("email", "phone", "chat", "sms", "app", "in_person")
# Tried in turn where the preferred channel is unknown or refused: a call is a task for the owner,
# who can judge before dialling; an e-mail is the least intrusive that is left.
OTHERWISE = ("phone", "email")


@dataclass(frozen=True, slots=True)
class Refusal:
    """The customer said no for our purpose. `channel` None: on every channel."""

    channel: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Candidate:
    """One customer on the way to a decision. Instants carry a time zone."""

    customer_id: str
    owner_id: str | None = None
    band: str = "high"
    preferred_channel: str | None = None
    objects_to_profiling: bool = False
    refusals: tuple[Refusal, ...] = ()
    case_open_since: datetime | None = None  # the oldest of the open ones
    last_contact_at: datetime | None = None
    complaint_at: datetime | None = None  # the oldest that nobody answered
    place: int = 0  # how many ranked above take some of tonight's capacity
    arm: str = "treat"  # as drawn; looked at last

    @property
    def channel(self) -> str | None:
        """Where to reach them: as they prefer, else by the owner's call; None if all is refused."""
        refused = {refusal.channel for refusal in self.refusals}
        if None in refused:
            return None
        preferred = (self.preferred_channel,) if self.preferred_channel in REACHABLE else ()
        return next((way for way in (*preferred, *OTHERWISE) if way not in refused), None)
