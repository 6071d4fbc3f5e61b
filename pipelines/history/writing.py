"""A new generation: its files are written, and nothing refers to them yet."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pipelines.history import cases, coding, dictionaries, merging, moving, recoding, small
from pipelines.history.arrivals import Arrivals
from pipelines.history.buckets import buckets_for, outgrown
from pipelines.history.engine import count, name, quoted
from pipelines.history.manifest import File, Manifest, Part
from pipelines.history.merging import Rows
from pipelines.history.parts import Notes, read_notes, with_notes
from pipelines.history.schema import INTERACTIONS
from pipelines.history.sources import columns_of

if TYPE_CHECKING:
    import duckdb

    from pipelines.history.words.expressions import Coder

Progress = Callable[[str], None]
WRITERS = 2  # buckets written at once; one more is in memory, or a night's all together


@dataclass
class Draft:
    """The generation in the making: `manifest` always describes what is on the disk so far."""

    connection: duckdb.DuckDBPyConnection
    folder: Path
    manifest: Manifest
    before: Manifest
    ingested_at: int
    progress: Progress
    coder: Coder
    writers: Executor
    moved: list[moving.Leaving] = field(default_factory=list)
    # What `writers` are at: parts that are noted on, by their side file, and buckets that grow.
    noting: dict[str, Future[Part]] = field(default_factory=dict)
    growing: dict[int, Future[tuple[Part, ...]]] = field(default_factory=dict)

    @property
    def where(self) -> Path:
        """The folder of this generation's new files."""
        return self.folder / f"g{self.manifest.generation:06d}"

    def tables(self, names: list[str]) -> None:
        """Writes the new versions of the small tables."""
        for table in names:
            self.progress(f"writing {table}")
            written = small.write(
                self.connection, self.folder, self.where, table, self.before,
                generation=self.manifest.generation, ingested_at=self.ingested_at,
            )  # fmt: skip
            self.manifest = replace(self.manifest, tables=self.manifest.tables | {table: written})

    def words(self, new: dict[str, int]) -> None:
        """Writes the new words of the dictionaries."""
        for dictionary, many in new.items():
            if not many:
                continue
            self.progress(f"writing the words of {dictionary}")
            known = self.before.dictionaries.get(dictionary, ())
            files = dictionaries.write(
                self.connection, self.folder, self.where, dictionary, known, many
            )
            self.manifest = replace(
                self.manifest, dictionaries=self.manifest.dictionaries | {dictionary: files}
            )

    def note(self) -> None:
        """Notes on the rows that newer versions, tombstones and merges take out or confirm: written
        while all else is made ready, see `_take_noted`."""
        asked = self.connection.execute("SELECT * FROM noted ORDER BY filename, row")
        rows: dict[str, Any] = asked.fetchnumpy()
        if len(rows["row"]):
            self.progress("marking replaced rows")
        parts = {str(self.folder / part.side.path): part for part in self.manifest.parts}
        sides, first = np.unique(rows["filename"].astype("U"), return_index=True)
        last = np.append(first, len(rows["row"]))[1:]
        for side, begin, end in zip(sides.tolist(), first, last, strict=True):
            said = {name: column[begin:end] for name, column in rows.items()}
            part = parts[side]
            self.noting[part.side.path] = self.writers.submit(self._noted, part, said)
        leaving = moving.leaving(self.connection)
        if len(leaving):
            self._take_noted()
            left, self.moved = moving.take_moving(
                self.connection, self.folder, self.where, self.manifest, leaving
            )
            self.manifest = replace(self.manifest, parts=left)

    def _noted(self, part: Part, said: dict[str, NDArray[Any]]) -> Part:
        """The part with what is said of its rows besides what was noted before."""
        columns = [said[name] for name in ("row", "version", "known", "reason")]
        new = Notes.of([*columns, np.full(len(said["row"]), self.manifest.generation)])
        whole = Notes.union([read_notes(self.folder, part), new])
        return with_notes(self.folder, self.where, part, whole)

    def _take_noted(self) -> None:
        """Waits for the notes that are being written."""
        noted = {side: part.result() for side, part in self.noting.items()}
        parts = tuple(noted.get(part.side.path, part) for part in self.manifest.parts)
        self.manifest = replace(self.manifest, parts=parts)
        self.noting = {}

    def interactions(self, staging: Path, arriving: int) -> dict[str, int]:
        """Writes the new interactions; returns how many words are new, by dictionary.

        `arriving` is how many come, by which the number of buckets is chosen.
        """
        self.progress("coding interactions")
        new = coding.number(self.connection, self.folder, self.before)
        self._spread(arriving)
        buckets, generation = self.manifest.buckets, self.manifest.generation
        coded = coding.encoded(self.connection, buckets, generation, staging / "coded", arriving)
        moved = moving.numbered(self.connection, self.moved) if self.moved else None
        arrivals = Arrivals.before(self.connection, self.manifest, self.ingested_at, self.coder)
        self._take_noted()

        def brought() -> Iterator[tuple[int, Rows]]:
            come_over = dict(moved.spread(buckets)) if moved else {}
            for piece in coded:
                for bucket, rows in arrivals.take_in(piece, generation).spread(buckets):
                    others = [come_over.pop(bucket)] if bucket in come_over else []
                    yield bucket, Rows.union([*others, rows]) if others else rows
            yield from come_over.items()

        # The connection is for nothing else meanwhile.
        numbered = self.writers.submit(
            cases.write, self.connection, self.folder, self.where, self.before.cases
        )
        self._begin(brought())
        self.manifest = arrivals.noted(self.manifest, self.folder, self.where)
        self.manifest = replace(self.manifest, cases=numbered.result())
        return new

    def recode(self) -> None:
        """Codes all words anew, those that came before included."""
        self._take_grown()
        self.progress("coding words anew")
        parts = recoding.recoded(self.folder, self.where, self.manifest, self.coder)
        self.manifest = replace(self.manifest, parts=tuple(parts))

    def _spread(self, arriving: int) -> None:
        """Chooses the number of buckets; more of them than before means writing all anew."""
        total = self.manifest.rows + arriving
        buckets = self.manifest.buckets
        if not self.manifest.parts:
            self.manifest = replace(self.manifest, buckets=max(buckets, buckets_for(total)))
        elif outgrown(total, buckets):
            wanted = buckets_for(total)
            self.progress(f"spreading {buckets} buckets over {wanted}")
            self._take_noted()
            parts = merging.split(self.folder, self.where, self.manifest, wanted)
            self.manifest = replace(self.manifest, parts=parts, buckets=wanted)

    def _begin(self, brought: Iterator[tuple[int, Rows]]) -> None:
        """Has the rows of each bucket written, while all else is made ready: see `_take_grown`."""
        held: deque[tuple[int, Future[tuple[Part, ...]]]] = deque()
        for bucket, rows in brought:
            before = self.manifest.of_bucket(bucket)
            full = len(before) >= merging.MOST_PARTS
            what = "writing and compacting" if full else "writing"
            self.progress(f"{what} bucket {bucket + 1} of {self.manifest.buckets}")
            self.growing[bucket] = self.writers.submit(self._grown, before, bucket, rows)
            held.append((len(rows.events), self.growing[bucket]))
            while len(held) > WRITERS and sum(many for many, _ in held) > coding.AT_ONCE:
                held.popleft()[1].result()

    def _take_grown(self) -> None:
        """Waits for the notes and buckets that are being written."""
        self._take_noted()
        grown = {bucket: parts.result() for bucket, parts in self.growing.items()}
        others = [part for part in self.manifest.parts if part.bucket not in grown]
        new = [part for parts in grown.values() for part in parts]
        self.manifest = replace(self.manifest, parts=(*others, *new))
        self.growing = {}

    def _grown(self, before: tuple[Part, ...], bucket: int, rows: Rows) -> tuple[Part, ...]:
        """The bucket's parts with these rows, compacted where they have become too many."""
        parts = (*before, rows.write(self.folder, self.where, bucket))
        if len(parts) <= merging.MOST_PARTS:
            return parts
        return merging.compacted(self.folder, self.where, parts)

    def pending(self) -> None:
        """Writes the interactions that wait for their customer."""
        self.manifest = replace(self.manifest, pending=None)
        if not count(self.connection, "waiting"):
            return
        self.progress("writing pending")
        path = self.where / "pending.parquet"
        kept = ", ".join(name(column.name) for column in columns_of(INTERACTIONS))
        self.connection.execute(
            f"COPY (SELECT {kept}, _key, _content FROM waiting "  # noqa: S608
            f"ORDER BY source, interaction_id) TO {quoted(str(path))} (FORMAT parquet)"
        )
        self.manifest = replace(self.manifest, pending=_measured(self.folder, path))

    def finish(self) -> Manifest:
        """The manifest of the whole generation, once all of it is written."""
        self._take_grown()
        rows = sum(part.rows for part in self.manifest.parts)
        return replace(self.manifest, rows=rows, past=self.before.remembered())


def _measured(folder: Path, path: Path) -> File:
    import pyarrow.parquet as pq

    return File.of(folder, path, pq.read_metadata(path).num_rows)
