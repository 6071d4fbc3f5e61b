"""How true shorter horizons and intervals came out, on rows a model has not learned from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.horizons import Predictions
from models.intervals import coverage
from models.metrics import Metrics


@dataclass(frozen=True)
class AtHorizon:
    """One horizon: what was said of the rows on average, what came, and how well it ranks them."""

    days: int
    said: float  # mean probability
    came: float  # share that left
    metrics: Metrics


@dataclass(frozen=True)
class Timing:
    """All horizons, the model's own last; and of how many bins the interval held the share."""

    horizons: tuple[AtHorizon, ...]
    held: int
    bins: int

    def lines(self) -> Iterator[str]:
        """In words, for the report."""
        for one in self.horizons:
            auc = "-" if one.metrics.auc is None else f"{one.metrics.auc:.3f}"
            yield (
                f"within {one.days} days: {one.said:.1%} said on average, {one.came:.1%} left; "
                f"AUC {auc}, calibration error {one.metrics.calibration_error:.3f}"
            )
        if self.bins:
            yield (
                f"95% intervals held the share that left in {self.held} of {self.bins} bins of "
                "equal count"
            )


def timing(
    predicted: Predictions, y: NDArray[np.bool_], leaves_in: NDArray[np.float64] | None
) -> Timing:
    """`y` [n]: who left within the last horizon; `leaves_in` [n]: after how many days, NaN for who
    stayed (None: not told, and only the last horizon is judged)."""
    told = []
    for place, days in enumerate(predicted.days):
        last = place == len(predicted.days) - 1
        if leaves_in is None and not last:
            continue
        left = y if last or leaves_in is None else np.asarray(leaves_in < days)
        p = predicted.probabilities[:, place]
        told.append(AtHorizon(days, float(p.mean()), float(left.mean()), Metrics.of(left, p)))
    low, high = predicted.low[:, -1], predicted.high[:, -1]
    known = bool(np.isfinite(low).all())
    held, bins = coverage(y, predicted.main, low, high) if known else (0, 0)
    return Timing(tuple(told), held, bins)
