"""What customers do afterwards, learned as a first guess at who leaves.

Few leave, and a label says no more than that; but every row tells how much its customer went on to
use or to order, and what makes that fade makes customers leave. So trees learn it first, and those
that learn who leaves begin where they end. Source: Athey, Chetty, Imbens and Kang, "The Surrogate
Index" (NBER 26463, 2019), where surrogates stand for an outcome that takes too long to see; here
for one that is too rare to learn much from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from models.boosting import Start, best_of, parameters, table
from models.calibration import log_loss
from models.dataset import Dataset, FitSettings

if TYPE_CHECKING:
    from lightgbm import Booster

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Codes = NDArray[np.int64]

# Of the rows; where more leave, the label is not rare, and most surrogates say just what it says.
MOST_LEAVE = 0.5
LEAST_KNOWN = 0.2  # of the rows: what fewer tell of stands for a few customers only
ROUNDS = 100


def begin(data: Dataset, fold: Codes, settings: FitSettings) -> Start | None:
    """Where the trees begin: log-odds from the surrogate that tells best who leaves, in the folds
    of `fold` [n]. None where nothing is known of what customers did afterwards, or where most of
    them leave, who do nothing."""
    if data.surrogates is None or data.y.mean() > MOST_LEAVE:
        return None
    rows, columns = data.X.shape
    how = parameters(rows, columns, settings.surrogate, settings)
    how |= {"objective": "regression", "metric": "None"}
    whole = table(data.X, data.y, how)
    runs = [
        _Run(data, column, fold, whole, how)
        for column in data.surrogates.T
        if np.mean(known := ~np.isnan(column)) >= LEAST_KNOWN and np.ptp(column[known]) > 0
    ]
    if not runs:
        return None
    return best_of(runs, int(fold.max()) + 1).start()


class _Run:
    """One surrogate on the folds that it has been grown on."""

    def __init__(
        self, data: Dataset, target: Floats, fold: Codes, whole: Any, how: dict[str, Any]
    ) -> None:
        self._data, self._target, self._fold = data, target, fold
        self._whole, self._how = whole, how
        self._known = ~np.isnan(target)
        self._expected = np.full(len(target), np.nan)  # out of fold

    def grow(self, numbers: Sequence[int]) -> None:
        """What is to be expected of the rows of these folds, by the others."""
        for number in numbers:
            held = self._fold == number
            self._expected[held] = self._trees(~held, self._target).predict(self._data.X[held])

    @property
    def loss(self) -> float:
        """Mean log loss of the label by what is expected alone, over the folds grown so far."""
        grown = ~np.isnan(self._expected)
        return log_loss(self._line()(self._expected[grown]), self._data.y[grown])

    def start(self) -> Start:
        line = self._line()
        # Trees of log-odds in place of trees of the surrogate: the same but for their scale.
        booster = self._trees(np.ones(len(self._target), np.bool_), line(self._target))
        return Start(line(self._expected), str(booster.model_to_string()))

    def _line(self) -> _Line:
        grown = ~np.isnan(self._expected)
        return _line(self._expected[grown], self._data.y[grown])

    def _trees(self, rows: Bools, target: Floats) -> Booster:
        import lightgbm

        self._whole.set_label(np.where(self._known, target, 0.0))
        some = self._whole.subset(np.flatnonzero(rows & self._known))
        return lightgbm.train(self._how, some, ROUNDS)


@dataclass(frozen=True)
class _Line:
    """Log-odds by what is expected of a customer."""

    intercept: float
    slope: float

    def __call__(self, expected: Floats) -> Floats:
        return self.intercept + self.slope * expected


def _line(expected: Floats, y: Bools) -> _Line:
    from sklearn.linear_model import LogisticRegression

    centre, spread = expected.mean(), max(float(expected.std()), 1e-9)
    standard = ((expected - centre) / spread)[:, None]
    found = LogisticRegression(C=1.0, solver="newton-cholesky").fit(standard, y)
    slope = float(found.coef_[0, 0]) / spread
    return _Line(float(found.intercept_[0] - slope * centre), slope)
