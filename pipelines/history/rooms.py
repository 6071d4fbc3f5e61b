"""Memory that is used again: new to the process, it is cleared by the kernel page by page, which
takes as long as computing what goes into it."""

from __future__ import annotations

import mmap
from math import prod
from sys import getrefcount
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

# References to an array that only its list knows, as `getrefcount` counts: its own argument, too.
UNUSED = 2
LARGE_PAGES: int | None = getattr(mmap, "MADV_HUGEPAGE", None)
HEADROOM = 8  # buckets differ in size: an eighth more serves most of those that follow


class Rooms:
    """Arrays that are used again once nobody looks at them any more."""

    def __init__(self) -> None:
        self._memory: list[NDArray[np.uint8]] = []
        self._lock = Lock()
        self._spare = 0

    def with_spare(self, values: int) -> Rooms:
        """The same memory, of which each array has room for so many values more before it."""
        same = Rooms()
        same._memory, same._lock, same._spare = self._memory, self._lock, values
        return same

    def array(self, *shape: int, dtype: type[np.generic] = np.float64) -> NDArray[Any]:
        """An array of that shape, whose content is undefined. Whatever was made of it, a row or a
        column, keeps it in use."""
        each = np.dtype(dtype).itemsize
        first, end = self._spare * each, (self._spare + prod(shape)) * each
        with self._lock:
            return self._room(end)[first:end].view(dtype).reshape(shape)

    def grown(self, column: NDArray[Any], values: int) -> NDArray[Any] | None:
        """`column`, which `array` gave, with so many values before it in the same memory; None of
        any other array, or where there is less room."""
        spare = self._spare * column.itemsize
        begin = spare - values * column.itemsize
        with self._lock:
            mine = [memory for memory in self._memory if memory is column.base]
        if not mine or begin < 0 or _address(column) != _address(mine[0]) + spare:
            return None
        return mine[0][begin : spare + column.nbytes].view(column.dtype)

    def _room(self, size: int) -> NDArray[np.uint8]:
        """Not more than twice as large; those that are outgrown go."""
        for place in range(len(self._memory)):
            fits = size <= len(self._memory[place]) <= 2 * size + size // HEADROOM
            if fits and getrefcount(self._memory[place]) == UNUSED:
                return self._memory[place]
        self._memory[:] = [
            one
            for one in self._memory
            if not (size // 2 <= len(one) < size and getrefcount(one) == UNUSED + 1)
        ]
        self._memory.append(_pages(size + size // HEADROOM))
        return self._memory[-1]

    def __reduce__(self) -> tuple[type[Rooms], tuple[()]]:
        """Another process has its own."""
        return Rooms, ()


def _address(array: NDArray[Any]) -> int:
    return int(array.__array_interface__["data"][0])


def _pages(size: int) -> NDArray[np.uint8]:
    """Memory that begins with a page, so that a disk can take it as it lies, in large ones where
    the system has any, which it has for private memory alone."""
    memory = mmap.mmap(-1, max(size, 1), flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if LARGE_PAGES is not None:
        memory.madvise(LARGE_PAGES)
    return np.frombuffer(memory, np.uint8)
