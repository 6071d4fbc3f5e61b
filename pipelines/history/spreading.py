"""A file that DuckDB would read with one thread, spread over all of them.

DuckDB shares a Parquet file out by row groups, and a day's file mostly has one: its rows would be
typed, judged and hashed on one core. From memory each thread takes some thousand rows at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pipelines.history.engine import name, one_row
from pipelines.history.sources import Feed, described

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

LEAST = 65_536  # rows: fewer are staged sooner than they are spread
GROUP = 122_880  # rows that DuckDB stores together: smaller pieces it stores, then copies together
PIECE = 32_768  # rows that a thread takes at a time where there are no groups for all of them
IN_MEMORY = 64_000_000  # bytes, not packed: a larger row group stays where it is
ASCII_END = 127
NUMBER = "file_row_number"
SPREAD = "spread_rows"


@contextmanager
def spread(connection: duckdb.DuckDBPyConnection, feed: Feed, least: int = LEAST) -> Iterator[Feed]:
    """The same rows in the same order, from memory where `least` rows or more are one row group."""
    table = _table(connection, feed.parquet, least) if feed.parquet else None
    if table is None:
        yield feed
        return
    connection.register(SPREAD, table)
    try:
        columns = ", ".join(map(name, feed.types))
        same = described(connection, f"SELECT {columns} FROM {SPREAD}") == feed.types  # noqa: S608
        relation = f"(SELECT {columns}, {NUMBER} FROM {SPREAD})"  # noqa: S608
        given = zip(feed.types, table.columns, strict=False)  # the number comes last
        trimmed = frozenset(column for column, cells in given if _is_trimmed(cells))
        yield replace(feed, relation=relation, trimmed=trimmed) if same else feed
    finally:
        connection.unregister(SPREAD)


def _table(connection: duckdb.DuckDBPyConnection, path: Path, least: int) -> pa.Table | None:
    """The file's rows; None where they are better read as they are, or where it is for DuckDB to
    say what is wrong with them."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    (threads,) = one_row(connection, "SELECT current_setting('threads')")
    try:
        with pq.ParquetFile(path) as file:
            facts = file.metadata
            if threads == 1 or facts.num_row_groups != 1 or facts.num_rows < least:
                return None
            if facts.row_group(0).total_byte_size > IN_MEMORY:
                return None
            table = file.read()
        table.validate(full=True)  # texts in UTF-8
        if NUMBER in map(str.lower, table.column_names):
            return None
    except (pa.ArrowException, OSError):
        return None
    table = table.append_column(NUMBER, pa.array(np.arange(len(table))))
    whole = len(table) // (threads * GROUP) * threads * GROUP
    pieces = table.slice(0, whole).to_batches(GROUP) + table.slice(whole).to_batches(PIECE)
    return pa.Table.from_batches(pieces)


def _is_trimmed(column: pa.ChunkedArray) -> bool:
    """Whether each is a text that begins and ends with a visible ASCII character: to look at those
    is a tenth of what DuckDB takes to trim them."""
    return str(column.type) == "string" and all(map(_are_trimmed, column.chunks))


def _are_trimmed(texts: pa.StringArray) -> bool:
    if not len(texts := texts.drop_null()):
        return True
    _, offsets, words = texts.buffers()
    offsets = np.frombuffer(offsets, np.int32)[texts.offset :][: len(texts) + 1]
    words = np.frombuffer(words, np.uint8)
    begins, ends = offsets[:-1], offsets[1:]
    if (begins == ends).any():
        return False
    outer = np.concatenate([words[begins], words[ends - 1]])
    return bool(((outer > ord(" ")) & (outer < ASCII_END)).all())
