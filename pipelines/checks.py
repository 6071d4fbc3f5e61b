"""What a batch must pass before it is published. A failed check keeps last night's list."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.drift import FEW, Spread
from models.settings import Checks

LEAST_MISSING = 10  # customers; fewer are told of, and hold nothing back
LEAST_LEAVERS = 30
BEYOND_CHANCE = 4.0  # standard errors: once in 16,000 nights by chance
MONTH = 30.0  # days
WORST = 5  # features that are named


@dataclass(frozen=True)
class Check:
    """One check: its name, whether it passed, what was measured against what, and what to do."""

    name: str
    ok: bool
    words: str
    alarm: bool = False  # holds nothing back, and is to be looked at
    about: tuple[str, ...] = ()  # names of what it is about, for the next night to compare with

    def to_dict(self) -> dict[str, object]:
        facts: dict[str, object] = {"name": self.name, "ok": self.ok, "words": self.words}
        more = {"alarm": self.alarm, "about": list(self.about)}
        return facts | {name: value for name, value in more.items() if value}


def freshness(age: float, limits: Checks) -> Check:
    """The newest visible interaction is not too old; `age` in days, infinite without any."""
    if not np.isfinite(age):
        return Check("freshness", False, "there is no interaction before this date")
    return Check(
        "freshness",
        age <= limits.max_age_days,
        f"the newest interaction is {age:.1f} days older than the date scored "
        f"(at most {limits.max_age_days:g})",
    )


def sound(probability: NDArray[np.float64]) -> Check:
    """Every probability is one, and they are not all the same."""
    good = np.isfinite(probability) & (probability >= 0) & (probability <= 1)
    if not good.all():
        return Check("scores", False, f"{int((~good).sum())} scores are no probability")
    if len(probability) == 0:
        return Check("scores", False, "no customer could be scored")
    alike = len(probability) > FEW and float(np.ptp(probability)) == 0
    return Check("scores", not alike, "all customers got the same score" if alike else "sound")


def volume(scored: int, before: int, limits: Checks) -> Check:
    """About as many customers are scored as last time."""
    if before == 0:
        return Check("volume", True, f"{scored} customers scored; nothing to compare with yet")
    change = abs(scored - before) / before
    return Check(
        "volume",
        change <= limits.max_population_change,
        f"{scored} customers scored, {before} last time, {change:.0%} apart "
        f"(at most {limits.max_population_change:.0%})",
    )


def score_shift(
    probability: NDArray[np.float64], before: NDArray[np.float64], limits: Checks
) -> Check:
    """The scores are spread as last time."""
    if min(len(before), len(probability)) < FEW:
        return Check("score_shift", True, "nothing to compare with yet")
    index = population_stability(before, probability)
    return Check(
        "score_shift",
        index <= limits.max_score_shift,
        f"population stability index {index:.3f} against last time "
        f"(at most {limits.max_score_shift:g})",
    )


def missing_customers(before: int, gone: int, unknown: int, days: float, limits: Checks) -> Check:
    """Those who were scored `days` ago still are, or are told to have left.

    `gone` of the `before` are not scored any more, for whatever reason; `unknown` of them are not
    even in the history. New customers make up for none of them, as they would in `volume`.
    """
    if before == 0:
        return Check("missing_customers", True, "nothing to compare with yet")
    limit = min(limits.max_missing_customers * max(1.0, days / MONTH), 1.0)
    share = gone / before
    ok = share <= limit or gone < LEAST_MISSING
    advice = "" if ok else ". Look at whether the customers and their contracts came whole"
    return Check(
        "missing_customers",
        ok,
        f"{gone:,} of the {before:,} customers scored {days:g} days ago are not scored any more, "
        f"{share:.1%} (at most {limit:.1%}), {unknown:,} of them unknown to the history now"
        f"{advice}",
    )


def label_drift(leavers: Sequence[tuple[int, int]], horizon_days: int, limits: Checks) -> Check:
    """About as large a share has left in the latest complete horizon as in those before.

    `leavers` are (left, all) of each horizon, the latest first.
    """
    (left, of), earlier = leavers[0] if leavers else (0, 0), leavers[1:]
    left_before, before = sum(one for one, _ in earlier), sum(all_ for _, all_ in earlier)
    if of == 0 or left_before < LEAST_LEAVERS:
        return Check("label_drift", True, "too few have left to compare")
    share, usual = left / of, left_before / before
    spread = float(np.sqrt(usual * (1 - usual) * (1 / of + 1 / before)))
    ratio = share / usual
    apart = ratio > limits.max_label_drift or ratio < 1 / limits.max_label_drift
    ok = not (apart and abs(share - usual) > BEYOND_CHANCE * spread)
    advice = "" if ok else ". Look at whether all ends of contracts came"
    return Check(
        "label_drift",
        ok,
        f"{share:.1%} of the customers left in the latest {horizon_days} days that are complete, "
        f"{usual:.1%} before (at most {limits.max_label_drift:g} times more or fewer){advice}",
    )


def training_shift(index: float | None, limits: Checks) -> Check:
    """The scores are spread as in training, by their population stability index.

    It is told and holds nothing back: `score_shift` holds a jump back, a slow drift must not stop
    the list for good, and what is released was fitted anew since its training scores were made
    (.25 by that alone on the sample's first night).
    """
    if index is None:
        return Check("training_shift", True, "nothing to compare with")
    over = index > limits.max_score_shift
    words = (
        f"population stability index of the scores {index:.3f} against training "
        f"(at most {limits.max_score_shift:g})"
    )
    advice = ": train again, the population is another one" if over else ""
    return Check("training_shift", True, f"{words}{advice}", over)


def feature_drift(
    found: Sequence[tuple[str, float]], features: int, limit: float, before: Collection[str]
) -> Check:
    """How many features lie otherwise than in training; it is told and holds nothing back.

    `found`: those over `limit`, the furthest first. An alarm only where one of them was not among
    those of last time (`before`): some grow with the calendar and would ring each night.
    """
    words = f"{len(found)} of {features} features lie otherwise than in training"
    if not found:
        return Check("feature_drift", True, words)
    fresh = [(name, index) for name, index in found if name not in before]
    told = ", ".join(f"{name} {index:.2f}" for name, index in (fresh or found)[:WORST])
    which = "new since last time: " if fresh and before else ""
    words += f" (population stability index over {limit:g}): {which}{told}"
    return Check("feature_drift", True, words, bool(fresh), tuple(name for name, _ in found))


def population_stability(before: NDArray[np.float64], now: NDArray[np.float64]) -> float:
    """Population stability index of two samples (see models/drift.py); over .25 is a shift."""
    spread = Spread.of(before)
    return spread.stability(spread.count(now))
