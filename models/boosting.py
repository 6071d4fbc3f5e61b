"""The boosted half: LightGBM, with as many rounds as folds over customers bear out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from models.dataset import FitSettings

if TYPE_CHECKING:
    from lightgbm import Booster

Floats = NDArray[np.float64]

# Above this, a coarser and quicker course loses nothing that can be measured.
MANY_ROWS = 20_000
MANY_FEATURES = 100
ENOUGH_TO_SHARE = 2_000_000  # cells


def cross_fit(
    matrix: Floats, y: NDArray[np.bool_], fold: NDArray[np.int64], settings: FitSettings
) -> tuple[int, Floats]:
    """The number of rounds to learn, and out-of-fold log-odds at it, [n]."""
    import lightgbm

    parameters = _parameters(len(y), matrix.shape[1], settings)
    whole = _table(matrix, y, parameters)
    boosters: list[tuple[Booster, NDArray[np.bool_]]] = []
    for number in range(int(fold.max()) + 1):
        held = fold == number
        learn = whole.subset(np.flatnonzero(~held))
        judge = whole.subset(np.flatnonzero(held))
        stop = lightgbm.early_stopping(_patience(len(y), settings), verbose=False)
        booster = lightgbm.train(
            parameters, learn, settings.max_rounds, valid_sets=[judge], callbacks=[stop]
        )
        boosters.append((booster, held))
    # One number for all folds: each fold's own best would flatter it.
    rounds = max(1, round(np.mean([booster.best_iteration for booster, _ in boosters])))
    out = np.empty(len(y))
    for booster, held in boosters:
        out[held] = booster.predict(matrix[held], raw_score=True, num_iteration=rounds)
    return rounds, out


def fit_trees(matrix: Floats, y: NDArray[np.bool_], rounds: int, settings: FitSettings) -> str:
    """A booster of `rounds` trees over all rows, in LightGBM's own text."""
    import lightgbm

    parameters = _parameters(len(y), matrix.shape[1], settings)
    booster = lightgbm.train(parameters, _table(matrix, y, parameters), rounds)
    return str(booster.model_to_string(num_iteration=rounds))


def booster_of(text: str) -> Booster:
    """The booster that a text describes, as LightGBM itself holds it."""
    import lightgbm

    return lightgbm.Booster(model_str=text)


def _table(matrix: Floats, y: NDArray[np.bool_], parameters: dict[str, Any]) -> Any:
    import lightgbm

    return lightgbm.Dataset(matrix, y.astype(np.float32), params=parameters, free_raw_data=False)


def _patience(rows: int, settings: FitSettings) -> int:
    return settings.patience // 2 if rows > MANY_ROWS else settings.patience


def _parameters(rows: int, columns: int, settings: FitSettings) -> dict[str, Any]:
    many = rows > MANY_ROWS
    return {
        "objective": "binary",
        "metric": "binary_logloss",
        "num_leaves": settings.num_leaves,
        "max_depth": settings.max_depth,
        "learning_rate": settings.learning_rate * (2 if many else 1),
        # A leaf of fewer than 20 of 5,000 rows is an anecdote; of 300,000, fewer than 200.
        "min_data_in_leaf": int(np.clip(rows // 250, 10, 200)),
        "min_sum_hessian_in_leaf": 1.0,
        "lambda_l2": 1.0,
        "feature_fraction": 0.4 if columns > MANY_FEATURES else 0.7,
        "bagging_fraction": 0.8,
        "bagging_freq": 1,
        "max_bin": 63 if many else 255,
        "feature_pre_filter": False,
        "seed": settings.seed % 2**31,
        "deterministic": True,
        "force_row_wise": True,
        # On small tables threads cost more than they bring, and on a busy machine ten times so.
        "num_threads": settings.threads if rows * columns > ENOUGH_TO_SHARE else 1,
        "verbosity": -1,
    }
