"""What an ingest counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pipelines.history.engine import count, one_row
from pipelines.history.report import Counts

if TYPE_CHECKING:
    import duckdb

# Rows that are read now; what waited from before is not counted as read again.
COUNTS = """
WITH kept AS (
    SELECT count(*) FILTER (_came AND NOT _tombstone) AS living,
        count(*) FILTER (_came AND _tombstone) AS tombstones,
        count(*) FILTER (_number IS NULL AND NOT _tombstone) AS pending,
        count(*) FILTER (NOT _came AND _number IS NOT NULL AND NOT _tombstone) AS joined
    FROM owners
),
versions AS (
    SELECT count(*) AS corrected FROM linked JOIN owners ON _row = linked.row
    WHERE _came AND NOT _tombstone AND (supersedes OR older_than_known)
),
nothing AS (
    SELECT count(*) FILTER (verdict = 'repeated') AS repeated,
        count(*) FILTER (verdict = 'conflicting') AS conflicting,
        count(*) FILTER (verdict = 'removed') AS removed
    FROM dropped WHERE _file >= 0
)
SELECT living - corrected AS new, corrected, repeated, conflicting, removed + tombstones, pending,
    joined
FROM kept, versions, nothing
"""
COUNTED = ("new", "corrected", "repeated", "conflicting", "removed", "pending", "joined")
FACTS = """
SELECT
    (SELECT count(DISTINCT customer_id) FROM placed
        WHERE _number IS NULL AND NOT _tombstone) AS unknown_customers,
    epoch(min(occurred_at)) AS first, epoch(max(occurred_at)) AS last
FROM staged_interactions WHERE _problem IS NULL AND _file >= 0
"""
KINDS = """
SELECT kind, count(*) FROM staged_interactions
WHERE _problem IS NULL AND _file >= 0 AND kind IS NOT NULL
GROUP BY kind ORDER BY count(*) DESC, kind
"""
CLOCKS_APART = 60  # seconds by which a source's clocks may differ
# Dated after the source says that it knew them.
AHEAD = """
SELECT {what}, count(*) FROM {staged}
WHERE _problem IS NULL AND _file >= 0 AND epoch({own}) - epoch(recorded_at) > {apart}
GROUP BY ALL ORDER BY count(*) DESC, 1
"""
DATED = {"interactions": ("kind", "occurred_at"), "attributes": ("name", "valid_from")}
# Waiting rows that came, and waiting rows that no longer wait.
ANYTHING_ELSE = """
SELECT
    (SELECT count(*) FROM noted)
    + (SELECT count(*) FROM moving)
    + (SELECT count(*) FROM waiting WHERE _file >= 0)
    + (SELECT count(*) FROM dropped ANTI JOIN waiting ON _row = row WHERE dropped._file < 0)
"""
Ahead = dict[str, dict[str, int]]
ARRIVING = "owners WHERE _number IS NOT NULL AND NOT _tombstone"


@dataclass(frozen=True)
class Facts:
    """Of the interactions read and accepted."""

    unknown_customers: int
    kinds: dict[str, int]
    first: datetime | None
    last: datetime | None


def arriving(connection: duckdb.DuckDBPyConnection) -> int:
    """Interactions that go into the history now."""
    return count(connection, ARRIVING)


def anything_else(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether rows are taken out of the history, or the rows that wait are others than before."""
    return bool(one_row(connection, ANYTHING_ELSE)[0])


def naive(connection: duckdb.DuckDBPyConnection, tables: list[str]) -> int:
    """Times that were given without an offset."""
    return sum(
        one_row(connection, f"SELECT coalesce(sum(_naive), 0)::BIGINT FROM {table}")[0]  # noqa: S608
        for table in tables
    )


def count_interactions(connection: duckdb.DuckDBPyConnection, counts: dict[str, Counts]) -> None:
    """Fills in what became of the interactions."""
    values = one_row(connection, COUNTS)
    mine = counts.get("interactions", Counts())
    for column, value in zip(COUNTED, values, strict=True):
        setattr(mine, column, int(value))
    if "interactions" in counts or mine.pending or mine.joined:
        counts["interactions"] = mine


def ahead(connection: duckdb.DuckDBPyConnection, staged: Mapping[str, str]) -> Ahead:
    """Rows dated after they were recorded, by table and kind or name. `staged`: names of what is
    staged, by table."""
    found = {}
    for table in DATED.keys() & staged.keys():
        what, own = DATED[table]
        query = AHEAD.format(what=what, own=own, staged=staged[table], apart=CLOCKS_APART)
        found[table] = dict(connection.execute(query).fetchall())
    return {table: rows for table, rows in sorted(found.items()) if rows}


def facts(connection: duckdb.DuckDBPyConnection) -> Facts:
    row = one_row(connection, FACTS)
    kinds = dict(connection.execute(KINDS).fetchall())
    first, last = (datetime.fromtimestamp(at, UTC) if at is not None else None for at in row[1:])
    return Facts(int(row[0]), kinds, first, last)
