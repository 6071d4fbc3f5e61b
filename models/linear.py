"""The linear half: a ridge logistic regression on transforms that suit counts, days and money.

Each feature enters as its signed logarithm, its rank among the training rows (and the square of
that, for what is worst in the middle or at both ends) and whether it is known at all. It holds
what trees are slow to learn: a steady rise over a wide range, from few leavers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

CLIP = 4.0  # standard deviations; one absurd amount must not decide
KNOTS = 33  # quantiles that stand for a feature's distribution
FLAT = 1e-9  # a smaller standard deviation is rounding
# Past these a linear model gains nothing, and the solver's time grows with rows x columns^2.
MAX_FEATURES = 100
MAX_ROWS = 50_000
TRANSFORMS = 4  # logarithm, rank, rank squared, missing


@dataclass(frozen=True)
class Term:
    """What the linear model knows of one feature."""

    column: int
    log_centre: float
    log_scale: float
    knots: tuple[float, ...]  # ascending
    ranks: tuple[float, ...]  # mean rank at each knot, -1 to 1
    centres: tuple[float, ...] = (0.0,) * TRANSFORMS  # training means of the transforms
    weights: tuple[float, ...] = (0.0,) * TRANSFORMS  # log-odds for one unit of each

    def transforms(self, x: Floats) -> Floats:
        """The transforms of one column, [n, 4]; a missing value stands at the middle."""
        missing = np.isnan(x)
        log = np.clip((_signed_log(x) - self.log_centre) / self.log_scale, -CLIP, CLIP)
        rank = np.interp(x, self.knots, self.ranks)
        columns = np.column_stack([log, rank, rank * rank, missing])
        columns[missing, : TRANSFORMS - 1] = 0.0
        return columns


@dataclass(frozen=True)
class Linear:
    """An additive model: its contributions are exact by construction."""

    intercept: float  # log-odds of the average training row
    terms: tuple[Term, ...]

    def log_odds(self, matrix: Floats) -> Floats:
        """[n, f] to [n]."""
        out = np.full((len(matrix), 1), self.intercept)
        if self.terms:
            self._add(matrix, out, np.zeros(len(self.terms), np.int64))
        return out[:, 0]

    def contributions(self, matrix: Floats) -> Floats:
        """[n, f] to [n, f], zero for the features that the model does not use."""
        out = np.zeros(matrix.shape)
        if self.terms:
            self._add(matrix, out, self._flat[0])
        return out

    def _add(self, matrix: Floats, out: Floats, to: NDArray[np.int64]) -> None:
        """Adds each term's log-odds to the column `to` of `out`."""
        from models.kernels import add_terms

        add_terms(np.ascontiguousarray(matrix, np.float64), out, to, CLIP, *self._flat)

    @cached_property
    def _flat(self) -> tuple[NDArray[Any], ...]:
        """The terms as the compiled loop reads them, knots and ranks laid end to end."""
        terms = self.terms
        weights = np.array([term.weights for term in terms])
        centres = np.array([term.centres for term in terms])
        return (
            np.array([term.column for term in terms], np.int64),
            np.array([term.log_centre for term in terms]),
            np.array([term.log_scale for term in terms]),
            np.cumsum([0, *(len(term.knots) for term in terms)]).astype(np.int64),
            np.concatenate([term.knots for term in terms]),
            np.concatenate([term.ranks for term in terms]),
            weights,
            (weights * centres).sum(axis=1),
        )


def fit_linear(
    matrix: Floats, y: NDArray[np.bool_], strengths: Sequence[float], seed: int
) -> tuple[Linear, ...]:
    """One model for each strength (inverse ridge penalty, on standardised transforms).

    Above `MAX_ROWS` rows it learns from a sample, drawn by `seed`. A column that never varies is
    left out.
    """
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits  # scikit-learn's own dependency

    if len(y) > MAX_ROWS:
        sample = np.sort(np.random.default_rng(seed).choice(len(y), MAX_ROWS, replace=False))
        matrix, y = matrix[sample], y[sample]
    described = [_describe(column, matrix[:, column]) for column in range(matrix.shape[1])]
    terms = _strongest([term for term in described if term is not None], matrix, y)
    if not terms:
        share = y.mean()
        return (Linear(float(np.log(share / (1 - share))), ()),) * len(strengths)
    design = np.hstack([term.transforms(matrix[:, term.column]) for term in terms])
    centre, scale = design.mean(axis=0), design.std(axis=0)
    # What never varies (most features are always known) has no weight: the solver need not look.
    varies = scale >= FLAT
    design, scale = design[:, varies], scale[varies]
    design -= centre[varies]
    design /= scale
    models = []
    # Each strength begins where the one before it ended.
    solver = LogisticRegression(solver="newton-cholesky", max_iter=50, tol=1e-6, warm_start=True)
    for strength in strengths:
        solver.set_params(C=strength)
        # One thread: small matrices gain nothing by more, a busy machine loses ten times as much,
        # and the sums come out the same on every machine.
        with threadpool_limits(limits=1, user_api="blas"):
            solver.fit(design, y)
        weights = np.zeros(len(centre))
        weights[varies] = solver.coef_[0] / scale
        models.append(_assemble(terms, centre, weights, float(solver.intercept_[0])))
    return tuple(models)


def _assemble(terms: list[Term], centre: Floats, weights: Floats, intercept: float) -> Linear:
    per_term = zip(
        terms, centre.reshape(-1, TRANSFORMS), weights.reshape(-1, TRANSFORMS), strict=True
    )
    return Linear(
        intercept,
        tuple(
            Term(
                term.column,
                term.log_centre,
                term.log_scale,
                term.knots,
                term.ranks,
                tuple(centres.tolist()),
                tuple(own.tolist()),
            )
            for term, centres, own in per_term
        ),
    )


def _describe(column: int, x: Floats) -> Term | None:
    """The column's distribution, or None where it tells nothing."""
    known = x[np.isfinite(x)]
    if len(known) == 0 or (len(known) == len(x) and known.min() == known.max()):
        return None
    log = _signed_log(known)
    spread = float(log.std())
    known = np.sort(known)
    # Values that stand in the data, so that the rank of each knot is exact.
    knots = np.unique(np.quantile(known, np.linspace(0, 1, KNOTS), method="nearest"))
    ranks = (np.searchsorted(known, knots, "left") + np.searchsorted(known, knots, "right")) / len(
        known
    ) - 1.0
    return Term(
        column,
        float(log.mean()),
        spread if spread > FLAT else 1.0,
        tuple(knots.tolist()),
        tuple(ranks.tolist()),
    )


def _strongest(terms: list[Term], matrix: Floats, y: NDArray[np.bool_]) -> list[Term]:
    """The `MAX_FEATURES` whose transforms go most with the label, in their own order."""
    if len(terms) <= MAX_FEATURES:
        return terms
    centred = y - y.mean()
    strength = []
    for term in terms:
        columns = term.transforms(matrix[:, term.column])
        spread = columns.std(axis=0)
        spread[spread < FLAT] = np.inf
        strength.append(float(np.abs(centred @ columns / spread).max()))
    chosen = np.sort(np.argsort(strength, kind="stable")[-MAX_FEATURES:])
    return [terms[position] for position in chosen]


def _signed_log(x: Floats) -> Floats:
    return np.asarray(np.sign(x) * np.log1p(np.abs(x)))
