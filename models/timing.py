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
    """One horizon: what was said of the rows on average, what came, how well it ranks them, and in
    how many of how many bins of equal count the 95% interval held the share that left."""

    days: int
    said: float  # mean probability
    came: float  # share that left
    metrics: Metrics
    held: int
    bins: int  # 0: no interval is known

    @property
    def words(self) -> str:
        """For the report."""
        auc = "-" if self.metrics.auc is None else f"{self.metrics.auc:.3f}"
        words = (
            f"within {self.days} days: {self.said:.1%} said on average, {self.came:.1%} left; "
            f"AUC {auc}, calibration error {self.metrics.calibration_error:.3f}"
        )
        if not self.bins:
            return words
        return f"{words}; 95% intervals held the share in {self.held} of {self.bins} bins"


@dataclass(frozen=True)
class Timing:
    """All horizons, the model's own last."""

    horizons: tuple[AtHorizon, ...]

    def lines(self) -> Iterator[str]:
        """In words, for the report."""
        return (one.words for one in self.horizons)


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
        p, low, high = (column[:, place] for column in predicted.columns)
        known = bool(np.isfinite(low).all())
        held = coverage(left, p, low, high) if known else (0, 0)
        metrics = Metrics.of(left, p)
        told.append(AtHorizon(days, float(p.mean()), float(left.mean()), metrics, *held))
    return Timing(tuple(told))
