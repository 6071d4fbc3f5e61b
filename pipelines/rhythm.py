"""A feed's own rhythm: how many rows a day it brings, how far that varies, how likely silence is.

The method is that of outbreak detection, which asks the same of daily counts: a quasi-Poisson
expectation from the recent weeks, with negative binomial bounds that allow for what varies more
than by chance and for how little the weeks themselves tell. Farrington et al. (1996), J. R. Stat.
Soc. A 159(3); Noufaily et al. (2013), Statistics in Medicine 32(7).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipelines.feedseries import Series

BASE_DAYS = 56  # eight weeks: each weekday eight times, and still the same season
LEAST_BASE_DAYS = 28  # a younger feed has no rhythm yet
LEAST_TOLD_DAYS = 6  # days with rows among them: a weekly batch leaves eight, chance bursts fewer
EXTRA_ROWS = 5.0  # a weekday's share is drawn to the mean by so many rows: sparse feeds have none
MONDAY = 3  # 1970-01-01 was a Thursday: (day + 3) % 7 is 0 on Mondays


@dataclass(frozen=True)
class Expected:
    """What a stretch of days should bring: mean and variance of its rows."""

    mean: float
    variance: float

    @property
    def chance_of_none(self) -> float:
        """How likely such a stretch brings nothing at all."""
        return self.at_most(0)

    def at_most(self, rows: float) -> float:
        """How likely the stretch brings so few rows, or fewer."""
        if self.mean <= 0:
            return 1.0
        from scipy.special import betainc, pdtr  # what depends on it pays for it

        if self.variance <= self.mean * (1 + 1e-9):
            return float(pdtr(math.floor(rows), self.mean))
        size = self.mean**2 / (self.variance - self.mean)
        return float(betainc(size, math.floor(rows) + 1, self.mean / self.variance))

    def at_least(self, rows: float) -> float:
        """How likely the stretch brings so many rows, or more."""
        if rows <= 0:
            return 1.0
        if self.mean <= 0:
            return 0.0
        from scipy.special import betainc, pdtrc

        most = math.ceil(rows) - 1
        if self.variance <= self.mean * (1 + 1e-9):
            return float(pdtrc(most, self.mean))
        size = self.mean**2 / (self.variance - self.mean)
        return float(betainc(most + 1, size, 1 - self.mean / self.variance))


@dataclass(frozen=True)
class Rhythm:
    """The usual rows of a whole day, by weekday, and how far they vary."""

    by_weekday: NDArray[np.float64]  # [7], Monday first
    dispersion: float  # variance over mean, at least 1: 1 is chance alone (Poisson)
    rows: float  # that this was learnt from

    def of(self, series: Series, days: slice | NDArray[np.int64]) -> Expected:
        """What these days of the series should have brought; known outages bring nothing."""
        positions = np.arange(series.end)[days]
        mean = float(
            np.sum(
                self.by_weekday[(series.first + positions + MONDAY) % 7]
                * series.arrived[positions]
                * ~series.known[positions]
            )
        )
        # The weeks learnt from are a sample themselves: a prediction varies by both.
        return Expected(mean, self.dispersion * mean * (1 + mean / max(self.rows, 1.0)))


def rhythm(series: Series, base: NDArray[np.int64]) -> Rhythm | None:
    """The rhythm over the positions `base`, ascending; None where there is none to be seen."""
    base = base[~series.known[base] & (series.arrived[base] > 0)]
    if len(base) < LEAST_BASE_DAYS:
        return None
    rows = series.counts[base] / series.arrived[base]
    if np.count_nonzero(rows) < LEAST_TOLD_DAYS:
        return None
    total = float(rows.sum())
    weekday = (series.first + base + MONDAY) % 7
    mean = total / len(base)
    seen = np.bincount(weekday, rows, 7)
    days = np.bincount(weekday, minlength=7)
    by_weekday = mean * (seen + EXTRA_ROWS) / (mean * days + EXTRA_ROWS)
    return Rhythm(by_weekday, _dispersion(rows, by_weekday[weekday]), total)


def _dispersion(rows: NDArray[np.float64], usual: NDArray[np.float64]) -> float:
    """Pearson's estimate from single days and from weeks, the larger: bursts last for days."""
    daily = float(np.sum((rows - usual) ** 2 / usual)) / max(len(rows) - 7, 1)
    starts = np.arange(len(rows) % 7, len(rows), 7)
    week, usual_week = np.add.reduceat(rows, starts), np.add.reduceat(usual, starts)
    weekly = float(np.sum((week - usual_week) ** 2 / usual_week)) / max(len(starts) - 1, 1)
    return max(1.0, daily, weekly)


def before(series: Series, end: int, days: int = BASE_DAYS) -> NDArray[np.int64]:
    """Positions of the eight weeks (or `days`) before `end` that count; an outage's do not."""
    usable = np.flatnonzero(~series.known[: max(end, 0)])
    return usable[usable >= end - 2 * days][-days:]


def around(series: Series, start: int, end: int) -> NDArray[np.int64]:
    """Positions of the four weeks before `start` and the four after `end` that count."""
    half = BASE_DAYS // 2
    usable = np.flatnonzero(~series.known)
    ahead = usable[usable < start][-half:]
    return np.concatenate([ahead, usable[usable >= end][: BASE_DAYS - len(ahead)]])
