"""Why a customer's risk is what it is, in words.

Features of one group move together (counts of the same thing over five windows), and groups of one
system tell of the same side of the service. So each system makes one reason for what raises the
risk, and one for what lowers it: its weight is the sum of the contributions of its groups that do,
its sentence that of the one or two groups that say most, with the customer's own figures. That the
two are not set off against each other is told with figures in docs/decisions/0026-reasons.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import inf, isnan
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.churn import ChurnModel
from models.contracts import TOLD, Feature, Reason
from models.words import AND, Dates, say

Floats = NDArray[np.float64]

CHUNK = 8192  # customers explained at a time: 20 MB for 300 features
LEAST = 0.01  # log-odds; a hundredth moves a probability of 10% by a tenth of a point
SECOND = 1 / 3  # of the first group's weight: from then on a second one is told beside it
KNOWN = 1 / 3  # of the strongest feature's: a figure that is known then tells more than none


def reasons(
    model: ChurnModel,
    matrix: Floats,
    rows: NDArray[np.intp] | Sequence[int] | None = None,
    limit: int = TOLD,
    lowering: bool = False,
    threads: int = 1,
    dates: Dates | None = None,
) -> list[list[Reason]]:
    """For each of `rows` of the matrix `matrix` [n, f] (None: all), up to `limit` reasons.

    Those that raise the risk, heaviest first; with `lowering` also those that lower it, all by
    weight. With `dates` ages are told with their date. A customer whom nothing moves has none.
    10,000 customers take about a second.
    """
    chosen = np.arange(len(matrix)) if rows is None else np.asarray(rows, dtype=np.intp)
    out: list[list[Reason]] = []
    for start in range(0, len(chosen), CHUNK):
        values = matrix[chosen[start : start + CHUNK]]
        contributions, _ = model.contributions(values, threads)
        out.extend(model.systems.reasons(values, contributions, limit, lowering, dates))
    return out


def moves(model: ChurnModel, then: Floats, now: Floats, least: float) -> list[str]:
    """What moved a customer's risk from the row `then` to the row `now`, both [f], in words.

    Group by group, the furthest first, each with the figures now and then; what moved it less than
    `least` (log-odds), or shows in no figure, is left out. All moves sum to the whole.
    """
    systems = model.systems
    contributions, _ = model.contributions(np.vstack([then, now]))
    change = contributions[1] - contributions[0]
    moved = systems.by_group(change[None])[0]
    rows, pushes = [row.tolist() for row in (now, then)], change.tolist()
    told = []
    for group in np.argsort(-np.abs(moved), kind="stable").tolist():
        if abs(moved[group]) < least:
            break
        column = systems.strongest(rows[0], pushes, group, float(np.sign(moved[group])))
        figures = [systems.words(row, column) for row in rows]
        if figures[0] != figures[1]:
            raises = "raises" if moved[group] > 0 else "lowers"
            told.append(f"{raises} it: {figures[0]} (then: {figures[1]})")
    return told


class _Row(NamedTuple):
    """A customer's; a few figures at a time are compared, which lists do faster than arrays."""

    values: list[float]  # [f]
    contributions: list[float]  # [f]
    by_group: list[float]  # [groups]


class Systems:
    """The features of a model by system, and within it by group, in the order they first come."""

    def __init__(self, features: Sequence[Feature]) -> None:
        self.features = features
        self.names = tuple(dict.fromkeys(feature.system for feature in features))
        pairs = [(self.names.index(feature.system), feature.group) for feature in features]
        groups = sorted(dict.fromkeys(pairs), key=lambda pair: pair[0])
        place = {pair: number for number, pair in enumerate(groups)}
        of_feature = np.array([place[pair] for pair in pairs], dtype=np.intp)
        self._order = np.argsort(of_feature, kind="stable")  # columns, group beside group
        self._columns = _starts(of_feature[self._order], len(groups))
        self._of_group: list[list[int]] = [
            some.tolist() for some in np.split(self._order, self._columns[1:-1])
        ]
        self._groups = _starts(np.array([system for system, _ in groups]), len(self.names))
        self._of_system = [range(first, end) for first, end in pairwise(self._groups.tolist())]
        self.group_of = {feature.name: feature.group for feature in features}

    def by_group(self, contributions: Floats) -> Floats:
        """Contributions summed by group, [n, groups]."""
        ordered = contributions[:, self._order]
        return np.asarray(np.add.reduceat(ordered, self._columns[:-1], axis=1))

    def by_system(self, by_group: Floats) -> Floats:
        """Sums of groups by system, [n, systems]."""
        return np.asarray(np.add.reduceat(by_group, self._groups[:-1], axis=1))

    def reasons(
        self,
        values: Floats,
        contributions: Floats,
        limit: int,
        lowering: bool,
        dates: Dates | None = None,
    ) -> list[list[Reason]]:
        """Reasons for each row of `values` and `contributions`, both [n, f]."""
        if not len(values):
            return []
        by_group = self.by_group(contributions)
        weights = self.by_system(np.maximum(by_group, 0))
        if lowering:
            weights = np.hstack([weights, self.by_system(np.minimum(by_group, 0))])
        top = np.argsort(-np.abs(weights), axis=1, kind="stable")[:, :limit]
        out: list[list[Reason]] = []
        for row, places in enumerate(top.tolist()):
            own = _Row(values[row].tolist(), contributions[row].tolist(), by_group[row].tolist())
            found = zip(places, weights[row, places].tolist(), strict=True)
            out.append(
                [
                    self._reason(own, at, weight, dates)
                    for at, weight in found
                    if abs(weight) >= LEAST
                ]
            )
        return out

    def strongest(
        self, values: Sequence[float], contributions: Sequence[float], group: int, sign: float
    ) -> int:
        """The column that says most of a group's push in the direction of `sign`, for a customer's
        `values` and `contributions`, both [f]; a figure that is known before one that is not."""
        columns = self._of_group[group]
        push = [contributions[column] * sign for column in columns]
        known = [
            -inf if isnan(values[column]) else pushes
            for column, pushes in zip(columns, push, strict=True)
        ]
        told = known if max(known) >= KNOWN * max(push) else push
        return columns[told.index(max(told))]

    def loudest(self, by_column: Floats, system: int) -> str:
        """The name of the feature of a system of which `by_column` [f] is highest."""
        columns = np.array([feature.system == self.names[system] for feature in self.features])
        column = int(np.argmax(np.where(columns, by_column, -np.inf)))
        return self.features[column].name

    def words(self, values: Sequence[float], column: int, dates: Dates | None = None) -> str:
        """The sentence of a column with the customer's own figure."""
        return say(self.features[column], values[column], dates)

    def _reason(self, own: _Row, at: int, weight: float, dates: Dates | None) -> Reason:
        system, sign = at % len(self.names), 1.0 if weight > 0 else -1.0
        told = [
            self.strongest(own.values, own.contributions, group, sign)
            for group in self._told(own.by_group, system, sign)
        ]
        return Reason(
            feature=self.features[told[0]].name,
            system=self.names[system],
            words=AND.join(self.words(own.values, column, dates) for column in told),
            direction="raises" if weight > 0 else "lowers",
            weight=weight,
        )

    def _told(self, by_group: Sequence[float], system: int, sign: float) -> Iterator[int]:
        """The one or two groups of a system that push most in the direction of `sign`, the heaviest
        first."""
        groups = self._of_system[system]
        heaviest = sorted([(-sign * by_group[group], group) for group in groups])[:2]
        yield heaviest[0][1]
        if len(heaviest) > 1 and -heaviest[1][0] >= max(LEAST, -SECOND * heaviest[0][0]):
            yield heaviest[1][1]


def _starts(ascending: NDArray[np.intp], many: int) -> NDArray[np.intp]:
    """Where each of 0, 1, ... `many` begins among ascending numbers, [many + 1]."""
    return np.searchsorted(ascending, np.arange(many + 1))
