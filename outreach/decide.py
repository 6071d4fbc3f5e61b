"""Whether to contact a customer tonight, and every reason why not. Pure: the same in, the same out.

Gates are looked at in order and all that hold are told. Two come after all others, each only when
nothing before it holds: tonight's capacity, and last the arm of the experiment, so that who would
have been contacted is on record for both arms alike.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from models.contracts import BANDS
from models.settings import Plan
from outreach.candidate import Candidate

CHECK_IN = "check-in"  # the one playbook until there are more
# Raise it with every change to what `decide` answers: it is part of the policy's version.
RULES = 1


@dataclass(frozen=True, slots=True)
class Gate:
    """One rule that may hold a customer back: `held` gives the reason in words, else None."""

    name: str
    held: Callable[[Candidate, Policy, datetime], str | None]


@dataclass(frozen=True, slots=True)
class Held:
    """A gate that held, and why, in a sentence for the success manager."""

    gate: str
    words: str


@dataclass(frozen=True)
class Policy:
    """What the home allows. Dates in reasons are written in `zone`."""

    settings: Plan
    zone: tzinfo = UTC

    @property
    def version(self) -> str:
        """Names the rules and the settings: the same rules and settings, the same name."""
        gates = [gate.name for gate in (*GATES, *LAST_GATES)]
        text = json.dumps([RULES, gates, self.settings.model_dump()], sort_keys=True)
        return f"{RULES}-{hashlib.sha256(text.encode()).hexdigest()[:10]}"

    def day(self, at: datetime) -> str:
        """The date of `at` in words, such as 3 March 2026."""
        there = at.astimezone(self.zone)
        return f"{there.day} {there:%B %Y}"


@dataclass(frozen=True, slots=True)
class Contact:
    """Check in with them."""

    customer_id: str
    playbook: str
    channel: str


@dataclass(frozen=True, slots=True)
class Hold:
    """Leave them alone tonight."""

    customer_id: str
    held: tuple[Held, ...]

    @property
    def reasons(self) -> list[str]:
        return [held.words for held in self.held]


@dataclass(frozen=True, slots=True)
class Refer:
    """A person has to see to it, above all else; never withheld by an experiment."""

    customer_id: str
    to: str | None
    reason: str


Decision = Contact | Hold | Refer


def decide(candidate: Candidate, policy: Policy, now: datetime) -> Decision:
    """What to do about `candidate` at `now`."""
    if candidate.complaint_at is not None:
        since = policy.day(candidate.complaint_at)
        reason = f"complaint of {since} without an answer"
        return Refer(candidate.customer_id, to=candidate.owner_id, reason=reason)
    held = _look(GATES, candidate, policy, now)
    for gate in LAST_GATES:
        held = held or _look((gate,), candidate, policy, now)
    channel = None if held else candidate.channel
    if channel is None:
        return Hold(candidate.customer_id, held)
    return Contact(candidate.customer_id, CHECK_IN, channel)


def eligible(decision: Decision) -> bool:
    """Whether the customer takes part in the experiment: all that was left to look at was the arm.

    They take a place of tonight's capacity in either arm, so that eligibility hangs on no draw.
    """
    if isinstance(decision, Hold):
        return decision.held[0].gate == CONTROL.name
    return isinstance(decision, Contact)


def _look(
    gates: Sequence[Gate], candidate: Candidate, policy: Policy, now: datetime
) -> tuple[Held, ...]:
    held = []
    for gate in gates:
        words = gate.held(candidate, policy, now)
        if words is not None:
            held.append(Held(gate.name, words))
    return tuple(held)


def _objects(candidate: Candidate, policy: Policy, now: datetime) -> str | None:
    return "objects to profiling" if candidate.objects_to_profiling else None


def _opted_out(candidate: Candidate, policy: Policy, now: datetime) -> str | None:
    if not candidate.refusals or candidate.channel is not None:
        return None
    refusals = sorted(candidate.refusals, key=lambda refusal: (refusal.channel or "", refusal.at))
    of_all = [policy.day(refusal.at) for refusal in refusals if refusal.channel is None]
    if of_all:
        return f"opted out of contact on {of_all[-1]}"
    ways = (f"{refusal.channel} on {policy.day(refusal.at)}" for refusal in refusals)
    return f"opted out of {', '.join(ways)}"


def _open_case(candidate: Candidate, policy: Policy, now: datetime) -> str | None:
    since = candidate.case_open_since
    return None if since is None else f"has an open case since {policy.day(since)}"


def _contacted_lately(candidate: Candidate, policy: Policy, now: datetime) -> str | None:
    at, days = candidate.last_contact_at, policy.settings.cool_down_days
    if at is None or now - at >= timedelta(days=days):
        return None
    return f"was contacted on {policy.day(at)} ({days} days between contacts)"


def _low_risk(candidate: Candidate, policy: Policy, now: datetime) -> str | None:
    lowest = policy.settings.min_band
    if BANDS.index(candidate.band) >= BANDS.index(lowest):
        return None
    return f"risk is {candidate.band} (contact begins at {lowest})"


def _capacity(candidate: Candidate, policy: Policy, now: datetime) -> str | None:
    tonight = policy.settings.capacity
    return None if candidate.place < tonight else f"beyond tonight's capacity of {tonight}"


def _control(candidate: Candidate, policy: Policy, now: datetime) -> str | None:
    return "in the control group" if candidate.arm == "control" else None


CONTROL = Gate("control", _control)
GATES = (
    Gate("objection", _objects),
    Gate("opted_out", _opted_out),
    Gate("open_case", _open_case),
    Gate("contacted_lately", _contacted_lately),
    Gate("low_risk", _low_risk),
)
LAST_GATES = (Gate("capacity", _capacity), CONTROL)
