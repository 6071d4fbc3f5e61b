"""Few rows put in their places among many, compiled: what follows each other moves as one.

In NumPy each column took four times as long, and a number a row of all that they have in common
twice as long as all columns here (docs/decisions/0003-feature-kernel.md).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import extending, types
from numba.core import cgutils
from numpy.typing import NDArray

from models.compiling import in_place
from models.past_cache import pointer

Places = NDArray[np.int64]
BITS: dict[int, type[np.generic]] = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64}


def places(
    customer: NDArray[np.int32],
    at: NDArray[np.int64],
    few_customer: NDArray[np.int32],
    few_at: NDArray[np.int64],
) -> tuple[Places, Places]:
    """Where few rows belong among many, by customer and time, which all ascend.

    Of those that follow each other as one: after how many of the many they stand, and how many of
    the few stand up to their end; [2, runs]. Of rows of one customer and time, few and many: where
    the first of them stands among all, and how many they are; [2, ties].
    """
    runs, ties = np.empty((2, 2, len(few_at)), np.int64)
    many, few = (_bare(customer), _bare(at)), (_bare(few_customer), _bare(few_at))
    found, tied = _find(*many, *few, runs, ties)
    return np.ascontiguousarray(runs[:, :found]), ties[:, :tied]


def insert(
    old: NDArray[Any], few: NDArray[Any], order: Places, runs: Places, out: NDArray[Any]
) -> None:
    """Writes into `out` the values of `old` with the `runs` of `few`, in that order, in their
    places; all of one type. `old` may be the end of `out`. Where it is one value for all rows, it
    is not read row by row."""
    bits = BITS[out.itemsize]  # compiled for each size, not for each type
    if old.strides == (0,):
        out.fill(old[0])
        after, until = runs
        many = np.diff(until, prepend=0)
        out[np.repeat(after, many) + np.arange(len(few))] = few[order]
        return
    _insert(_bare(old).view(bits), _bare(few).view(bits), order, runs, out.view(bits))


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
    runs: Places,
    ties: Places,
) -> tuple[int, int]:
    """Writes what `places` returns; returns how many of each."""
    place, found, tied, i = 0, 0, 0, 0
    while i < len(few_at):
        first, who, when = i, few_customer[i], few_at[i]
        while i < len(few_at) and few_customer[i] == who and few_at[i] == when:
            i += 1
        before = _past(customer, at, who, when, place)
        place = _past(customer, at, who, when + 1, before)
        if found == 0 or runs[0, found - 1] != place:
            runs[0, found] = place
            found += 1
        runs[1, found - 1] = i
        many = place - before + i - first
        if many > 1:
            ties[0, tied], ties[1, tied] = before + first, many
            tied += 1
    return found, tied


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


def _told_move(typing: Any, to: Any, place: Any, source: Any, first: Any, many: Any) -> Any:
    """So many values of `source` from `first` on to `place` of `to`, though they may overlap: what
    a loop does then, it does value by value."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        kinds, (to, place, source, first, many) = signature.args, values
        begin = builder.gep(pointer(context, builder, kinds[0], to), [place])
        whence = builder.gep(pointer(context, builder, kinds[2], source), [first])
        each = context.get_abi_sizeof(context.get_value_type(kinds[0].dtype))
        copy: Any = cgutils.raw_memmove
        copy(builder, begin, whence, many, each)
        return context.get_dummy_value()

    return types.void(to, types.uint64, source, types.uint64, types.uint64), generate


_move: Any = extending.intrinsic(_told_move)


@in_place
def _insert(
    old: NDArray[np.unsignedinteger],
    few: NDArray[np.unsignedinteger],
    order: Places,
    runs: Places,
    out: NDArray[np.unsignedinteger],
) -> None:
    begin, placed = np.uint64(0), np.uint64(0)
    for run in range(np.uint64(runs.shape[1])):
        end, until = np.uint64(runs[0, run]), np.uint64(runs[1, run])
        _move(out, begin + placed, old, begin, end - begin)
        for i in range(placed, until):
            out[end + i] = few[np.uint64(order[i])]
        begin, placed = end, until
    _move(out, begin + placed, old, begin, np.uint64(len(old)) - begin)
