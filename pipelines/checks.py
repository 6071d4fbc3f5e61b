"""What a batch must pass before it is published. A failed check keeps last night's list."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.settings import Checks

# Siddiqi, Credit Risk Scorecards (2006): population stability index over ten equal-count bins.
PSI_BINS = 10
FEW = 200  # below this a shift cannot be told from chance


@dataclass(frozen=True)
class Check:
    """One check: its name, whether it passed, what was measured against what, and what to do."""

    name: str
    ok: bool
    words: str

    def to_dict(self) -> dict[str, object]:
        return {"name": self.name, "ok": self.ok, "words": self.words}


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


def population_stability(before: NDArray[np.float64], now: NDArray[np.float64]) -> float:
    """Population stability index of two samples, 0 for the same spread; over .25 is a shift."""
    edges = np.unique(np.quantile(before, np.linspace(0, 1, PSI_BINS + 1)[1:-1]))
    share_before = _shares(before, edges)
    share_now = _shares(now, edges)
    return float(np.sum((share_now - share_before) * np.log(share_now / share_before)))


def _shares(values: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of values in each bin; half a case is added to each so that none is empty."""
    counts = np.bincount(np.searchsorted(edges, values, side="right"), minlength=len(edges) + 1)
    smoothed: NDArray[np.float64] = (counts + 0.5) / (counts + 0.5).sum()
    return smoothed
