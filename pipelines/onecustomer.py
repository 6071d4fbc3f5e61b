"""One customer's interactions and contracts, and the matrix row that they make at a night."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
        ((customer,),) = cls.by_bucket(history, [number])
        return customer

    @classmethod
    def by_bucket(cls, history: History, numbers: Sequence[int]) -> Iterator[list[OneCustomer]]:
        """Those of each bucket that has any, by number, ascending."""
        wanted = np.unique(np.array(numbers, np.int32))
        buckets = bucket_of(wanted, history.buckets)
        joined = history.people().joined
        for bucket in np.unique(buckets).tolist():
            mine = wanted[buckets == bucket]
            events, terms = history.versions(bucket), history.terms_of(bucket)
            bounds = zip(mine.tolist(), *(end.tolist() for end in events.bounds(mine)), strict=True)
            yield [
                cls(number, int(joined[number]), events.take(slice(first, end)), terms)
                for number, first, end in bounds
            ]

    def features(
        self, night: Night, context: Context, events: Events | None = None
    ) -> NDArray[np.float64]:
        """The row of the matrix, [f]; of other `events` than what happened, where given."""
        happened = self.events if events is None else events
        row: NDArray[np.float64] = features_of([self], [happened], night, context)[0]
        return row

    def seen(self, night: Night) -> Events:
        """What the night saw: one version of each interaction that had happened and was known."""
        known = (self.events.recorded <= night.cutoff) & (night.cutoff < self.events.until)
        return self.events.take((self.events.at < night.as_of) & known)

    def rows(self, night: Night, context: Context) -> list[Row]:
        """The same in words, in order; `Row.place` is the place in `seen`."""
        return rows_of(self.seen(night), self.number, context)


def features_of(
    customers: Sequence[OneCustomer], events: Sequence[Events], night: Night, context: Context
) -> NDArray[np.float64]:
    """The rows of the matrix, [n, f], of customers of one bucket by number, of what happened to
    each."""
    values = matrix.compute(
        events[0] if len(events) == 1 else Events.concatenate(list(events)),
        np.array([customer.number for customer in customers], np.int32),
        np.array([customer.joined for customer in customers]),
        [night],
        context,
        customers[0].terms,
    )
    rows: NDArray[np.float64] = values[0]
    return rows
