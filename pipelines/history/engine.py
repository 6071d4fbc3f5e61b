"""DuckDB as the ingest and the reader use it: bounded, without the network, in UTC or a zone."""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import duckdb

# A stable hash of a text, 64 bits. DuckDB's own `hash` may change with its version, and its
# `md5_number_lower` takes three times as long.
HASH64 = """
CREATE TEMP MACRO hash64(word) AS (md5_number(word) & 18446744073709551615)::UBIGINT
"""


def connect(
    database: Path | None = None,
    *,
    timezone: str = "UTC",
    memory_gb: float = 1.0,
    threads: int = 2,
    spill: Path | None = None,
) -> duckdb.DuckDBPyConnection:
    """A connection whose memory is bounded; what does not fit goes into the folder `spill`.

    Naive times are read in `timezone`. Extensions are never fetched.
    """
    import duckdb

    connection = duckdb.connect(str(database) if database else ":memory:")
    settings: dict[str, str | int | bool] = {
        "memory_limit": f"{int(memory_gb * 1000)}MB",
        "threads": threads,
        "TimeZone": timezone,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    for name, value in settings.items():
        connection.execute(f"SET {name} = {quoted(value)}")
    connection.execute(HASH64)
    if spill:
        connection.execute(f"SET temp_directory = {quoted(str(spill))}")
    return connection


@contextmanager
def beside(connection: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection in UTC on the engine of `connection`, whose memory they share: an engine of its
    own takes 30 ms to start. What it makes must be temporary, and is seen by it alone."""
    own = connection.cursor()
    try:
        own.execute("SET TimeZone = 'UTC'")
        own.execute(HASH64)
        yield own
    finally:
        own.close()


def reader() -> duckdb.DuckDBPyConnection:
    """A connection in UTC to read files with, on the process's engine, for the caller to close:
    what it makes must be temporary."""
    cursor = _engine(1.0, 2).cursor()
    cursor.execute("SET TimeZone = 'UTC'")
    cursor.execute(HASH64)
    return cursor


class Scratch:
    """A database in memory for one use; several share a process's engine, which takes 30 ms to
    start. Gone with the last reference to it."""

    def __init__(self, *, timezone: str, memory_gb: float, threads: int) -> None:
        self._engine = _engine(memory_gb, threads)
        self._name = f"scratch_{next(_NUMBERS)}"
        self.connection = self._engine.cursor()
        self.connection.execute(f"ATTACH ':memory:' AS {self._name}")
        self._use(self.connection, timezone)
        self.connection.execute(HASH64)
        weakref.finalize(self, _let_go, self._engine.cursor(), self.connection, self._name)

    def reader(self) -> duckdb.DuckDBPyConnection:
        """A connection in UTC, for the caller to close."""
        cursor = self._engine.cursor()
        self._use(cursor, "UTC")
        return cursor

    def _use(self, connection: duckdb.DuckDBPyConnection, timezone: str) -> None:
        connection.execute(f"USE {self._name}")
        connection.execute(f"SET TimeZone = {quoted(timezone)}")


_NUMBERS = itertools.count()


@cache
def _engine(memory_gb: float, threads: int) -> duckdb.DuckDBPyConnection:
    return connect(memory_gb=memory_gb, threads=threads)


def _let_go(
    engine: duckdb.DuckDBPyConnection, connection: duckdb.DuckDBPyConnection, name: str
) -> None:
    connection.close()
    engine.execute(f"DETACH {name}")
    engine.close()


def quoted(value: str | float | bool | None) -> str:
    """`value` as an SQL literal."""
    if value is None:
        return "NULL"
    if isinstance(value, bool | int | float):
        return str(value).lower()
    return "'" + value.replace("'", "''") + "'"


def name(identifier: str) -> str:
    """`identifier` as an SQL name."""
    return '"' + identifier.replace('"', '""') + '"'


def files(paths: list[Path]) -> str:
    """`paths` as the list that `read_parquet` takes."""
    return "[" + ", ".join(quoted(str(path)) for path in paths) + "]"


def one_row(connection: duckdb.DuckDBPyConnection, query: str) -> tuple[Any, ...]:
    """The only row of a query's answer, read to its end: DuckDB waits for that."""
    row: tuple[Any, ...] = connection.execute(query).fetchall()[0]
    return row


def count(connection: duckdb.DuckDBPyConnection, rows: str) -> int:
    """How many rows `rows` (a table, or SQL in brackets) has."""
    return int(one_row(connection, f"SELECT count(*) FROM {rows}")[0])  # noqa: S608
