"""Whether to contact a customer tonight, and every reason why not. Pure: the same in, the same out.

Gates are looked at in order and all that hold are told. Two come after all others, each only when
nothing before it holds: tonight's capacity, and last the arm of the experiment, so that who would
have been contacted is on record for both arms alike.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from functools import cached_property

from models.settings import Plan
from outreach.candidate import Candidate
from outreach.gates import CAPACITY, CONTROL, ERASURE, GATES, LAST_GATES, Gate, channel_of
from outreach.playbooks import Playbooks
from outreach.triggers import told
from outreach.words import day

# Raise it with every change to what `decide` answers: it is part of the policy's version.
RULES = 3


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
    playbooks: Playbooks = field(default_factory=Playbooks.load)

    @cached_property
    def version(self) -> str:
        """Names rules, settings and playbooks: the same ones, the same name."""
        gates = [gate.name for gate in (*GATES, *LAST_GATES)]
        settings = self.settings.model_dump(mode="json")
        text = json.dumps([RULES, gates, settings, self.playbooks.version], sort_keys=True)
        return f"{RULES}-{hashlib.sha256(text.encode()).hexdigest()[:10]}"

    @cached_property
    def needs_consent(self) -> bool:
        """Whether any channel is closed to who has not agreed."""
        return self.settings.consent == "opt_in" or bool(self.settings.opt_in_channels)

    def asks(self, channel: str) -> bool:
        """Whether `channel` is open only to who has agreed."""
        return self.settings.consent == "opt_in" or channel in self.settings.opt_in_channels

    def day(self, at: datetime) -> str:
        """The date of `at` in words, such as 3 March 2026."""
        return day(at, self.zone)


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
    return screened(candidate, policy, now) or settled(candidate, policy, now)


def screened(candidate: Candidate, policy: Policy, now: datetime) -> Hold | Refer | None:
    """What is decided before tonight's capacity and the arm are looked at; None: nothing yet."""
    if candidate.playbook.refers:
        gone = _look(ERASURE, candidate, policy, now)
        return Hold(candidate.customer_id, gone) if gone else _referred(candidate, policy)
    found = [(gate.name, gate.held(candidate, policy, now)) for gate in GATES]
    held = tuple(Held(name, words) for name, words in found if words is not None)
    return Hold(candidate.customer_id, held) if held else None


def settled(candidate: Candidate, policy: Policy, now: datetime) -> Contact | Hold:
    """What is decided of whom no other gate holds: first by capacity, last by the arm."""
    if candidate.full is not None:
        return full(candidate.customer_id, candidate.full)
    if held := _look(CONTROL, candidate, policy, now):
        return Hold(candidate.customer_id, held)
    # Without a way to them a gate on the way there would have held.
    way = channel_of(candidate, policy) or candidate.ways[0]
    return Contact(candidate.customer_id, candidate.playbook.name, way)


def full(customer_id: str, words: str) -> Hold:
    """Held by capacity alone: `words` say whose is used up."""
    return Hold(customer_id, (Held(CAPACITY.name, words),))


def eligible(decision: Decision) -> bool:
    """Whether all that was left to look at was the arm: they take a place of tonight's capacity in
    either arm, so that eligibility hangs on no draw."""
    if isinstance(decision, Hold):
        return decision.held[0].gate == CONTROL.name
    return isinstance(decision, Contact)


def _referred(candidate: Candidate, policy: Policy) -> Refer:
    at = candidate.evidence_at
    reason = told(candidate.playbook, at, policy.day(at) if at else "")
    return Refer(candidate.customer_id, candidate.owner_id, reason)


def _look(gate: Gate, candidate: Candidate, policy: Policy, now: datetime) -> tuple[Held, ...]:
    words = gate.held(candidate, policy, now)
    return () if words is None else (Held(gate.name, words),)
