"""Whether a protected attribute that is no feature can be told from the features all the same.

Leaving sex out does not help where the basket tells it. Whatever can be told so is shown, with the
features that tell most, and nothing is refused: what to make of it is for people who know the
business, with the fairness table beside it. Source: Barocas, Selbst, "Big data's disparate impact",
California Law Review 104, 2016 (redundant encodings).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.contracts import Feature
from models.dataset import group_folds
from models.groups import FEWEST, Grouping
from models.metrics import Ranking

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

# From here on a ranking is called acceptable (Hosmer, Lemeshow, Applied Logistic Regression, 2000).
LIMIT = 0.7
SURE = 1.64  # standard errors above it: one group in twenty would be there by chance
ENOUGH_ROWS = 20_000
FOLDS, ROUNDS, SHOWN = 3, 60, 3
TREES = {
    "objective": "binary", "num_leaves": 15, "max_depth": 6, "learning_rate": 0.1,
    "feature_fraction": 0.5, "min_data_in_leaf": 20, "max_bin": 63, "force_col_wise": True,
    "num_threads": 1, "deterministic": True, "verbosity": -1,
}  # fmt: skip


@dataclass(frozen=True)
class Proxy:
    """A protected attribute that the features tell."""

    attribute: str
    group: str  # told from everybody else of whom the attribute is known
    auc: float  # out of fold, over customers
    features: tuple[str, ...]  # that tell most

    def line(self) -> str:
        """As it is shown."""
        told = ", ".join(f"`{name}`" for name in self.features)
        return (
            f"`{self.attribute}` is no feature, but {self.group!r} can be told from the features: "
            f"AUC {self.auc:.2f}, most by {told}"
        )


def proxies(
    matrix: Floats, features: Sequence[Feature], groupings: Sequence[Grouping], seed: int
) -> tuple[Proxy, ...]:
    """The groups of protected attributes that `matrix` [n, f], a row a customer, tells.

    Of two groups one is asked for. Groups of fewer than `FEWEST` are left out.
    """
    found = []
    for grouping in groupings:
        known = np.flatnonzero(grouping.code >= 0)
        if len(known) > ENOUGH_ROWS:
            known = np.sort(np.random.default_rng(seed).choice(known, ENOUGH_ROWS, replace=False))
        code = grouping.code[known]
        for group in range(1 if len(grouping.names) == 2 else len(grouping.names)):
            mine = code == group
            if min(mine.sum(), (~mine).sum()) < FEWEST:
                continue
            auc, told = _told(matrix[known], mine, seed)
            if auc - SURE * _error(auc, mine) > LIMIT:
                names = tuple(features[at].name for at in told)
                found.append(Proxy(grouping.kind, grouping.names[group], auc, names))
    return tuple(found)


def _told(matrix: Floats, mine: Bools, seed: int) -> tuple[float, list[int]]:
    """How well the features tell who is in the group, out of fold, and which of them most."""
    import lightgbm

    fold = group_folds(np.arange(len(mine)), mine, FOLDS, seed)
    out, gain = np.empty(len(mine)), np.zeros(matrix.shape[1])
    parameters = {**TREES, "seed": seed % 2**31}
    for number in range(FOLDS):
        held = fold == number
        table = lightgbm.Dataset(matrix[~held], mine[~held].astype(np.float32), params=parameters)
        booster = lightgbm.train(parameters, table, ROUNDS)
        out[held] = booster.predict(matrix[held])
        gain += booster.feature_importance("gain")
    order = np.argsort(-gain, kind="stable")[:SHOWN]
    return Ranking(mine, out).auc(), [at for at in order.tolist() if gain[at] > 0]


def _error(auc: float, mine: Bools) -> float:
    """Standard error of an AUC (Hanley, McNeil, Radiology 1982)."""
    yes, no = float(mine.sum()), float((~mine).sum())
    q1, q2 = auc / (2 - auc), 2 * auc * auc / (1 + auc)
    spread = auc * (1 - auc) + (yes - 1) * (q1 - auc**2) + (no - 1) * (q2 - auc**2)
    return float(np.sqrt(spread / (yes * no)))
