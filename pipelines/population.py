"""Whose churn is in question at a date: who is scored, and why the others are not."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.contracts import DAY
from pipelines.features.relationship import Instant
from pipelines.history.terms import NEVER, Terms

# A renewal booked a day after the end is a renewal: exports give inclusive end dates.
RENEWAL_GRACE = DAY


class Why(IntEnum):
    """Why a customer is not scored."""

    SCORED = 0
    OBJECTS = 1
    NOT_YET = 2
    GONE = 3
    NOTICE = 4
    INACTIVE = 5

    def words(self, active_days: int) -> str:
        """For a manager to read."""
        return {
            Why.SCORED: "scored",
            Why.OBJECTS: "objects to profiling",
            Why.NOT_YET: "joined later",
            Why.GONE: "the relationship has ended",
            Why.NOTICE: "under notice already: a case for win-back",
            Why.INACTIVE: f"no order, use or payment in the last {active_days} days",
        }[self]


@dataclass(frozen=True)
class Leaving:
    """When each customer's last running term (as seen from one date) is left, [customers].

    `at` is the earlier of its notice and its end, NEVER while neither is known; `runs` tells whose
    relationship runs at the date at all; `end_kind` is -1 where there is none.
    """

    runs: NDArray[np.bool_]
    at: NDArray[np.int64]
    end_kind: NDArray[np.int8]


@dataclass(frozen=True)
class Population:
    """All customers of a history, by customer number. Times are seconds since 1970 UTC."""

    joined: NDArray[np.int64]
    left: NDArray[np.int64]
    objects: NDArray[np.bool_]
    terms: Terms | None

    @classmethod
    def of(cls, customers: pd.DataFrame, terms: Terms | None) -> Population:
        """From `History.customers()` and `History.terms()`."""
        return cls(
            joined=customers["joined_at"].to_numpy(np.int64),
            left=customers["left_at"].to_numpy(np.int64),
            objects=customers["profiling_objection"].to_numpy(np.bool_),
            terms=terms,
        )

    def __len__(self) -> int:
        return len(self.joined)

    @cached_property
    def has_terms(self) -> NDArray[np.bool_]:
        """Whose contract is known at all."""
        mine = np.zeros(len(self), np.bool_)
        if self.terms is not None:
            mine[self.terms.customer] = True
        return mine

    @cached_property
    def contracted(self) -> NDArray[np.bool_]:
        """Whose relationship has a known end or term; the others are judged by their activity."""
        if self.has_terms.any():
            return self.has_terms
        return np.full(len(self), self.contractual)

    def active(
        self, customer: NDArray[np.int32], idle_days: NDArray[np.float64], most: int
    ) -> NDArray[np.bool_]:
        """Who of `customer` [n] may be scored: without a contract, only who was active lately.

        `idle_days` [n]: since the last order, use or payment, NaN if there was none.
        """
        lately: NDArray[np.bool_] = np.nan_to_num(idle_days, nan=np.inf) <= most
        return self.contracted[customer] | lately

    @property
    def contractual(self) -> bool:
        """Whether anything tells ends: terms, or a `left_at`."""
        return bool(self.has_terms.any() or (self.left < NEVER).any())

    def leaving(self, as_of: int, known_by: int = NEVER) -> Leaving:
        """The end of each relationship that runs at `as_of`, by what was recorded by `known_by`."""
        runs = ~self.has_terms & (self.joined < as_of) & (self.left >= as_of)
        at = np.where(runs, self.left, -1)
        end_kind = np.full(len(self), -1, np.int8)
        if self.terms is not None:
            _chain(self.terms, as_of, known_by, runs, at, end_kind)
        return Leaving(runs, at, end_kind)

    def excluded(self, night: Instant) -> NDArray[np.int8]:
        """`Why` each customer is not scored at `night`, by what was known then, [customers].

        Inactivity is judged later, by `active`, from the feature `days_since_active`."""
        known = self.leaving(night.as_of, night.cutoff)
        why = np.full(len(self), Why.SCORED, np.int8)
        why[known.at < night.as_of] = Why.NOTICE
        why[~known.runs] = Why.GONE
        why[self.joined >= night.as_of] = Why.NOT_YET
        why[self.objects] = Why.OBJECTS
        return why


def _chain(
    terms: Terms,
    as_of: int,
    known_by: int,
    runs: NDArray[np.bool_],
    at: NDArray[np.int64],
    end_kind: NDArray[np.int8],
) -> None:
    """Follow each customer's terms from `as_of` on, renewal by renewal, to the last one."""
    known = (terms.recorded <= known_by) & (terms.ended >= as_of)
    ahead = np.flatnonzero(known)
    covered = np.full(len(runs), as_of - 1, np.int64)
    joins = terms.started[ahead] < as_of
    while joins.any():
        now = ahead[joins]
        owner = terms.customer[now]
        runs[owner] = True
        np.maximum.at(covered, owner, terms.ended[now])
        leaves = np.minimum(terms.notice[now], terms.ended[now])
        # The latest to be left decides; sorted so that the last write is that one.
        order = np.lexsort((terms.ended[now], leaves))
        for_owner, value = owner[order], leaves[order]
        later = value >= at[for_owner]
        at[for_owner[later]] = value[later]
        end_kind[for_owner[later]] = terms.end_kind[now][order][later]
        ahead = ahead[~joins]
        reach = covered[terms.customer[ahead]]
        joins = runs[terms.customer[ahead]] & (terms.started[ahead] - RENEWAL_GRACE <= reach)
