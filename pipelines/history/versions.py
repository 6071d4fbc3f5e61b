"""The small tables: every version of every row is kept, and the newest one counts.

A table is a few Parquet files (`piles`) with the contract's columns and three of ours:
`_generation` and `_ordinal` (when it came), `_ingested_at` (seconds), `_content` (a hash).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.history.engine import name
from pipelines.history.manifest import Manifest
from pipelines.history.schema import PROVENANCE, Table

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

OURS = ("_generation", "_ordinal", "_ingested_at", "_content")

# The newest `updated_at` wins, then what came last; a tombstone is a version like any other.
NEWEST_FIRST = "greatest(updated_at, deleted_at) DESC NULLS LAST, _generation DESC, _ordinal DESC"


def all_versions(folder: Path, manifest: Manifest, table: str) -> str:
    """SQL that yields every version of every row of a table, as of the manifest's generation."""
    rows = manifest.versions_of(folder, table)
    return f"SELECT * FROM ({rows}) WHERE _generation <= {manifest.generation}"  # noqa: S608


def parted(rows: str, key: Sequence[str]) -> tuple[str, str]:
    """SQL of the rows (SQL) whose key no other one has, and of all others.

    Most rows have one version, and to see that is far cheaper than to put them in order.
    """
    keys = ", ".join(map(name, key))
    several = f"SELECT {keys} FROM ({rows}) GROUP BY ALL HAVING count(*) > 1"  # noqa: S608
    same = " AND ".join(
        f"said.{name(column)} IS NOT DISTINCT FROM several.{name(column)}" for column in key
    )
    joined = f"JOIN ({several}) AS several ON {same}"
    return (
        f"SELECT said.* FROM ({rows}) AS said ANTI {joined}",  # noqa: S608
        f"SELECT said.* FROM ({rows}) AS said SEMI {joined}",  # noqa: S608
    )


def current(table: Table, rows: str, *, several: bool = True) -> str:
    """SQL that yields of each row in `rows` (SQL) the version that counts, tombstones included.

    `several`: whether a row may have several versions.
    """
    if not several:
        return rows
    key = ", ".join(name(column) for column in table.key)
    alone, others = parted(rows, table.key)
    return (
        f"({alone}) UNION ALL (SELECT * FROM ({others}) "  # noqa: S608
        f"QUALIFY row_number() OVER (PARTITION BY {key} ORDER BY {NEWEST_FIRST}) = 1)"
    )


def living(table: Table, rows: str, *, several: bool = True) -> str:
    """SQL that yields the rows that count now, without those deleted."""
    counting = current(table, rows, several=several)
    return f"SELECT * FROM ({counting}) WHERE deleted_at IS NULL"  # noqa: S608


def frame(connection: duckdb.DuckDBPyConnection, table: Table, rows: str) -> pd.DataFrame:
    """The rows that count (SQL): the contract's columns, other columns, provenance; times in UTC.

    Rows are ordered by key, so that the order in which files arrived cannot show.
    """
    key = ", ".join(name(column) for column in table.key)
    arrow = connection.sql(f"SELECT * FROM ({rows}) ORDER BY {key}").to_arrow_table()  # noqa: S608
    own = [column.name for column in table.columns]
    kept_aside = {column.name for column in PROVENANCE} | set(OURS)
    others = [column for column in arrow.column_names if column not in {*own, *kept_aside}]
    provenance = [c.name for c in PROVENANCE if c.name not in own and c.name != "deleted_at"]
    result: pd.DataFrame = arrow.select([*own, *others, *provenance]).to_pandas()
    for column in result.columns:
        if str(result[column].dtype).startswith("datetime64") and result[column].dt.tz is not None:
            result[column] = result[column].dt.tz_convert("UTC")
    return result
