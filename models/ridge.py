"""A ridge logistic model where it is better than one share for all, which out of fold decides."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.calibration import log_loss
from models.dataset import FitSettings, group_folds
from models.linear import Linear, fit_linear

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

# Fewer of a kind tell nothing of what sets them apart: all then have the same share.
MIN_OF_A_KIND = 20
# Inverse ridge penalties: of few rows, what tells them apart must be plain.
STRENGTHS = (0.001, 0.01, 0.1, 1.0)
# A share that is learned for each customer must beat the same for all by so much log-loss.
LEAST_GAIN = 1e-3


def fit_or_share(
    matrix: Floats, y: Bools, customer: NDArray[np.int64], settings: FitSettings
) -> Linear:
    """Log-odds of `y` [n] by `matrix` [n, f]; whether they depend on it, and how firmly, is chosen
    out of fold, over customers."""
    same = Linear(_log_odds(y), ())
    many = [len(np.unique(customer[kind])) for kind in (y, ~y)]
    folds = min(settings.folds, *many)
    if min(many) < MIN_OF_A_KIND:
        return same
    fold = group_folds(customer, y, folds, settings.seed)
    told = np.empty((len(STRENGTHS) + 1, len(y)))
    for number in range(folds):
        held = fold == number
        told[0, held] = _log_odds(y[~held])
        models = fit_linear(matrix[~held], y[~held], STRENGTHS, settings.seed)
        for place, model in enumerate(models, start=1):
            told[place, held] = model.log_odds(matrix[held])
    losses = [log_loss(one, y) for one in told]
    best = int(np.argmin(losses))
    if losses[best] > losses[0] - LEAST_GAIN:
        return same
    return fit_linear(matrix, y, [STRENGTHS[best - 1]], settings.seed)[0]


def _log_odds(y: Bools) -> float:
    """Of the share in `y`, half a customer added to each side so that it is never certain."""
    yes, no = float(y.sum()) + 0.5, float((~y).sum()) + 0.5
    return float(np.log(yes / no))
