"""The gates of a decision: each one rule that may hold a customer back, and says why in words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from models.contracts import OBJECTS
from outreach.candidate import ERASED, PASSED, REFUSED, Candidate, Closed
from outreach.frequency import above
from outreach.words import suppressed

if TYPE_CHECKING:
    from outreach.decide import Policy


@dataclass(frozen=True, slots=True)
class Gate:
    """One rule that may hold a customer back: `held` gives the reason in words, else None."""

    name: str
    held: Callable[[Candidate, Policy, datetime], str | None]


def channel_of(candidate: Candidate, policy: Policy) -> str | None:
    """Where to reach them: the first way that is neither closed nor lacks consent; None if none."""
    if not candidate.closed and not policy.needs_consent:
        return candidate.ways[0]
    shut = {closed.channel for closed in candidate.closed}
    if None in shut:
        return None
    return next(
        (way for way in candidate.ways if way not in shut and _agreed(candidate, policy, way)), None
    )


def erased(candidate: Candidate, policy: Policy, now: datetime) -> str | None:
    if not candidate.closed:
        return None
    gone = any(closed.why == ERASED for closed in candidate.closed)
    return "was erased: is never contacted" if gone else None


def _objects(candidate: Candidate, policy: Policy, now: datetime) -> str | None:
    return OBJECTS if candidate.objects_to_profiling else None


def _suppressed(candidate: Candidate, policy: Policy, now: datetime) -> str | None:
    if not candidate.closed or channel_of(candidate, policy) is not None:
        return None
    found = [closed for closed in candidate.closed if closed.why not in (REFUSED, ERASED)]
    words = (
        suppressed(closed.why, closed.channel, closed.at, policy.zone)
        for closed in sorted(found, key=_order)
    )
    return f"cannot be reached by {'; '.join(words)}" if found else None


def _opted_out(candidate: Candidate, policy: Policy, now: datetime) -> str | None:
    if not candidate.closed or channel_of(candidate, policy) is not None:
        return None
    refused = sorted((c for c in candidate.closed if c.why == REFUSED), key=_order)
    if not refused:
        return None
    of_all = [policy.day(closed.at) for closed in refused if closed.channel is None]
    if of_all:
        return f"opted out of contact on {of_all[-1]}"
    ways = dict.fromkeys(f"{closed.channel} on {policy.day(closed.at)}" for closed in refused)
    return f"opted out of {', '.join(ways)}"


def _no_consent(candidate: Candidate, policy: Policy, now: datetime) -> str | None:
    if not policy.needs_consent or channel_of(candidate, policy) is not None:
        return None
    lacking = [way for way in candidate.ways if not _agreed(candidate, policy, way)]
    purpose = candidate.playbook.purpose
    return f"has not agreed to {purpose} by {' or '.join(lacking)}" if lacking else None


def _open_case(candidate: Candidate, policy: Policy, now: datetime) -> str | None:
    since = candidate.case_open_since
    if since is None or candidate.playbook.despite_open_case:
        return None
    return f"has an open case since {policy.day(since)}"


def _too_often(candidate: Candidate, policy: Policy, now: datetime) -> str | None:
    settings = policy.settings
    caps = settings.transactional_caps if candidate.playbook.transactional else settings.caps
    words = above(candidate.sent, caps, policy.zone)
    if words:
        return f"was contacted {words}"
    here = above(candidate.sent_here, caps, policy.zone)
    return f"the same address was written to {here}" if here else None


def _answered(candidate: Candidate, policy: Policy, now: datetime) -> str | None:
    at, days = candidate.answered_at, policy.settings.cool_down_days
    # What is owed is owed to who answered, too: a low mark is an answer.
    if at is None or not candidate.playbook.randomised or now - at >= timedelta(days=days):
        return None
    return f"answered on {policy.day(at)} ({days} days of rest)"


def _known_better(candidate: Candidate, policy: Policy, now: datetime) -> str | None:
    said = candidate.override
    if said is None or said.until <= now:
        return None
    because = f": {said.why}" if said.why else ""
    return f"{said.by} knows better until {policy.day(said.until)}{because}"


def _nothing_new(candidate: Candidate, policy: Policy, now: datetime) -> str | None:
    shown = candidate.shown
    if shown is None or shown.state not in ("closed", "snoozed") or shown.closed_as == PASSED:
        return None
    new, seen = candidate.evidence_at, shown.evidence_at or shown.since
    if new is not None and new > seen:
        return None
    left = (shown.closed_as or shown.state).replace("_", " ")
    return f"{left} since {policy.day(shown.since)}, and nothing new has happened"


def _harm(candidate: Candidate, policy: Policy, now: datetime) -> str | None:
    effect = candidate.effect
    if effect is not None:
        if effect.effect <= 0:
            return None
        return (
            f"contact is likely to harm: it raises the risk by {100 * effect.effect:.1f} of 100 "
            f"({100 * effect.low:.1f} to {100 * effect.high:.1f})"
        )
    # No effect is learned yet: who is only silent, and no longer than usual, is left in peace.
    if candidate.playbook.randomised and candidate.only_silence and _within(candidate.fading):
        return "is only silent, and no longer than usual for them: contact could harm"
    return None


def _low_value(candidate: Candidate, policy: Policy, now: datetime) -> str | None:
    saved, least = candidate.saved, policy.settings.min_saved_value
    if saved is None or not candidate.playbook.randomised or saved >= least:
        return None
    return f"a contact is expected to save {saved:,.0f} ({least:,.0f} at least)"


def _full(candidate: Candidate, policy: Policy, now: datetime) -> str | None:
    return candidate.full


def _control(candidate: Candidate, policy: Policy, now: datetime) -> str | None:
    if candidate.arm != "control" or not candidate.playbook.randomised:
        return None
    if candidate.turn is not None:
        return f"their turn, drawn by lot, comes on {candidate.turn}"
    return "in the control group"


def _agreed(candidate: Candidate, policy: Policy, way: str) -> bool:
    return not policy.asks(way) or way in candidate.granted


def _within(fading: float | None) -> bool:
    return fading is not None and fading < 1


def _order(closed: Closed) -> tuple[str, datetime]:
    return closed.channel or "", closed.at


ERASURE = Gate("erased", erased)
CAPACITY = Gate("capacity", _full)
CONTROL = Gate("control", _control)
# In this order (issue 7); all that hold are told.
GATES = (
    ERASURE,
    Gate("objection", _objects),
    Gate("suppressed", _suppressed),
    Gate("opted_out", _opted_out),
    Gate("no_consent", _no_consent),
    Gate("open_case", _open_case),
    Gate("too_often", _too_often),
    Gate("answered", _answered),
    Gate("known_better", _known_better),
    Gate("nothing_new", _nothing_new),
    Gate("harm", _harm),
    Gate("low_value", _low_value),
)
# Those that close for good what was written before, and what was to be done.
REFUSALS = ("erased", "objection", "suppressed", "opted_out", "no_consent")
# Each only where nothing before it holds.
LAST_GATES = (CAPACITY, CONTROL)
