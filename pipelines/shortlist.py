"""The customers with most at stake, kept with their features while the history streams by."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class Shortlist:
    """The `most` customers with the highest stake seen so far, and their matrix rows.

    Memory is bounded by 2 x `most` rows and one bucket. Ties go to the lower customer number.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._customer = np.empty(0, np.int32)
        self._stake = np.empty(0)
        self._rows: NDArray[np.float64] | None = None

    def offer(
        self, customer: NDArray[np.int32], stake: NDArray[np.float64], rows: NDArray[np.float64]
    ) -> None:
        """Consider these customers, [n], with rows [n, features]."""
        best = highest(stake, customer, self._most)
        customer, stake, rows = customer[best], stake[best], rows[best]
        self._customer = np.concatenate([self._customer, customer])
        self._stake = np.concatenate([self._stake, stake])
        self._rows = rows if self._rows is None else np.concatenate([self._rows, rows])
        if len(self._customer) > 2 * self._most:
            self._customer, self._stake, self._rows = self._best()

    def best(self) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """Customer numbers and rows of the shortlist, highest stake first."""
        customer, _, rows = self._best()
        return customer, rows

    def _best(self) -> tuple[NDArray[np.int32], NDArray[np.float64], NDArray[np.float64]]:
        best = highest(self._stake, self._customer, self._most)
        rows = np.empty((0, 0)) if self._rows is None else self._rows[best]
        return self._customer[best], self._stake[best], rows


def highest(stake: NDArray[np.float64], customer: NDArray[np.int32], most: int) -> NDArray[np.intp]:
    """Positions of the `most` highest stakes, highest first."""
    order: NDArray[np.intp] = np.lexsort((customer, -stake))[:most]
    return order


def stake(probability: NDArray[np.float64], value: NDArray[np.float64]) -> NDArray[np.float64]:
    """What ranks a customer: probability x value; those of unknown value come after, by risk.

    That is how the plan ranks too, so that whoever it can reach has reasons.
    """
    return np.where(np.isnan(value), probability - 1, probability * value)
