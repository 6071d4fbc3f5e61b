"""How features and scores lay in training, and how far tonight's lie from that.

The population stability index over ten bins of equal count in training, and one for "not known":
sum of (now - then) ln(now / then) over the shares. Below .1 little has changed, over .25 the
population is another one. Source: Siddiqi, Credit Risk Scorecards, 2006, chapter 10.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.dataset import sampled

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

BINS = 10
SINCE_FIRST = "days_since_first_"  # how such features are called (pipelines/features/stream.py)
SHIFTED = 0.25  # over it the population is another one (Siddiqi)
# Rows that are counted: with 20,000 of each, chance alone gives .001 on average (nine degrees of
# freedom over the rows; Yurdakul, Statistical properties of population stability index, 2018).
ENOUGH_ROWS = 20_000
FEW = 200  # below this a shift cannot be told from chance


@dataclass(frozen=True)
class Spread:
    """How one column lay: inner edges of its bins, and the rows in each; last those not known."""

    edges: tuple[float, ...]  # ascending, at most BINS - 1
    rows: tuple[int, ...]  # len(edges) + 2

    @classmethod
    def of(cls, column: Floats) -> Spread:
        """Of a column [n]; equal values are never parted, so there may be fewer bins."""
        edges = _edges(column[~np.isnan(column)])
        return cls(edges, tuple(cls(edges, ()).count(column).tolist()))

    def count(self, column: Floats) -> Counts:
        """Rows of `column` [n] in each bin, and not known, [len(edges) + 2]."""
        bins = np.searchsorted(np.array(self.edges), column, side="left")
        bins[np.isnan(column)] = len(self.edges) + 1
        return np.bincount(bins, minlength=len(self.edges) + 2)

    def stability(self, counts: Counts) -> float:
        """The population stability index of `counts` against training; 0: the same."""
        then, now = _shares(np.array(self.rows)), _shares(counts)
        return float(np.sum((now - then) * np.log(now / then)))


@dataclass(frozen=True)
class Distribution:
    """How all features and the scores lay in training."""

    features: tuple[Spread, ...]
    scores: Spread  # out of fold: of rows that were learned from they would be too sure

    @classmethod
    def of(cls, matrix: Floats, scores: Floats) -> Distribution:
        """Of rows [n, f] and of scores [m]."""
        rows = matrix[:: max(1, len(matrix) // ENOUGH_ROWS)]
        spreads = tuple(Spread.of(rows[:, at]) for at in range(matrix.shape[1]))
        return cls(spreads, Spread.of(scores))

    def count(self, matrix: Floats) -> Counts:
        """Rows of `matrix` [n, f] in each bin of each feature, [f, BINS + 1]."""
        counts = np.zeros((len(self.features), BINS + 1), np.int64)
        for at, spread in enumerate(self.features):
            counts[at, : len(spread.rows)] = spread.count(matrix[:, at])
        return counts

    def stability(self, counts: Counts) -> Floats:
        """The index of each feature, [f], for `counts` summed over all blocks."""
        return np.array(
            [
                spread.stability(counts[at, : len(spread.rows)])
                for at, spread in enumerate(self.features)
            ]
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return {
            "features": [[spread.edges, spread.rows] for spread in self.features],
            "scores": [self.scores.edges, self.scores.rows],
        }

    @classmethod
    def from_dict(cls, read: dict[str, Any]) -> Distribution:
        """Raises `KeyError`, `TypeError` or `ValueError` for anything but `to_dict`'s."""
        return cls(tuple(_spread(*pair) for pair in read["features"]), _spread(*read["scores"]))


@dataclass(frozen=True)
class Counting:
    """Counts a sample of the customers while they are scored, the same ones in any order."""

    training: Distribution
    share: float  # of the customers, by a hash of their number

    @classmethod
    def of(cls, training: Distribution, customers: int) -> Counting:
        """Of a night of so many customers."""
        return cls(training, min(1.0, ENOUGH_ROWS / max(customers, 1)))

    def __call__(self, customers: NDArray[np.int32], matrix: Floats) -> Counts:
        """Counts of the sampled among these `customers` [n], whose rows are `matrix` [n, f]."""
        return self.training.count(matrix[sampled(customers, self.share)])


def shifted(index: Floats, names: Sequence[str]) -> list[tuple[str, float]]:
    """Names and indices of the features whose index is over `SHIFTED`, the furthest first.

    Days since something first happened grow with the calendar, in step with the history, and tell
    of no drift.
    """
    order = np.argsort(-index, kind="stable")
    over = [at for at in order if index[at] > SHIFTED and not names[at].startswith(SINCE_FIRST)]
    return [(names[at], float(index[at])) for at in over]


def _edges(known: Floats) -> tuple[float, ...]:
    """Inner edges of bins of equal count; a bin holds its upper edge and not its lower one."""
    if len(known) == 0:
        return ()
    if known.min() == known.max():  # what is always the same has more and less beside it
        return (float(np.nextafter(known[0], -np.inf)), float(known[0]))
    edges = np.unique(np.quantile(known, np.linspace(0, 1, BINS + 1)[1:-1]))
    return tuple(edges[edges < known.max()].tolist())


def _spread(edges: Sequence[float], rows: Sequence[int]) -> Spread:
    if len(rows) != len(edges) + 2:
        raise ValueError(f"{len(rows)} bins for {len(edges)} edges")
    return Spread(tuple(edges), tuple(rows))


def _shares(counts: Counts) -> Floats:
    """Half a case is added to each bin, so that none is empty."""
    return np.asarray((counts + 0.5) / (counts + 0.5).sum())
