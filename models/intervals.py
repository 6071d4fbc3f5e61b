"""How sure a probability is: a 95% interval from a bootstrap over customers and nights.

The calibration is learned again on each draw of the out-of-fold rows, in which a row weighs as
often as its customer and its night were drawn together (the pigeonhole bootstrap: Owen, 2007). So
the interval holds what chance in who left, and in which months were seen, could have made of the
share that leaves among customers with such a score. How far that share may move after the nights
that were seen is added (`models.level`). It does not hold what other features could have told of
one of them; coverage is checked on later nights (`coverage`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from models.calibration import calibrate, probability
from models.level import level_error
from models.metrics import LEVEL, equal_bins

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

DRAWS = 100
KNOTS = 33  # scores at which the ends are kept; between them they are straight lines
NORMAL = 1.96  # of a 95% interval
# A model is at least one horizon older than the last night it could learn from, and is used for a
# month where it is trained monthly. A fixed span: the same score has the same interval every night.
USED_DAYS = 30


@dataclass(frozen=True)
class Intervals:
    """Low and high ends in log-odds, by the model's log-odds before calibration."""

    at: tuple[float, ...]  # ascending
    low: tuple[float, ...]
    high: tuple[float, ...]

    def around(self, blended: Floats, calibrated: Floats) -> tuple[Floats, Floats]:
        """Low and high probability of each, [n]; the calibrated one lies between them."""
        at, *ends = self._arrays
        low, high = (np.interp(blended, at, end) for end in ends)
        return (
            probability(np.minimum(low, calibrated)),
            probability(np.maximum(high, calibrated)),
        )

    @cached_property
    def _arrays(self) -> tuple[Floats, Floats, Floats]:
        return np.array(self.at), np.array(self.low), np.array(self.high)


def fit_intervals(
    blended: Floats,
    y: Bools,
    customer: NDArray[np.int64],
    as_of: NDArray[np.int64],
    seed: int,
    *,
    horizon_days: int,
    draws: int = DRAWS,
    counts: Floats | None = None,
) -> Intervals:
    """From out-of-fold log-odds before calibration, all arrays [n]; `counts`: how often each row
    counts in every draw."""
    at = np.unique(np.quantile(blended, np.linspace(0, 1, KNOTS)))
    rng = np.random.default_rng(seed)
    places = [np.unique(ids, return_inverse=True)[1] for ids in (customer, as_of)]
    counts = np.ones(len(y)) if counts is None else counts
    start = calibrate(blended, y, counts)
    curves = [start(at)]
    for _ in range(draws):
        weight = counts.copy()
        for place in places:
            many = int(place.max()) + 1
            weight *= np.bincount(rng.integers(0, many, many), minlength=many)[place]
        if 0 < weight @ y < weight.sum():  # a draw of one class tells nothing
            curves.append(calibrate(blended, y, weight, start)(at))
    low, high = np.percentile(np.array(curves), LEVEL, axis=0)
    days = horizon_days + USED_DAYS
    moved = NORMAL * level_error(start(blended), y, customer, as_of, counts, days)
    if moved:
        low = curves[0] - np.hypot(np.maximum(curves[0] - low, 0), moved)
        high = curves[0] + np.hypot(np.maximum(high - curves[0], 0), moved)
    return Intervals(tuple(at.tolist()), tuple(low.tolist()), tuple(high.tolist()))


def coverage(y: Bools, p: Floats, low: Floats, high: Floats) -> tuple[int, int]:
    """In how many of how many bins of equal count the share that left lies within the interval.

    The mean interval of a bin is widened by the chance of its own finite count, so that of 95%
    intervals that are right, 95% of the bins hold theirs.
    """
    bins = equal_bins(p)
    held = 0
    for part in bins:
        share, ends = y[part].mean(), (low[part].mean(), high[part].mean())
        chance = [NORMAL * np.sqrt(end * (1 - end) / len(part)) for end in ends]
        middle = p[part].mean()
        below = np.hypot(middle - ends[0], chance[0])
        above = np.hypot(ends[1] - middle, chance[1])
        held += bool(middle - below <= share <= middle + above)
    return held, len(bins)
