"""What an ingest brings of each source, kind and day: counted, with how late it was."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models.contracts import DAY, KINDS
from pipelines.history import lags, piles
from pipelines.history.engine import one_row
from pipelines.history.events import DTYPES, NEVER, Events
from pipelines.history.manifest import File, Manifest, Watermark
from pipelines.history.merging import Rows
from pipelines.history.parts import CONFIRMED, DELETED, REPLACED, SIDE_COLUMNS, Notes

if TYPE_CHECKING:
    import duckdb
    import pandas as pd
    import pyarrow as pa

    from pipelines.history.words.expressions import Coder

COUNTED_AT_ONCE = 1_000_000  # rows: a day's buckets together, a first ingest's a few at a time
GROUP = ["source", "kind", "day", "lag", "dated"]

# Events, and of each its source, whether that dated it, and whether it is no version of another.
Uncounted = tuple[Events, NDArray[np.int32], NDArray[np.bool_], NDArray[np.bool_]]


@dataclass
class Arrivals:
    """The rows of one ingest on their way into the history."""

    sources: list[str]  # by code
    read_at: NDArray[np.int64]  # when each source was read before, 0 for never
    now: int
    marks: dict[str, Watermark]
    span: tuple[int, int] | None
    coder: Coder
    counts: list[pd.DataFrame] = field(default_factory=list)
    uncounted: list[Uncounted] = field(default_factory=list)

    @classmethod
    def before(
        cls, connection: duckdb.DuckDBPyConnection, manifest: Manifest, now: int, coder: Coder
    ) -> Arrivals:
        """Nothing taken in yet. Needs `words_source` with the new sources."""
        words: list[str] = (
            one_row(connection, "SELECT list(word ORDER BY code) FROM words_source")[0] or []
        )
        known = manifest.sources
        read_at = [known[word].read_at if word in known else 0 for word in words]
        return cls(words, np.array(read_at, np.int64), now, dict(known), manifest.span, coder)

    def take_in(self, coded: pa.Table, generation: int) -> Rows:
        """Coded rows (`coding.coded`) as they came, with when each was known."""
        told = [name for name in Events.content() if name != "said"]
        columns = {name: coded[name].to_numpy().astype(DTYPES[name], copy=False) for name in told}
        columns["said"] = self.coder.code(coded["text"], columns["kind"])
        source, dated = coded["source"].to_numpy(), coded["dated"].to_numpy()
        columns["recorded"] = lags.arrived(
            columns["at"], columns["recorded"], dated, source, self.read_at[source], self.now
        )
        events = Events(**columns, until=np.broadcast_to(np.int64(NEVER), coded.num_rows))
        if len(events):
            self._count(events, source, dated, coded["fresh"].to_numpy())
        notes = Notes.union([_older(coded, generation), _confirmed(coded, generation)])
        return Rows(events, coded.select(list(SIDE_COLUMNS)), notes)

    def _count(
        self,
        events: Events,
        source: NDArray[np.int32],
        dated: NDArray[np.bool_],
        fresh: NDArray[np.bool_],
    ) -> None:
        """Watermarks of all rows; counts of those that are no versions of others, in time."""
        low, high = self.span or (NEVER, -NEVER)
        self.span = (min(low, int(events.at.min())), max(high, int(events.at.max())))
        for code in np.unique(source):
            mine = source == code
            mark = Watermark(
                int(events.at[mine].max()), int(events.recorded[mine].max()), int(mine.sum()),
                int(dated[mine].sum()), self.now,
            )  # fmt: skip
            word = self.sources[code]
            self.marks[word] = mark.with_(self.marks[word]) if word in self.marks else mark
        self.uncounted.append((events, source, dated, fresh))
        if sum(len(piece[0]) for piece in self.uncounted) > COUNTED_AT_ONCE:
            self._count_up()

    def _count_up(self) -> None:
        import pandas as pd

        if not self.uncounted:
            return
        pieces = [_countable(*piece) for piece in self.uncounted]
        frame = pd.concat(pieces, ignore_index=True)
        self.uncounted = []
        # Each customer counts once a day, so that the days' customers are a sum over the groups.
        frame["first"] = ~frame.duplicated(["source", "kind", "day", "customer"])
        counted = frame.groupby(GROUP)["first"].agg(["size", "sum"])
        self.counts.append(counted.reset_index())

    def noted(self, manifest: Manifest, folder: Path, where: Path) -> Manifest:
        """The manifest with the span, the watermarks and the counts of what came, written."""
        self._count_up()
        manifest = replace(manifest, sources=self.marks, span=self.span)
        if not any(len(piece) for piece in self.counts):
            return manifest
        import pyarrow as pa

        known, table = manifest.feeds, self._table(manifest.generation)
        staying = known[: piles.staying(known, len(table))]
        if merged := known[len(staying) :]:
            table = pa.concat_tables([_read(folder, merged), table])
        return replace(manifest, feeds=(*staying, _write(folder, where / "feeds.parquet", table)))

    def frame(self, generation: int) -> pd.DataFrame:
        """The counts of what came (see `History.feeds`)."""
        self._count_up()
        table = self._table(generation) if self.counts else _nothing()
        return _framed(table)

    def _table(self, generation: int) -> pa.Table:
        import pandas as pd
        import pyarrow as pa

        frame = pd.concat(self.counts, ignore_index=True)
        frame = frame.groupby(GROUP, as_index=False)[["size", "sum"]].sum()
        return pa.table(
            {
                "source": pa.array(np.array(self.sources, object)[frame["source"]], pa.string()),
                "kind": pa.array(np.array(KINDS, object)[frame["kind"]], pa.string()),
                "day": frame["day"].to_numpy(np.int32),
                "lag": frame["lag"].to_numpy(np.int8),
                "dated": frame["dated"].to_numpy(np.bool_),
                "rows": frame["size"].to_numpy(np.int64),
                "customers": frame["sum"].to_numpy(np.int64),
                "ingested_at": np.full(len(frame), self.now, np.int64),
                "generation": np.full(len(frame), generation, np.int32),
            }
        )


def _countable(
    events: Events, source: NDArray[np.int32], dated: NDArray[np.bool_], fresh: NDArray[np.bool_]
) -> pd.DataFrame:
    """What is counted of the rows that are no versions of others."""
    import pandas as pd

    lag = (events.recorded - events.at)[fresh]
    return pd.DataFrame(
        {
            "source": source[fresh],
            "kind": events.kind[fresh],
            "day": (events.at[fresh] // DAY).astype(np.int32),
            "lag": np.where(lag < 0, np.int8(lags.UNKNOWN), lags.bin_of(lag)),
            "dated": dated[fresh],
            "customer": events.customer[fresh],
        }
    )


def feeds(folder: Path, manifest: Manifest) -> pd.DataFrame:
    """What each ingest brought until the manifest's generation (see `History.feeds`)."""
    import pyarrow.compute as pc

    if not manifest.feeds:
        known = _nothing()
    else:
        table = _read(folder, manifest.feeds)
        known = table.filter(pc.field("generation") <= manifest.generation)
    return _framed(known)


def _framed(table: pa.Table) -> pd.DataFrame:
    frame: pd.DataFrame = table.drop_columns(["generation"]).to_pandas()
    return frame


def _nothing() -> pa.Table:
    import pyarrow as pa

    return pa.schema(
        [("source", pa.string()), ("kind", pa.string()), ("day", pa.int32()), ("lag", pa.int8()),
         ("dated", pa.bool_()), ("rows", pa.int64()), ("customers", pa.int64()),
         ("ingested_at", pa.int64()), ("generation", pa.int32())]
    ).empty_table()  # fmt: skip


def _read(folder: Path, parts: tuple[File, ...]) -> pa.Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    return pa.concat_tables(pq.read_table(folder / file.path) for file in parts)


def _write(folder: Path, path: Path, table: pa.Table) -> File:
    import pyarrow.parquet as pq

    pq.write_table(table, path, compression="zstd")
    return File.of(folder, path, table.num_rows)


def _older(coded: pa.Table, generation: int) -> Notes:
    """The rows that a newer version, known already or coming with them, takes out at once."""
    row = np.flatnonzero(coded["next_version"].is_valid().to_numpy())
    if not len(row):
        return Notes.none()
    older = coded.take(row)
    deleted = older["next_tombstone"].to_numpy().astype(np.bool_)
    version, known = (older[name].to_numpy() for name in ("next_version", "next_known"))
    reason = np.where(deleted, DELETED, REPLACED)
    return Notes.of([row, version, known, reason, np.full(len(row), generation)])


def _confirmed(coded: pa.Table, generation: int) -> Notes:
    """The rows that what came with them says again."""
    row = np.flatnonzero(coded["confirmed"].is_valid().to_numpy())
    if not len(row):
        return Notes.none()
    version = coded["confirmed"].take(row).to_numpy()
    return Notes.of(
        [row, version, version // 1_000_000, np.full(len(row), CONFIRMED),
         np.full(len(row), generation)]
    )  # fmt: skip
