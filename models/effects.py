"""How the risk changes along one feature: accumulated local effects, with intervals.

Partial dependence asks the model about customers who cannot exist: with no order in a year, and a
dozen in the last month. Features here are counts of the same thing over several windows, so only
neighbouring values are compared, on the customers who are there: between two quantiles, by how much
does the probability change for those who lie between them? These changes are accumulated.
Source: Apley, Zhu, "Visualizing the effects of predictor variables in black box supervised learning
models", JRSS B 82(4), 2020.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.churn import ChurnModel
from models.explain import CHUNK
from models.metrics import LEVEL, resampled
from models.words import say

Floats = NDArray[np.float64]

FEATURES = 6  # shown: the strongest of each of so many groups
STEPS = 10  # between the quantiles of a feature
DRAWS = 200
MOST_ROWS = 10_000  # looked at; of more so many are drawn


@dataclass(frozen=True)
class Point:
    """The risk at one value of a feature, against that of the average customer."""

    value: float
    effect: float  # of the probability
    low: float  # 95%, over customers
    high: float


@dataclass(frozen=True)
class Effect:
    """How the probability changes along one feature, others as they go with it."""

    feature: str
    system: str
    points: tuple[Point, ...]
    says: tuple[str, ...]  # the feature's sentence at each point
    known: float  # share of the customers of whom it is known; the others are not in it

    def lines(self) -> Iterator[str]:
        """Its first, its middle and its last point, in words."""
        last = len(self.points) - 1
        yield f"{self.feature} ({self.system}; known of {self.known:.0%})"
        for at in sorted({0, last // 2, last}):
            point = self.points[at]
            yield (
                f"  {100 * point.effect:+.1f} [{100 * point.low:+.1f}, {100 * point.high:+.1f}] "
                f"points: {self.says[at]}"
            )


def effects(
    model: ChurnModel,
    matrix: Floats,
    *,
    customer: NDArray[np.int64],
    seed: int = 0,
    threads: int = 1,
) -> tuple[Effect, ...]:
    """Of the strongest feature of each of the strongest groups, on rows `matrix` [n, f].

    The interval is that of other customers drawn from the same ones; the model is taken as it is:
    another training would draw another line.
    """
    rows = np.random.default_rng(seed).permutation(len(matrix))[:MOST_ROWS]
    matrix, customer = matrix[rows], customer[rows]
    draws = np.array(list(resampled(customer, DRAWS, seed)))
    return tuple(
        _effect(model, matrix, column, draws, threads)
        for column in _strongest(model, matrix, threads)
    )


def lines(found: Sequence[Effect]) -> Iterator[str]:
    """All of them, for people."""
    if found:
        yield "how the probability changes along the strongest features, others as they go with it"
    for effect in found:
        yield from effect.lines()


def _strongest(model: ChurnModel, matrix: Floats, threads: int) -> list[int]:
    """Columns by the mean size of their contribution, the first of each group, `FEATURES` of them
    that take more than one value."""
    size = np.zeros(matrix.shape[1])
    for start in range(0, len(matrix), CHUNK):
        size += np.abs(model.contributions(matrix[start : start + CHUNK], threads)[0]).sum(axis=0)
    chosen: dict[str, int] = {}
    for column in np.argsort(-size, kind="stable").tolist():
        group = model.features[column].group
        if size[column] > 0 and group not in chosen and len(_edges(matrix[:, column])) > 1:
            chosen[group] = column
    return list(chosen.values())[:FEATURES]


def _edges(values: Floats) -> Floats:
    """Quantiles of what is known, each once: of many equal values the steps are fewer."""
    known = values[~np.isnan(values)]
    if not len(known):
        return known
    return np.unique(np.quantile(known, np.linspace(0, 1, STEPS + 1), method="nearest"))


def _effect(model: ChurnModel, matrix: Floats, column: int, draws: Floats, threads: int) -> Effect:
    values = matrix[:, column]
    rows = np.flatnonzero(~np.isnan(values))
    edges = _edges(values)
    # The step that each row lies in: between two edges, the upper one included.
    step = np.clip(np.searchsorted(edges, values[rows], side="left"), 1, len(edges) - 1) - 1
    ends = []
    for edge in (edges[step], edges[step + 1]):
        moved = matrix[rows]
        moved[:, column] = edge
        ends.append(model.predict(moved, threads))
    change = ends[1] - ends[0]
    plain = _accumulated(step, change, np.ones(len(rows)), len(edges))
    drawn = np.array([_accumulated(step, change, w[rows], len(edges)) for w in draws])
    low, high = np.percentile(drawn, LEVEL, axis=0)
    feature = model.features[column]
    return Effect(
        feature.name,
        feature.system,
        tuple(Point(*map(float, told)) for told in zip(edges, plain, low, high, strict=True)),
        tuple(say(feature, float(edge)) for edge in edges),
        len(rows) / len(values),
    )


def _accumulated(step: NDArray[np.intp], change: Floats, weight: Floats, edges: int) -> Floats:
    """The effect at each edge, [edges]; its mean over the rows is 0."""
    many = np.bincount(step, weight, edges - 1)
    total = np.bincount(step, weight * change, edges - 1)
    mean = np.divide(total, many, out=np.zeros(edges - 1), where=many > 0)
    path = np.concatenate([[0.0], np.cumsum(mean)])
    middle = (path[1:] + path[:-1]) / 2
    return np.asarray(path - middle @ many / max(many.sum(), 1.0))
