"""From evidence to candidates: rows of columns become the objects that a decision looks at.

What is told of a row, why it is on the list and what it was decided on, comes from the columns.
"""

from __future__ import annotations

import hashlib
import marshal
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from outreach.assign import Draw
from outreach.candidate import Candidate, Effect
from outreach.columns import plain, values
from outreach.decide import Policy
from outreach.evidence import NOBODY, Evidence, sent_of
from outreach.playbooks import Playbook
from outreach.ranking import only_silence, raising
from outreach.triggers import told

if TYPE_CHECKING:
    import pyarrow as pa

# What is decided on, and so fingerprinted, of each row.
_FACTS = (
    "customer_id", "unit", "play", "evidence_at", "also", "owner_id", "owned_by",
    "preferred_channel", "objects_to_profiling", "case_open_since", "day", "week", "month",
    "last_at", "answered_at", "value_at_risk", "churn_probability", "fading", "reasons", "effects",
)  # fmt: skip


def candidates(
    rows: pa.Table, evidence: Evidence, policy: Policy, draw: Draw
) -> Iterator[Candidate]:
    """One for each of `rows`, a part of `evidence.rows`. `draw` has the arms of all."""
    columns = (values(rows[name]) for name in _FACTS)
    arms = draw.on_record(rows["unit"].to_pylist())
    for arm, row in zip(arms, zip(*columns, strict=True), strict=True):
        yield _candidate(row, evidence, policy, arm, draw.turn)


def fingerprints(rows: pa.Table, evidence: Evidence, policy: Policy) -> list[str]:
    """SHA-256 of all that is decided on, of each of `rows`: the same facts, the same one."""
    plays = policy.playbooks.plays
    columns = [plain(rows[name]) for name in _FACTS]
    few = evidence.few
    found = []
    for figures, row in zip(plain(rows["figures"]), zip(*columns, strict=True), strict=True):
        who, book = row[0], plays[row[2]]
        beside = repr(_beside(who, book, evidence)) if who in few else ""
        more = (figures,) if figures else ()
        # Version 2 of marshal: the same values, the same bytes; a sixth of the time of `repr`.
        facts = marshal.dumps((book.name, row, beside, *more), 2)
        found.append(hashlib.sha256(facts).hexdigest())
    return found


def whys(rows: pa.Table, evidence: Evidence, policy: Policy) -> list[list[str]]:
    """Why each of `rows` is on the list, in words: the playbook's fact and figures, what raises the
    risk, which other playbooks fit, and who stands in for whom."""
    names = (
        "customer_id", "play", "evidence_at", "also", "figures", "reasons", "owner_id", "owned_by",
    )  # fmt: skip
    found = []
    for who, play, at, also, figures, reasons, owner, owned_by in zip(
        *(values(rows[name]) for name in names), strict=True
    ):
        why = _why(at, also, figures, reasons, policy, play)
        if owned_by != owner:
            why.append(f"{owned_by} is away" + (f": with {owner}" if owner else ": in the queue"))
        if who in evidence.gone:
            why.append(evidence.gone[who])
        found.append(why)
    return found


def effect_of(effects: list[dict[str, Any]] | None, playbook: str) -> Effect | None:
    """What is learned of the playbook's effect on one customer."""
    for each in effects or ():
        if each["playbook"] == playbook:
            return Effect(each["effect"], each["low"], each["high"])
    return None


def _candidate(
    row: tuple[Any, ...], evidence: Evidence, policy: Policy, arm: str, turn: str | None
) -> Candidate:
    (who, _, play, at, _, owner, _, prefers, objects, case, day, week, month, last,
     answered, risk, probability, fading, reasons, effects) = row  # fmt: skip
    book = policy.playbooks.plays[play]
    closed, granted, here, override, shown = _beside(who, book, evidence)
    return Candidate(
        who, book, at, owner, prefers, objects, closed, frozenset(granted), case,
        sent_of(day, week, month, last), here, answered, override, shown,
        effect_of(effects, book.name),
        risk / probability if risk is not None and probability else None,
        fading, only_silence(reasons), None, arm, turn,
    )  # fmt: skip


def _beside(who: str, book: Playbook, evidence: Evidence) -> tuple[Any, ...]:
    """What is known of few: closed ways, channels agreed to, letters to the same address, an
    override, and how the item was left."""
    return (
        evidence.permission.closed_to(who, book.purpose),
        sorted(evidence.permission.granted_to(who, book.purpose)),
        NOBODY if book.transactional else evidence.sent_here.get(who, NOBODY),
        evidence.override(who, book.name),
        evidence.shown.get((who, book.name)),
    )


def _why(
    at: datetime | None, also: int, figures: list[str] | None, reasons: Any, policy: Policy,
    play: int,
) -> list[str]:  # fmt: skip
    """The playbook's fact and figures, what raises the risk, and which other playbooks fit."""
    plays = policy.playbooks.plays
    fact = told(plays[play], at, policy.day(at)) if at is not None else ""
    why = [fact] if fact and not plays[play].refers else []
    why += figures or []
    why += [words for words in raising(reasons) if words not in why]
    if not also:
        return why
    fit = (other for number, other in enumerate(plays) if also >> number & 1)
    others = [other.title for other in fit if other.trigger.fact or other.trigger.features]
    return [*why, f"also: {', '.join(others)}"] if others else why
