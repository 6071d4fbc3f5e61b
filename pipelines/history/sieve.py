"""A sieve that lets every key of a set through, and hardly any other.

Keys are hashes: three tables mark which first bits, which of those that follow, and which last ones
a key of the set has. They are small enough to stay in the processor's cache, so that a key costs a
nanosecond or two where DuckDB's hash join takes 25 (docs/decisions/0002-history-layout.md).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.compiling import compiled

MOST = 1_000_000  # keys; for more the sieve has too many holes
MARKS_A_KEY = 16  # at least, up to `MOST_BITS`: of a million, one key in 100 passes all tables
MOST_BITS = 22  # 512 KB a table
WORD = 64


@dataclass(frozen=True)
class Sieve:
    """Marks of a set of keys, [3, words], a bit each."""

    marks: NDArray[np.uint64]

    @classmethod
    def of(cls, keys: NDArray[np.uint64]) -> Sieve:
        """At most `MOST` keys."""
        bits = min(MOST_BITS, max(8, (len(keys) * MARKS_A_KEY).bit_length()))
        marks = np.zeros((3, 2**bits // WORD), np.uint64)
        _mark(keys, marks, bits)
        return cls(marks)

    def passed(self, keys: NDArray[np.uint64]) -> NDArray[np.int32]:
        """Places of those `keys` that may be in the set, ascending."""
        places = np.empty(len(keys), np.int32)
        passed = _pass(keys, self.marks, self._bits, places)
        return places[:passed].copy()

    @property
    def _bits(self) -> int:
        words: int = self.marks.shape[1]
        return (words * WORD).bit_length() - 1


@compiled
def _mark(keys: NDArray[np.uint64], marks: NDArray[np.uint64], bits: int) -> None:
    first, second, mask = np.uint64(64 - bits), np.uint64(64 - 2 * bits), np.uint64(2**bits - 1)
    six, one = np.uint64(6), np.uint64(1)
    for key in keys:
        for table, place in ((0, key >> first), (1, (key >> second) & mask), (2, key & mask)):
            marks[table, place >> six] |= one << (place & np.uint64(63))


@compiled
def _pass(
    keys: NDArray[np.uint64], marks: NDArray[np.uint64], bits: int, places: NDArray[np.int32]
) -> int:
    first, second, mask = np.uint64(64 - bits), np.uint64(64 - 2 * bits), np.uint64(2**bits - 1)
    six, one, low = np.uint64(6), np.uint64(1), np.uint64(63)
    some = np.int64(0)
    for row in range(len(keys)):  # without a branch that the processor might guess wrong
        place = keys[row] >> first
        places[some] = row
        some += np.int64((marks[0, place >> six] >> (place & low)) & one)
    found = 0
    for row in places[:some]:
        place, last = (keys[row] >> second) & mask, keys[row] & mask
        if (
            (marks[1, place >> six] >> (place & low))
            & (marks[2, last >> six] >> (last & low))
            & one
        ):
            places[found] = row
            found += 1
    return found
