"""From when until when each version of a row was known. Source: CONTRACTS.md, definitions.

`_recorded`  the row is known from then: `recorded_at`, or for a row's first version without one
             the row's own date. A version that supersedes another is known from the later of
             `recorded_at` and `updated_at`, and without both from the day it came in.
`_seen`      everything in it is known from then, also what has no date of its own: the later of
             `recorded_at` and `updated_at`, else the day it came in. Between the two only what
             carries its own date counts.
`_until`     a newer version or the deletion is known from then; NEVER for the one that counts.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.history.engine import name
from pipelines.history.events import NEVER
from pipelines.history.manifest import Manifest
from pipelines.history.schema import Table
from pipelines.history.versions import NEWEST_FIRST, all_versions, parted

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

ALONE = (
    "SELECT *, coalesce({age}, _ingested_at) AS _seen, 1 AS _place, 1 AS _versions FROM ({alone})"
)
DATED = """
SELECT *,
    CASE WHEN _place = _versions AND deleted_at IS NULL
        THEN coalesce({recorded_at}, {own_date}, _seen) ELSE _seen END AS _recorded
FROM {placed}
"""
ONE_VERSION = """
SELECT *, {never} AS _until FROM ({dated}) WHERE deleted_at IS NULL AND _recorded < {never}
"""
# A version that newer ones cover from its first moment was never seen by anyone and falls out.
SPANS = """
WITH placed AS (
    {first_of_all}
    UNION ALL
    SELECT *,
        coalesce({age}, _ingested_at) AS _seen,
        row_number() OVER newest AS _place,
        count(*) OVER (PARTITION BY {key}) AS _versions
    FROM ({several}) WINDOW newest AS (PARTITION BY {key} ORDER BY {newest_first})
),
dated AS ({dated}),
spans AS (
    SELECT *, {never} AS _until FROM dated WHERE _versions = 1
    UNION ALL
    SELECT *,
        coalesce(min(_recorded) OVER (
            PARTITION BY {key} ORDER BY _place ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ), {never}) AS _until
    FROM dated WHERE _versions > 1
)
SELECT * FROM spans WHERE deleted_at IS NULL AND _recorded < _until
"""


def seconds(column: str) -> str:
    """SQL of a time as seconds since 1970, rounded down."""
    return f"floor(epoch_us({column}) / 1e6)::BIGINT"


def spans(folder: Path, manifest: Manifest, table: Table, own_date: str) -> str:
    """SQL of every version of a table's rows with `_recorded`, `_seen`, `_until` and `_versions`.

    `own_date` is SQL (seconds) of the date that a row carries itself, NULL where it carries none.
    """
    return spans_of(all_versions(folder, manifest, table.name), table.key, own_date)


def spans_of(rows: str, key: tuple[str, ...], own_date: str, *, several: bool = True) -> str:
    """As `spans`, of the versions `rows` (SQL), of which `key` tells which are of one row.

    `several`: whether there may be several of one row.
    """
    age = seconds("greatest(recorded_at, updated_at, deleted_at)")
    recorded_at = seconds("recorded_at")
    if not several:
        placed = f"({ALONE.format(age=age, alone=rows)})"
        dated = DATED.format(recorded_at=recorded_at, own_date=own_date, placed=placed)
        return ONE_VERSION.format(dated=dated, never=NEVER)
    alone, others = parted(rows, key)
    return SPANS.format(
        first_of_all=ALONE.format(age=age, alone=alone),
        dated=DATED.format(recorded_at=recorded_at, own_date=own_date, placed="placed"),
        several=others,
        key=", ".join(name(column) for column in key),
        newest_first=NEWEST_FIRST,
        age=age,
        never=NEVER,
    )


def read(connection: duckdb.DuckDBPyConnection, query: str, **words: object) -> pa.Table:
    """The answer of a query whose `{words}` are filled in."""
    return connection.sql(query.format(**words)).to_arrow_table()
