"""Whose churn is in question at a date: who is scored, and why the others are not."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from models.contracts import OBJECTS
from pipelines.history.people import People
from pipelines.history.rates import Instant
from pipelines.history.terms import NEVER, RENEWAL_GRACE, Terms


class Why(IntEnum):
    """Why a customer is not scored."""

    SCORED = 0
    OBJECTS = 1
    NOT_YET = 2
    GONE = 3
    NOTICE = 4
    INACTIVE = 5
    MERGED = 6

    def words(self, active_days: int) -> str:
        """For a manager to read."""
        return {
            Why.SCORED: "scored",
            Why.OBJECTS: OBJECTS,
            Why.NOT_YET: "joined later",
            Why.GONE: "the relationship has ended",
            Why.NOTICE: "under notice already: a case for win-back",
            Why.INACTIVE: f"no order, use or payment in the last {active_days} days",
            Why.MERGED: "merged into another customer",
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
    """All customers of a history, by customer number. Times are seconds since 1970 UTC.

    `known_by` is a night's cut-off: who has which terms is then what it knew; NEVER: as it counts
    today. An objection to profiling counts for every night, since it must never be passed over.
    """

    joined: NDArray[np.int64]
    left: NDArray[np.int64]
    left_recorded: NDArray[np.int64]  # since when `left` was known
    objects: NDArray[np.bool_]
    merged: NDArray[np.bool_]  # whom another customer stands for
    terms: Terms | None

    @classmethod
    def of(cls, people: People, terms: Terms | None) -> Population:
        """From `History.people()` and `History.terms()`."""
        return cls(**vars(people), terms=terms)

    def __len__(self) -> int:
        return len(self.joined)

    def has_terms(self, known_by: int = NEVER) -> NDArray[np.bool_]:
        """Whose contract is known at all, running or over."""
        mine = np.zeros(len(self), np.bool_)
        if self.terms is not None:
            mine[self.terms.owners(known_by)] = True
        return mine

    def contracted(
        self, known_by: int = NEVER, company: NDArray[np.intp] | None = None
    ) -> NDArray[np.bool_]:
        """Whose relationship has a known end or term; the others are judged by their activity.

        `company`: of customers of several that know nothing of each other, whose each is.
        """
        mine = self.has_terms(known_by)
        if company is None:
            return mine if mine.any() else np.full(len(self), self.contractual)
        has_terms, has_ends = (np.bincount(company, told) > 0 for told in (mine, self._ends))
        return np.where(has_terms[company], mine, has_ends[company])

    @property
    def contractual(self) -> bool:
        """Whether anything tells ends: terms, or a `left_at`."""
        return bool(self._ends.any())

    @property
    def _ends(self) -> NDArray[np.bool_]:
        """Of whom an end may be told: by a term, or by `left_at`."""
        return self.has_terms() | (self.left < NEVER)

    def leaving(self, as_of: int, known_by: int = NEVER) -> Leaving:
        """The end of each relationship that runs at `as_of`, by what was recorded by `known_by`.

        A paused term runs.
        """
        left = np.where(self.left_recorded <= known_by, self.left, NEVER)
        runs = ~self.has_terms(known_by) & (self.joined < as_of) & (left >= as_of)
        at = np.where(runs, left, -1)
        end_kind = np.full(len(self), -1, np.int8)
        if self.terms is not None:
            _chain(self.terms.known(known_by), as_of, runs, at, end_kind)
        return Leaving(runs, at, end_kind)

    def excluded(self, night: Instant) -> NDArray[np.int8]:
        """`Why` each customer is not scored at `night`, by what was known then, [customers].

        Inactivity is judged later, by `walks.Wanted`, from the feature `days_since_active`."""
        known = self.leaving(night.as_of, night.cutoff)
        why = np.full(len(self), Why.SCORED, np.int8)
        why[known.at < night.as_of] = Why.NOTICE
        why[~known.runs] = Why.GONE
        why[self.joined >= night.as_of] = Why.NOT_YET
        why[self.objects] = Why.OBJECTS
        why[self.merged] = Why.MERGED
        return why

    def on_pause(self, since: int, until: int) -> NDArray[np.bool_]:
        """Who had a running term on pause at any time in [since, until), [customers]."""
        found = np.zeros(len(self), np.bool_)
        if self.terms is not None:
            view = self.terms.known()
            paused = (view.paused_from < until) & (view.paused_to > since)
            paused &= (view.started < until) & (view.ended > since)
            found[view.customer[paused]] = True
        return found


def _chain(
    view: Terms,
    as_of: int,
    runs: NDArray[np.bool_],
    at: NDArray[np.int64],
    end_kind: NDArray[np.int8],
) -> None:
    """Follow each customer's terms from `as_of` on, renewal by renewal, to the last one."""
    ahead = np.flatnonzero(view.ended >= as_of)
    covered = np.full(len(runs), as_of - 1, np.int64)
    joins = view.started[ahead] < as_of
    while joins.any():
        now = ahead[joins]
        owner = view.customer[now]
        runs[owner] = True
        np.maximum.at(covered, owner, view.ended[now])
        leaves = np.minimum(view.notice[now], view.ended[now])
        # The latest to be left decides; sorted so that the last write is that one.
        order = np.lexsort((view.ended[now], leaves))
        for_owner, value = owner[order], leaves[order]
        later = value >= at[for_owner]
        at[for_owner[later]] = value[later]
        end_kind[for_owner[later]] = view.end_kind[now][order][later]
        ahead = ahead[~joins]
        reach = covered[view.customer[ahead]]
        joins = runs[view.customer[ahead]] & (view.started[ahead] - RENEWAL_GRACE <= reach)
