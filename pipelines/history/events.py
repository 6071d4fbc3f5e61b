"""Interactions as the feature pass sees them: integers and numbers, never text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

NONE = -1  # the code of an absent channel, topic, agent, case or score kind
NEVER = np.iinfo(np.int64).max  # a moment that has not come


@dataclass(frozen=True)
class Events:
    """One bucket of coded interactions, n rows, sorted by `customer`, `at` and then by content.

    Content order (every other column but `until`) settles equal times, so that the order in which
    rows reached the history can never show in a feature. Absent codes are -1, absent numbers NaN.

    A night sees a row if `at` < as_of and `recorded` <= cut-off < `until`: of the versions of one
    interaction at most one is visible at a time.
    """

    customer: NDArray[np.int32]  # customer number of this history (position in `customers`)
    at: NDArray[np.int64]  # occurred_at, seconds since 1970 UTC, rounded down
    recorded: NDArray[np.int64]  # recorded_at, seconds; equal to `at` where the feed gives none
    kind: NDArray[np.int16]  # models.contracts.KIND_CODE
    channel: NDArray[np.int8]  # models.contracts.CHANNEL_CODE
    topic: NDArray[np.int32]  # position in the dictionary "topic"
    agent: NDArray[np.int32]  # position in the dictionary "agent"
    case: NDArray[np.int32]  # 0, 1, 2, ... within the customer
    value: NDArray[np.float64]
    seconds: NDArray[np.float64]
    wait: NDArray[np.float64]  # wait_seconds
    score: NDArray[np.float64]
    score_kind: NDArray[np.int8]  # models.contracts.SCORE_KIND_CODE
    provoked: NDArray[np.bool_]  # caused_by is set: an answer to our own message
    said: NDArray[np.int8]  # bits of models.contracts.SAID; 0 where no words are kept
    until: NDArray[np.int64]  # when a newer version or a deletion became known; NEVER: it stands

    def __len__(self) -> int:
        return len(self.customer)

    @classmethod
    def columns(cls) -> tuple[str, ...]:
        """Names of all columns."""
        return tuple(field.name for field in fields(cls))

    @classmethod
    def content(cls) -> tuple[str, ...]:
        """Names of the columns that say what happened; they settle equal times."""
        return cls.columns()[:-1]

    def standing(self) -> Events:
        """The rows that count today."""
        return self if self.all_stand else self.take(self.until == NEVER)

    @cached_property
    def all_stand(self) -> bool:
        """Whether every row counts today."""
        one_for_all = self.until.strides == (0,)  # as read where nothing was ever said of a row
        return bool(((self.until[:1] if one_for_all else self.until) == NEVER).all())

    @cached_property
    def settled(self) -> bool:
        """Whether every row counts and was known when it happened."""
        at_once = self.recorded is self.at or bool((self.recorded <= self.at).all())
        return at_once and self.all_stand

    @cached_property
    def wordless(self) -> bool:
        """Whether no row has words that were looked at."""
        unread = self.said.strides == (0,)
        return not bool((self.said[:1] if unread else self.said).any())

    @classmethod
    def empty(cls) -> Events:
        """No rows, with the right types."""
        return cls(**{name: np.empty(0, dtype) for name, dtype in DTYPES.items()})

    @classmethod
    def concatenate(cls, pieces: Sequence[Events]) -> Events:
        """All rows of `pieces` as one, sorted."""
        if not pieces:
            return cls.empty()
        columns = {
            name: np.concatenate([getattr(piece, name) for piece in pieces])
            for name in cls.columns()
        }
        return cls(**columns).sorted()

    def sorted(self) -> Events:
        """The same rows in the declared order; itself where it is in order already."""
        key = self.customer.astype(np.int64)
        step = (key[1:] > key[:-1]) | ((key[1:] == key[:-1]) & (self.at[1:] > self.at[:-1]))
        if step.all():
            return self
        order = np.lexsort([getattr(self, name) for name in reversed(self.content())])
        return self.take(order)

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_] | slice) -> Events:
        """The given rows, in the given order. What has one value for all rows, and what was known
        when it happened, needs no memory then either."""
        taken: dict[str, NDArray[Any]] = {"at": self.at[rows]}
        many = len(taken["at"])
        for name in self.columns():
            column = getattr(self, name)
            if column.strides == (0,) and len(column):
                taken[name] = np.broadcast_to(column[0], many)
            elif name != "at":
                taken[name] = taken["at"] if column is self.at else column[rows]
        return Events(**taken)

    def bounds(self, customers: NDArray[np.int32]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """First row and row past the last of each of `customers` (equal where there is none)."""
        first = np.searchsorted(self.customer, customers, side="left")
        return first, np.searchsorted(self.customer, customers, side="right")


DTYPES: dict[str, type[np.generic]] = {
    "customer": np.int32,
    "at": np.int64,
    "recorded": np.int64,
    "kind": np.int16,
    "channel": np.int8,
    "topic": np.int32,
    "agent": np.int32,
    "case": np.int32,
    "value": np.float64,
    "seconds": np.float64,
    "wait": np.float64,
    "score": np.float64,
    "score_kind": np.int8,
    "provoked": np.bool_,
    "said": np.int8,
    "until": np.int64,
}

# What stands for a column that a row does not have, or that was not asked for. The others are those
# that say whose a row is, what and when.
ABSENT: dict[str, float] = {
    "channel": NONE, "topic": NONE, "agent": NONE, "case": NONE, "value": np.nan,
    "seconds": np.nan, "wait": np.nan, "score": np.nan, "score_kind": NONE, "provoked": False,
    "said": 0,
}  # fmt: skip
