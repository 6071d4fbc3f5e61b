"""From evidence to candidates: rows of columns become the objects that a decision looks at."""

from __future__ import annotations

import hashlib
import marshal
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from outreach.candidate import Candidate, Effect
from outreach.columns import values
from outreach.decide import Policy
from outreach.evidence import NOBODY, Evidence, sent_of
from outreach.ranking import only_silence, raising
from outreach.triggers import told

if TYPE_CHECKING:
    import pyarrow as pa

_NEEDED = (
    "customer_id", "unit", "play", "evidence_at", "also", "owner_id", "owned_by",
    "preferred_channel", "objects_to_profiling", "case_open_since", "day", "week", "month",
    "last_at", "answered_at", "value_at_risk", "churn_probability", "fading", "reasons", "effects",
)  # fmt: skip

NO_MORE: tuple[Any, ...] = ((), [], NOBODY, None, None)


@dataclass(frozen=True, slots=True)
class Known:
    """A candidate, why the customer is on the list, and a hash of all that is decided on."""

    candidate: Candidate
    why: list[str]
    fingerprint: str


@dataclass(frozen=True)
class Arms:
    """The arm of each unit; where timing is drawn, the day on which the others' turn comes."""

    of_unit: dict[str, str]
    turn: str | None = None


def candidates(rows: pa.Table, evidence: Evidence, policy: Policy, arms: Arms) -> Iterator[Known]:
    """One for each of `rows`, a part of `evidence.rows`."""
    columns = (values(rows[name]) for name in _NEEDED)
    for row in zip(*columns, strict=True):
        yield _known(row, evidence, policy, arms)


def effect_of(effects: list[dict[str, Any]] | None, playbook: str) -> Effect | None:
    """What is learned of the playbook's effect on one customer."""
    for each in effects or ():
        if each["playbook"] == playbook:
            return Effect(each["effect"], each["low"], each["high"])
    return None


def _known(row: tuple[Any, ...], evidence: Evidence, policy: Policy, arms: Arms) -> Known:
    (who, unit, play, at, also, owner, owned_by, prefers, objects, case, day, week, month, last,
     answered, risk, probability, fading, reasons, effects) = row  # fmt: skip
    book = policy.playbooks.plays[play]
    closed = evidence.permission.closed_to(who, book.purpose)
    granted = evidence.permission.granted_to(who, book.purpose)
    here = NOBODY if book.transactional else evidence.sent_here.get(who, NOBODY)
    override = evidence.override(who, book.name) if evidence.overrides else None
    shown = evidence.shown.get((who, book.name)) if evidence.shown else None
    candidate = Candidate(
        who, book, at, owner, prefers, objects, closed, granted, case,
        sent_of(day, week, month, last), here, answered, override, shown,
        effect_of(effects, book.name),
        risk / probability if risk is not None and probability else None,
        fading, only_silence(reasons), None, arms.of_unit.get(unit, "treat"), arms.turn,
    )  # fmt: skip
    why = _why(at, also, reasons, policy, play)
    if owned_by != owner:
        why.append(f"{owned_by} is away" + (f": with {owner}" if owner else ": in the queue"))
    if who in evidence.gone:
        why.append(evidence.gone[who])
    few = (closed, sorted(granted), here, override, shown)
    return Known(candidate, why, _fingerprint(book.name, row, few))


def _fingerprint(playbook: str, row: tuple[Any, ...], few: tuple[Any, ...]) -> str:
    """SHA-256 of all that is decided on. `few` is nothing of most customers."""
    plain = [each.timestamp() if isinstance(each, datetime) else each for each in row]
    told = "" if few == NO_MORE else repr(few)
    # Version 2 of marshal: the same values, the same bytes; a sixth of the time of `repr`.
    return hashlib.sha256(marshal.dumps((playbook, plain, told), 2)).hexdigest()


def _why(at: datetime | None, also: int, reasons: Any, policy: Policy, play: int) -> list[str]:
    """The playbook's fact, what raises the risk, and which other playbooks fit."""
    plays = policy.playbooks.plays
    fact = told(plays[play], at, policy.day(at)) if at is not None else ""
    why = [fact] if fact and not plays[play].refers else []
    why += raising(reasons)
    if not also:
        return why
    others = [other.title for n, other in enumerate(plays) if also >> n & 1 and other.trigger.fact]
    return [*why, f"also: {', '.join(others)}"] if others else why
