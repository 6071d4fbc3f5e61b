"""Parts of a bucket made into one, and buckets split when they outgrew their size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pipelines.history.buckets import bucket_of
from pipelines.history.events import Events
from pipelines.history.manifest import Manifest, Part
from pipelines.history.ordering import event_order, joined
from pipelines.history.parts import Notes, read_notes, read_raw, read_side, write_part

if TYPE_CHECKING:
    import pyarrow as pa

MOST_PARTS = 8  # parts of a bucket that a reader merges; an ingest that leaves more compacts them
LIGHT = 0.25  # of the largest part: while the others are no more, it is not written anew


@dataclass(frozen=True)
class Rows:
    """Interactions with their side columns and what later ingests said of them."""

    events: Events  # as stored
    side: pa.Table
    notes: Notes

    @classmethod
    def read(cls, folder: Path, part: Part) -> Rows:
        """All rows of `part`, those that do not count included: older versions are kept."""
        return cls(read_raw(folder, part), read_side(folder, part), read_notes(folder, part))

    @classmethod
    def union(cls, pieces: Sequence[Rows]) -> Rows:
        """All rows of `pieces`, sorted."""
        import pyarrow as pa

        starts = np.cumsum([0, *(len(piece.events) for piece in pieces)])
        notes = Notes.union(
            [
                replace(piece.notes, row=piece.notes.row + np.int32(start))
                for piece, start in zip(pieces, starts, strict=False)
            ]
        )
        events = joined([piece.events for piece in pieces])
        # Keys from a file are declared never absent, those that arrive are not.
        side = pa.concat_tables([piece.side for piece in pieces], promote_options="default")
        return cls(events, side, notes).sorted()

    def sorted(self) -> Rows:
        """The rows in the order that `Events` declares."""
        return self.take(event_order(self.events))

    def take(self, rows: NDArray[np.intp]) -> Rows:
        """The given rows, in the given order."""
        place = np.full(len(self.events), -1, np.int64)
        place[rows] = np.arange(len(rows))
        moved = place[self.notes.row]
        here = moved >= 0
        notes = replace(self.notes.take(here), row=moved[here].astype(np.int32))
        return Rows(self.events.take(rows), self.side.take(rows), Notes.union([notes]))

    def spread(self, buckets: int) -> Iterator[tuple[int, Rows]]:
        """The rows by bucket, of so many, sorted."""
        order = event_order(self.events)
        home = bucket_of(self.events.customer[order], buckets).astype(np.uint16)
        by_bucket = self.take(order[np.argsort(home, kind="stable")])
        last = np.cumsum(np.bincount(home, minlength=buckets))
        for bucket, (first, end) in enumerate(pairwise([0, *last.tolist()])):
            if end > first:
                yield bucket, by_bucket.slice(first, end)

    def slice(self, first: int, end: int) -> Rows:
        """Rows one after another, in memory shared with all."""
        notes = self.notes.among(np.arange(first, end))
        events = self.events.take(slice(first, end))
        return Rows(events, self.side.slice(first, end - first), notes)

    def write(self, folder: Path, where: Path, bucket: int) -> Part:
        """Writes the rows, which must be sorted, as a part."""
        return write_part(folder, where, bucket, self.events, self.side, self.notes)


def compacted(folder: Path, where: Path, parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """Several parts of a bucket as one, or as two while one of them outweighs all others.

    With a day's rows in each, writing the largest anew each time would write a year's history six
    times a year and more.
    """
    largest = max(parts, key=lambda part: part.coded.rows)
    others = tuple(part for part in parts if part is not largest)
    if sum(part.coded.rows for part in others) <= LIGHT * largest.coded.rows:
        return largest, compact(folder, where, others)
    return (compact(folder, where, parts),)


def compact(folder: Path, where: Path, parts: tuple[Part, ...]) -> Part:
    """One part in place of several of the same bucket."""
    rows = Rows.union([Rows.read(folder, part) for part in parts])
    return rows.write(folder, where / "merged", parts[0].bucket)


def split(folder: Path, where: Path, manifest: Manifest, buckets: int) -> tuple[Part, ...]:
    """All parts of `manifest` spread over `buckets`, a multiple of what it has."""
    pieces = []
    for bucket in range(manifest.buckets):
        parts = manifest.of_bucket(bucket)
        if not parts:
            continue
        rows = Rows.union([Rows.read(folder, part) for part in parts])
        pieces += [some.write(folder, where / "split", home) for home, some in rows.spread(buckets)]
    return tuple(pieces)
