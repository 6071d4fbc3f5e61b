"""What runs in Spark's tasks: one bucket's rows, computed by the kernel. Nothing here needs Spark.

A task is one row with one binary cell, a pickled `Task`; its answers are binary cells again. So
everything that a bucket needs comes with it, and no task holds what concerns other customers.
"""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from models.errors import WarmlineError
from pipelines.features import matrix
from pipelines.features.declared import Attributes
from pipelines.history.events import Events
from pipelines.history.store import History
from pipelines.history.terms import Terms
from pipelines.walks import Rows, Wanted

if TYPE_CHECKING:
    import pyarrow as pa

T = TypeVar("T")
RESULT = "result"
SCHEMA = f"{RESULT} binary"


@dataclass(frozen=True)
class Source:
    """Where a task finds the parts of a history.

    With `url` they are fetched from there, a bucket at a time; else `history.folder` is a place
    that every executor sees.
    """

    history: History  # of one bucket's parts alone
    url: str = ""

    def versions(self, bucket: int) -> Events:
        """As `History.versions`."""
        if not self.url:
            return self.history.versions(bucket)
        from models.remote import Remote

        remote = Remote.open(self.url)
        with tempfile.TemporaryDirectory(prefix="warmline-bucket-") as place:
            for part in self.history.manifest.parts:
                # Which ingest wrote a row stands in the side file; only a past generation asks.
                read = part.files() if self.history.past else filter(None, (part.coded, part.notes))
                for file in read:
                    target = Path(place) / file.path
                    target.parent.mkdir(parents=True, exist_ok=True)
                    if remote.fetch(file.path, target) != file.sha256:
                        raise WarmlineError(
                            f"{remote.shown}/{file.path} is not the file that was published: "
                            "publish the history again. Nothing was changed."
                        )
            there = replace(self.history, folder=Path(place))
            vars(there)["lags"] = self.history.lags
            return _held(there.versions(bucket))


def _held(events: Events) -> Events:
    """A copy in memory: the files that it was read from go."""
    return Events(**{name: np.array(getattr(events, name)) for name in Events.columns()})


@dataclass(frozen=True)
class Bucket:
    """One bucket, and where its rows are."""

    number: int
    source: Source | None  # None: they come with the task

    def versions(self) -> Events:
        """As `History.versions`."""
        return self.source.versions(self.number) if self.source else Events.empty()


@dataclass(frozen=True)
class Task(Bucket):
    """A bucket with what else is known of those of its customers who are asked about."""

    customers: NDArray[np.int32]  # ascending
    joined: NDArray[np.int64]
    terms: Terms | None  # theirs, by number; None where no source ever gave any
    attributes: Attributes
    wanted: Wanted  # by position in `customers`


@dataclass(frozen=True)
class OfRows(Generic[T]):
    """Computes a bucket and applies `each` to the wanted rows of every block and night."""

    nights: tuple[matrix.Night, ...]
    context: matrix.Context  # without the attributes of customers
    each: Callable[[Rows], T]
    fingerprint: str  # of the features as the driver computes them

    def __call__(self, task: Task) -> Iterator[T]:
        events = task.versions() if len(task.customers) else Events.empty()
        yield from self.of(task, task.customers, events)

    def without_rows(self, task: Task, customers: NDArray[np.int32]) -> Iterator[T]:
        """The same of those who never had an interaction."""
        return self.of(task, customers, Events.empty())

    def of(self, task: Task, customers: NDArray[np.int32], events: Events) -> Iterator[T]:
        """The same of some of the task's customers, whose every row is in `events`."""
        if matrix.fingerprint(self.context.declared) != self.fingerprint:
            raise WarmlineError(
                "The executors compute other features than the driver: bring the same version of "
                "Warmline, and the same file of own streams, to both (docs/guides/spark.md)."
            )
        context = replace(self.context, attributes=task.attributes)
        for piece in matrix.pieces(customers, len(self.nights)):
            place = np.searchsorted(task.customers, piece).astype(np.int32)
            values = matrix.compute(
                events, piece, task.joined[place], self.nights, context, task.terms
            )
            for rows in task.wanted.rows(values, place):
                yield self.each(replace(rows, customers=task.customers[rows.customers]))


@dataclass(frozen=True)
class OfEvents(Generic[T]):
    """Applies `each` to a bucket's interactions: those that count today, or every version."""

    each: Callable[[Events], T]
    standing: bool = True

    def __call__(self, bucket: Bucket) -> Iterator[T]:
        yield self.of(bucket.versions())

    def of(self, events: Events) -> T:
        """Of these rows, in every version."""
        return self.each(events.standing() if self.standing else events)


@dataclass(frozen=True)
class InArrow:
    """What `mapInArrow` calls: tasks in, answers out, each as one binary cell."""

    work: Callable[[Any], Iterator[Any]]

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for cell in batch.column(0):
                # Written by the driver, a moment ago.
                task = pickle.loads(cell.as_buffer())  # noqa: S301
                for answer in self.work(task):
                    yield packed(answer)


def packed(answer: Any) -> pa.RecordBatch:
    """An answer as a batch of one binary cell."""
    import pyarrow as pa

    cell = pa.array([pickle.dumps(answer, pickle.HIGHEST_PROTOCOL)], pa.binary())
    return pa.RecordBatch.from_arrays([cell], [RESULT])
