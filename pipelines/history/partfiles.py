"""The files of a part: coded columns, and what a feature pass never reads beside them.

Large ones are Parquet: times, customers and kinds as deltas, the others by dictionaries, and none
compressed, so that our own loops decode them (`decoding`) in half the time that pyarrow takes.
Small ones, a day's, are Arrow's own format as it lies in memory: five times the bytes, and there at
once where opening Parquet takes longer than all else (docs/decisions/0002-history-layout.md).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pipelines.history.events import ABSENT, DTYPES, NEVER, Events
from pipelines.history.ordering import LARGE
from pipelines.history.rooms import Rooms

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

SMALL = 16_384  # rows: at most a megabyte as it lies in memory
BARE = ".arrows"  # an Arrow stream: a file in the other form needs another thread to be opened
# Customers and times are in order, so that differences are small; of kinds the next differs from
# the last so often that pyarrow takes twice as long for the places of a dictionary.
DELTAS = ("customer", "at", "row", "kind")
ACT_COLUMNS = ("customer", "at", "recorded", "kind", "agent")  # of the rows kept aside
NO_DICTIONARY = ("key", "content", "interaction_id", "text")  # each value is another one
GROUP_ROWS = 262_144  # a row group: what reading one customer's words costs
# Not read where they are 0 (false) in all rows; reading `provoked` takes 3.7 ns a row.
MOSTLY_ZERO = ("lag", "said", "provoked")

Columns = dict[str, NDArray[Any]]


def write_coded(stem: Path, events: Events, small: int = SMALL) -> Path:
    """Writes the events beside `stem`, as they lie in memory if they are so few; returns where."""
    table = _coded(events, Events.content())
    if len(events) > small:
        return _write_parquet(stem.with_name(f"{stem.name}.parquet"), table)
    return _write_bare(stem.with_name(stem.name + BARE), table)


def write_acts(stem: Path, events: Events, rows: NDArray[np.intp]) -> Path:
    """Writes some rows of the events, with what the feature pass reads of acts."""
    table = _coded(events.take(rows), ACT_COLUMNS).append_column("row", [rows.astype(np.int32)])
    return _write_parquet(stem.with_name(f"{stem.name}-acts.parquet"), table)


def write_side(path: Path, side: pa.Table, small: int = SMALL) -> Path:
    """Writes side columns. Keys are bare numbers, a page a row group: each ingest looks at all of
    them (`recognising.read_keys`). To pack `small` files tighter would take longer than to write
    them."""
    import pyarrow.parquet as pq

    place = side.schema.get_field_index("key")
    if place >= 0 and not side["key"].null_count:
        side = side.set_column(place, side.schema.field(place).with_nullable(False), side["key"])
    packed = "lz4" if len(side) <= small else "zstd"
    pq.write_table(
        side,
        path,
        compression={name: "none" if name == "key" else packed for name in side.column_names},
        row_group_size=GROUP_ROWS,
        max_rows_per_page=GROUP_ROWS,
        data_page_size=GROUP_ROWS * 8,
        use_dictionary=[name for name in side.column_names if name not in NO_DICTIONARY],
        write_statistics=False,
    )
    return path


def read_coded(
    path: Path,
    columns: Collection[str] | None = None,
    rooms: Rooms | None = None,
    large: int = LARGE,
) -> tuple[Events, NDArray[np.integer] | None]:
    """The events of a file, and of which rows of the part they are, where it says so.

    With `columns`, all others but `recorded` are as if absent in every row. With `rooms`, `large`
    files are decoded into their memory by compiled loops."""
    unread = _unread(columns)
    if path.suffix == BARE:
        found = _read_bare([path], unread)
    else:
        found = _read_parquet(path, unread, rooms, large)
    row = found.pop("row", None)
    return _events(found), row


def read_small(paths: Sequence[Path], columns: Collection[str] | None = None) -> Events:
    """As `read_coded` of several files as they lie in memory, one after another: at once, since a
    call for each column of each file takes four times as long as to copy all."""
    return _events(_read_bare(paths, _unread(columns)))


def _unread(columns: Collection[str] | None) -> set[str]:
    return set() if columns is None else set(ABSENT) - set(columns)


def _events(found: Columns) -> Events:
    """Stored columns with what stands for the others."""
    at = found["at"]
    found["recorded"] = at + found.pop("lag") if "lag" in found else at
    for name in DTYPES.keys() - found.keys():
        value = NEVER if name == "until" else ABSENT[name]
        found[name] = np.broadcast_to(np.array(value, DTYPES[name]), len(at))
    return Events(**found)


def oldest(path: Path) -> int:
    """First `occurred_at` of a file of coded columns."""
    import pyarrow.parquet as pq

    if path.suffix == BARE:
        return int(read_coded(path, ())[0].at.min(initial=NEVER))
    facts = pq.read_metadata(path)
    place = facts.schema.to_arrow_schema().get_field_index("at")
    groups = (facts.row_group(group).column(place) for group in range(facts.num_row_groups))
    return min((int(group.statistics.min) for group in groups), default=NEVER)


def _coded(events: Events, columns: Sequence[str]) -> pa.Table:
    """Columns as stored: `lag` (nearly always 0) stands for `recorded`.

    None is ever absent: told so, Parquet reads them in half the time.
    """
    import pyarrow as pa

    found = {name: getattr(events, name) for name in columns}
    found["lag"] = found.pop("recorded") - events.at
    table = pa.table(found)
    return table.cast(pa.schema([field.with_nullable(False) for field in table.schema]))


def _write_bare(path: Path, table: pa.Table) -> Path:
    """Without what is 0 in all rows."""
    import pyarrow as pa

    zero = [name for name in MOSTLY_ZERO if not table[name].to_numpy().any()]
    table = table.drop_columns(zero).combine_chunks()
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return path


def _read_bare(paths: Sequence[Path], unread: set[str]) -> Columns:
    """Columns of all files; what one of them left out is 0 there."""
    import pyarrow as pa

    def known(column: pa.ChunkedArray) -> pa.ChunkedArray:
        return column.fill_null(pa.scalar(0).cast(column.type)) if column.null_count else column

    def read(path: Path) -> pa.Table:  # by Python's own reading it takes twice as long
        with pa.OSFile(str(path)) as source:
            return pa.ipc.open_stream(source.read_buffer()).read_all()

    table = pa.concat_tables(map(read, paths), promote_options="default")
    names = [name for name in table.column_names if name not in unread]
    return {name: known(table[name]).to_numpy() for name in names}


def _write_parquet(path: Path, table: pa.Table) -> Path:
    import pyarrow.parquet as pq

    deltas = [name for name in DELTAS if name in table.column_names]
    pq.write_table(
        table,
        path,
        compression="none",
        row_group_size=GROUP_ROWS,
        use_dictionary=[name for name in table.column_names if name not in deltas],
        column_encoding=dict.fromkeys(deltas, "DELTA_BINARY_PACKED"),
    )
    return path


def _read_parquet(path: Path, unread: set[str], rooms: Rooms | None, large: int) -> Columns:
    import pyarrow as pa
    import pyarrow.parquet as pq

    # One chunk a column, without a copy: `read_table` goes by a scanner, which makes many.
    with pa.memory_map(str(path)) as source, pq.ParquetFile(source) as file:
        zero = {column for column in MOSTLY_ZERO if _is_zero(file, column)}
        stored = [name for name in file.schema_arrow.names if name not in unread | zero]
        found: Columns = {}
        if rooms is not None and file.metadata.num_rows >= large:
            from pipelines.history.decoding import decode

            source.seek(0)
            found = decode(file, source.read_buffer(), stored, rooms)
        table = file.read([name for name in stored if name not in found], use_threads=False)
    return found | {name: table[name].to_numpy() for name in table.column_names}


def _is_zero(file: pq.ParquetFile, column: str) -> bool:
    """Whether the file's statistics tell that a column is 0 in all rows."""
    place = file.schema_arrow.get_field_index(column)
    if place < 0:  # written before there was such a column
        return True
    groups = (file.metadata.row_group(group) for group in range(file.num_row_groups))
    told = (group.column(place).statistics for group in groups)
    return all(one is not None and one.has_min_max and one.min == one.max == 0 for one in told)
