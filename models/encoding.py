"""Plain columns as numbers: flags, levels and the words in between, without the label leaking.

A number stays what it is. A category of two levels becomes one flag, one of few levels a flag for
each, one of many its share of the rows and its smoothed share of leavers. That last is learned
strictly out of fold: no row's own label, nor that of its fold, is in the figure it learns from.
Source of the smoothing: Micci-Barreca, "A preprocessing scheme for high-cardinality categorical
attributes", SIGKDD Explorations 2001.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models import dating
from models.contracts import Feature
from models.dataset import group_folds
from models.errors import WarmlineError
from models.totals import Total, find_totals

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

FEW_LEVELS = 12  # a flag for each up to here; decision 0018
RAREST = 5  # rows; a flag that fewer carry tells of them, not of a level
SMOOTHING = 20.0  # rows of the average customer that a level's own are mixed with
FOLDS = 5
# A text column is a number with a few words for "not known" in it ("Unknown", blank) ...
MAX_WORDS = 2  # ... where it has no more of such words than this ...
MIN_NUMBERS = 5  # ... and so many different numbers


@dataclass(frozen=True)
class Number:
    """A column that is read as a number; words in it are "not known"."""

    column: str

    @property
    def needs(self) -> tuple[str, ...]:
        return (self.column,)

    def features(self) -> Iterator[Feature]:
        yield _feature(self.column, self.column, f"{self.column} is {{value}}")

    def values(self, table: pd.DataFrame) -> Floats:
        """[n, 1]."""
        return numbers_of(table[self.column])[:, None]


@dataclass(frozen=True)
class Flags:
    """A category of few levels: one column a level, the last of two left out."""

    column: str
    levels: tuple[str, ...]  # known in training, ascending

    @property
    def needs(self) -> tuple[str, ...]:
        return (self.column,)

    def features(self) -> Iterator[Feature]:
        for level in self._shown:
            says = f"{self.column} is {_plain(level)}|{self.column} is not {_plain(level)}"
            yield _feature(f"{self.column}={level}", self.column, says)

    def values(self, table: pd.DataFrame) -> Floats:
        """[n, levels]; NaN throughout for a level that training did not see."""
        words = texts(table[self.column])
        flags = (words[:, None] == np.array(self._shown, dtype=object)).astype(np.float64)
        flags[~np.isin(words, np.array(self.levels, dtype=object))] = np.nan
        return np.asarray(flags, np.float64)

    @property
    def _shown(self) -> tuple[str, ...]:
        return self.levels[:1] if len(self.levels) == 2 else self.levels


@dataclass(frozen=True)
class Shares:
    """A category of many levels: how common its level is, and how many of it leave."""

    column: str
    levels: tuple[str, ...]
    common: tuple[float, ...]  # share of the training rows
    leaving: tuple[float, ...]  # smoothed share of its rows that left
    base_rate: float  # what is said of a level that training did not see

    @property
    def needs(self) -> tuple[str, ...]:
        return (self.column,)

    def features(self) -> Iterator[Feature]:
        name = self.column
        yield _feature(f"{name}, how common", name, f"{{value}} have this {name}", "share")
        yield _feature(f"{name}, how many leave", name, f"of this {name}, {{value}} leave", "share")

    def values(self, table: pd.DataFrame) -> Floats:
        """[n, 2]."""
        import pandas as pd

        words = pd.Series(texts(table[self.column]))
        common = words.map(dict(zip(self.levels, self.common, strict=True))).fillna(0.0)
        leaving = words.map(dict(zip(self.levels, self.leaving, strict=True)))
        return np.column_stack([common, leaving.fillna(self.base_rate)]).astype(np.float64)


Column = Number | Flags | Shares | Total


@dataclass(frozen=True)
class Encoding:
    """How a table of these columns becomes a matrix."""

    columns: tuple[Column, ...]

    @property
    def features(self) -> tuple[Feature, ...]:
        """One for each column of the matrix; those of one table column are one group."""
        return tuple(feature for column in self.columns for feature in column.features())

    def matrix(self, table: pd.DataFrame) -> Floats:
        """[n, f]. Raises `WarmlineError` naming the columns that `table` lacks."""
        needed = dict.fromkeys(name for column in self.columns for name in column.needs)
        lacking = [name for name in needed if name not in table.columns]
        if lacking:
            raise WarmlineError(
                f"the table lacks {', '.join(f'`{name}`' for name in lacking)}, from which the "
                "model has learned: add what is missing, empty where it is not known."
            )
        return np.hstack([column.values(table) for column in self.columns])


def fit_encoding(
    table: pd.DataFrame, y: Bools, customer: NDArray[np.int64], seed: int
) -> tuple[Encoding, Floats]:
    """The encoding that `table` asks for, and the matrix to learn from, [n, f].

    In that matrix every share of leavers is out of fold, so it is not what `Encoding.matrix` gives
    for the same rows. Raises `WarmlineError` for a column that holds dates.
    """
    fold = group_folds(customer, y, FOLDS, seed)
    described = [
        column for name in table.columns if (column := _described(table[name], y)) is not None
    ]
    numbers = [column.column for column in described if isinstance(column, Number)]
    columns: list[Column] = [
        *described, *find_totals({name: numbers_of(table[name]) for name in numbers})
    ]  # fmt: skip
    pieces = [
        _out_of_fold(column, table, y, fold) if isinstance(column, Shares) else column.values(table)
        for column in columns
    ]
    if not pieces:
        raise WarmlineError("no column of the table varies: there is nothing to learn from.")
    return Encoding(tuple(columns)), np.hstack(pieces)


def texts(column: pd.Series) -> NDArray[np.object_]:
    """Values as trimmed text, [n]; None where a value is missing or blank."""
    words = column.astype("object").astype(str).str.strip().to_numpy(dtype=object)
    words[(column.isna() | (words == "")).to_numpy(dtype=bool)] = None
    return words


def numbers_of(column: pd.Series) -> Floats:
    """Values as numbers, [n]; NaN where there is none, or a word."""
    import pandas as pd

    values = pd.to_numeric(column, errors="coerce").to_numpy(np.float64, na_value=np.nan)
    return np.where(np.isfinite(values), values, np.nan)


def dates_of(column: pd.Series) -> Floats | None:
    """Dates, as such or as text, in seconds since 1970 UTC, NaN where there is none, [n]; None
    where the column holds others than dates."""
    from pandas.api import types

    if types.is_datetime64_any_dtype(column.dtype):
        return dating.seconds(column)
    if types.is_numeric_dtype(column.dtype) or types.is_bool_dtype(column.dtype):
        return None
    return dating.of_texts(texts(column))


def is_number(column: pd.Series) -> bool:
    """Whether a column holds numbers, with at most a few words among them for "not known"."""
    import pandas as pd
    from pandas.api import types

    if types.is_bool_dtype(column.dtype):
        return False
    if types.is_numeric_dtype(column.dtype):
        return True
    levels = pd.Series(pd.unique(texts(column))).dropna()
    numbers = pd.to_numeric(levels, errors="coerce").notna()
    return int(numbers.sum()) >= MIN_NUMBERS and int((~numbers).sum()) <= MAX_WORDS


def _described(column: pd.Series, y: Bools) -> Column | None:
    """The encoding of one column, or None where it tells nothing."""
    from pandas.api import types

    name = str(column.name)
    if types.is_timedelta64_dtype(column.dtype) or dates_of(column) is not None:
        raise WarmlineError(
            f"`{name}` holds dates, of which a plain table knows nothing: give the days since it "
            "happened, as they stood when the row was taken, or leave the column out."
        )
    if not is_number(column):
        return _category(name, texts(column), y)
    values = numbers_of(column)
    known = values[~np.isnan(values)]
    varies = len(known) and (known.min() < known.max() or len(known) < len(y))
    return Number(name) if varies else None


def _category(name: str, words: NDArray[np.object_], y: Bools) -> Column | None:
    known = words[np.array([word is not None for word in words])]
    if not len(known):
        return None
    levels, counts = np.unique(known.astype(str), return_counts=True)
    if len(levels) > FEW_LEVELS:
        return _shares(name, words, y)
    levels = levels[counts >= min(RAREST, counts.max())]
    return Flags(name, tuple(levels.tolist())) if len(levels) > 1 else None


def _shares(name: str, words: NDArray[np.object_], y: Bools) -> Shares:
    """What the rows of each level, known from `words` [n], tell."""
    known = np.array([word is not None for word in words])
    levels, code = np.unique(words[known].astype(str), return_inverse=True)
    rows = np.bincount(code, minlength=len(levels))
    left = np.bincount(code, weights=y[known], minlength=len(levels))
    base = float(y.mean())
    leaving = (left + SMOOTHING * base) / (rows + SMOOTHING)
    common = rows / len(words)
    return Shares(
        name, tuple(levels.tolist()), tuple(common.tolist()), tuple(leaving.tolist()), base
    )


def _out_of_fold(shares: Shares, table: pd.DataFrame, y: Bools, fold: NDArray[np.int64]) -> Floats:
    """As `shares.values`, each row's share of leavers from the other folds."""
    words, values = texts(table[shares.column]), shares.values(table)
    for number in range(int(fold.max()) + 1):
        held = fold == number
        others = _shares(shares.column, words[~held], y[~held])
        values[held, 1] = others.values(table[held])[:, 1]
    return values


def _feature(name: str, column: str, says: str, stat: str = "value") -> Feature:
    return Feature(name, says, "table", column, stat)


def _plain(level: str) -> str:
    """A level as it may stand in a sentence's template."""
    return level.replace("{", "(").replace("}", ")").replace("|", "/")
