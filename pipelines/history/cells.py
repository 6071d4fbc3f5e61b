"""Cells of a table as Python values, where they are plain: the contract's types by their usual
spelling, within every rule of the contract.

Whatever else DuckDB would read, or refuse, is not plain (`NotPlainError`): the rules that say so
are those of `casts` and `staging`, and what is read here is what they read.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import chain, repeat
from math import isfinite, isnan
from typing import Any

from pipelines.history.schema import TABLES, Column, Table
from pipelines.history.sources import columns_of

Cells = Sequence[Any]
Rows = Mapping[str, Cells]  # a table's cells by column; absent ones are None throughout

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
# Spellings that mean the same to DuckDB and to Python.
_DAY, _OFFSET = r"(?:19|20)\d\d-\d\d-\d\d", r"(?:Z|[+-](?:0\d|1[0-3]):[0-5]\d)"
_HOUR = r"[T ]\d\d:\d\d(?::\d\d(?:\.\d{3}(?:\d{3})?)?)?"
TIME = re.compile(rf"{_DAY}(?:{_HOUR}({_OFFSET})?)?", re.ASCII)
WITH_OFFSETS = re.compile(rf"(?:{_DAY}{_HOUR}{_OFFSET}\n)*", re.ASCII)  # of many, a line each
NUMBER = re.compile(r"-?\d{1,15}(?:\.\d{1,15})?", re.ASCII)
FLAGS = {"true": True, "false": False}
TEXTS, ABSENT = {str, type(None)}, {None, ""}
MANY = 200  # texts that are read sooner by Arrow than one by one
MOST_EXACT = 2**53  # whole numbers from here on are not all a double's
COLUMNS = {table.name: {column.name: column for column in columns_of(table)} for table in TABLES}
REQUIRED = {
    name: tuple(one for one in columns if columns[one].required)
    for name, columns in COLUMNS.items()
}
CHANGES = ("updated_at", "deleted_at")  # make a row one of several versions
# The rules over several columns by their SQL (`schema.Check`): which columns, and what breaks them.
BROKEN: Mapping[str, tuple[tuple[str, str], Callable[[Any, Any], bool]]] = {
    "left_at < joined_at": (("left_at", "joined_at"), operator.lt),
    "ended_at < started_at": (("ended_at", "started_at"), operator.lt),
    "paused_to < paused_from": (("paused_to", "paused_from"), operator.lt),
    "score_kind = 'csat' AND score NOT BETWEEN 1 AND 5": (
        ("score_kind", "score"),
        lambda kind, score: kind == "csat" and not 1 <= score <= 5,
    ),
    "score_kind = 'ces' AND score NOT BETWEEN 1 AND 7": (
        ("score_kind", "score"),
        lambda kind, score: kind == "ces" and not 1 <= score <= 7,
    ),
}


class NotPlainError(Exception):
    """To be read by the rules themselves; never leaves this package."""


def plain_cells(
    table: Table, given: Rows, many: Sequence[int], *, source: str, latest: int, utc: bool
) -> tuple[dict[str, list[Any]], int]:
    """The contract's columns, and how many times had no offset; `many`: rows of each call.

    Texts trimmed, times in microseconds since 1970 UTC, numbers finite, flags; None where absent.
    `source` stands in where a row names none, `latest` is the last second that a past time may
    have, `utc`: times without an offset are in UTC. Raises `NotPlainError`.
    """
    columns = COLUMNS[table.name]
    if any(name not in columns and name.lower() in columns for name in given):
        raise NotPlainError  # to DuckDB one name
    absent: list[Any] = [None] * sum(many)
    cells = dict.fromkeys(columns, absent)
    naive = 0
    for name in columns.keys() & given.keys():
        cells[name], without = _read(columns[name], given[name], latest, utc)
        naive += without
    if any(None in cells[name] for name in REQUIRED[table.name]):
        raise NotPlainError
    cells["source"] = [cell or source for cell in cells["source"]]
    _require_rules(table, cells, many)
    return cells, naive


def is_absent(cells: Cells) -> bool:
    """Whether no row has a cell."""
    return cells.count(None) == len(cells)


def _require_rules(table: Table, cells: Rows, many: Sequence[int]) -> None:
    """Each row told once in its call, none of several versions, and within the rules over several
    columns."""
    if not all(is_absent(cells[name]) for name in CHANGES):
        raise NotPlainError
    call = chain.from_iterable(repeat(place, rows) for place, rows in enumerate(many))
    keys = set(zip(call, *(cells[name] for name in table.key), strict=True))
    if len(keys) < len(cells["source"]):
        raise NotPlainError
    for check in table.checks:
        columns, broken = BROKEN[check.broken]
        if any(is_absent(cells[name]) for name in columns):
            continue
        for pair in zip(*(cells[name] for name in columns), strict=True):
            if None not in pair and broken(*pair):
                raise NotPlainError


def _read(column: Column, given: Cells, latest: int, utc: bool) -> tuple[list[Any], int]:
    """One column's cells, and how many times had no offset."""
    if set(map(type, given)) <= TEXTS:
        read, naive = _read_texts(column, given, utc)
    else:
        reader = _reader(column, utc)
        read = [None if cell is None or cell == "" else reader(cell) for cell in given]
        naive = sum(isinstance(cell, str) and _is_naive(cell) for cell in given)
        naive *= column.type == "time"
    _require_range(column, read, latest)
    return read, naive


def _read_texts(column: Column, given: Cells, utc: bool) -> tuple[list[Any], int]:
    """As `_read`, of texts alone: many cells are looked at by one call."""
    words = set(given) - ABSENT  # each word is read once
    if column.type == "text":
        if column.name != "text" and any(word != word.strip() for word in words):
            raise NotPlainError
        return [cell or None for cell in given] if "" in given else list(given), 0
    read: Iterable[Any]
    if column.type == "time" and WITH_OFFSETS.fullmatch("\n".join(words) + "\n"):
        read, without = _microseconds(words), set[Any]()
    else:
        read = map(_reader(column, utc), words)
        without = {word for word in words if column.type == "time" and _is_naive(word)}
    known = dict(zip(words, read, strict=True))
    return list(map(known.get, given)), sum(cell in without for cell in given) if without else 0


def _reader(column: Column, utc: bool) -> Callable[[Any], Any]:
    if column.type == "time":
        return partial(_time, utc=utc)
    if column.type == "text":
        return partial(_text, as_it_is=column.name == "text")
    if column.type not in READERS:
        raise NotPlainError
    return READERS[column.type]


def _require_range(column: Column, cells: Cells, latest: int) -> None:
    if column.type not in ("number", "time") and not column.one_of:
        return
    there = set(cells) - {None}
    if column.one_of:
        if not there <= set(column.one_of):
            raise NotPlainError
        return
    if not there:
        return
    least, most = column.least, latest * 1_000_000 if column.past else column.most
    if (least is not None and min(there) < least) or (most is not None and max(there) > most):
        raise NotPlainError


def _text(cell: Any, *, as_it_is: bool) -> str:
    if isinstance(cell, int) and not isinstance(cell, bool):
        return str(cell)
    if not isinstance(cell, str) or not (as_it_is or cell == cell.strip()):
        raise NotPlainError
    return cell


def _number(cell: Any) -> float | None:
    if isinstance(cell, str):
        if not NUMBER.fullmatch(cell):
            raise NotPlainError
    elif isinstance(cell, bool) or not isinstance(cell, int | float):
        raise NotPlainError
    elif isinstance(cell, int):
        if abs(cell) > MOST_EXACT:
            raise NotPlainError
    elif isnan(cell):  # pandas' absent value
        return None
    elif not isfinite(cell):
        raise NotPlainError
    return float(cell)


def _flag(cell: Any) -> bool:
    if isinstance(cell, bool):
        return cell
    if not isinstance(cell, str) or cell not in FLAGS:
        raise NotPlainError
    return FLAGS[cell]


def _time(cell: Any, *, utc: bool) -> int:
    spelled = TIME.fullmatch(cell) if isinstance(cell, str) else None
    if spelled is None or not (utc or spelled[1]):
        raise NotPlainError
    if spelled[1] is None:  # a day, or an hour of it
        cell = f"{cell}+00:00" if ":" in cell else f"{cell}T00:00+00:00"
    return _microseconds([cell])[0]


def _microseconds(words: Collection[str]) -> list[int]:
    """Of times with their offsets."""
    try:
        if len(words) < MANY:
            return [(one - EPOCH) // MICROSECOND for one in map(datetime.fromisoformat, words)]
        import pyarrow as pa

        read = pa.array(words, pa.string()).cast(pa.timestamp("us", "UTC"))
        microseconds: list[int] = read.cast(pa.int64()).to_numpy().tolist()
    except ValueError:  # there is no such day
        raise NotPlainError from None
    return microseconds


def _is_naive(cell: str) -> bool:
    spelled = TIME.fullmatch(cell)
    return spelled is not None and spelled[1] is None


READERS: Mapping[str, Callable[[Any], Any]] = {"number": _number, "flag": _flag}
