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
    names = list(zip(customer.tolist(), rows["case_id"], strict=True))
    first: dict[tuple[int, str], int] = {}
    for name, at in zip(names, rows["occurred_at"], strict=True):
        if name[1] is not None and at < first.get(name, at + 1):
            first[name] = at
    number: dict[tuple[int, str | None], int] = dict.fromkeys(names, NONE)
    many: dict[int, int] = {}
    for _, name in sorted((at, name) for name, at in first.items()):
        number[name] = many[name[0]] = many.get(name[0], -1) + 1
    return np.array(list(map(number.__getitem__, names)), np.int32)


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
