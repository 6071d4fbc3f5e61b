"""Few rows put in their places among many, compiled: what stands between two of them moves as one.

In NumPy each column took four times as long, and a number a row of all that they have in common
twice as long as all columns here (docs/decisions/0003-feature-kernel.md).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.compiling import in_place

Places = NDArray[np.int64]
BITS: dict[int, type[np.generic]] = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64}


def places(
    customer: NDArray[np.int32],
    at: NDArray[np.int64],
    few_customer: NDArray[np.int32],
    few_at: NDArray[np.int64],
) -> tuple[Places, Places]:
    """For each of few rows how many of the many come before it, and before or with it, by customer
    and time. All ascend."""
    before, after = np.empty((2, len(few_at)), np.int64)
    many, few = (_bare(customer), _bare(at)), (_bare(few_customer), _bare(few_at))
    _find(*many, *few, before, after)
    return before, after


def insert(old: NDArray[Any], few: NDArray[Any], after: Places, out: NDArray[Any]) -> None:
    """Writes into `out` the values of `old` with each of `few` after so many of them; all of one
    type. Where `old` is one value for all rows, it is not read row by row."""
    if old.strides == (0,):
        out.fill(old[0])
        out[after + np.arange(len(few))] = few
        return
    bits = BITS[out.itemsize]  # compiled for each size, not for each type
    _insert(_bare(old.view(bits)), _bare(few).view(bits), after, out.view(bits))


def _bare(array: NDArray[Any]) -> NDArray[Any]:
    """Contiguous and not to be written: each other combination would compile once more."""
    view = np.ascontiguousarray(array).view()
    view.flags.writeable = False
    return view


@in_place
def _find(
    customer: NDArray[np.int32],
    at: NDArray[np.int64],
    few_customer: NDArray[np.int32],
    few_at: NDArray[np.int64],
    before: Places,
    after: Places,
) -> None:
    place = 0
    for i in range(len(few_at)):
        who, when = few_customer[i], few_at[i]
        place = before[i] = _past(customer, at, who, when, place)
        after[i] = _past(customer, at, who, when + 1, place)


@in_place
def _past(
    customer: NDArray[np.int32], at: NDArray[np.int64], who: int, when: int, place: int
) -> int:
    """The first row from `place` on that is not before that customer and time: mostly near."""
    step, end = 1, place
    while end < len(at) and (customer[end] < who or (customer[end] == who and at[end] < when)):
        place = end + 1
        end += step
        step *= 2
    end = min(end, len(at))
    while place < end:
        middle = (place + end) >> 1
        if customer[middle] < who or (customer[middle] == who and at[middle] < when):
            place = middle + 1
        else:
            end = middle
    return place


@in_place
def _insert(
    old: NDArray[np.unsignedinteger],
    few: NDArray[np.unsignedinteger],
    after: Places,
    out: NDArray[np.unsignedinteger],
) -> None:
    begin, many = np.uint64(0), np.uint64(len(few))
    for i in range(many):
        end = np.uint64(after[i])
        for row in range(begin, end):
            out[row + i] = old[row]
        out[end + i] = few[i]
        begin = end
    for row in range(begin, np.uint64(len(old))):
        out[row + many] = old[row]
