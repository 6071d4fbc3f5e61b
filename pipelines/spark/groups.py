"""Rows of a company's own tables in a task: whole customers at a time, whatever batches bring.

A partition is sorted by bucket; in each its task comes first, then the rows customer by customer.
An Arrow batch may end within a customer and hold many: rows wait until their customer is whole.
"""

from __future__ import annotations

import pickle
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from models.errors import WarmlineError
from pipelines.history.given import Known, given
from pipelines.history.words import Lexicon
from pipelines.spark.tasks import OfEvents, OfRows, Task, packed

if TYPE_CHECKING:
    import pyarrow as pa

    from pipelines.history.events import Events
    from pipelines.history.lags import Lags
    from pipelines.history.rejects import Reject

CELL = "task"
BUCKET = "bucket"
# Rows that are coded at once: enough to pay for the fixed 0.1 s of a `given` history, 100 MB.
GROUP_ROWS = 250_000
SHOWN = 3  # refused rows that are told one by one, a group


@dataclass(frozen=True)
class Refused:
    """Rows of a group that were read, and those that could not be used."""

    rows: int
    reasons: Mapping[tuple[str, str], int]  # how many by column and reason
    examples: tuple[str, ...]
    nobody: int  # of a customer that no table names

    @staticmethod
    def words(all_groups: Sequence[Refused]) -> list[str]:
        """For people: how many were left out, and why."""
        reasons = sum((Counter(one.reasons) for one in all_groups), Counter[tuple[str, str]]())
        nobody = sum(one.nobody for one in all_groups)
        lines = [
            f"Left out: {many:,} interactions, whose `{column}` {reason}."
            for (column, reason), many in reasons.most_common()
        ]
        if nobody:
            lines.append(f"Left out: {nobody:,} interactions of customers whom no table names.")
        return lines

    @staticmethod
    def require(all_groups: Sequence[Refused], most: float) -> None:
        """Raises `WarmlineError` where more than the share `most` was refused, as an ingest."""
        rows = sum(one.rows for one in all_groups)
        refused = sum(sum(one.reasons.values()) for one in all_groups)
        if refused > most * max(rows, 1):
            examples = [line for one in all_groups for line in one.examples][:SHOWN]
            raise WarmlineError(
                f"{refused:,} of {rows:,} interactions cannot be used, more than the {most:.0%} of "
                "max_reject_share under [ingest]: "
                + "; ".join([*examples, *Refused.words(all_groups)])
                + " Nothing was changed."
            )


@dataclass(frozen=True)
class Reading:
    """How rows are read: what `given` needs besides the rows."""

    zone: str
    seen: int
    words: Mapping[str, Sequence[str]]
    lags: Lags
    precedence: tuple[str, ...]
    lexicon: Lexicon


@dataclass(frozen=True)
class InGroups:
    """What `mapInArrow` calls: sorted rows in, answers out, each as one binary cell."""

    reading: Reading
    work: OfRows[Any] | OfEvents[Any]

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        current: _Bucket | None = None
        for batch in batches:
            for piece in _by_bucket(batch):
                cell = piece.column(CELL)[0]
                if cell.is_valid:
                    if current:
                        yield from map(packed, current.end())
                    # Written by the driver, a moment ago.
                    task, ids, others = pickle.loads(cell.as_buffer())  # noqa: S301
                    current = _Bucket(task, ids, others, self.reading, self.work)
                    piece = piece.slice(1)
                if current and piece.num_rows:
                    yield from map(packed, current.take(piece))
        if current:
            yield from map(packed, current.end())


def _by_bucket(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """Slices of one bucket each, in order."""
    bucket = batch.column(BUCKET).to_numpy()
    edges = [0, *(np.flatnonzero(np.diff(bucket)) + 1).tolist(), len(bucket)]
    for start, end in pairwise(edges):
        if end > start:
            yield batch.slice(start, end - start)


class _Bucket:
    """The customers of one task, computed as soon as their rows are whole."""

    def __init__(
        self,
        task: Task,
        ids: Sequence[str],
        others: Sequence[str],
        reading: Reading,
        work: OfRows[Any] | OfEvents[Any],
    ) -> None:
        self.task, self.reading, self.work = task, reading, work
        self.number = dict(zip(ids, task.customers.tolist(), strict=True))
        self.others = frozenset(others)  # customers who are not asked about
        self.seen = np.zeros(len(ids), np.bool_)
        self.waiting: list[pa.RecordBatch] = []
        self.rows = 0

    def take(self, batch: pa.RecordBatch) -> Iterator[Any]:
        """Rows of this bucket that follow those before; answers for whoever is whole by now."""
        self.waiting.append(batch)
        self.rows += batch.num_rows
        if self.rows < GROUP_ROWS:
            return
        last = batch.column("customer_id")[batch.num_rows - 1]
        import pyarrow as pa
        import pyarrow.compute as pc

        table = pa.Table.from_batches(self.waiting)
        # Sorted, so that the last customer's rows are the last.
        open_rows = pc.sum(pc.equal(table["customer_id"], last)).as_py()
        whole = table.slice(0, table.num_rows - open_rows)
        if whole.num_rows == 0:
            return  # one customer with very many rows: still coming
        rest = table.slice(whole.num_rows)
        self.waiting, self.rows = rest.to_batches(), rest.num_rows
        yield from self._group(whole)

    def end(self) -> Iterator[Any]:
        """Answers for all that is left, and for those without a row."""
        import pyarrow as pa

        if self.waiting:
            yield from self._group(pa.Table.from_batches(self.waiting))
            self.waiting, self.rows = [], 0
        if not isinstance(self.work, OfEvents):
            yield from self.work.without_rows(self.task, self.task.customers[~self.seen])

    def _group(self, table: pa.Table) -> Iterator[Any]:
        import pyarrow as pa
        import pyarrow.compute as pc

        found = set(table["customer_id"].unique().to_pylist())
        nobodys = pa.array(sorted(found - self.others - self.number.keys()), pa.string())
        mine = pa.array(sorted(found & self.number.keys()), pa.string())
        nobody = pc.sum(pc.is_in(table["customer_id"], nobodys)).as_py()
        rows = table.filter(pc.is_in(table["customer_id"], mine)).drop_columns([CELL, BUCKET])
        numbers, events, rejects = self._coded(mine, rows)
        reasons = Counter((one.column, one.reason) for one in rejects)
        examples = tuple(f"{one.column} {one.value!r} {one.reason}" for one in rejects[:SHOWN])
        yield Refused(rows.num_rows, reasons, examples, nobody)
        self.seen[np.searchsorted(self.task.customers, numbers)] = True
        if isinstance(self.work, OfEvents):
            yield self.work.of(events)
        else:
            yield from self.work.of(self.task, numbers, events)

    def _coded(
        self, ids: pa.Array, rows: pa.Table
    ) -> tuple[NDArray[np.int32], Events, tuple[Reject, ...]]:
        """The rows of some whole customers as events, by the customers' numbers, ascending."""
        import pyarrow as pa

        reading, words = self.reading, ids.to_pylist()
        joined = [datetime.fromtimestamp(0, UTC)] * len(ids)  # not looked at: the task has it
        customers = pa.table({"customer_id": ids, "joined_at": joined})
        found = given(
            {"customers": customers, "interactions": rows},
            zone=ZoneInfo(reading.zone), seen=reading.seen, precedence=reading.precedence,
            lexicon=reading.lexicon,
            known=Known(reading.words, reading.lags, {one: self.number[one] for one in words}),
        )  # fmt: skip
        numbers = np.array([self.number[word] for word in found.words("customer")], np.int32)
        events = found.versions(0)
        events = replace(events, customer=numbers[events.customer])
        if np.any(np.diff(numbers) < 0):
            events = events.take(np.argsort(events.customer, kind="stable"))
        return np.sort(numbers), events, found.rejects
