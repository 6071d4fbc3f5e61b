"""What each arriving interaction is: new, repeated, conflicting, another version, a tombstone.

`dropped` holds the rows of `staged_interactions` that bring nothing, with the reason. `contested`
are those whose id is known or comes more than once; where they belong among its versions is told
by `chains`.

What counts is the same in whichever order and grouping rows come, and the same rows again change
nothing. For that a version keeps the newest age with which it was said, not all of them: should
another content turn out to be older than that, it counts in no night.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.history import chains
from pipelines.history.dictionaries import load
from pipelines.history.engine import count, files
from pipelines.history.manifest import Manifest
from pipelines.history.parts import CONFIRMED, DELETED, MOVED
from pipelines.history.recognising import recognise

if TYPE_CHECKING:
    import duckdb

FEW = 1_000_000  # known rows whose ids are kept in memory
NO_VERSION = -(2**63)  # how a side file writes the age of a row that gives none

# `version` is a row's age in microseconds; `known` (seconds) is from when nights know it, should it
# turn out to take the place of another.
ARRIVALS = """
CREATE OR REPLACE TEMP VIEW arrivals AS
SELECT rowid AS row, _file, _key AS key, _content AS content, source, interaction_id,
    deleted_at IS NOT NULL AS tombstone,
    epoch_us(greatest(updated_at, deleted_at)) AS version,
    epoch_us(greatest(updated_at, deleted_at, recorded_at)) // 1000000 AS known
FROM staged_interactions WHERE _problem IS NULL
"""
TABLES = """
CREATE OR REPLACE TEMP TABLE dropped (row BIGINT, _file INTEGER, verdict VARCHAR);
CREATE OR REPLACE TEMP TABLE noted (
    filename VARCHAR, row BIGINT, version BIGINT, known BIGINT, reason TINYINT);
CREATE OR REPLACE TEMP TABLE hits (
    filename VARCHAR, row BIGINT, key UBIGINT, content UBIGINT, version BIGINT, deleted BIGINT[],
    confirmed BIGINT, source INTEGER, interaction_id VARCHAR);
CREATE OR REPLACE TEMP TABLE notes (
    side VARCHAR, row BIGINT, moved BOOLEAN, deleted BIGINT[], confirmed BIGINT)
"""
NOTES = """
INSERT INTO notes
SELECT side, row, bool_or(reason = {moved}), list(version) FILTER (reason = {deleted}),
    max(version) FILTER (reason = {confirmed})
FROM read_parquet({notes}, filename = true)
JOIN (SELECT unnest(?) AS filename, unnest(?) AS side) USING (filename) GROUP BY side, row
"""
# Every version that is known by its key; `deleted` are the ages of the tombstones that took it out,
# `confirmed` the newest age with which it was said again. The ids of `FEW` are read with them.
HITS = """
INSERT INTO hits
SELECT filename, file_row_number, key, content, nullif(version, {never}), deleted, confirmed,
    source, interaction_id
FROM (
    SELECT filename, file_row_number, key, content, version, {ids}
    FROM read_parquet({sides}, filename = true, file_row_number = true)
    SEMI JOIN found USING (filename, file_row_number)
)
LEFT JOIN notes ON notes.side = filename AND notes.row = file_row_number
WHERE moved IS DISTINCT FROM true
"""
# Nearly all rows that are known come again just as they stand. What a version says again between
# its own age and the newest with which it was said brings nothing either.
REPEATED = """
INSERT INTO dropped
SELECT row, _file, 'repeated' FROM arrivals SEMI JOIN hits ON hits.key = arrivals.key
    AND hits.content = arrivals.content AND (arrivals.version IS NULL
        OR arrivals.version BETWEEN coalesce(hits.version, {never})
            AND coalesce(hits.confirmed, hits.version, {never}))
"""
# The content hash covers the id: equal content needs no look at the ids themselves, and different
# content under one key is another version only if the ids are equal (else the hash collided).
CONTESTED = """
CREATE OR REPLACE TEMP TABLE contested AS
SELECT arrivals.* FROM arrivals ANTI JOIN dropped USING (row)
SEMI JOIN (
    SELECT key FROM hits UNION SELECT key FROM arrivals GROUP BY key HAVING count(*) > 1
) AS disputed USING (key)
"""
KNOWN = """
CREATE OR REPLACE TEMP TABLE known AS
SELECT hits.* REPLACE (side.source AS source, side.interaction_id AS interaction_id)
FROM hits JOIN ({ids}) AS side ON side.filename = hits.filename AND side.row = hits.row
"""
IDS = """
SELECT filename, row, word AS source, interaction_id
FROM {rows} AS side JOIN words_source ON side.source = code
SEMI JOIN contested USING (key)
"""
READ_ANEW = """(
    SELECT *, file_row_number AS row
    FROM read_parquet({sides}, filename = true, file_row_number = true))
"""
NO_IDS = (
    "SELECT NULL::VARCHAR AS filename, NULL::BIGINT AS row, NULL::VARCHAR AS source, "
    "NULL::VARCHAR AS interaction_id LIMIT 0"
)
# Of arriving rows with one id and age the first is meant.
SAME_AGE = """
INSERT INTO dropped
SELECT row, _file, CASE WHEN content = kept THEN 'repeated' ELSE 'conflicting' END
FROM (
    SELECT row, _file, content, first_value(content) OVER mine AS kept,
        row_number() OVER mine AS place
    FROM contested WINDOW mine AS (
        PARTITION BY key, source, interaction_id, version ORDER BY _file, row)
) WHERE place > 1
"""
# Against what is known: a row without an age, or of a known age, cannot say what is newer.
AGAINST_KNOWN = """
INSERT INTO dropped
SELECT row, _file, CASE WHEN same_content OR same_tombstone THEN 'repeated' ELSE 'conflicting' END
FROM (
    SELECT contested.row, _file, contested.version,
        bool_or(contested.content = known.content) AS same_content,
        bool_or(contested.version IS NOT DISTINCT FROM known.version
            OR contested.version = known.confirmed) AS same_age,
        bool_or(coalesce(list_contains(known.deleted, contested.version), false))
            AS same_tombstone
    FROM contested ANTI JOIN dropped USING (row)
    JOIN known USING (key, source, interaction_id) GROUP BY ALL
)
WHERE version IS NULL OR same_age OR same_tombstone
"""
# A tombstone has done its work once the row that it takes out is in the history.
TOMBSTONES = """
INSERT INTO dropped
SELECT row, linked._file, 'removed' FROM linked LEFT JOIN owners ON _row = before
WHERE row IS NOT NULL AND tombstone AND supersedes AND (before IS NULL OR _number IS NOT NULL)
"""


def judge(connection: duckdb.DuckDBPyConnection, folder: Path, manifest: Manifest) -> None:
    """Makes `dropped`, `noted`, `echoes` and `linked` for the rows in `staged_interactions`."""
    connection.execute(ARRIVALS)
    connection.execute(TABLES)
    _load_notes(connection, folder, manifest)
    sides = {folder / part.side.path: part.side.rows for part in manifest.parts}
    hit = recognise(connection, sides) if sides else []
    few = bool(hit) and count(connection, "found") <= FEW
    if hit:
        ids = "source, interaction_id" if few else "NULL AS source, NULL AS interaction_id"
        connection.execute(HITS.format(sides=files(hit), never=NO_VERSION, ids=ids))
        connection.execute(REPEATED.format(never=NO_VERSION))
    connection.execute(CONTESTED)
    if not _any(connection, "SELECT 1 FROM contested"):
        chains.link_nothing(connection)
        return
    ids = NO_IDS
    if _any(connection, "SELECT 1 FROM hits SEMI JOIN contested USING (key)"):
        load(connection, folder, manifest, "source")
        ids = IDS.format(rows="hits" if few else READ_ANEW.format(sides=files(hit)))
    connection.execute(KNOWN.format(ids=ids))
    connection.execute(SAME_AGE)
    connection.execute(AGAINST_KNOWN)
    chains.link(connection)


def lay_to_rest(connection: duckdb.DuckDBPyConnection) -> None:
    """Drops the tombstones whose row need not wait for its customer. Needs `owners`."""
    connection.execute(TOMBSTONES)


def _load_notes(connection: duckdb.DuckDBPyConnection, folder: Path, manifest: Manifest) -> None:
    side = {
        str(folder / part.notes.path): str(folder / part.side.path)
        for part in manifest.parts
        if part.notes
    }
    if side:
        noted = NOTES.format(
            moved=MOVED,
            deleted=DELETED,
            confirmed=CONFIRMED,
            notes=files([Path(one) for one in side]),
        )
        connection.execute(noted, [list(side), list(side.values())])


def _any(connection: duckdb.DuckDBPyConnection, query: str) -> bool:
    return bool(connection.execute(f"{query} LIMIT 1").fetchall())
