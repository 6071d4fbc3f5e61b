"""One customer's interactions and contracts, and the matrix row that they make at a night."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pipelines.features import matrix
from pipelines.features.reference import rows_of
from pipelines.history.buckets import bucket_of
from pipelines.history.events import Events

if TYPE_CHECKING:
    from pipelines.features.facts import Row
    from pipelines.features.matrix import Context, Night
    from pipelines.history.store import History
    from pipelines.history.terms import Terms


@dataclass(frozen=True)
class OneCustomer:
    """One customer of a history, by number."""

    number: int
    joined: int  # seconds since 1970 UTC
    events: Events  # in every version that ever counted
    terms: Terms | None  # of the bucket

    @classmethod
    def of(cls, history: History, number: int) -> OneCustomer:
        """Reads the customer's bucket."""
        numbers = np.array([number], np.int32)
        bucket = int(bucket_of(numbers, history.buckets)[0])
        events = history.versions(bucket)
        first, end = (int(bound[0]) for bound in events.bounds(numbers))
        joined = int(history.people().joined[number])
        return cls(number, joined, events.take(slice(first, end)), history.terms_of(bucket))

    def features(
        self, night: Night, context: Context, events: Events | None = None
    ) -> NDArray[np.float64]:
        """The row of the matrix, [f]; of other `events` than what happened, where given."""
        values = matrix.compute(
            self.events if events is None else events,
            np.array([self.number], np.int32),
            np.array([self.joined]),
            [night],
            context,
            self.terms,
        )
        row: NDArray[np.float64] = values[0, 0]
        return row

    def seen(self, night: Night) -> Events:
        """What the night saw: one version of each interaction that had happened and was known."""
        known = (self.events.recorded <= night.cutoff) & (night.cutoff < self.events.until)
        return self.events.take((self.events.at < night.as_of) & known)

    def rows(self, night: Night, context: Context) -> list[Row]:
        """The same in words, in order; `Row.place` is the place in `seen`."""
        return rows_of(self.seen(night), self.number, context)
