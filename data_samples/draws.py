"""Chance as a function of (seed, purpose, day, id): no stream, so no order of drawing matters.

What happens to one customer draws nothing from another's luck. Two worlds with the same seed
that differ in one contact therefore differ in what follows from that contact and nothing else.
"""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.integer]

# SplitMix64 (Steele, Lea and Flood 2014): its increment and its two multipliers.
_STEP = 0x9E3779B97F4A7C15
_FIRST = 0xBF58476D1CE4E5B9
_SECOND = 0x94D049BB133111EB
_MASK = (1 << 64) - 1
_TO_UNIT = 2.0**-53


def _mix(word: int) -> int:
    word = ((word ^ (word >> 30)) * _FIRST) & _MASK
    word = ((word ^ (word >> 27)) * _SECOND) & _MASK
    return word ^ (word >> 31)


class Draws:
    """Random numbers of one world, a pure function of their arguments."""

    def __init__(self, seed: int) -> None:
        self._seed = _mix((seed * _STEP + 1) & _MASK)

    def uniform(self, purpose: str, day: int, ids: Ints) -> Floats:
        """One number in (0, 1) for each id, n float64."""
        key = _mix((self._seed ^ (zlib.crc32(purpose.encode()) << 24)) + _STEP & _MASK)
        key = _mix((key + (day & _MASK) * _STEP) & _MASK)
        word = ids.astype(np.uint64)
        word *= np.uint64(_STEP)
        word += np.uint64(key)
        word ^= word >> np.uint64(30)
        word *= np.uint64(_FIRST)
        word ^= word >> np.uint64(27)
        word *= np.uint64(_SECOND)
        word ^= word >> np.uint64(31)
        unit: Floats = ((word >> np.uint64(11)).astype(np.float64) + 0.5) * _TO_UNIT
        return unit

    def normal(self, purpose: str, day: int, ids: Ints) -> Floats:
        """Standard normal, by Box and Muller (1958)."""
        radius = np.sqrt(-2.0 * np.log(self.uniform(purpose, day, ids)))
        angle = np.cos(2.0 * np.pi * self.uniform(purpose + "/angle", day, ids))
        turned: Floats = radius * angle
        return turned

    def exponential(self, purpose: str, day: int, ids: Ints) -> Floats:
        """Exponential with mean 1."""
        waits: Floats = -np.log(self.uniform(purpose, day, ids))
        return waits

    def gamma(self, purpose: str, day: int, ids: Ints, shape: Ints) -> Floats:
        """Gamma of whole-number `shape` (n) and mean 1: as regular as the shape is large."""
        total = np.zeros(len(ids))
        for turn in range(int(shape.max(initial=0))):
            more = shape > turn
            total[more] += self.exponential(f"{purpose}/{turn}", day, ids[more])
        return total / shape

    def chance(
        self, purpose: str, day: int, ids: Ints, probability: Floats | float
    ) -> NDArray[np.bool_]:
        """True with the given probability, n bool."""
        hit: NDArray[np.bool_] = self.uniform(purpose, day, ids) < probability
        return hit

    def pick(
        self, purpose: str, day: int, ids: Ints, shares: tuple[float, ...]
    ) -> NDArray[np.int64]:
        """A position in `shares` for each id, as likely as its share."""
        edges = np.cumsum(shares) / sum(shares)
        edges[-1] = 1.0
        return np.searchsorted(edges, self.uniform(purpose, day, ids), side="right")


class Clock:
    """A happening that recurs for each customer: due when its own time has run out.

    Time runs at the customer's present rate, so that a rate may change by the day and the
    rhythm (exponential or regular gaps) stays the customer's own: a time-rescaled renewal
    process. At most one happening a customer and day.
    """

    def __init__(
        self, draws: Draws, purpose: str, customers: int, shape: Ints | None = None
    ) -> None:
        self._draws = draws
        self._purpose = purpose
        everyone = np.arange(customers)
        self._shape = np.ones(customers, np.int64) if shape is None else shape
        first = draws.gamma(purpose + "/first", -1, everyone, self._shape)
        # Begun at a random point of the first gap, as if the clock had always been running.
        self.left = first * draws.uniform(purpose + "/phase", -1, everyone)

    def step(self, day: int, rate: Floats) -> NDArray[np.int64]:
        """Let one day pass at `rate` (customers,) per day; returns whose happening is due."""
        self.left -= rate
        due = np.flatnonzero(self.left <= 0.0)
        if len(due):
            gaps = self._draws.gamma(self._purpose, day, due, self._shape[due])
            self.left[due] = np.maximum(self.left[due] + gaps, 0.0)
        return due

    def hasten(self, who: Ints, by: Floats) -> None:
        """Bring the next happening of some nearer."""
        self.left[who] -= by
