"""Pace, as it reads: a running belief of how active a customer usually is, and how far from it now.

A dynamic generalised linear model (West, Harrison and Migon, 1985): three numbers are believed to
be normal together, the deviation of now from the usual, the usual log rate of active days, and the
usual log amount of one. How many days were active is Poisson with the usual rate times the
deviation. As West, Harrison and Migon do, the normal belief of the log rate is taken for the
log-gamma one of the same mode and curvature, whose posterior is known in closed form. Its mode
moves by a log ratio, for which Pade's approximant stands: no surprise moves it by more than a
factor of e^2. An amount is normal in logarithms and is learned from by Kalman's step. In between
the deviation forgets.

Activity is of UTC days, as for gaps: how many rows a day makes is the product's habit, not the
customer's, and what they come to together is the day's amount. Days are learned from by four weeks,
which begin on fixed days, and the last of them up to the night. The first active day begins it.
Days in which the feeds were down are no silence, though the deviation forgets in them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import copysign, exp, log, sqrt

import numpy as np
from numpy.typing import NDArray

from pipelines.features.stream import (
    PACE_HALF_LIFE,
    PACE_NOISE,
    PACE_OUTLIER,
    PACE_SHOWN,
    PACE_SPREAD,
    PACE_USUAL,
)

Floats = NDArray[np.float64]

MOST = 1e300  # an amount of a day
NOW = np.array([1.0, 1.0, 0.0])  # the log rate now: deviation and usual rate
OF_A_DAY = np.array([PACE_SHOWN, 0.0, 1.0])  # the log amount of an active day


@dataclass
class Belief:
    """Normal: means and covariances of deviation, usual log rate, usual log amount."""

    mean: Floats = field(default_factory=lambda: np.array([0.0, PACE_USUAL[0], 0.0]))
    covariance: Floats = field(default_factory=lambda: np.diag([PACE_SPREAD, PACE_USUAL[1], 0.0]))
    has_amount: bool = False

    @property
    def deviation(self) -> float:
        return float(self.mean[0])

    @property
    def variance(self) -> float:
        """Of the deviation."""
        return float(self.covariance[0, 0])

    @property
    def rate(self) -> float:
        """The usual log rate of active days."""
        return float(self.mean[1])

    def forget(self, days: int) -> None:
        """The deviation goes towards nothing, and becomes less certain."""
        left = np.array([2 ** (-days / PACE_HALF_LIFE), 1.0, 1.0])
        self.mean = left * self.mean
        self.covariance = np.outer(left, left) * self.covariance
        self.covariance[0, 0] += PACE_SPREAD * (1 - left[0] ** 2)

    def count(self, days: int, many: int) -> None:
        """`many` active days, of `days` in which one could have been."""
        known = float(NOW @ self.covariance @ NOW)
        expected = days * exp(float(NOW @ self.mean))
        moved = 2 * known * (many - expected) / (2 + known * (many + expected))
        self._learn(NOW, moved, known / (1 + known * many))

    def measure(self, total: float, days: int) -> None:
        """What so many active days came to together."""
        measured, noise = log(min(total, MOST) / days), PACE_NOISE / days
        if not self.has_amount:
            self._begin_amount(measured, noise)
            return
        known = float(OF_A_DAY @ self.covariance @ OF_A_DAY)
        variance = known + noise
        off = measured - float(OF_A_DAY @ self.mean)
        if abs(off) > PACE_OUTLIER * sqrt(variance):
            off = copysign(PACE_OUTLIER * sqrt(variance), off)
        self._learn(OF_A_DAY, off * known / variance, known * noise / variance)

    def _begin_amount(self, measured: float, noise: float) -> None:
        """The first amount: whatever it is in, usual but for the deviation and noise."""
        shown = np.array([-PACE_SHOWN, 0.0])
        self.mean[2] = measured + shown @ self.mean[:2]
        self.covariance[2, :2] = self.covariance[:2, 2] = shown @ self.covariance[:2, :2]
        self.covariance[2, 2] = shown @ self.covariance[:2, :2] @ shown + noise
        self.has_amount = True

    def _learn(self, of: Floats, moved: float, variance: float) -> None:
        """The mean of the combination `of` has moved, and its variance is another one now."""
        along = self.covariance @ of
        known = of @ along
        self.mean = self.mean + along * moved / known
        self.covariance = self.covariance - np.outer(along, along) * (known - variance) / known**2
