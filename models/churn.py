"""The churn model: boosted trees and a linear model, blended in log-odds and calibrated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models.boosting import MANY_ROWS
from models.calibration import Calibration, calibrate, log_loss, probability
from models.contracts import BANDS, Feature
from models.dataset import Dataset, FitSettings, group_folds
from models.errors import NotEnoughData
from models.forest import Forest
from models.horizons import Horizons, Predictions, fit_horizons, scaled
from models.intervals import Intervals, fit_intervals
from models.linear import Linear, fit_linear
from models.renewal import Renewal

if TYPE_CHECKING:
    from models.explain import Systems

__all__ = [
    "Bands",
    "ChurnModel",
    "Dataset",
    "FitSettings",
    "Fitted",
    "cross_predict",
    "fit",
    "learn",
]

Floats = NDArray[np.float64]

HIGH_QUANTILE = 0.9  # a tenth of the customers is what a team can read
HIGH_LIFT = 2.0  # and no tenth is "high" that leaves hardly more often than the rest
NEAR = 1e-9  # log-odds so close to the average that the secant below has no meaning
# Issue 2: fewer leavers teach a model nothing; the pipeline asks for 100, this is the hard floor.
MIN_OF_A_CLASS = 5
FEWER_FOLDS = 3  # above MANY_ROWS a third held out is as telling as a fifth


@dataclass(frozen=True)
class Bands:
    """Probabilities from which a customer is in the medium and in the high band."""

    medium: float
    high: float

    def of(self, p: Floats) -> list[str]:
        """The band of each probability: low, medium or high; higher is worse."""
        codes = (p >= self.medium).astype(np.int64) + (p >= self.high)
        return [BANDS[code] for code in codes]

    def least(self, band: str) -> float:
        """The probability from which a customer is in `band` or a higher one."""
        return {"low": 0.0, "medium": self.medium, "high": self.high}[band]


@dataclass(frozen=True)
class ChurnModel:
    """What a bundle holds, able to answer. The matrix has one column for each of `features`.

    Everything is in the log-odds of the published probability: they are the sum of the
    contributions and the bias.
    """

    features: tuple[Feature, ...]
    horizon_days: int
    trees: str  # LightGBM's own text
    linear: Linear
    blend: float  # the trees' share in log-odds, 0 to 1
    calibration: Calibration
    bands: Bands
    base_rate: float  # share of the training rows that left, or would have if left alone
    intervals: Intervals | None = None  # None: made before they were
    horizons: Horizons | None = None  # None: no label told when customers leave
    renewal: Renewal | None = None  # None: too few yearly contracts, or made before it was

    def predict(self, matrix: Floats, threads: int = 1) -> Floats:
        """Probability of leaving within the horizon, [n]. NaN in `matrix` [n, f] is "not known"."""
        return probability(self.log_odds(matrix, threads))

    def predict_all(self, matrix: Floats, threads: int = 1) -> Predictions:
        """Probabilities over all horizons with their intervals, of each row."""
        matrix = self._checked(matrix)
        blended = self._blended(matrix, threads)
        calibrated = self.calibration(blended)
        p = probability(calibrated)
        horizons = self.horizons or Horizons((self.horizon_days,), ())
        told = horizons.probabilities(p, matrix)
        low = high = np.full(len(p), np.nan)
        if self.intervals:
            low, high = self.intervals.around(blended, calibrated)
        low, high = (scaled(end, p, told) for end in (low, high))
        lapse = self.renewal.probability(calibrated, matrix) if self.renewal else None
        return Predictions(horizons.days, told, low, high, lapse)

    def log_odds(self, matrix: Floats, threads: int = 1) -> Floats:
        """Log-odds of leaving within the horizon, [n]."""
        return self.calibration(self._blended(self._checked(matrix), threads))

    def lapse(self, matrix: Floats) -> Floats | None:
        """Probability that a yearly term, the one that ends next, is not renewed, [n]; it has a
        meaning only for who has one that ends past the horizon."""
        if self.renewal is None:
            return None
        return self.renewal.probability(self.log_odds(matrix), matrix)

    def contributions(self, matrix: Floats, threads: int = 1) -> tuple[Floats, float]:
        """What each feature adds, [n, f], and the bias: the log-odds of an average customer.

        Calibration bends the blended log-odds, so each customer's contributions are stretched by
        the secant from the average to the customer: the sum stays exact, and so do the order and
        the proportions.
        """
        matrix = self._checked(matrix)
        average = self._average
        out = self.blend * self.forest.contributions(matrix, threads)
        out += (1 - self.blend) * self.linear.contributions(matrix)
        z = average + out.sum(axis=1)
        bias = self.average
        near = np.abs(z - average) < NEAR
        secant = (self.calibration(z) - bias) / np.where(near, 1.0, z - average)
        out *= np.where(near, self.calibration.slope(average), secant)[:, None]
        return out, bias

    @cached_property
    def average(self) -> float:
        """The log-odds of an average customer: the bias of all contributions."""
        return float(self.calibration(self._average)[0])

    @cached_property
    def _average(self) -> Floats:
        """The same before calibration, [1]."""
        return self._mix(np.array([self.forest.bias]), np.array([self.linear.intercept]))

    @cached_property
    def forest(self) -> Forest:
        """The trees as compiled loops read them."""
        return Forest.from_text(self.trees)

    @cached_property
    def systems(self) -> Systems:
        """The features by system and group, as reasons are told."""
        from models.explain import Systems

        return Systems(self.features)

    def _blended(self, matrix: Floats, threads: int) -> Floats:
        return self._mix(self.forest.scores(matrix, threads), self.linear.log_odds(matrix))

    def _mix(self, trees: Floats, linear: Floats) -> Floats:
        return self.blend * trees + (1 - self.blend) * linear

    def _checked(self, matrix: Floats) -> Floats:
        if matrix.ndim != 2 or matrix.shape[1] != len(self.features):
            raise ValueError(
                f"the model has {len(self.features)} features, the matrix {matrix.shape}"
            )
        return matrix


@dataclass(frozen=True)
class Fitted:
    """A model, and what it says of its own rows where their customers are not learned from."""

    model: ChurnModel
    held_out: Floats  # [n]; out-of-fold probabilities, on which its calibration was chosen


def fit(data: Dataset, settings: FitSettings) -> ChurnModel:
    """The model of `learn`."""
    return learn(data, settings).model


def learn(data: Dataset, settings: FitSettings) -> Fitted:
    """Learn from `data`; the same data and settings give the same model, to the byte.

    Rounds, ridge strength, blend and calibration are all chosen on out-of-fold predictions, the
    folds drawn over customers; calibration on those left alone (`models.alone`). Raises
    `NotEnoughData` where one class is all but absent.
    """
    folds = _folds(data, settings)
    fold = group_folds(data.customer, data.y, folds, settings.seed)
    from models.boosting import cross_fit, fit_trees
    from models.surrogate import begin

    start = begin(data, fold, settings)
    grown = cross_fit(data.X, data.y, fold, settings, start)
    strength, linear = _cross_linear(data, fold, settings)
    blend = min(
        settings.blend_grid,
        key=lambda share: log_loss(share * grown.log_odds + (1 - share) * linear, data.y),
    )
    z = blend * grown.log_odds + (1 - blend) * linear
    told = data.alone > 0  # ranked by everybody, believed by those left alone
    calibration = calibrate(z[told], data.y[told], data.alone[told])
    held_out = probability(calibration(z))
    drawn = data.customer[told], data.as_of[told], settings.seed
    model = ChurnModel(
        features=data.features,
        horizon_days=settings.horizon_days,
        trees=fit_trees(data.X, data.y, grown, settings, start),
        linear=fit_linear(data.X, data.y, [strength], settings.seed)[0],
        blend=blend,
        calibration=calibration,
        bands=_bands(held_out, data.base_rate),
        base_rate=data.base_rate,
        intervals=fit_intervals(
            z[told],
            data.y[told],
            *drawn,
            horizon_days=settings.horizon_days,
            counts=data.alone[told],
        ),
        horizons=fit_horizons(data, settings),
    )
    return Fitted(_without_idle_half(model), held_out)


def cross_predict(
    data: Dataset,
    settings: FitSettings,
    folds: int = 5,
    learn: NDArray[np.bool_] | None = None,
) -> Floats:
    """Out-of-fold probabilities, [n]: each row's by a model fitted without its customer.

    Every choice of `fit` is made anew within each fold, so that nothing flatters the figures.
    `learn` [n]: the rows to fit on, where not all of the other folds' may be.
    """
    fold = group_folds(data.customer, data.y, folds, settings.seed + 1)
    allowed = np.ones(len(data), np.bool_) if learn is None else learn
    out = np.empty(len(data))
    for number in range(folds):
        held = fold == number
        model = fit(data.take(allowed & ~held), settings)
        out[held] = model.predict(data.X[held], settings.threads)
    return out


def _folds(data: Dataset, settings: FitSettings) -> int:
    """Folds that each hold leavers and stayers. Raises `NotEnoughData`."""
    leavers = len(np.unique(data.customer[data.y]))
    stayers = len(np.unique(data.customer[~data.y]))
    if min(leavers, stayers) < MIN_OF_A_CLASS:
        raise NotEnoughData(
            f"{leavers} customers left and {stayers} stayed within the horizon: a model needs at "
            f"least {MIN_OF_A_CLASS} of each to be fitted at all. Add history, or choose another "
            "horizon. Nothing was changed."
        )
    folds = FEWER_FOLDS if len(data) > MANY_ROWS else settings.folds
    return min(folds, leavers, stayers)


def _cross_linear(
    data: Dataset, fold: NDArray[np.int64], settings: FitSettings
) -> tuple[float, Floats]:
    """The best ridge strength, and out-of-fold log-odds with it, [n]."""
    strengths: Sequence[float] = settings.linear_strengths
    out = np.empty((len(strengths), len(data)))
    for number in range(int(fold.max()) + 1):
        held = fold == number
        models = fit_linear(data.X[~held], data.y[~held], strengths, settings.seed)
        for position, model in enumerate(models):
            out[position, held] = model.log_odds(data.X[held])
    best = min(range(len(strengths)), key=lambda position: log_loss(out[position], data.y))
    return strengths[best], out[best]


def _bands(p: Floats, base_rate: float) -> Bands:
    """High: the top tenth, at twice the base rate at least. Medium: above the base rate.

    Where twice the base rate is no probability to ask for, half-way from it to certainty.
    """
    floor = min(HIGH_LIFT * base_rate, (1 + base_rate) / 2)
    return Bands(medium=base_rate, high=max(float(np.quantile(p, HIGH_QUANTILE)), floor))


def _without_idle_half(model: ChurnModel) -> ChurnModel:
    """A linear half with no weight is dropped, so that nobody pays for it each night."""
    if model.blend < 1.0:
        return model
    return replace(model, linear=Linear(model.linear.intercept, ()))
