"""For whom the model works: its quality in each part of the customers, and who is found in time.

The fairness table of the report. Three questions of each group, each with an interval: are its
probabilities as true as the others' (calibration within groups), does its ranking tell leavers
from stayers, and are its leavers found in the riskiest tenth as often as the others' (equal
opportunity). The three cannot all be equal where base rates differ, so they are shown side by side
and none is forced. Sources: Kleinberg, Mullainathan, Raghavan, "Inherent trade-offs in the fair
determination of risk scores", ITCS 2017; Hardt, Price, Srebro, "Equality of opportunity in
supervised learning", NIPS 2016.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from models.metrics import TOP, Interval, Metrics, Ranking, resampled

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

EVERYBODY, SILENCE = "everybody", "silence"
# Customers that left, and that stayed. With 20 of 200 leaving, an AUC of .75 has a standard error
# of .065 (Hanley, McNeil, Radiology 1982): from fewer no difference worth acting on shows.
FEWEST = 20
MOST = 12  # groups of a kind; the smaller ones are judged together
NOT_KNOWN, OTHERS = "not known", "others"
# What is said of a group's probabilities: apart by two points, and by more than chance gives in
# one of some thirty groups (three standard errors).
WORTH_SAYING, BEYOND_CHANCE = 0.02, 3.0


@dataclass(frozen=True)
class Grouping:
    """One way to part the rows: the name of each group, and the group of each row."""

    kind: str  # "segment", "region", ...
    names: tuple[str, ...]
    code: NDArray[np.int64]  # [n]: position in `names`, -1 where it is not known

    def take(self, rows: Bools) -> Grouping:
        """The rows chosen by mask."""
        return replace(self, code=self.code[rows])

    def masks(self) -> Iterator[tuple[str, Bools]]:
        """Each group that has rows, the largest first, the smallest together."""
        many = np.bincount(self.code[self.code >= 0], minlength=len(self.names))
        order = [at for at in np.argsort(-many, kind="stable").tolist() if many[at]]
        shown = order if len(order) <= MOST else order[: MOST - 1]
        for at in shown:
            yield self.names[at], self.code == at
        if len(shown) < len(order):
            yield OTHERS, np.isin(self.code, order[len(shown) :])
        if (self.code < 0).any() and order:
            yield NOT_KNOWN, self.code < 0


@dataclass(frozen=True)
class Figures:
    """What is told of one group."""

    auc: Interval
    lift: Interval  # of the group's own top tenth
    brier: Interval
    calibration: Interval  # mean probability less the share that left
    chosen: Interval  # the share of it in the riskiest tenth of everybody
    found: Interval  # the share of its leavers in that tenth


def is_apart(value: float, low: float, high: float) -> bool:
    """Whether mean probability and share that left differ by enough to matter, and by more than
    chance; `low` and `high` are of the 95% interval."""
    error = (high - low) / (2 * 1.96)  # of a normal figure: 95% is 1.96 each way
    return abs(value) > max(WORTH_SAYING, BEYOND_CHANCE * error)


@dataclass(frozen=True)
class Group:
    """One group's quality; where it is too small `figures` is None and `why` says so."""

    kind: str
    name: str
    customers: int
    metrics: Metrics
    figures: Figures | None = None
    why: str = ""


def of_groups(
    y: Bools,
    p: Floats,
    *,
    customer: NDArray[np.int64],
    silent: Bools,
    groupings: Sequence[Grouping] = (),
    seed: int = 0,
    draws: int = 200,
) -> tuple[Group, ...]:
    """Quality of probabilities `p` [n] for all, the silent, the vocal and each group.

    Intervals are over customers, all groups from the same draws.
    """
    everybody = Grouping(EVERYBODY, ("all",), np.zeros(len(y), np.int64))
    silence = Grouping(SILENCE, ("silent", "vocal"), np.where(silent, 0, 1))
    parts = [
        (grouping.kind, name, mask)
        for grouping in (everybody, silence, *groupings)
        for name, mask in grouping.masks()
    ]
    few = [_too_few(y[mask], customer[mask]) for _, _, mask in parts]
    chosen = in_the_top(p)
    judged = {
        position: _Part(y, p, chosen, mask)
        for position, (_, _, mask) in enumerate(parts)
        if not few[position]
    }
    drawn: dict[int, list[Floats]] = {position: [] for position in judged}
    for weight in resampled(customer, draws, seed) if judged else ():
        for position, part in judged.items():
            figures = part.figures(weight)
            if figures is not None:  # else a draw of one class
                drawn[position].append(figures)
    return tuple(
        _group(kind, name, y[mask], p[mask], customer[mask], judged.get(at), drawn.get(at), few[at])
        for at, (kind, name, mask) in enumerate(parts)
    )


def in_the_top(score: Floats, top: float = TOP) -> Floats:
    """How far each row is in the riskiest `top`, 0 to 1, [n]: of equal scores each in part."""
    size = max(1, round(len(score) * top))
    cut = np.partition(score, -size)[-size]
    above, at = score > cut, score == cut
    inside: Floats = above + at * ((size - above.sum()) / at.sum())
    return inside


class _Part:
    """The rows of one group, sorted once."""

    def __init__(self, y: Bools, p: Floats, chosen: Floats, mask: Bools) -> None:
        rows = np.flatnonzero(mask)
        self._ranking = Ranking(y[rows], p[rows])
        self._rows = rows = rows[self._ranking.order]
        self._y, self._apart = y[rows], p[rows] - y[rows]
        self._square, self._chosen = self._apart**2, chosen[rows]

    def figures(self, of_all: Floats | None = None) -> Floats | None:
        """AUC, lift, Brier, calibration, chosen, found, where rows count `of_all`; None without
        leavers or stayers."""
        w = np.ones(len(self._rows)) if of_all is None else of_all[self._rows]
        total, left = w.sum(), w @ self._y
        if left in (0.0, total):
            return None
        auc, found = self._ranking.figures(w)
        return np.array(
            [
                auc,
                found / TOP,
                w @ self._square / total,
                w @ self._apart / total,
                w @ self._chosen / total,
                w[self._y] @ self._chosen[self._y] / left,
            ]
        )


def _too_few(y: Bools, customer: NDArray[np.int64]) -> str:
    """Why a group cannot be judged, in words; empty where it can."""
    left, stayed = len(np.unique(customer[y])), len(np.unique(customer[~y]))
    if min(left, stayed) >= FEWEST:
        return ""
    what = f"{left} left" if left <= stayed else f"{stayed} stayed"
    return f"too few to tell: {what}, {FEWEST} are needed"


def _group(
    kind: str,
    name: str,
    y: Bools,
    p: Floats,
    customer: NDArray[np.int64],
    part: _Part | None,
    drawn: list[Floats] | None,
    why: str,
) -> Group:
    whole = Metrics.of(y, p)
    customers = len(np.unique(customer))
    values = part.figures() if part else None
    if values is None or not drawn:
        counts = Metrics(whole.rows, whole.leavers, *[None] * 5)
        return Group(kind, name, customers, counts, why=why)
    draws = np.array(drawn)
    figures = [Interval.of(float(value), draws[:, at]) for at, value in enumerate(values)]
    return Group(kind, name, customers, whole, Figures(*figures))


def lines(groups: Sequence[Group]) -> Iterator[str]:
    """A table for people."""
    titles = {"rows": 10, "left": 8, "AUC": 22, "lift": 20, "Brier": 8, "off": 25}
    heads = "".join(f"{title:>{width}}" for title, width in titles.items())
    yield f"{'':28}{heads}{'chosen':>8}{'found':>8}"
    for group in groups:
        label = f"{group.kind}, {group.name}"[:28]
        counts = f"{label:28}{group.metrics.rows:>10,}{group.metrics.leavers:>8,}"
        yield counts + (_cells(group.figures) if group.figures else f"  {group.why}")
    yield (
        "off: mean probability less share that left; chosen: share of the group in the riskiest "
        f"{TOP:.0%} of all; found: share of its leavers there"
    )
    for group in groups:
        if group.figures and is_apart(**vars(group.figures.calibration)):
            off = group.figures.calibration.value
            yield (
                f"{group.kind}, {group.name}: probabilities are {abs(off):.1%} "
                f"{'higher' if off > 0 else 'lower'} than the share that left, beyond chance"
            )


def _cells(figures: Figures) -> str:
    lift, off = figures.lift, figures.calibration
    return (
        f"{figures.auc!s:>22}{f'{lift.value:.2f} [{lift.low:.2f}, {lift.high:.2f}]':>20}"
        f"{figures.brier.value:>8.3f}{f'{off.value:+.3f} [{off.low:+.3f}, {off.high:+.3f}]':>25}"
        f"{figures.chosen.value:>8.1%}{figures.found.value:>8.1%}"
    )


def csv(groups: Sequence[Group]) -> str:
    """A line a group with every figure and its interval, empty where it is too small."""
    names = [field.name for field in fields(Figures)]
    ends = [f"{name}{end}" for name in names for end in ("", "_low", "_high")]
    out = [",".join(("kind", "name", "customers", "rows", "leavers", *ends))]
    for group in groups:
        told = [""] * len(ends)
        if group.figures:
            intervals: list[Interval] = [getattr(group.figures, name) for name in names]
            told = [f"{value:.6g}" for one in intervals for value in (one.value, one.low, one.high)]
        counts = (group.customers, group.metrics.rows, group.metrics.leavers)
        name = '"' + group.name.replace('"', '""') + '"'
        out.append(",".join((group.kind, name, *map(str, counts), *told)))
    return "\n".join(out) + "\n"
