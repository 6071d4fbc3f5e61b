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
    first: dict[tuple[int, str], int] = {}
    owned = list(zip(customer.tolist(), rows["case_id"], rows["occurred_at"], strict=True))
    for owner, case, at in owned:
        if case is not None:
            first[owner, case] = min(at, first.get((owner, case), at))
    number: dict[tuple[int, str], int] = {}
    many: dict[int, int] = {}
    for _, owner, case in sorted((at, owner, case) for (owner, case), at in first.items()):
        number[owner, case] = many.setdefault(owner, 0)
        many[owner] += 1
    return np.array(
        [NONE if case is None else number[owner, case] for owner, case, _ in owned], np.int32
    )


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
    return np.array([NONE if cell is None else codes[cell] for cell in cells], dtype)


def ranked(cells: Cells) -> tuple[NDArray[np.int32], tuple[str, ...]]:
    """Words by their place among all of them in their own order, and those."""
    words = tuple(sorted({cell for cell in cells if cell is not None}))
    return coded(cells, {word: code for code, word in enumerate(words)}, np.int32), words
