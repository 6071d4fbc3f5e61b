"""Plain cells as the arrays that events, customers and terms are made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.history.cells import Cells, Rows, is_absent
from pipelines.history.events import NEVER, NONE

SECOND = 1_000_000  # of microseconds, in which cells are told


def cases(rows: Rows, customer: NDArray[np.int32]) -> NDArray[np.int32]:
    """Cases by number within their customer, by first mention and then by id."""
    if is_absent(rows["case_id"]):
        return np.full(len(customer), NONE, np.int32)
    rows_with = [place for place, case in enumerate(rows["case_id"]) if case is not None]
    owners, ids, at = customer[rows_with].tolist(), rows["case_id"], rows["occurred_at"]
    names = [(owner, ids[row]) for owner, row in zip(owners, rows_with, strict=True)]
    first: dict[tuple[int, str], int] = {}
    for name, row in zip(names, rows_with, strict=True):
        first[name] = min(at[row], first.get(name, at[row]))
    number: dict[tuple[int, str], int] = {}
    many: dict[int, int] = {}
    for _, name in sorted((moment, name) for name, moment in first.items()):
        number[name] = many[name[0]] = many.get(name[0], -1) + 1
    found = np.full(len(customer), NONE, np.int32)
    found[rows_with] = [number[name] for name in names]
    return found


def there(cells: Cells) -> NDArray[np.bool_]:
    """Which rows have a cell."""
    return np.array([cell is not None for cell in cells], np.bool_)


def seconds(cells: Cells) -> NDArray[np.int64]:
    """Times, rounded down; NEVER where there is none."""
    if is_absent(cells):
        return np.full(len(cells), NEVER, np.int64)
    return np.array([NEVER if cell is None else cell // SECOND for cell in cells], np.int64)


def floats(cells: Cells) -> NDArray[np.float64]:
    """Numbers, NaN where there is none."""
    if is_absent(cells):
        return np.full(len(cells), np.nan)
    return np.array(cells, np.float64)  # None is NaN


def coded(cells: Cells, codes: Mapping[str, int], dtype: type[np.generic]) -> NDArray[Any]:
    """Words by their codes, NONE where there is none."""
    if is_absent(cells):
        return np.full(len(cells), NONE, dtype)
    # Each word is looked up once.
    found = {word: NONE if word is None else codes[word] for word in set(cells)}
    return np.array(list(map(found.__getitem__, cells)), dtype)


def ranked(cells: Cells) -> tuple[NDArray[np.int32], tuple[str, ...]]:
    """Words by their place among all of them in their own order, and those."""
    words = tuple(sorted({cell for cell in cells if cell is not None}))
    return coded(cells, {word: code for code, word in enumerate(words)}, np.int32), words
