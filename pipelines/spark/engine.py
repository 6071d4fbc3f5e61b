"""Walks on Spark: one task a bucket, nothing shuffled but the tasks themselves.

Our history lies by bucket of customer already. The driver knows who is asked about; a task gets
what concerns its bucket, reads the bucket's parts itself and returns what `each` makes of its rows.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from models.errors import WarmlineError
from pipelines.features import matrix
from pipelines.features.declared import Attributes
from pipelines.history.store import History
from pipelines.spark.tasks import (
    RESULT,
    SCHEMA,
    Bucket,
    InArrow,
    OfEvents,
    OfRows,
    Source,
    Task,
)
from pipelines.walks import Few, Rows, Walk

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

    from models.settings import Settings
    from pipelines.history.events import Events
    from pipelines.history.manifest import Part
    from pipelines.history.terms import Terms
    from pipelines.labels import Readable

T = TypeVar("T")


@dataclass(frozen=True)
class Spark:
    """A session that walks over our history; with `url`, tasks fetch its parts from there."""

    session: SparkSession
    url: str = ""
    keeps_rows: bool = False

    def history(self, folder: Path, precedence: tuple[str, ...]) -> History:
        """As `walks.Engine.history`."""
        return History.open(folder, precedence)

    def walk(self, walk: Walk, each: Callable[[Rows], T]) -> Iterator[tuple[T, float]]:
        """As `walks.Engine.walk`. Raises `WarmlineError` saying what failed in a task."""
        history = walk.history
        members = [history.members(bucket) for bucket in range(history.buckets)]
        sources = self._sources(history)
        tasks = [
            replace(task, source=sources[task.number])
            for task in tasks_of(walk, members, history.terms_of)
            if len(task.customers) or task.number == 0  # one at least, so that there is an answer
        ]
        for answer in self.run(tasks, of_rows(walk, each)):
            yield answer, 1.0

    def buckets(self, history: Readable, each: Callable[[Events], T]) -> Iterator[T]:
        """As `walks.Engine.buckets`."""
        if not isinstance(history, History):
            raise TypeError(f"tasks read a stored history, not {type(history).__name__}")
        buckets = [Bucket(*one) for one in enumerate(self._sources(history))]
        return self.run(buckets, OfEvents(each))

    def versions(self, history: History, few: Few[T]) -> Iterator[T]:
        """As `walks.Engine.versions`."""
        buckets = [Bucket(*one) for one in enumerate(self._sources(history))]
        return self.run(buckets, OfEvents(few, standing=False))

    def context(
        self, history: History, settings: Settings, nights: Sequence[matrix.Night]
    ) -> matrix.Context:
        """As `walks.Engine.context`: what agents did lies aside, and is read by the driver."""
        return matrix.context(history, settings, nights)

    def notes(self) -> list[str]:
        """As `walks.Engine.notes`: an ingest has told already."""
        return []

    def _sources(self, history: History) -> list[Source]:
        parts: list[list[Part]] = [[] for _ in range(history.buckets)]
        for part in history.manifest.parts:
            parts[part.bucket].append(part)
        return [Source(history.of_parts(some), self.url) for some in parts]

    def run(self, tasks: Sequence[Any], work: Callable[[Any], Iterator[T]]) -> Iterator[T]:
        """The answers to all tasks, each of which (whatever can be pickled) is a partition of its
        own. Raises `WarmlineError` with the words of one that failed."""
        import pyarrow as pa

        cells = [pickle.dumps(task, pickle.HIGHEST_PROTOCOL) for task in tasks]
        frame = self.session.createDataFrame(pa.table({"task": pa.array(cells, pa.binary())}))
        # From one partition, so that they are dealt out one by one.
        dealt = frame.coalesce(1).repartition(len(tasks))
        yield from answers(dealt.mapInArrow(InArrow(work), SCHEMA))


def answers(frame: Any) -> Iterator[Any]:
    """What tasks returned. Raises `WarmlineError` with the words of the one that failed."""
    try:
        found = frame.toArrow()[RESULT]
    except Exception as error:  # Py4J's or gRPC's, around Python's
        raise WarmlineError(
            f"A task on Spark failed: {_last_line(error)} Nothing was changed."
        ) from error
    for cell in found:
        yield pickle.loads(cell.as_buffer())  # noqa: S301 - written by our own tasks


def _last_line(error: Exception) -> str:
    """Of a trace through Spark the line that says what went wrong in Python."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    ours = [line for line in lines if "Error: " in line and not line.startswith("at ")]
    line = (ours or lines or [type(error).__name__])[0]
    return line if line.endswith(".") else f"{line}."


def of_rows(walk: Walk, each: Callable[[Rows], T]) -> OfRows[T]:
    """What tasks of the walk do."""
    context = replace(walk.context, attributes=Attributes.none())
    found = matrix.fingerprint(walk.context.declared)
    return OfRows(tuple(walk.nights), context, each, found)


def tasks_of(
    walk: Walk,
    members: Sequence[NDArray[np.int32]],
    terms_of: Callable[[int], Terms | None],
) -> Iterator[Task]:
    """A task for each bucket, whose `members` are given, with what concerns who is asked about.

    `terms_of`: terms of a bucket, or of more customers than it has.
    """
    anyone, joined = walk.wanted.anyone, walk.history.people().joined
    for number, everyone in enumerate(members):
        some, terms = everyone[anyone[everyone]], terms_of(number)
        yield Task(
            number,
            None,
            some,
            joined[some],
            None if terms is None else _of_members(terms, some),
            walk.context.attributes.among(some),
            walk.wanted.among(some),
        )


def _of_members(terms: Terms, members: NDArray[np.int32]) -> Terms:
    """Their terms, by number."""
    mine = terms.among(members)
    return replace(mine, customer=members[mine.customer])
