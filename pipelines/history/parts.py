"""Parts: some interactions of one bucket on disk, as coded columns and a row-aligned side file."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from models.contracts import KIND_CODE, SERVING_KINDS
from pipelines.history.events import Events
from pipelines.history.manifest import File, Part
from pipelines.history.ordering import event_order
from pipelines.history.partfiles import (
    BARE,
    SMALL,
    read_coded,
    read_small,
    write_acts,
    write_coded,
    write_side,
)
from pipelines.history.rooms import Rooms

if TYPE_CHECKING:
    import pyarrow as pa

# `owner`: the customer number that the row's own id stands for, before merges; `given`: that id,
# where it is another system's; `generation`: which ingest wrote the row.
SIDE_COLUMNS = (
    "key", "content", "version", "source", "owner", "given", "generation", "interaction_id",
    "contact_id", "caused_by", "text",
)  # fmt: skip
# What came to be known of a row: see `Notes`.
REPLACED, DELETED, MOVED, CONFIRMED, PRECEDED = range(5)


@dataclass(frozen=True)
class Notes:
    """What later ingests said of rows of one part, ascending by row; a row may have several notes.

    A newer version or a tombstone took it out (REPLACED, DELETED: nights before still see it). Or
    it was written anew and is no longer looked at here (MOVED): with another customer after a
    merge, or with the older age that the same content turned out to have. The rows stay in their
    part, so that older versions are kept and a past generation can be read again.

    It was said again with a newer age (CONFIRMED; the newest is kept), which settles what is newer
    and changes nothing that is seen. Or an older version came later than it (PRECEDED): it is the
    first no longer, and known only from its own age on.
    """

    row: NDArray[np.int32]
    version: NDArray[np.int64]  # age of what said so, microseconds since 1970 UTC
    known: NDArray[np.int64]  # from when nights know that, seconds
    reason: NDArray[np.int8]
    generation: NDArray[np.int32]  # of the ingest that brought it

    @classmethod
    def none(cls) -> Notes:
        return cls.of([np.empty(0)] * len(NOTE_TYPES))

    @classmethod
    def of(cls, columns: Sequence[NDArray[Any]]) -> Notes:
        """From the columns in order, of any number type."""
        typed = zip(columns, NOTE_TYPES, strict=True)
        return cls(*(column.astype(dtype) for column, dtype in typed))

    @classmethod
    def union(cls, pieces: Sequence[Notes]) -> Notes:
        """All of `pieces`, ascending by row; of what confirms a row, the newest."""
        names = cls.__dataclass_fields__
        columns = [np.concatenate([getattr(piece, name) for piece in pieces]) for name in names]
        order = np.argsort(columns[0], kind="stable")
        notes = cls(*(column[order] for column in columns))
        confirmed = np.flatnonzero(notes.reason == CONFIRMED)
        newest_last = confirmed[np.lexsort((notes.version[confirmed], notes.row[confirmed]))]
        row = notes.row[newest_last]
        keep = np.ones(len(notes.row), np.bool_)
        keep[newest_last[:-1][row[1:] == row[:-1]]] = False
        return notes if keep.all() else notes.take(keep)

    def because(self, *reasons: int) -> Notes:
        """Those with one of the `reasons`."""
        return self.take(np.isin(self.reason, reasons))

    @property
    def taken_out(self) -> NDArray[np.int32]:
        """Rows that no longer count, each once."""
        return np.unique(self.because(REPLACED, DELETED, MOVED).row)

    def among(self, rows: NDArray[np.integer]) -> Notes:
        """The entries on some `rows` of the part (ascending), by their place among these."""
        place = np.searchsorted(rows, self.row)
        here = place < len(rows)
        here[here] = rows[place[here]] == self.row[here]
        return replace(self, row=place.astype(np.int32)).take(here)

    def take(self, rows: NDArray[np.bool_] | slice) -> Notes:
        """The entries chosen by mask, or one after another."""
        return Notes(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))


NOTE_TYPES: tuple[Any, ...] = (np.int32, np.int64, np.int64, np.int8, np.int32)


def write_part(
    folder: Path,
    where: Path,
    bucket: int,
    events: Events,
    side: pa.Table,
    notes: Notes,
    small: int = SMALL,
) -> Part:
    """Writes sorted `events` and their `side` into the folder `where`.

    `notes` are of these events. The rows in which an agent acted stand once more in a file of their
    own, unless there are `small` rows or fewer: those are as quickly read.
    """
    stem = where / f"bucket-{bucket:05d}"
    where.mkdir(parents=True, exist_ok=True)
    coded, acts = write_coded(stem, events, small), None
    aside = write_side(stem.with_name(f"{stem.name}-side.parquet"), side, small)
    if len(events) > small:
        rows = acting(events)
        acts = File.of(folder, write_acts(stem, events, rows), len(rows))
    part = Part(
        bucket,
        File.of(folder, coded, len(events)),
        File.of(folder, aside, len(events)),
        acts=acts,
    )
    return with_notes(folder, where, part, notes)


def acting(events: Events) -> NDArray[np.intp]:
    """Rows in which an agent, or a bot, acted for the customer (`SERVING_KINDS`)."""
    codes = np.array([KIND_CODE[kind] for kind in SERVING_KINDS])
    return np.flatnonzero((events.agent >= 0) & np.isin(events.kind, codes))


def with_notes(folder: Path, where: Path, part: Part, notes: Notes) -> Part:
    """The part with exactly these `notes` on its rows."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not len(notes.row):
        return replace(part, notes=None, out=0)
    table = pa.table({name: getattr(notes, name) for name in notes.__dataclass_fields__})
    stem = part.coded.path.replace("/", "-").rpartition(".")[0]
    path = where / f"notes-{stem}.parquet"
    where.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, compression="zstd")
    out = len(notes.taken_out)
    return replace(part, notes=File.of(folder, path, len(notes.row)), out=out)


def read_notes(folder: Path, part: Part) -> Notes:
    """What later ingests said of the part's rows."""
    import pyarrow.parquet as pq

    if part.notes is None:
        return Notes.none()
    table = pq.read_table(folder / part.notes.path)
    return Notes(*(table[name].to_numpy() for name in Notes.__dataclass_fields__))


def read_raw(
    folder: Path,
    part: Part,
    columns: Collection[str] | None = None,
    rooms: Rooms | None = None,
) -> Events:
    """All rows of the part as stored, sorted, as if each counted.

    Where the source did not say when it knew a row, `recorded` lies before `at` and stands for its
    source: see `lags`. With `columns`, all others but `recorded` are as if absent in every row.
    With `rooms`, a large part is decoded into their memory.
    """
    return read_coded(folder / part.coded.path, columns, rooms)[0]


def read_events(
    folder: Path,
    part: Part,
    generation: int | None = None,
    columns: Collection[str] | None = None,
    rooms: Rooms | None = None,
) -> Events:
    """The part's interactions in every version that ever counted, sorted; without those moved to
    another customer. With a `generation`, as it was then; the others as in `read_raw`."""
    if part.notes is None and generation is None:
        return read_raw(folder, part, columns, rooms)
    return placed_events(folder, part, generation, columns, rooms)[0]


def placed_events(
    folder: Path,
    part: Part,
    generation: int | None = None,
    columns: Collection[str] | None = None,
    rooms: Rooms | None = None,
) -> tuple[Events, NDArray[np.integer]]:
    """As `read_events`, with the row of the part (and of its side file) of each."""
    events = read_raw(folder, part, columns, rooms)
    return _as_noted(folder, part, generation, events, np.arange(len(events)))


def read_pieces(
    folder: Path,
    parts: Sequence[Part],
    generation: int | None = None,
    columns: Collection[str] | None = None,
    rooms: Rooms | None = None,
    *,
    to_merge: bool = False,
) -> list[Events]:
    """As `read_events` of each of `parts`, but small ones of which nothing is noted as one; if just
    `to_merge`, that one is sorted only where it is the largest."""
    small: list[Path] = []
    pieces: list[Events] = []
    for part in parts:
        if generation is None and part.notes is None and part.coded.path.endswith(BARE):
            small.append(folder / part.coded.path)
        else:
            pieces.append(read_events(folder, part, generation, columns, rooms))
    if small:
        together = read_small(small, columns)
        most = max(map(len, pieces), default=-1)
        as_it_is = len(small) == 1 or (to_merge and len(together) <= most)
        pieces.append(together if as_it_is else together.take(event_order(together)))
    return pieces


def read_acts(folder: Path, parts: Sequence[Part], generation: int | None = None) -> list[Events]:
    """As `read_pieces`, of the rows in which an agent acted: whose, when, kind, agent and when each
    was known. A small part, and one of an older version, keeps them not aside: all its rows."""
    aside = [part for part in parts if part.acts is not None]
    others = [part for part in parts if part.acts is None]
    acts = [_acts_aside(folder, part, generation) for part in aside]
    return [*acts, *read_pieces(folder, others, generation, ("agent",))]


def _acts_aside(folder: Path, part: Part, generation: int | None) -> Events:
    assert part.acts is not None  # noqa: S101 - as who calls it looked
    events, row = read_coded(folder / part.acts.path)
    assert row is not None  # noqa: S101 - as `write_part` writes it
    if part.notes is None and generation is None:
        return events
    return _as_noted(folder, part, generation, events, row)[0]


def _as_noted(
    folder: Path, part: Part, generation: int | None, events: Events, rows: NDArray[np.integer]
) -> tuple[Events, NDArray[np.integer]]:
    """Events of some `rows` of the part (ascending) with what later ingests said of them, and which
    of `rows` are left."""
    notes = read_notes(folder, part).among(rows)
    keep = None
    if generation is not None:
        wrote = read_side(folder, part, ("generation",))["generation"].to_numpy()
        keep = wrote[rows] <= generation
        notes = notes.take(notes.generation <= generation)
    found, place = told(events, notes, keep)
    return found, rows[place]


def told(
    events: Events, notes: Notes, keep: NDArray[np.bool_] | None = None
) -> tuple[Events, NDArray[np.intp]]:
    """The events as `notes` on them tell, and the row that each had; of those to `keep` only."""
    events = replace(events, recorded=events.recorded.copy(), until=events.until.copy())
    keep = np.ones(len(events), np.bool_) if keep is None else keep
    keep[notes.because(MOVED).row] = False
    gone, preceded = notes.because(REPLACED, DELETED), notes.because(PRECEDED)
    np.minimum.at(events.until, gone.row, gone.known)
    preceded = preceded.take(preceded.known >= events.at[preceded.row])
    np.maximum.at(events.recorded, preceded.row, preceded.known)
    place = np.flatnonzero(keep)
    return (events if keep.all() else events.take(place)), place


def read_side(folder: Path, part: Part, columns: tuple[str, ...] = SIDE_COLUMNS) -> pa.Table:
    """The part's side columns, row-aligned with all versions of its events."""
    import pyarrow.parquet as pq

    return pq.read_table(folder / part.side.path, columns=list(columns), memory_map=True)
