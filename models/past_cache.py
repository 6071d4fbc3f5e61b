"""Stores past the processor's caches, compiled.

To write a row of a large matrix, the processor first fetches from memory what is to be overwritten,
unless it is told that whole lines come and that nobody will read them soon.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import extending, types
from numpy.typing import NDArray

from models.compiling import in_place

Floats = NDArray[np.float64]

LINE = 8  # numbers of 8 bytes


def pointer(context: Any, builder: Any, kind: Any, array: Any) -> Any:
    """For an intrinsic: where the values of an array begin."""
    return context.make_array(kind)(context, builder, array).data


def _told_address(typing: Any, array: Any) -> Any:
    """Where an array begins in memory."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        begin = pointer(context, builder, signature.args[0], values[0])
        return builder.ptrtoint(begin, context.get_value_type(types.uint64))

    return types.uint64(array), generate


def _told_line(typing: Any, to: Any, row: Any, place: Any) -> Any:
    """Copy a line from `row[place]` on to `to[place]`, which begins a line of memory."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        line = ir.VectorType(ir.DoubleType(), LINE).as_pointer()
        at = [
            builder.bitcast(builder.gep(pointer(context, builder, kind, array), [values[2]]), line)
            for kind, array in zip(signature.args[:2], values[:2], strict=True)
        ]
        stored = builder.store(builder.load(at[1], align=8), at[0], align=8 * LINE)
        one = ir.Constant(ir.IntType(32), 1)
        stored.set_metadata("nontemporal", builder.module.add_metadata([one]))
        return context.get_dummy_value()

    return types.void(to, row, types.uint64), generate


def _told_all(typing: Any) -> Any:
    """Stores of before are seen before those of afterwards."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        builder.fence("seq_cst")
        return context.get_dummy_value()

    return types.void(), generate


_address: Any = extending.intrinsic(_told_address)
_put_line: Any = extending.intrinsic(_told_line)
# Stores past the caches may be seen late by other threads: to be called after the last `put`.
arrived: Any = extending.intrinsic(_told_all)


@in_place
def put(row: Floats, to: Floats) -> None:
    """Copy all of `row` to the beginning of `to`."""
    end, line = np.uint64(len(row)), np.uint64(LINE)
    place = min(end, (np.uint64(0) - _address(to)) // np.uint64(8) % line)
    for i in range(place):
        to[i] = row[i]
    while place + line <= end:
        _put_line(to, row, place)
        place += line
    for i in range(place, end):
        to[i] = row[i]
