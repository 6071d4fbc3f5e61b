"""Arms that are on record: a few bytes a unit, since a period's are looked up every night."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Marks = NDArray[np.uint64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Kept:
    """Of n units by mark, ascending: whether each is left alone."""

    marks: Marks
    alone: Bools

    @classmethod
    def none(cls) -> Kept:
        return cls(np.empty(0, np.uint64), np.empty(0, np.bool_))

    def __len__(self) -> int:
        return len(self.marks)

    def look(self, marks: Marks) -> tuple[Bools, Bools]:
        """Which of `marks` are on record, and which of those are left alone."""
        if not len(self):
            return np.zeros(len(marks), np.bool_), np.zeros(len(marks), np.bool_)
        place = np.minimum(np.searchsorted(self.marks, marks), len(self) - 1)
        known: Bools = self.marks[place] == marks
        return known, known & self.alone[place]

    def with_more(self, marks: Marks, alone: Bools) -> Kept:
        """These, and units that were not on record."""
        marks, alone = np.append(self.marks, marks), np.append(self.alone, alone)
        order = np.argsort(marks)
        return Kept(marks[order], alone[order])
