"""What tells too much: features that hold the label, or the future.

A model that is told the answer is perfect until it is used. So before anything is learned, each
feature is asked how well it alone tells who leaves: by the shares of leavers within its own
values, out of fold, so that a feature that is high for some leavers and missing for others is
found as well. What is good is flagged, and what is too good to be true is refused by name.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models import dating
from models.contracts import Feature
from models.dataset import group_folds
from models.encoding import dates_of, is_number, numbers_of, texts
from models.errors import WarmlineError
from models.metrics import Ranking

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Codes = NDArray[np.int64]

# Decision 0018 has the real sets' figures: the strongest honest feature has an AUC of .874 and
# tells .444 of the label, a made one .998 and .993.
LIMIT = 0.98  # AUC by one feature alone: refused above
FLAGGED = 0.9  # shown above
EQUAL = 0.9  # share of the label told by one feature: above, it is the label under another name
HALF = 0.5  # shown above
BINS = 64  # of equal count, of a number's values
FOLDS = 5
PRIOR = 1.0  # rows of the average customer mixed into each bin's share
# How features are named that count the days back from a night.
PAST = ("days_since", "tenure_days", "relationship_days", "days_away")
ENOUGH = 50_000  # rows; a leak is seen in fewer


class Leak(WarmlineError):
    """A feature gives the label away, or holds what had not happened yet."""


@dataclass(frozen=True)
class Finding:
    """A feature that tells a lot by itself."""

    feature: str
    auc: float | None  # by it alone, out of fold
    told: float | None  # how many of the base rate's errors the best rule over it avoids, 0 to 1
    refused: bool
    why: str  # in words

    def line(self) -> str:
        """As it is shown."""
        return f"`{self.feature}` {self.why}"


@dataclass(frozen=True)
class Column:
    """One feature as codes of its values; -1 is "not known"."""

    name: str
    codes: Codes  # [n]
    ahead: int = 0  # rows whose value lies after the row's own instant
    dates: str = ""  # that it holds dates as numbers, from when to when, in words


def columns_of(table: pd.DataFrame, taken: float = np.inf) -> Iterator[Column]:
    """The columns of a plain table, categories by level and numbers by bins.

    `taken`: when the rows were taken, seconds since 1970 UTC; what is dated later lies ahead.
    """
    import pandas as pd

    for name in table.columns:
        column = table[name]
        at = dates_of(column)
        ahead = 0 if at is None else int((at > taken).sum())
        if is_number(column):
            values = numbers_of(column)
            yield Column(str(name), binned(values), dates=_dates(values, taken))
        else:
            words = texts(column)
            yield Column(str(name), np.asarray(pd.factorize(words)[0], np.int64), ahead)


def columns_of_matrix(
    matrix: Floats, features: Sequence[Feature], as_of: NDArray[np.int64]
) -> Iterator[Column]:
    """The columns of a matrix [n, f], looked at as of each row's instant, seconds UTC [n].

    A feature that counts days back must not be negative: what it counts from lies in the future.
    A company's own numbers may be dates.
    """
    for position, feature in enumerate(features):
        values = matrix[:, position]
        past = feature.name.startswith(PAST)
        ahead = int((values < 0).sum()) if past else 0
        own = feature.stat == "value"
        yield Column(feature.name, binned(values), ahead, _dates(values, as_of) if own else "")


def _dates(values: Floats, until: NDArray[np.int64] | float) -> str:
    """That numbers are dates, and how many of them lie after `until`; "" where they are none."""
    at = dating.of_numbers(values)
    if at is None:
        return ""
    later = int((at > until).sum())
    ahead = f", of which {later:,} lie in the future of their row" if later else ""
    return f"holds dates as numbers, {dating.span(at)}{ahead}: days since are what a model can use"


def binned(x: Floats) -> Codes:
    """Codes of `BINS` bins of equal count, [n]; a value that many rows hold has its own."""
    known = ~np.isnan(x)
    codes = np.full(len(x), -1, np.int64)
    if known.any():
        edges = np.unique(np.quantile(x[known], np.linspace(0, 1, BINS + 1), method="nearest"))
        # A value at an edge counts as 2k + 1, what lies between edges as 2k.
        codes[known] = np.searchsorted(edges, x[known], "left") + np.searchsorted(
            edges, x[known], "right"
        )
    return codes


def inspect(
    columns: Iterable[Column],
    y: Bools,
    *,
    customer: NDArray[np.int64] | None = None,
    limit: float = LIMIT,
    seed: int = 0,
) -> tuple[Finding, ...]:
    """The features that tell much, worst first.

    `customer` [n]: whose rows stay together. `limit`: the AUC that one feature may reach.
    """
    numbers = np.arange(len(y)) if customer is None else customer
    rows = np.arange(len(y))
    if len(y) > ENOUGH:
        rows = np.sort(np.random.default_rng(seed).choice(len(y), ENOUGH, replace=False))
    fold = group_folds(numbers[rows], y[rows], FOLDS, seed)
    found = [
        finding
        for column in columns
        if (finding := _look(column, column.codes[rows], y[rows], fold, limit)) is not None
    ]
    return tuple(sorted(found, key=lambda finding: (not finding.refused, -(finding.auc or 1.0))))


def refuse(findings: Iterable[Finding], accept: Collection[str] = ()) -> None:
    """Raises `Leak` naming what must not be learned from, unless it is in `accept`."""
    worst = [finding for finding in findings if finding.refused and finding.feature not in accept]
    if not worst:
        return
    lines = " ".join(f"{finding.line()}." for finding in worst)
    raise Leak(
        f"{lines} A figure so near the label was most likely made from it, or after it. Leave it "
        "out, or give it as it stood before; if it may truly be known beforehand, accept it by "
        "name. Nothing was changed.",
        features=[finding.feature for finding in worst],
    )


def _look(column: Column, codes: Codes, y: Bools, fold: Codes, limit: float) -> Finding | None:
    if column.ahead:
        why = f"lies in the future of {column.ahead:,} row{'s' * (column.ahead != 1)}"
        return Finding(column.name, None, None, True, why)
    share = _shares(codes, y, fold)
    auc, told = Ranking(y, share).auc(), _told(y, share)
    refused = auc > limit or told > EQUAL
    if not refused and auc < FLAGGED and told < HALF:
        return Finding(column.name, auc, told, False, column.dates) if column.dates else None
    what = "is the label, all but in name" if told > EQUAL else "alone tells who leaves"
    why = f"{what}: AUC {auc:.3f}, {told:.1%} fewer errors than the base rate"
    return Finding(column.name, auc, told, refused, why)


def _shares(codes: Codes, y: Bools, fold: Codes) -> Floats:
    """The share of leavers among other folds' rows of the same code, [n]."""
    _, code = np.unique(codes, return_inverse=True)
    size = int(code.max()) + 1
    rows = np.bincount(code * FOLDS + fold, minlength=size * FOLDS).reshape(size, FOLDS)
    left = np.bincount(code * FOLDS + fold, weights=y, minlength=size * FOLDS)
    left = left.reshape(size, FOLDS)
    others = rows.sum(axis=1, keepdims=True) - rows
    gone = left.sum(axis=1, keepdims=True) - left
    share = (gone + PRIOR * y.mean()) / (others + PRIOR)
    return np.asarray(share[code, fold], np.float64)


def _told(y: Bools, share: Floats) -> float:
    """How much less often "most of them leave" is wrong than the commoner label, 0 to 1.

    1: the feature is the label; 0: nothing beyond the base rate.
    """
    wrong = float(np.mean((share > 0.5) != y))
    base = min(float(y.mean()), 1 - float(y.mean()))
    return max(0.0, 1 - wrong / base)
