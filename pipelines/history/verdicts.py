"""What each arriving interaction is: new, repeated, conflicting, a correction or a tombstone.

`dropped` holds the rows of `staged_interactions` that bring nothing, with the reason; `taken_out`
holds the rows of the history that a newer version or a tombstone takes out.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.history.dictionaries import load
from pipelines.history.engine import files, quoted
from pipelines.history.manifest import Manifest

if TYPE_CHECKING:
    import duckdb

# Interactions that wait for their customer arrive again with each ingest, as file -1.
WAITED = -1

ARRIVALS = """
CREATE OR REPLACE TEMP VIEW arrivals AS
SELECT rowid AS row, _file, _key AS key, _content AS content, source, interaction_id, deleted_at,
    epoch_us(greatest(updated_at, deleted_at)) AS version
FROM staged_interactions WHERE _problem IS NULL
"""
# Of rows with one id the newest is kept, then the first.
AMONG_THEMSELVES = """
CREATE OR REPLACE TEMP TABLE dropped AS
WITH ranked AS (
    SELECT row, _file, content, version,
        first_value(content) OVER best AS kept_content,
        first_value(version) OVER best AS kept_version,
        row_number() OVER best AS place
    FROM arrivals SEMI JOIN (SELECT key FROM arrivals GROUP BY key HAVING count(*) > 1) USING (key)
    WINDOW best AS (PARTITION BY key, source, interaction_id
        ORDER BY version DESC NULLS LAST, _file, row)
)
SELECT row, _file, CASE
    WHEN content = kept_content THEN 'repeated'
    WHEN version IS DISTINCT FROM kept_version THEN 'corrected'
    ELSE 'conflicting' END AS verdict
FROM ranked WHERE place > 1
"""
TAKEN_OUT = """
CREATE OR REPLACE TEMP TABLE taken_out (
    filename VARCHAR, row BIGINT, version BIGINT, deleted BOOLEAN)
"""
# A row that is known by its key: living, or deleted (`until` its tombstone's age). Versions that
# a newer one replaced do not count: that one is found as well.
HITS = """
CREATE OR REPLACE TEMP TABLE hits AS
SELECT filename, file_row_number AS row, key, content, nullif(version, {never}) AS version, until
FROM (
    SELECT filename, file_row_number, key, content, version
    FROM read_parquet({sides}, filename = true, file_row_number = true)
    SEMI JOIN arrivals USING (key)
) AS found
LEFT JOIN removed ON removed.side = filename AND removed.row = file_row_number
WHERE deleted IS DISTINCT FROM false
"""
REMOVED = """
CREATE OR REPLACE TEMP TABLE removed (side VARCHAR, row BIGINT, until BIGINT, deleted BOOLEAN)
"""
# The content hash covers the id: equal content needs no look at the ids themselves, and different
# content under one key is a change of one row only if the ids are equal (else the hash collided).
CANDIDATES = """
CREATE OR REPLACE TEMP TABLE candidates AS
SELECT arrivals.row, _file, arrivals.version, source, interaction_id, deleted_at, filename,
    hits.row AS known_row, hits.version AS known_version, until,
    arrivals.content = hits.content AS same
FROM arrivals JOIN hits USING (key)
WHERE arrivals.row NOT IN (SELECT row FROM dropped)
"""
DROP_COLLISIONS = """
DELETE FROM candidates USING (
    SELECT filename, file_row_number, word, interaction_id
    FROM read_parquet({sides}, filename = true, file_row_number = true) AS side
    JOIN words_source ON side.source = code
) AS known
WHERE NOT same AND known.filename = candidates.filename AND known_row = file_row_number
    AND (known.word <> candidates.source OR known.interaction_id <> candidates.interaction_id)
"""
# A row that was deleted and came again is found twice: the living one is meant.
PAIRS = """
CREATE OR REPLACE TEMP TABLE pairs AS
SELECT * FROM candidates
QUALIFY row_number() OVER (
    PARTITION BY row ORDER BY until IS NULL DESC, same DESC, until DESC) = 1
"""
VERDICTS = """
INSERT INTO dropped
SELECT row, _file, CASE
    WHEN same OR until IS NOT NULL THEN 'repeated'
    WHEN version IS NULL OR version IS NOT DISTINCT FROM known_version THEN 'conflicting'
    ELSE 'repeated' END
FROM pairs
WHERE CASE WHEN until IS NOT NULL THEN version IS NULL OR version <= until
    ELSE same OR version IS NULL OR version <= known_version END
"""
REPLACED = """
INSERT INTO taken_out
SELECT filename, known_row, version, deleted_at IS NOT NULL
FROM pairs WHERE until IS NULL AND row NOT IN (SELECT row FROM dropped)
"""
TOMBSTONES = """
INSERT INTO dropped
SELECT row, _file, 'removed'
FROM pairs WHERE until IS NULL AND deleted_at IS NOT NULL AND row NOT IN (SELECT row FROM dropped)
"""


def judge(connection: duckdb.DuckDBPyConnection, folder: Path, manifest: Manifest) -> None:
    """Makes `dropped` and `taken_out` for the rows in `staged_interactions`."""
    connection.execute(ARRIVALS)
    connection.execute(AMONG_THEMSELVES)
    connection.execute(TAKEN_OUT)
    sides = [folder / part.side.path for part in manifest.parts]
    if not sides:
        return
    _load_removed(connection, folder, manifest)
    listed = files(sides)
    connection.execute(HITS.format(sides=listed, never=NO_VERSION))
    connection.execute(CANDIDATES)
    if _any(connection, "SELECT 1 FROM candidates WHERE NOT same"):
        load(connection, folder, manifest, "source")
        connection.execute(DROP_COLLISIONS.format(sides=listed))
    connection.execute(PAIRS)
    connection.execute(VERDICTS)
    connection.execute(REPLACED)
    connection.execute(TOMBSTONES)


NO_VERSION = -(2**63)  # how a side file writes the age of a row that gives none


def _load_removed(connection: duckdb.DuckDBPyConnection, folder: Path, manifest: Manifest) -> None:
    connection.execute(REMOVED)
    for part in manifest.parts:
        if part.removed:
            connection.execute(
                f"INSERT INTO removed SELECT {quoted(str(folder / part.side.path))}, row, version,"  # noqa: S608
                f" deleted FROM read_parquet({quoted(str(folder / part.removed.path))})"
            )


def _any(connection: duckdb.DuckDBPyConnection, query: str) -> bool:
    return bool(connection.execute(f"{query} LIMIT 1").fetchall())
