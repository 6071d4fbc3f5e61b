"""Parts of a whole, found by their names, and the whole.

A bill's day, evening and night charges each say little, their sum says what the customer pays; a
tree would need a staircase of splits to add them up. Columns whose names differ in one word before
the last (`total_day_charge`, `total_night_charge`), three at least and never negative, are taken
for parts. Only names and signs decide: the label is not looked at.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models.contracts import Feature

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]

LEAST_PARTS = 3  # two alike names are as often a pair of opposites as two parts
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")


@dataclass(frozen=True)
class Total:
    """The sum of some columns of numbers; not known where a part is not."""

    column: str  # the parts' common name, as `total_*_charge`
    parts: tuple[str, ...]

    @property
    def needs(self) -> tuple[str, ...]:
        """Columns that the table must have."""
        return self.parts

    def features(self) -> tuple[Feature, ...]:
        says = f"{', '.join(self.parts)} come to {{value}}"
        return (Feature(f"{self.column}, total", says, "table", self.column, "value"),)

    def values(self, table: pd.DataFrame) -> Floats:
        """[n, 1]."""
        from models.encoding import numbers_of

        parts = [numbers_of(table[part]) for part in self.parts]
        return np.asarray(np.sum(parts, axis=0))[:, None]


def find_totals(numbers: Mapping[str, Floats]) -> tuple[Total, ...]:
    """The totals that columns of numbers, by name, add up to."""
    alike: dict[tuple[str, ...], list[str]] = {}
    for name, values in numbers.items():
        if np.nanmin(values, initial=0.0) < 0:
            continue
        words = [word.lower() for word in _WORD.findall(name)]
        for position in range(len(words) - 1):
            pattern = (*words[:position], "*", *words[position + 1 :])
            alike.setdefault(pattern, []).append(name)
    return tuple(
        Total("_".join(pattern), tuple(parts))
        for pattern, parts in alike.items()
        if len(parts) >= LEAST_PARTS
    )
