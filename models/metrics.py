"""How good a ranking and its probabilities are. Each figure equals scikit-learn's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

BINS = 15  # of equal count, issue 5
LEVEL = (2.5, 97.5)  # percentiles of a 95% interval
CONTACTED = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5)  # shares at which the gain curve is told
TOP = 0.1  # lift is read in the top decile (Braze, Dynamics 365)


@dataclass(frozen=True)
class Interval:
    """A figure with its 95% bootstrap interval over customers."""

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, value: float, draws: Floats) -> Interval:
        low, high = np.percentile(draws, LEVEL)
        return cls(value, float(low), float(high))

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


@dataclass(frozen=True)
class Metrics:
    """Quality over some rows; None where it has no meaning (one class only, no probability)."""

    rows: int
    leavers: int
    auc: float | None
    average_precision: float | None
    top_decile_lift: float | None
    brier: float | None
    calibration_error: float | None

    @classmethod
    def of(cls, y: Bools, score: Floats, *, probability: bool = True) -> Metrics:
        """`score` [n] is higher for worse; `probability`: it may be read as one."""
        both = bool(y.any()) and not bool(y.all())
        believed = probability and len(y) > 0
        return cls(
            rows=len(y),
            leavers=int(y.sum()),
            auc=Ranking(y, score).auc() if both else None,
            average_precision=average_precision(y, score) if both else None,
            top_decile_lift=top_decile_lift(y, score) if both else None,
            brier=brier(y, score) if believed else None,
            calibration_error=calibration_error(y, score) if believed else None,
        )


class Ranking:
    """Labels in the order of a score, so that weighted figures are a few sums."""

    def __init__(self, y: Bools, score: Floats) -> None:
        self.order = np.argsort(score, kind="stable")  # [n]: rows, the least risky first
        ordered = score[self.order]
        ties = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
        self._ties = ties if len(ties) < len(ordered) else None
        self._y = y[self.order]

    def auc(self, weight: Floats | None = None) -> float:
        """The chance that a leaver is ranked above a stayer, ties counting half."""
        w = np.ones(len(self._y)) if weight is None else weight[self.order]
        return self.figures(w)[0]

    def found(self, top: float = TOP) -> float:
        """The share of the leavers in the riskiest `top`; of equal scores each counts in part."""
        return self.figures(np.ones(len(self._y)), top)[1]

    def figures(self, ordered: Floats, top: float = TOP) -> tuple[float, float]:
        """AUC, and the share found in the riskiest `top`, where the row that stands at `i` in
        `order` counts `ordered[i]` times."""
        everybody, leavers = ordered, ordered * self._y
        if self._ties is not None:
            everybody = np.add.reduceat(everybody, self._ties)
            leavers = np.add.reduceat(leavers, self._ties)
        up_to = np.cumsum(everybody)
        stayers = everybody - leavers
        left, total = float(leavers.sum()), float(up_to[-1])
        below = np.cumsum(stayers) - stayers / 2
        auc = float(leavers @ below) / (left * (total - left)) if 0 < left < total else np.nan
        cut = (1 - top) * total
        at = min(int(np.searchsorted(up_to, cut)), len(up_to) - 1)
        part = (up_to[at] - cut) / everybody[at] if everybody[at] else 0.0
        return auc, float(leavers[at + 1 :].sum() + part * leavers[at]) / left


class Calibrated:
    """Probabilities in their bins, so that a weighted calibration error is three sums."""

    def __init__(self, y: Bools, p: Floats) -> None:
        self._bin = np.empty(len(p), np.int64)
        for number, part in enumerate(equal_bins(p)):
            self._bin[part] = number
        self._apart = p - y

    def error(self, weight: Floats) -> float:
        """`calibration_error` where row i counts `weight[i]` times, the bins left as they are."""
        apart = np.bincount(self._bin, weight * self._apart, BINS)
        return float(np.abs(apart).sum() / weight.sum())


@dataclass(frozen=True)
class Reached:
    """A point of the gain curve, and of the lift curve: `lift` times as many as by chance."""

    contacted: float  # share of the customers, riskiest first
    found: float  # share of the leavers among them

    @property
    def lift(self) -> float:
        return self.found / self.contacted


def reached(y: Bools, score: Floats) -> tuple[Reached, ...]:
    """The gain curve at `CONTACTED`; empty without a leaver."""
    if not y.any():
        return ()
    ranking = Ranking(y, score)
    return tuple(Reached(share, ranking.found(share)) for share in CONTACTED)


def average_precision(y: Bools, score: Floats) -> float:
    """The mean of the precision at each leaver, ties taken together."""
    order = np.argsort(-score, kind="stable")
    ordered = score[order]
    last = np.flatnonzero(np.concatenate([ordered[1:] != ordered[:-1], [True]]))
    found = np.cumsum(y[order])[last]
    precision = found / (last + 1)
    return float(np.diff(found, prepend=0) @ precision / found[-1])


def top_decile_lift(y: Bools, score: Floats) -> float:
    """How many times more leavers the top tenth holds; of equal scores each counts in part."""
    size = max(1, round(len(y) * TOP))
    cut = np.partition(score, -size)[-size]
    above, at = score > cut, score == cut
    found = y[above].sum() + y[at].mean() * (size - above.sum())
    return float(found / size / y.mean())


def brier(y: Bools, p: Floats) -> float:
    """Mean squared distance of probability and outcome."""
    return float(np.mean((p - y) ** 2))


def equal_bins(p: Floats) -> list[NDArray[np.intp]]:
    """Rows of each of `BINS` bins of equal count, the least probable first; fewer for few rows."""
    return [part for part in np.array_split(np.argsort(p, kind="stable"), BINS) if len(part)]


def calibration_bins(y: Bools, p: Floats) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """Mean probability, share that left and rows of each of `BINS` bins of equal count."""
    bins = equal_bins(p)
    return (
        np.array([p[part].mean() for part in bins]),
        np.array([y[part].mean() for part in bins]),
        np.array([len(part) for part in bins]),
    )


def calibration_error(y: Bools, p: Floats) -> float:
    """Mean distance of probability and share over the bins, weighted by their rows."""
    said, came, rows = calibration_bins(y, p)
    return float(np.abs(said - came) @ rows / rows.sum())


def resampled(customer: NDArray[np.int64], draws: int, seed: int) -> Iterator[Floats]:
    """Weights of the rows, [n], for each bootstrap draw over customers (all rows of one alike)."""
    ids, row_customer = np.unique(customer, return_inverse=True)
    rng = np.random.default_rng(seed)
    for _ in range(draws):
        times = np.bincount(rng.integers(0, len(ids), len(ids)), minlength=len(ids))
        yield times[row_customer].astype(np.float64)
