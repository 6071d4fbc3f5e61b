"""From the model's log-odds to log-odds that can be believed.

Beta calibration: `c + a log(p) - b log(1 - p)`, which holds the identity (a = b = 1) and Platt's
scaling (a = b), bends where a model is too sure at one end only, and never changes the ranking.
Source: Kull, Silva Filho, Flach, "Beta calibration", AISTATS 2017.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# Pull towards the identity, in pseudo-observations: nothing among thousands, a brake among dozens.
PRIOR = 1.0
FLOOR = 1e-3  # slopes stay positive, so that the ranking stays
STEPS = 100
TOLERANCE = 1e-10


@dataclass(frozen=True)
class Calibration:
    """A rising function of log-odds."""

    low: float = 1.0  # slope where probabilities are small
    high: float = 1.0  # slope where they are large
    shift: float = 0.0

    def __call__(self, log_odds: Floats) -> Floats:
        """Calibrated log-odds, [n], each the same to the bit whichever others stand beside it,
        which a product of matrices would not give."""
        small, large = _bends(log_odds)
        return np.asarray(self.shift + (self.low * small + self.high * large))

    def slope(self, log_odds: Floats) -> Floats:
        """The derivative, [n]: always positive."""
        p = probability(log_odds)
        return self.low * (1 - p) + self.high * p


def probability(log_odds: Floats) -> Floats:
    """The probability of given log-odds, without overflow."""
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * log_odds)))


def log_loss(log_odds: Floats, y: NDArray[np.bool_]) -> float:
    """Mean negative log-likelihood of the labels."""
    return float(np.mean(np.logaddexp(0.0, np.where(y, -log_odds, log_odds))))


def calibrate(
    log_odds: Floats,
    y: NDArray[np.bool_],
    weight: Floats | None = None,
    start: Calibration | None = None,
) -> Calibration:
    """The calibration that makes the labels likeliest. `log_odds` must be out-of-fold, [n].

    `weight` [n]: how often each row counts. `start`: where to look first; it changes nothing but
    the time.
    """
    bends, first = np.column_stack(_bends(log_odds)), start or Calibration()
    free = np.array([True, True, True])
    weights = np.array([first.low, first.high, first.shift])
    weights = _newton(bends, y, weights, free, weight)
    for slope in (0, 1):
        if weights[slope] < FLOOR:
            weights[slope], free[slope] = FLOOR, False
            weights = _newton(bends, y, weights, free, weight)
    low, high = np.maximum(weights[:2], FLOOR)
    return Calibration(float(low), float(high), float(weights[2]))


def _bends(log_odds: Floats) -> tuple[Floats, Floats]:
    """log(p) and -log(1 - p), both [n]; their sum is the log-odds."""
    return -np.logaddexp(0.0, -log_odds), np.logaddexp(0.0, log_odds)


def _newton(
    bends: Floats,
    y: NDArray[np.bool_],
    weights: Floats,
    free: NDArray[np.bool_],
    counts: Floats | None = None,
) -> Floats:
    """Maximum likelihood in the `free` weights (low, high, shift), with the prior."""
    times = np.ones(len(y)) if counts is None else counts
    design = np.column_stack([bends, np.ones(len(bends))])
    penalty, centre = np.array([PRIOR, PRIOR, 1e-6]), np.array([1.0, 1.0, 0.0])
    weights = weights.copy()
    for _ in range(STEPS):
        p = probability(design @ weights)
        gradient = design.T @ (times * (p - y)) + penalty * (weights - centre)
        curvature = (design * (times * p * (1 - p))[:, None]).T @ design + np.diag(penalty)
        step = np.linalg.solve(curvature[np.ix_(free, free)], gradient[free])
        # A full step may overshoot where the model is very sure: never move further than 2.
        step *= min(1.0, 2.0 / max(float(np.abs(step).max()), 1e-12))
        weights[free] -= step
        if np.abs(step).max() < TOLERANCE:
            break
    return weights
