"""What the churn model learns from, and how it is told to learn."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from models.contracts import Feature


@dataclass(frozen=True)
class Contacts:
    """Whom the company contacted, [n]: the treated are not known to leave if left alone."""

    after: NDArray[np.float64]  # days from the snapshot to the first in the horizon; NaN: none
    lately: NDArray[np.bool_]  # in the time before the snapshot for which one may still last

    @property
    def within(self) -> NDArray[np.bool_]:
        """Who was contacted in the horizon, [n]."""
        return ~np.isnan(self.after)

    def before(self, leaves_in: NDArray[np.float64] | None) -> Contacts:
        """Without contacts after the customer had left, in days [n] from the snapshot."""
        if leaves_in is None:
            return self
        return Contacts(np.where(self.after >= leaves_in, np.nan, self.after), self.lately)

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> Contacts:
        """The rows chosen by position or mask."""
        return Contacts(self.after[rows], self.lately[rows])


@dataclass(frozen=True)
class Dataset:
    """Customers at snapshots: `n` rows (a customer at an instant), `f` features.

    A customer may stand in several rows; they are never split between learning and judging.
    """

    X: NDArray[np.float64]  # [n, f]; NaN is "not known"
    y: NDArray[np.bool_]  # [n]; left within the horizon
    customer: NDArray[np.int64]  # [n]
    as_of: NDArray[np.int64]  # [n]; the snapshot's instant, seconds UTC
    silent: NDArray[np.bool_]  # [n]
    features: tuple[Feature, ...]  # [f]
    # [n]; days from the snapshot to leaving, NaN for who stayed; None where no date is told
    leaves_in: NDArray[np.float64] | None = None
    # [n, s]; how much customers did within the horizon, each column in one way, in logarithms; NaN
    # where it is not known. None where nothing is, as in a plain table
    surrogates: NDArray[np.float64] | None = None
    # Contacts before the customer left; None where nothing is known of any, as in a plain table
    contacts: Contacts | None = None
    # [n]; how often a row counts where it is asked who leaves if left alone; None: each once
    weight: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        rows, columns = self.X.shape
        if columns != len(self.features):
            raise ValueError(f"{columns} columns for {len(self.features)} features")
        for name in ("y", "customer", "as_of", "silent", "leaves_in", "weight"):
            given = getattr(self, name)
            if given is not None and given.shape != (rows,):
                raise ValueError(f"`{name}` is not one value for each of the {rows} rows")
        if self.surrogates is not None and len(self.surrogates) != rows:
            raise ValueError(f"`surrogates` are not of each of the {rows} rows")

    def __len__(self) -> int:
        return len(self.y)

    @property
    def base_rate(self) -> float:
        """The share of rows that left if left alone."""
        return float(np.average(self.y, weights=self.weight))

    @property
    def alone(self) -> NDArray[np.float64]:
        """How often each row counts where it is asked who leaves if left alone, [n]."""
        return np.ones(len(self)) if self.weight is None else self.weight

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> Dataset:
        """The rows chosen by position or mask."""
        return replace(
            self,
            X=self.X[rows],
            y=self.y[rows],
            customer=self.customer[rows],
            as_of=self.as_of[rows],
            silent=self.silent[rows],
            leaves_in=None if self.leaves_in is None else self.leaves_in[rows],
            surrogates=None if self.surrogates is None else self.surrogates[rows],
            contacts=None if self.contacts is None else self.contacts.take(rows),
            weight=None if self.weight is None else self.weight[rows],
        )


@dataclass(frozen=True)
class Shape:
    """What the trees may look like."""

    num_leaves: int
    max_depth: int  # 8 at most: what `models.forest` explains
    learning_rate: float
    of_rows: float  # share of the rows that a tree sees
    of_features: float  # share of the features that a tree may use
    ridge: float  # pull of a leaf's value to nothing, in rows' curvature
    min_hessian: float  # least curvature in a leaf


# Few leavers, much noise: six conditions and a pull to nothing.
CAREFUL = Shape(15, 6, 0.03, 0.8, 0.7, 1.0, 1.0)
# Many rows for their features, clear rules: nothing is held back.
DEEP = Shape(31, 8, 0.05, 0.9, 0.7, 0.0, 1e-3)
# Hundreds of features that each say little, as a history's: three conditions, half the rows a tree.
FAINT = Shape(6, 3, 0.03, 0.5, 0.4, 20.0, 1.0)
# What customers do, which every row tells: wider, as there is less noise.
BROAD = Shape(15, 5, 0.05, 0.5, 0.4, 20.0, 1.0)


@dataclass(frozen=True)
class FitSettings:
    """How to learn. The defaults were chosen in decisions 0004 and 0018."""

    horizon_days: int
    seed: int = 20260101
    threads: int = 2
    folds: int = 5
    max_rounds: int = 800
    patience: int = 60  # rounds without a better fold before it stops
    shapes: tuple[Shape, ...] = (CAREFUL, DEEP)  # of which validation chooses one
    wide: Shape = FAINT  # in their place where features are many
    surrogate: Shape = BROAD  # of trees that learn what customers do afterwards
    seeds: int = 3  # whose trees are averaged, where rows are few
    # Inverse of the ridge penalty. The strongest win where few left: rows of one customer at
    # several nights are hardly more than one row (sample: AUC .711 at .0001, .693 at .003).
    linear_strengths: tuple[float, ...] = (0.0001, 0.001, 0.01, 0.1)
    blend_grid: tuple[float, ...] = tuple(step / 20 for step in range(21))  # share of the trees


_MIXER = 2_654_435_761  # Knuth, The Art of Computer Programming 3, 6.4: multiplicative hashing


def sampled(customers: NDArray[np.integer], share: float) -> NDArray[np.bool_]:
    """Which of these customer numbers are taken, [n]: the same ones each time, about `share`."""
    mixed = (customers.astype(np.uint64) * np.uint64(_MIXER)) % np.uint64(1 << 32)
    return np.asarray(mixed < np.uint64(round(share * (1 << 32))))


def group_folds(
    customer: NDArray[np.int64], y: NDArray[np.bool_], folds: int, seed: int
) -> NDArray[np.int64]:
    """The fold of each row, [n]: all rows of a customer in one, leavers dealt out evenly."""
    ids, row_customer = np.unique(customer, return_inverse=True)
    leaves = np.zeros(len(ids), dtype=bool)
    np.logical_or.at(leaves, row_customer, y)
    shuffled = np.random.default_rng(seed).permutation(len(ids))
    dealt = shuffled[np.argsort(leaves[shuffled], kind="stable")]
    fold_of = np.empty(len(ids), dtype=np.int64)
    fold_of[dealt] = np.arange(len(ids)) % folds
    return fold_of[row_customer]
