"""The customers with most at stake, kept with their features while the history streams by."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Stakes:
    """What ranks customers, [n]: first whom the plan considers, then by what is at stake.

    That is how the plan ranks too, so that whoever it can reach has reasons.
    """

    considered: NDArray[np.bool_]
    amount: NDArray[np.float64]
    customer: NDArray[np.int32]

    @classmethod
    def of(
        cls,
        customer: NDArray[np.int32],
        probability: NDArray[np.float64],
        value: NDArray[np.float64],
        at_risk: float,
    ) -> Stakes:
        """Probability x value; those of unknown value come after, by risk.

        `at_risk`: the probability from which the plan considers a customer.
        """
        amount = np.where(np.isnan(value), probability - 1, probability * value)
        return cls(probability >= at_risk, amount, customer)

    def highest(self, most: int) -> NDArray[np.intp]:
        """Positions of the `most` first, first of all first; ties go to the lower number."""
        order: NDArray[np.intp] = np.lexsort((self.customer, -self.amount, ~self.considered))
        return order[:most]

    def take(self, places: NDArray[np.intp]) -> Stakes:
        return Stakes(self.considered[places], self.amount[places], self.customer[places])

    def __add__(self, others: Stakes) -> Stakes:
        return Stakes(
            np.concatenate([self.considered, others.considered]),
            np.concatenate([self.amount, others.amount]),
            np.concatenate([self.customer, others.customer]),
        )


class Shortlist:
    """The `most` customers who come first of those seen so far, and their matrix rows.

    Memory is bounded by 2 x `most` rows and one bucket.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: tuple[Stakes, NDArray[np.float64]] | None = None

    def offer(self, stakes: Stakes, rows: NDArray[np.float64]) -> None:
        """Consider these customers, [n], with rows [n, features]."""
        best = stakes.highest(self._most)
        stakes, rows = stakes.take(best), rows[best]
        if self._kept is not None:
            stakes, rows = self._kept[0] + stakes, np.concatenate([self._kept[1], rows])
        if len(rows) > 2 * self._most:
            best = stakes.highest(self._most)
            stakes, rows = stakes.take(best), rows[best]
        self._kept = stakes, rows

    def best(self) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """Customer numbers and rows of the shortlist, first of all first."""
        if self._kept is None:
            return np.empty(0, np.int32), np.empty((0, 0))
        stakes, rows = self._kept
        best = stakes.highest(self._most)
        return stakes.customer[best], rows[best]
