"""What each arriving interaction is: new, repeated, conflicting, another version, a tombstone.

`dropped` holds the rows of `staged_interactions` that bring nothing, with the reason. `taken_out`
holds the rows of the history that a newer version or a tombstone takes out. `linked` holds arriving
rows that are versions among others: which supersede an older one, and which are older themselves
and are kept as what was known before.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.history.dictionaries import load
from pipelines.history.engine import files, quoted
from pipelines.history.manifest import Manifest
from pipelines.history.parts import DELETED, MOVED, REPLACED

if TYPE_CHECKING:
    import duckdb

# Interactions that wait for their customer arrive again with each ingest, as file -1.
WAITED = -1
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
CREATE OR REPLACE TEMP TABLE taken_out (
    filename VARCHAR, row BIGINT, version BIGINT, known BIGINT, reason TINYINT);
CREATE OR REPLACE TEMP TABLE hits (
    filename VARCHAR, row BIGINT, key UBIGINT, content UBIGINT, version BIGINT, stands BOOLEAN,
    deleted BIGINT);
CREATE OR REPLACE TEMP TABLE removed (
    side VARCHAR, row BIGINT, moved BOOLEAN, deleted BIGINT)
"""
# Every version that is known by its key; `deleted` is the age of the tombstone that took it out.
HITS = """
INSERT INTO hits
SELECT filename, file_row_number, key, content, nullif(version, {never}),
    removed.row IS NULL, deleted
FROM (
    SELECT filename, file_row_number, key, content, version
    FROM read_parquet({sides}, filename = true, file_row_number = true)
    SEMI JOIN arrivals USING (key)
) AS found
LEFT JOIN removed ON removed.side = filename AND removed.row = file_row_number
WHERE moved IS DISTINCT FROM true
"""
# Nearly all rows that are known come again just as they stand.
REPEATED = """
INSERT INTO dropped
SELECT row, _file, 'repeated' FROM arrivals SEMI JOIN (
    SELECT key, content FROM hits
    ANTI JOIN (SELECT key FROM arrivals GROUP BY key HAVING count(*) > 1) AS several USING (key)
    WHERE stands
) AS known USING (key, content)
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
SELECT hits.*, side.source, side.interaction_id
FROM hits JOIN ({ids}) AS side ON side.filename = hits.filename AND side.row = hits.row
"""
IDS = """
SELECT filename, file_row_number AS row, word AS source, interaction_id
FROM read_parquet({sides}, filename = true, file_row_number = true) AS side
JOIN words_source ON side.source = code
SEMI JOIN contested USING (key)
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
# Against what is known: a row without an age, or of a known age, cannot say what is newer; what is
# deleted stays so until something newer comes.
AGAINST_KNOWN = """
INSERT INTO dropped
SELECT row, _file, CASE
    WHEN same_content OR deleted >= coalesce(version, {never}) THEN 'repeated'
    ELSE 'conflicting' END
FROM (
    SELECT contested.row, _file, contested.version,
        bool_or(contested.content = known.content) AS same_content,
        bool_or(contested.version IS NOT DISTINCT FROM known.version) AS same_age,
        max(known.deleted) AS deleted
    FROM contested ANTI JOIN dropped USING (row)
    JOIN known USING (key, source, interaction_id) GROUP BY ALL
)
WHERE version IS NULL OR same_age OR deleted >= version
"""
# All versions of an id by age: those known, their tombstones, and those that arrive.
CHAIN = """
CREATE OR REPLACE TEMP VIEW chain AS
SELECT key, source, interaction_id, version, known, content, tombstone, row AS arrival, _file,
    NULL::VARCHAR AS filename, NULL::BIGINT AS place
FROM contested ANTI JOIN dropped USING (row)
UNION ALL
SELECT key, source, interaction_id, version, NULL, content, false, NULL, NULL, filename, row
FROM known SEMI JOIN contested USING (key, source, interaction_id)
UNION ALL
SELECT key, source, interaction_id, max(deleted), NULL, 0, true, NULL, NULL, NULL, NULL
FROM known SEMI JOIN contested USING (key, source, interaction_id)
WHERE deleted IS NOT NULL GROUP BY ALL
"""
BY_AGE = """WINDOW by_age AS (
    PARTITION BY key, source, interaction_id ORDER BY version NULLS FIRST, arrival NULLS FIRST)"""
NOTHING_CHANGED = f"""
INSERT INTO dropped
SELECT arrival, _file, 'repeated' FROM (
    SELECT *, lag(content) OVER by_age AS before, lag(tombstone) OVER by_age AS gone
    FROM chain {BY_AGE}
) WHERE arrival IS NOT NULL AND content = before AND NOT gone
"""  # noqa: S608
LINKED = f"""
CREATE OR REPLACE TEMP TABLE linked AS
SELECT arrival AS row, _file, filename, place, tombstone,
    lag(tombstone) OVER by_age AS after_tombstone,
    lead(version) OVER by_age AS next_version,
    lead(known) OVER by_age AS next_known,
    lead(tombstone) OVER by_age AS next_tombstone,
    lead(arrival) OVER by_age AS next_arrival,
    lead(place) OVER by_age IS NOT NULL AS older_than_known,
    lag(tombstone) OVER by_age IS NOT NULL AND NOT after_tombstone AS supersedes
FROM chain {BY_AGE}
"""  # noqa: S608
# A known version came to be followed by one that nights know from its own age on.
NEXT_KNOWN = """
UPDATE linked SET next_known = next_version // 1000000
WHERE row IS NOT NULL AND next_version IS NOT NULL AND next_known IS NULL
"""
TAKE_OUT = f"""
INSERT INTO taken_out
SELECT filename, place, next_version, next_known,
    CASE WHEN next_tombstone THEN {DELETED} ELSE {REPLACED} END
FROM linked WHERE place IS NOT NULL AND next_arrival IS NOT NULL
"""  # noqa: S608
TOMBSTONES = """
INSERT INTO dropped
SELECT row, _file, 'removed' FROM linked WHERE row IS NOT NULL AND tombstone AND supersedes
"""


def judge(connection: duckdb.DuckDBPyConnection, folder: Path, manifest: Manifest) -> None:
    """Makes `dropped`, `taken_out` and `linked` for the rows in `staged_interactions`."""
    connection.execute(ARRIVALS)
    connection.execute(TABLES)
    listed = files([folder / part.side.path for part in manifest.parts])
    if manifest.parts:
        _load_removed(connection, folder, manifest)
        connection.execute(HITS.format(sides=listed, never=NO_VERSION))
        connection.execute(REPEATED)
    connection.execute(CONTESTED)
    ids = NO_IDS
    if _any(connection, "SELECT 1 FROM hits SEMI JOIN contested USING (key)"):
        load(connection, folder, manifest, "source")
        ids = IDS.format(sides=listed)
    connection.execute(KNOWN.format(ids=ids))
    connection.execute(SAME_AGE)
    connection.execute(AGAINST_KNOWN.format(never=NO_VERSION))
    connection.execute(CHAIN)
    connection.execute(NOTHING_CHANGED)
    connection.execute(LINKED)
    connection.execute(NEXT_KNOWN)
    connection.execute(TAKE_OUT)
    connection.execute(TOMBSTONES)


def _load_removed(connection: duckdb.DuckDBPyConnection, folder: Path, manifest: Manifest) -> None:
    for part in manifest.parts:
        if part.removed:
            connection.execute(
                f"INSERT INTO removed SELECT {quoted(str(folder / part.side.path))}, row, "  # noqa: S608
                f"bool_or(reason = {MOVED}), max(version) FILTER (reason = {DELETED}) "
                f"FROM read_parquet({quoted(str(folder / part.removed.path))}) GROUP BY row"
            )


def _any(connection: duckdb.DuckDBPyConnection, query: str) -> bool:
    return bool(connection.execute(f"{query} LIMIT 1").fetchall())
