"""DuckDB as the ingest and the reader use it: bounded, without the network, in UTC or a zone."""

from __future__ import annotations

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
) -> duckdb.DuckDBPyConnection:
    """A connection whose memory is bounded; what does not fit spills beside `database`.

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
    if database:
        connection.execute(f"SET temp_directory = {quoted(str(database) + '.spill')}")
    return connection


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


def exists(connection: duckdb.DuckDBPyConnection, table: str) -> bool:
    """Whether `connection` has a table of that name."""
    query = "SELECT 1 FROM duckdb_tables() WHERE table_name = ?"
    return bool(connection.execute(query, [table]).fetchall())
