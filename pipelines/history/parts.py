"""Parts: some interactions of one bucket on disk, as coded columns and a row-aligned side file.

Measured on 2 million rows of 14 columns, read by one thread: LZ4 with dictionaries, times as
deltas, 11 bytes a row and 0.075 s; ZSTD 10 bytes and 0.09 s (docs/decisions/0002).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from models.files import sync_file
from pipelines.history.events import NEVER, Events
from pipelines.history.manifest import File, Part

if TYPE_CHECKING:
    import pyarrow as pa

TIMES = ("customer", "at")  # in order, so small deltas
UNIQUE = ("key", "content", "interaction_id", "text")  # no dictionary would pay
GROUP_ROWS = 262_144  # a row group: what reading one customer's words costs
# `owner`: the customer number that the row's own id stands for, before merges; `given`: that id,
# where it is another system's; `generation`: which ingest wrote the row.
SIDE_COLUMNS = (
    "key", "content", "version", "source", "owner", "given", "generation", "interaction_id",
    "contact_id", "caused_by", "text",
)  # fmt: skip
# Why a row was taken out.
REPLACED, DELETED, MOVED = range(3)


@dataclass(frozen=True)
class Removal:
    """Rows of one part that were taken out, ascending by row; a row may be taken out twice.

    A newer version or a tombstone took it out (and nights before still see it), or a merge moved
    it to another customer (and it is no longer looked at here). The rows stay in their part, so
    that older versions are kept and a past generation can be read again.
    """

    row: NDArray[np.int32]
    version: NDArray[np.int64]  # age of what took it out, microseconds since 1970 UTC
    known: NDArray[np.int64]  # from when nights see it gone, seconds
    reason: NDArray[np.int8]
    generation: NDArray[np.int32]  # of the ingest that took it out

    @classmethod
    def none(cls) -> Removal:
        return cls.of([np.empty(0)] * len(REMOVAL_TYPES))

    @classmethod
    def of(cls, columns: Sequence[NDArray[Any]]) -> Removal:
        """From the columns in order, of any number type."""
        typed = zip(columns, REMOVAL_TYPES, strict=True)
        return cls(*(column.astype(dtype) for column, dtype in typed))

    @classmethod
    def union(cls, pieces: Sequence[Removal]) -> Removal:
        """All of `pieces`, ascending by row."""
        names = cls.__dataclass_fields__
        columns = [np.concatenate([getattr(piece, name) for piece in pieces]) for name in names]
        order = np.argsort(columns[0], kind="stable")
        return cls(*(column[order] for column in columns))

    def take(self, rows: NDArray[np.bool_]) -> Removal:
        """The entries chosen by mask."""
        return Removal(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))


REMOVAL_TYPES: tuple[Any, ...] = (np.int32, np.int64, np.int64, np.int8, np.int32)


def event_order(events: Events) -> NDArray[np.intp]:
    """The order that `Events` declares: by customer and time, ties settled by content.

    Ties are few, so the content columns are looked at only where customer and time are equal.
    """
    order = _by_customer_and_time(events)
    customer, at = events.customer[order], events.at[order]
    equal = (customer[1:] == customer[:-1]) & (at[1:] == at[:-1])
    if not equal.any():
        return order
    tied = np.zeros(len(order), np.bool_)
    tied[1:] |= equal
    tied[:-1] |= equal
    places = np.flatnonzero(tied)
    rows = order[places]
    names = reversed(Events.content())
    order[places] = rows[np.lexsort([getattr(events, name)[rows] for name in names])]
    return order


def _by_customer_and_time(events: Events) -> NDArray[np.intp]:
    """One number a row where it fits 63 bits: sorted pieces one after another then merge fast."""
    if not len(events):
        return np.empty(0, np.intp)
    first = int(events.at.min())
    span = int(events.at.max()) - first + 1
    if (int(events.customer.max()) + 1) * span >= 2**63:
        return np.lexsort((events.at, events.customer))
    return np.argsort(events.customer * np.int64(span) + (events.at - first), kind="stable")


def joined(pieces: Sequence[Events]) -> Events:
    """All rows of `pieces`, one piece after another."""
    names = Events.columns()
    return Events(
        **{name: np.concatenate([getattr(piece, name) for piece in pieces]) for name in names}
    )


def merged(pieces: Sequence[Events]) -> Events:
    """All rows of `pieces`, each sorted, as one; the same as `Events.concatenate`, sooner."""
    events = joined(pieces)
    return events.take(event_order(events))


def write_part(
    folder: Path, where: Path, bucket: int, events: Events, side: pa.Table, removed: Removal
) -> Part:
    """Writes sorted `events` and their `side` into the folder `where`, synced.

    `removed` are rows of these events that do not count.
    """
    coded = _write(where / f"bucket-{bucket:05d}.parquet", _coded(events), events)
    aside = _write(where / f"bucket-{bucket:05d}-side.parquet", side, None)
    part = Part(bucket, File.of(folder, coded, len(events)), File.of(folder, aside, len(events)))
    return with_removed(folder, where, part, removed)


def with_removed(folder: Path, where: Path, part: Part, removed: Removal) -> Part:
    """The part with exactly the rows of `removed` taken out."""
    import pyarrow as pa

    if not len(removed.row):
        return Part(part.bucket, part.coded, part.side)
    table = pa.table({name: getattr(removed, name) for name in removed.__dataclass_fields__})
    stem = part.coded.path.replace("/", "-").removesuffix(".parquet")
    path = _write(where / f"removed-{stem}.parquet", table, None)
    out = len(np.unique(removed.row))
    return Part(part.bucket, part.coded, part.side, File.of(folder, path, len(removed.row)), out)


def read_removal(folder: Path, part: Part) -> Removal:
    """The rows of the part that do not count."""
    import pyarrow.parquet as pq

    if part.removed is None:
        return Removal.none()
    table = pq.read_table(folder / part.removed.path)
    return Removal(*(table[name].to_numpy() for name in Removal.__dataclass_fields__))


def read_raw(folder: Path, part: Part) -> Events:
    """All rows of the part as stored, sorted, as if each counted.

    Where the source did not say when it knew a row, `recorded` lies before `at` and stands for its
    source: see `lags`.
    """
    import pyarrow.parquet as pq

    table = pq.read_table(folder / part.coded.path, memory_map=True, use_threads=False)
    columns = {name: table[name].to_numpy() for name in table.column_names}
    columns["recorded"] = columns["at"] + columns.pop("lag")
    return Events(**columns, until=np.full(table.num_rows, NEVER, np.int64))


def read_events(folder: Path, part: Part, generation: int | None = None) -> Events:
    """The part's interactions in every version that ever counted, sorted; without those moved to
    another customer. With a `generation`, as it was then."""
    return placed_events(folder, part, generation)[0]


def placed_events(
    folder: Path, part: Part, generation: int | None = None
) -> tuple[Events, NDArray[np.intp]]:
    """As `read_events`, with the row of the part (and of its side file) of each."""
    events = read_raw(folder, part)
    removed = read_removal(folder, part)
    keep = np.ones(len(events), np.bool_)
    if generation is not None:
        keep = read_side(folder, part, ("generation",))["generation"].to_numpy() <= generation
        removed = removed.take(removed.generation <= generation)
    moved = removed.reason == MOVED
    keep[removed.row[moved]] = False
    np.minimum.at(events.until, removed.row[~moved], removed.known[~moved])
    place = np.flatnonzero(keep)
    return (events if keep.all() else events.take(place)), place


def read_side(folder: Path, part: Part, columns: tuple[str, ...] = SIDE_COLUMNS) -> pa.Table:
    """The part's side columns, row-aligned with all versions of its events."""
    import pyarrow.parquet as pq

    return pq.read_table(folder / part.side.path, columns=list(columns), memory_map=True)


def _coded(events: Events) -> pa.Table:
    """Columns as stored: `lag` (nearly always 0) stands for `recorded`."""
    import pyarrow as pa

    columns = {name: getattr(events, name) for name in Events.content()}
    columns["lag"] = columns.pop("recorded") - events.at
    return pa.table(columns)


def _write(path: Path, table: pa.Table, coded: Events | None) -> Path:
    import pyarrow.parquet as pq

    path.parent.mkdir(parents=True, exist_ok=True)
    delta = TIMES if coded is not None else ()
    pq.write_table(
        table,
        path,
        compression="lz4" if coded is not None else "zstd",
        row_group_size=GROUP_ROWS,
        use_dictionary=[name for name in table.column_names if name not in (*delta, *UNIQUE)],
        column_encoding=dict.fromkeys(delta, "DELTA_BINARY_PACKED") or None,
        write_statistics=coded is not None,
    )
    sync_file(path)
    return path
