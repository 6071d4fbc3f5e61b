"""What an ingest adds to the small tables: the versions that are not known yet."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.history import piles
from pipelines.history.engine import count, name, one_row, quoted
from pipelines.history.manifest import File, Manifest
from pipelines.history.report import Counts
from pipelines.history.schema import TABLE
from pipelines.history.staging import SEPARATOR, Staged
from pipelines.history.versions import all_versions

if TYPE_CHECKING:
    import duckdb

# `_key` identifies a row, `_version` its age. Of rows with the same key and age in one ingest the
# first is kept. A row without an age is new only if it differs from the last one like it.
GOOD = """
CREATE OR REPLACE TEMP TABLE good_{table} AS
SELECT {kept}, _content, {key} AS _key, greatest(updated_at, deleted_at) AS _version,
    row_number() OVER (ORDER BY _file, coalesce(_line, rowid)) AS _ordinal
FROM {staged} WHERE _problem IS NULL
"""
KNOWN = """
CREATE OR REPLACE TEMP TABLE known_{table} AS
SELECT {key} AS _key, greatest(updated_at, deleted_at) AS _version, _content
FROM ({versions})
QUALIFY _version IS NOT NULL OR row_number() OVER (
    PARTITION BY _key, _version ORDER BY _generation DESC, _ordinal DESC) = 1
"""
FRESH = """
CREATE OR REPLACE TEMP TABLE fresh_{table} AS
SELECT * FROM good_{table}
QUALIFY row_number() OVER (PARTITION BY _key, _version ORDER BY _ordinal) = 1
"""
DROP_KNOWN = """
DELETE FROM fresh_{table} AS fresh USING known_{table} AS known
WHERE fresh._key = known._key AND fresh._content = known._content
    AND fresh._version IS NOT DISTINCT FROM known._version
"""
COUNTS = """
SELECT
    (SELECT count(*) FROM {staged}),
    (SELECT count(*) FROM fresh_{table}
        WHERE deleted_at IS NULL AND _key NOT IN (SELECT _key FROM known_{table})),
    (SELECT count(*) FROM fresh_{table} WHERE deleted_at IS NOT NULL),
    (SELECT count(*) FROM fresh_{table}),
    (SELECT count(*) FROM (
        SELECT _content, first_value(_content) OVER (
            PARTITION BY _key, _version ORDER BY _ordinal) AS kept
        FROM good_{table}) WHERE _content <> kept),
    (SELECT count(*) FROM good_{table})
"""
# Ids of rows with the age of another and another content, a few.
SAME_AGE = """
SELECT DISTINCT label FROM (
    SELECT concat_ws('/', {labels}) AS label, _content, first_value(_content) OVER (
        PARTITION BY _key, _version ORDER BY _ordinal) AS kept
    FROM good_{table}) WHERE _content <> kept ORDER BY 1 LIMIT 3
"""


def compare(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    staged: Staged,
    manifest: Manifest,
    rejected: int,
) -> Counts:
    """Makes `fresh_TABLE`, the versions to add to the table, and counts what came in."""
    table = staged.table.name
    words = {"table": table, "staged": staged.name, "key": _key(staged)}
    freshen(connection, staged)
    connection.execute(KNOWN.format(versions=_versions(folder, staged, manifest), **words))
    connection.execute(DROP_KNOWN.format(**words))
    found = one_row(connection, COUNTS.format(**words))
    rows, new, removed, fresh, conflicting, good = map(int, found)
    return Counts(
        rows=rows + len(staged.broken),
        new=new,
        corrected=fresh - new - removed,
        repeated=good - fresh - conflicting,
        conflicting=conflicting,
        removed=removed,
        rejected=rejected,
        conflicting_ids=_same_age(connection, staged) if conflicting else [],
    )


def freshen(connection: duckdb.DuckDBPyConnection, staged: Staged) -> None:
    """Makes `fresh_TABLE` where nothing of the table is known."""
    words = {"table": staged.table.name, "staged": staged.name, "key": _key(staged)}
    connection.execute(GOOD.format(kept=", ".join(map(name, staged.kept)), **words))
    connection.execute(FRESH.format(**words))


def several(connection: duckdb.DuckDBPyConnection, table: str) -> bool:
    """Whether `fresh_TABLE` has several versions of a row."""
    query = f"SELECT count(DISTINCT _key) < count(*) FROM fresh_{table}"  # noqa: S608
    return bool(one_row(connection, query)[0])


def _same_age(connection: duckdb.DuckDBPyConnection, staged: Staged) -> list[str]:
    labels = ", ".join(f"{name(column)}::VARCHAR" for column in staged.table.key)
    rows = connection.execute(SAME_AGE.format(labels=labels, table=staged.table.name))
    return [label for (label,) in rows.fetchall()]


def write(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    where: Path,
    table: str,
    before: Manifest,
    *,
    generation: int,
    ingested_at: int,
) -> tuple[File, ...]:
    """Writes `fresh_TABLE` into the folder `where`; returns all version files of the table."""
    known = before.tables.get(table, ())
    staying = known[: piles.staying(known, count(connection, f"fresh_{table}"))]
    rows = fresh_versions(table, generation, ingested_at)
    if merged := known[len(staying) :]:
        of = replace(before, tables={table: merged})
        rows = f"({all_versions(folder, of, table)}) UNION ALL BY NAME ({rows})"
    return (*staying, _copy(connection, folder, where / f"{table}.parquet", rows))


def fresh_versions(table: str, generation: int, ingested_at: int) -> str:
    """SQL of `fresh_TABLE` as its versions are kept."""
    return (
        f"SELECT * EXCLUDE (_key, _version), {generation} AS _generation, "  # noqa: S608
        f"{ingested_at}::BIGINT AS _ingested_at FROM fresh_{table} ORDER BY _ordinal"
    )


def _copy(connection: duckdb.DuckDBPyConnection, folder: Path, path: Path, rows: str) -> File:
    copied = one_row(
        connection, f"COPY ({rows}) TO {quoted(str(path))} (FORMAT parquet, COMPRESSION zstd)"
    )
    return File.of(folder, path, int(copied[0]))


def _key(staged: Staged) -> str:
    columns = [f"coalesce({name(column)}::VARCHAR, '')" for column in staged.table.key]
    return f"concat_ws({quoted(SEPARATOR)}, {', '.join(columns)})"


def _versions(folder: Path, staged: Staged, manifest: Manifest) -> str:
    if staged.table.name in manifest.tables:
        return all_versions(folder, manifest, staged.table.name)
    return (
        f"SELECT {', '.join(map(name, staged.kept))}, _content, "  # noqa: S608
        f"0 AS _generation, 0 AS _ordinal FROM {staged.name} WHERE false"
    )


def is_small(table: str) -> bool:
    """Whether a table is kept as versions; interactions are not."""
    return table in TABLE and table != "interactions"
