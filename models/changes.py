"""What changed for a customer since the published night before, in words, then and now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from models.contracts import TOLD, Reason
from models.words import AND, on

if TYPE_CHECKING:
    from models.batch import ScoreBatch

WORTH_SAYING = 0.05  # a change in probability smaller than this is not told
PUSH = 0.1  # log-odds; a reason whose weight moved less moves 10% by less than a point
MOST = 2  # reasons that changed, told beside the probability


@dataclass(frozen=True)
class Before:
    """What the published night before said; empty where there was none."""

    night: date | None = None
    probability: Mapping[str, float] = field(default_factory=dict)  # by customer id
    # Of those who were explained; empty where another model gave them, whose weights are others.
    reasons: Mapping[str, Sequence[Reason]] = field(default_factory=dict)

    @classmethod
    def of(cls, batch: ScoreBatch | None, model_version: str) -> Before:
        """From that night's batch; `model_version`: of the model that scores now."""
        if batch is None:
            return cls()
        table = batch.table(["customer_id", "churn_probability"])
        ids, probabilities = (column.to_pylist() for column in table.columns)
        same = batch.manifest.facts["model_version"] == model_version
        said = _reasons(batch) if same else {}
        return cls(batch.as_of, dict(zip(ids, probabilities, strict=True)), said)

    def changes(
        self, customer_id: str, probability: float, reasons: Sequence[Reason]
    ) -> list[str] | None:
        """What is new for a customer with this `probability` and these `reasons` that raise it.

        The probability's move, and the reasons that push more or less than then. None where there
        was no night before.
        """
        if self.night is None:
            return None
        then = self.probability.get(customer_id)
        if then is None:
            return ["scored for the first time"]
        told = []
        if abs(probability - then) >= WORTH_SAYING:
            told.append(f"risk {probability:.0%}, was {then:.0%} on {on(self.night)}")
        if customer_id in self.reasons:
            told += _pushes(self.reasons[customer_id], reasons, self.night)
        return told


def _reasons(batch: ScoreBatch) -> dict[str, list[Reason]]:
    """What raised the risk, by customer id, of those who were explained."""
    import pyarrow.compute as pc

    rows = batch.table(["customer_id", "reasons"], where=pc.field("reasons").is_valid())
    ids, told = (column.to_pylist() for column in rows.columns)
    return {
        one: [Reason(**reason) for reason in some if reason["direction"] == "raises"]
        for one, some in zip(ids, told, strict=True)
    }


def _pushes(then: Sequence[Reason], now: Sequence[Reason], night: date) -> list[str]:
    """The reasons whose weight moved most, with the figures now and then, the furthest first."""
    old, new = ({reason.system: reason for reason in some} for some in (then, now))
    pairs = [(old.get(system), new.get(system)) for system in dict.fromkeys([*new, *old])]
    moves = [_move(*pair, _unseen(then), _unseen(now), night) for pair in pairs]
    worth = [(moved, words) for moved, words in moves if words and moved >= PUSH]
    return [words for _, words in sorted(worth, key=lambda pair: -pair[0])[:MOST]]


def _move(
    before: Reason | None, after: Reason | None, unseen_then: float, unseen_now: float, night: date
) -> tuple[float, str]:
    """How far a system's weight moved at least, log-odds, and what to say of it."""
    if before and after:
        moved = after.weight - before.weight
        if _first(before) == _first(after):
            return abs(moved), ""  # nothing that could be told
        weighs = "weighs more" if moved > 0 else "weighs less"
        return abs(moved), f"{weighs}: {_first(after)} (on {on(night)}: {_first(before)})"
    if after:
        return after.weight - unseen_then, f"new: {_first(after)}"
    assert before is not None  # noqa: S101 - one of the two is
    return before.weight - unseen_now, f"no longer: {_first(before)}"


def _first(reason: Reason) -> str:
    """What says most of it."""
    return reason.words.split(AND)[0]


def _unseen(reasons: Sequence[Reason]) -> float:
    """What a system may have weighed that was not told: as much as the last one that was."""
    return reasons[-1].weight if len(reasons) == TOLD else 0.0
