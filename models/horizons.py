"""Leaving within several horizons, from one model: the shorter ones as shares of the longest.

A discrete-time hazard model read backwards: of those who leave by the end of a period, which share
has left by its start? With shares between 0 and 1, P(30) <= P(60) <= P(90) holds for every
customer, the longest is the model's own calibrated probability, and the hazard of each period
follows. Source of discrete-time hazards: Singer and Willett, "It's about time", 1993.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from models.calibration import probability
from models.dataset import Dataset, FitSettings
from models.linear import Linear
from models.ridge import fit_or_share

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

TINY = 1e-300
SHORTER = (30, 60)  # days; issue 5 asks for 30, 60 and 90


@dataclass(frozen=True)
class Horizons:
    """`shares[k]`: log-odds of having left by `days[k]`, for who leaves by `days[k + 1]`."""

    days: tuple[int, ...]  # ascending; the last is the model's own
    shares: tuple[Linear, ...]  # one fewer than `days`

    def probabilities(self, p: Floats, matrix: Floats) -> Floats:
        """Of leaving within each of `days`, [n, horizons], from those of the last, `p` [n], and the
        features, [n, f]."""
        out = np.empty((len(p), len(self.days)))
        out[:, -1] = p
        for place in reversed(range(len(self.shares))):
            share = probability(self.shares[place].log_odds(matrix))
            out[:, place] = out[:, place + 1] * share
        return out


@dataclass(frozen=True)
class Predictions:
    """Of n customers: probabilities of leaving within each of `days` and their 95% intervals, all
    [n, horizons]; NaN where no interval is known."""

    days: tuple[int, ...]
    probabilities: Floats
    low: Floats
    high: Floats
    # [n]; of the yearly term that ends next past the main horizon, that it is not renewed: of those
    # who have one. None where the model cannot tell
    lapse: Floats | None = None

    @property
    def main(self) -> Floats:
        """Of the longest horizon, the model's own, [n]."""
        return self.probabilities[:, -1]

    @property
    def columns(self) -> tuple[Floats, Floats, Floats]:
        return self.probabilities, self.low, self.high

    @property
    def expected_days(self) -> Floats:
        """Until leaving, [n]; NaN where one horizon alone is told, or leaving never comes."""
        if len(self.days) < 2:
            return np.full(len(self.probabilities), np.nan)
        found = expected_days(self.probabilities, self.days)
        return np.where(np.isfinite(found), found, np.nan)

    def take(self, rows: NDArray[np.intp] | slice) -> Predictions:
        """Those of the given customers, in the given order."""
        told, low, high = (column[rows] for column in self.columns)
        lapse = None if self.lapse is None else self.lapse[rows]
        return Predictions(self.days, told, low, high, lapse)

    @classmethod
    def joined(cls, pieces: Sequence[Predictions]) -> Predictions:
        """Those of all `pieces`, of one model, at least one."""
        columns = zip(*(piece.columns for piece in pieces), strict=True)
        told, low, high = map(np.concatenate, columns)
        lapse = [piece.lapse for piece in pieces if piece.lapse is not None]
        return cls(pieces[0].days, told, low, high, np.concatenate(lapse) if lapse else None)


def scaled(end: Floats, p: Floats, told: Floats) -> Floats:
    """The end of an interval around `p` [n] for each horizon of `told` [n, horizons].

    The share of a shorter horizon is taken as it is: what is uncertain is the longest.
    """
    return np.asarray(told * (end / np.maximum(p, TINY))[:, None])


def horizons_for(main: int, shorter: Sequence[int] = SHORTER) -> tuple[int, ...]:
    """The horizons that are told beside `main`, days, ascending."""
    return (*sorted(days for days in set(shorter) if 0 < days < main), main)


def fit_horizons(data: Dataset, settings: FitSettings) -> Horizons | None:
    """Learn who leaves sooner, from those who left; None where `data` does not tell when.

    Whether a share depends on the customer, and how firmly, is chosen out of fold, over customers.
    """
    when = data.leaves_in
    if when is None or not np.isfinite(when).any():
        return None
    days = horizons_for(settings.horizon_days)
    shares = [
        _share(data, when < later, when < sooner, settings) for sooner, later in pairwise(days)
    ]
    return Horizons(days, tuple(shares))


def expected_days(p: Floats, days: Sequence[int]) -> Floats:
    """Days until leaving that are to be expected, [n], from probabilities [n, horizons].

    The area under the survival curve: straight between the horizons, and after the last one at the
    hazard of the last period for ever, which is how a small hazard becomes years. Each is the same
    to the bit whichever others stand beside it, which a product of matrices would not give.
    """
    stays = np.column_stack([np.ones(len(p)), 1.0 - p])
    edges = np.array([0, *days], np.float64)
    within = np.zeros(len(p))
    for place, width in enumerate(np.diff(edges).tolist()):
        within += (stays[:, place] + stays[:, place + 1]) * (width / 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        hazard = np.log(stays[:, -2] / stays[:, -1]) / (edges[-1] - edges[-2])
        after = np.where(stays[:, -1] > 0, stays[:, -1] / hazard, 0.0)
    return np.asarray(within + after)


def _share(data: Dataset, leavers: Bools, sooner: Bools, settings: FitSettings) -> Linear:
    """Log-odds of `sooner` among the `leavers`."""
    some = data.take(leavers)
    return fit_or_share(some.X, sooner[leavers], some.customer, settings)
