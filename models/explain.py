"""Why a customer's risk is what it is, in words.

Features of one group move together (counts of the same thing over five windows), so they make
one reason: its weight is the sum of their contributions, its sentence that of the feature that
says most, with the customer's own figure.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.churn import ChurnModel
from models.contracts import Feature, Reason
from models.words import say

Floats = NDArray[np.float64]

CHUNK = 8192  # customers explained at a time: 20 MB for 300 features
LEAST = 0.01  # log-odds; a hundredth moves a probability of 10% by a tenth of a point


def reasons(
    model: ChurnModel,
    matrix: Floats,
    rows: NDArray[np.intp] | Sequence[int] | None = None,
    limit: int = 3,
    lowering: bool = False,
    threads: int = 1,
) -> list[list[Reason]]:
    """For each of `rows` of the matrix `matrix` [n, f] (None: all), up to `limit` reasons.

    Those that raise the risk, heaviest first; with `lowering` also those that lower it, all by
    weight. A customer whom nothing moves has none. 10,000 customers take about a second.
    """
    chosen = np.arange(len(matrix)) if rows is None else np.asarray(rows, dtype=np.intp)
    groups = Groups(model.features)
    out: list[list[Reason]] = []
    for start in range(0, len(chosen), CHUNK):
        values = matrix[chosen[start : start + CHUNK]]
        contributions, _ = model.contributions(values, threads)
        out.extend(groups.reasons(values, contributions, limit, lowering))
    return out


class Groups:
    """The features of a model by group; groups in the order of their first feature."""

    def __init__(self, features: Sequence[Feature]) -> None:
        self.features = features
        names = list(dict.fromkeys(feature.group for feature in features))
        position = {name: number for number, name in enumerate(names)}
        group_of = np.array([position[feature.group] for feature in features], dtype=np.intp)
        self._order = np.argsort(group_of, kind="stable")  # columns, group beside group
        self._starts = np.searchsorted(group_of[self._order], np.arange(len(names)))

    def totals(self, contributions: Floats) -> Floats:
        """Contributions summed by group, [n, groups]."""
        return np.asarray(np.add.reduceat(contributions[:, self._order], self._starts, axis=1))

    def reasons(
        self, values: Floats, contributions: Floats, limit: int, lowering: bool
    ) -> list[list[Reason]]:
        """Reasons for each row of `values` and `contributions`, both [n, f]."""
        if not len(values):
            return []
        totals = self.totals(contributions)
        size = np.abs(totals) if lowering else totals
        top = np.argsort(-size, axis=1, kind="stable")[:, :limit]
        return [
            [
                self._reason(values[row], contributions[row], group, totals[row, group])
                for group in top[row]
                if size[row, group] >= LEAST
            ]
            for row in range(len(values))
        ]

    def _reason(self, values: Floats, contributions: Floats, group: int, total: float) -> Reason:
        columns = self._order[self._starts[group] :][: self._size(group)]
        towards = contributions[columns] * np.sign(total)
        column = int(columns[np.argmax(towards)])
        feature = self.features[column]
        return Reason(
            feature=feature.name,
            system=feature.system,
            words=say(feature, float(values[column])),
            direction="raises" if total > 0 else "lowers",
            weight=float(total),
        )

    def _size(self, group: int) -> int:
        end = self._starts[group + 1] if group + 1 < len(self._starts) else len(self._order)
        return int(end - self._starts[group])
