"""The boosted half: LightGBM, with the shape and the rounds that folds over customers bear out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from models.calibration import log_loss
from models.dataset import FitSettings, Shape
from models.mixing import mixed

if TYPE_CHECKING:
    import lightgbm
    from lightgbm import Booster

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Codes = NDArray[np.int64]

# Above this, a coarser and quicker course loses nothing that can be measured.
MANY_ROWS = 20_000
# Past this each tree sees few features anyway: with the sample's 445, neither the choice of a shape
# nor several seeds made the AUC better (.764, .766 without), and training took five times as long.
MANY_FEATURES = 100
ENOUGH_TO_SHARE = 2_000_000  # cells
# What LightGBM writes of the machine that learned; the trees are the same with any number.
THREADS = re.compile(r"^\[num_threads: \d+\]$", re.MULTILINE)
# Folds by which the shape is chosen: two of five tell shapes apart as well as all (decision 0018).
SCOUTS = 2


@dataclass(frozen=True)
class Grown:
    """What the folds chose, and what they predicted."""

    shape: Shape
    rounds: int
    log_odds: Floats  # [n], out of fold


@dataclass(frozen=True)
class Start:
    """Trees that others begin with."""

    log_odds: Floats  # [n], out of fold
    text: str  # learned from all rows


def cross_fit(
    matrix: Floats, y: Bools, fold: Codes, settings: FitSettings, start: Start | None = None
) -> Grown:
    """The shape and the number of rounds to learn, and out-of-fold log-odds with them, of `start`
    and what is learned beyond it."""
    shapes = settings.shapes if matrix.shape[1] <= MANY_FEATURES else (settings.wide,)
    runs = [_Run(matrix, y, fold, shape, settings, start) for shape in shapes]
    return best_of(runs, int(fold.max()) + 1).grown()


class Contender(Protocol):
    """What is grown on folds, and how well it does on those so far."""

    @property
    def loss(self) -> float: ...

    def grow(self, numbers: Sequence[int]) -> None: ...


C = TypeVar("C", bound=Contender)


def best_of(runs: Sequence[C], folds: int) -> C:
    """The one that does best on the first folds, grown on all of them."""
    scouts = range(min(SCOUTS, folds - 1)) if len(runs) > 1 else range(0)
    for run in runs:
        run.grow(scouts)
    best = min(runs, key=lambda run: run.loss) if len(runs) > 1 else runs[0]
    best.grow(range(len(scouts), folds))
    return best


class _Run:
    """One shape on the folds that it has been grown on."""

    def __init__(
        self, matrix: Floats, y: Bools, fold: Codes, shape: Shape, settings: FitSettings,
        start: Start | None,
    ) -> None:  # fmt: skip
        self._matrix, self._y, self._fold = matrix, y, fold
        self._shape, self._settings = shape, settings
        self._start = None if start is None else start.log_odds
        self._parameters = parameters(len(y), matrix.shape[1], shape, settings)
        self._whole: Any = None
        self._boosters: list[tuple[Booster, Bools]] = []

    def grow(self, numbers: Sequence[int]) -> None:
        """A booster for each of these folds, stopped where the fold held out stops it."""
        import lightgbm

        if len(numbers) and self._whole is None:
            self._whole = table(self._matrix, self._y, self._parameters, self._start)
        for number in numbers:
            held = self._fold == number
            learn = self._whole.subset(np.flatnonzero(~held))
            judge = self._whole.subset(np.flatnonzero(held))
            patience = _patience(len(self._y), self._settings)
            stop = lightgbm.early_stopping(patience, verbose=False)
            booster = lightgbm.train(
                self._parameters, learn, self._settings.max_rounds, valid_sets=[judge],
                callbacks=[stop],
            )  # fmt: skip
            self._boosters.append((booster, held))

    @property
    def rounds(self) -> int:
        """One number for all folds: each fold's own best would flatter it."""
        return max(1, round(np.mean([booster.best_iteration for booster, _ in self._boosters])))

    @property
    def loss(self) -> float:
        """Mean log loss over the folds grown so far, at the common number of rounds."""
        held = np.logical_or.reduce([held for _, held in self._boosters])
        return log_loss(self._predict()[held], self._y[held])

    def grown(self) -> Grown:
        return Grown(self._shape, self.rounds, self._predict())

    def _predict(self) -> Floats:
        out = np.zeros(len(self._y)) if self._start is None else self._start.copy()
        for booster, held in self._boosters:
            out[held] += booster.predict(
                self._matrix[held], raw_score=True, num_iteration=self.rounds
            )
        return out


def fit_trees(
    matrix: Floats, y: Bools, grown: Grown, settings: FitSettings, start: Start | None = None
) -> str:
    """A booster over all rows, in LightGBM's own text, the trees of `start` among its own: on small
    tables the mean of some seeds'."""
    import lightgbm

    texts = []
    few = len(y) <= MANY_ROWS and matrix.shape[1] <= MANY_FEATURES
    seeds = settings.seeds if few else 1
    how = parameters(len(y), matrix.shape[1], grown.shape, settings)
    for seed in range(seeds):
        how["seed"] = (settings.seed + seed) % 2**31
        # Bins do not depend on the seed, but LightGBM holds a table to the parameters it was
        # made with.
        whole = table(matrix, y, how, None if start is None else start.log_odds)
        booster = lightgbm.train(how, whole, grown.rounds)
        texts.append(str(booster.model_to_string(num_iteration=grown.rounds)))
    text = texts[0] if seeds == 1 else mixed([(text, 1 / seeds) for text in texts])
    text = text if start is None else mixed([(text, 1.0), (start.text, 1.0)])
    text = text if text is texts[0] else str(booster_of(text).model_to_string())
    return THREADS.sub("[num_threads: 1]", text)


def booster_of(text: str) -> Booster:
    """The booster that a text describes, as LightGBM itself holds it."""
    import lightgbm

    return lightgbm.Booster(model_str=text)


def table(
    matrix: Floats, y: Bools, how: dict[str, Any], log_odds: Floats | None = None
) -> lightgbm.Dataset:
    """The rows as LightGBM holds them, where they begin with `log_odds` if given, [n]."""
    import lightgbm

    return lightgbm.Dataset(
        matrix, y.astype(np.float32), init_score=log_odds, params=how, free_raw_data=False
    )


def _patience(rows: int, settings: FitSettings) -> int:
    return settings.patience // 2 if rows > MANY_ROWS else settings.patience


def parameters(rows: int, columns: int, shape: Shape, settings: FitSettings) -> dict[str, Any]:
    """LightGBM's, for a matrix of this size."""
    many = rows > MANY_ROWS
    wide = columns > MANY_FEATURES
    return {
        "objective": "binary",
        "metric": "binary_logloss",
        "num_leaves": shape.num_leaves,
        "max_depth": shape.max_depth,
        "learning_rate": shape.learning_rate * (2 if many else 1),
        # A leaf of fewer than 20 of 5,000 rows is an anecdote; of 300,000, fewer than 200.
        "min_data_in_leaf": int(np.clip(rows // 250, 20, 200)),
        "min_sum_hessian_in_leaf": shape.min_hessian,
        "lambda_l2": shape.ridge,
        "feature_fraction": shape.of_features,
        "bagging_fraction": shape.of_rows,
        "bagging_freq": 1,
        # Wide: out-of-fold log loss .1802 with 63 bins as with 255 on the sample, in half the time
        # with histograms column by column (20.7 s of processor time, not 40.2).
        "max_bin": 63 if many or wide else 255,
        "feature_pre_filter": False,
        "seed": settings.seed % 2**31,
        "deterministic": True,
        "force_col_wise": wide,
        "force_row_wise": not wide,
        # On small tables threads cost more than they bring, and on a busy machine ten times so.
        "num_threads": settings.threads if rows * columns > ENOUGH_TO_SHARE else 1,
        "verbosity": -1,
    }
