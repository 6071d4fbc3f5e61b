"""Parts of a bucket made into one, and buckets split when they outgrew their size."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pipelines.history.buckets import bucket_of
from pipelines.history.events import Events
from pipelines.history.manifest import Manifest, Part
from pipelines.history.parts import (
    Removal,
    event_order,
    read_events,
    read_removal,
    read_side,
    write_part,
)

if TYPE_CHECKING:
    import pyarrow as pa

MOST_PARTS = 8  # parts of a bucket that a reader merges; an ingest that leaves more compacts them


@dataclass(frozen=True)
class Rows:
    """Interactions with their side columns and which of them do not count, sorted."""

    events: Events
    side: pa.Table
    removed: Removal

    @classmethod
    def read(cls, folder: Path, parts: tuple[Part, ...]) -> Rows:
        """All rows of `parts`, those that do not count included: older versions are kept."""
        import pyarrow as pa

        events = [read_events(folder, part) for part in parts]
        starts = np.cumsum([0, *map(len, events)])
        removed = Removal.union(
            [
                _moved(read_removal(folder, part), int(start))
                for part, start in zip(parts, starts, strict=False)
            ]
        )
        joined = Events(
            **{
                column: np.concatenate([getattr(piece, column) for piece in events])
                for column in Events.columns()
            }
        )
        side = pa.concat_tables([read_side(folder, part) for part in parts])
        return cls(joined, side, removed).take(event_order(joined))

    def take(self, rows: NDArray[np.intp]) -> Rows:
        """The given rows, in the given order."""
        place = np.full(len(self.events), -1, np.int64)
        place[rows] = np.arange(len(rows))
        moved = place[self.removed.row]
        here = moved >= 0
        removed = Removal(
            moved[here].astype(np.int32),
            self.removed.version[here],
            self.removed.deleted[here],
            self.removed.ingested_at[here],
        )
        return Rows(self.events.take(rows), self.side.take(rows), Removal.union([removed]))

    def write(self, folder: Path, where: Path, bucket: int) -> Part:
        return write_part(folder, where, bucket, self.events, self.side, self.removed)


def _moved(removal: Removal, start: int) -> Removal:
    return Removal(
        removal.row + np.int32(start), removal.version, removal.deleted, removal.ingested_at
    )


def compact(folder: Path, where: Path, parts: tuple[Part, ...]) -> Part:
    """One part in place of several of the same bucket."""
    return Rows.read(folder, parts).write(folder, where / "merged", parts[0].bucket)


def split(folder: Path, where: Path, manifest: Manifest, buckets: int) -> tuple[Part, ...]:
    """All parts of `manifest` spread over `buckets`, a multiple of what it has."""
    pieces = []
    for bucket in range(manifest.buckets):
        parts = manifest.of_bucket(bucket)
        if not parts:
            continue
        rows = Rows.read(folder, parts)
        home = bucket_of(rows.events.customer, buckets)
        pieces += [
            rows.take(np.flatnonzero(home == one)).write(folder, where / "split", int(one))
            for one in np.unique(home)
        ]
    return tuple(pieces)
