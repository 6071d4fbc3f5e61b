"""The versions of each interaction in a row by age: known ones and those that arrive.

`noted` holds what the rows of the history are told (`parts.Notes`): which a newer version or a
tombstone takes out, which are confirmed, which are no longer the first. `linked` holds arriving
rows that are versions among others: which supersede an older one, and which are older themselves
and are kept as what was known before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.history.parts import CONFIRMED, DELETED, MOVED, PRECEDED, REPLACED

if TYPE_CHECKING:
    import duckdb

# Interactions that wait for their customer arrive again with each ingest, as file -1.
WAITED = -1

# All that is said of an id, by age: the versions known, when each was confirmed (`again`), their
# tombstones, and what arrives.
SAID = """
CREATE OR REPLACE TEMP TABLE said AS
WITH mine AS (SELECT * FROM known SEMI JOIN contested USING (key, source, interaction_id))
SELECT row_number() OVER () AS id, * FROM (
    SELECT key, source, interaction_id, version, known, content, tombstone, row AS arrival, _file,
        NULL::VARCHAR AS filename, NULL::BIGINT AS place, NULL::BIGINT AS confirmed, false AS again
    FROM contested ANTI JOIN dropped USING (row)
    UNION ALL
    SELECT key, source, interaction_id, version, NULL, content, false, NULL, NULL, filename, row,
        confirmed, false
    FROM mine
    UNION ALL
    SELECT key, source, interaction_id, confirmed, NULL, content, false, NULL, NULL, filename, row,
        confirmed, true
    FROM mine WHERE confirmed IS NOT NULL
    UNION ALL
    SELECT DISTINCT key, source, interaction_id, unnest(deleted), NULL::BIGINT, 0::UBIGINT, true,
        NULL::BIGINT, NULL::INTEGER, NULL::VARCHAR, NULL::BIGINT, NULL::BIGINT, false
    FROM mine WHERE deleted IS NOT NULL
)
"""
BY_AGE = """by_age AS (
    PARTITION BY key, source, interaction_id ORDER BY version NULLS FIRST, arrival NULLS FIRST)"""
# What says the same as what stands just before it is no version: it confirms that one, its `head`.
# Among what arrives that ends there. A known version that what comes late says earlier already is
# absorbed by it.
ECHOES = f"""
CREATE OR REPLACE TEMP TABLE echoes AS
WITH flagged AS (
    SELECT *, NOT again AND NOT tombstone AND NOT lag(tombstone, 1, true) OVER by_age
        AND content = lag(content, 1, content) OVER by_age AS echo
    FROM said WINDOW {BY_AGE}
),
headed AS (
    SELECT *, last_value(CASE WHEN NOT echo THEN start END IGNORE NULLS) OVER by_age AS head
    FROM (
        SELECT *, CASE WHEN again THEN min(CASE WHEN NOT again THEN id END)
            OVER (PARTITION BY filename, place) ELSE id END AS start
        FROM flagged
    ) WINDOW {BY_AGE}
),
found AS (SELECT * FROM headed WHERE echo)
SELECT found.id, found.arrival, found._file, found.filename, found.place, found.version,
    greatest(found.version, found.confirmed) AS age, coalesce(absorbed.head, found.head) AS head
FROM found LEFT JOIN found AS absorbed ON absorbed.id = found.head
"""  # noqa: S608
HEADS = """
CREATE OR REPLACE TEMP VIEW heads AS
SELECT head, max(age) AS echoed, bool_or(place IS NOT NULL) AS absorbs FROM echoes GROUP BY head
"""
CONFIRMED_AGAIN = f"""
INSERT INTO noted
SELECT filename, place, echoed, echoed // 1000000, {CONFIRMED}
FROM said JOIN heads ON head = id WHERE place IS NOT NULL
"""  # noqa: S608
ABSORBED = f"""
INSERT INTO noted
SELECT filename, place, version, version // 1000000, {MOVED} FROM echoes WHERE place IS NOT NULL
"""  # noqa: S608
NOTHING_CHANGED = """
INSERT INTO dropped SELECT arrival, _file, 'repeated' FROM echoes WHERE arrival IS NOT NULL
"""
# The versions by age. One that is older than what stands before it was last confirmed is `idle`:
# it comes too late to be seen by any night, and is kept so that it is known when it comes again.
CHAIN = f"""
CREATE OR REPLACE TEMP TABLE chain AS
SELECT *, coalesce(version < max(confirmed) OVER (
    by_age ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), false) AS idle
FROM (
    SELECT said.* EXCLUDE (confirmed, again), greatest(confirmed, echoed) AS confirmed,
        coalesce(absorbs, false) AS absorbs
    FROM said ANTI JOIN echoes USING (id) LEFT JOIN heads ON head = id
    WHERE NOT again
) WINDOW {BY_AGE}
"""  # noqa: S608
LINKED = f"""
CREATE OR REPLACE TEMP TABLE linked AS
SELECT arrival AS row, _file, filename, place, tombstone, version, confirmed,
    lag(tombstone) OVER by_age AS after_tombstone,
    lag(arrival) OVER by_age AS before,
    lag(_file) OVER by_age AS before_file,
    lead(version) OVER by_age AS next_version,
    lead(known) OVER by_age AS next_known,
    lead(tombstone) OVER by_age AS next_tombstone,
    lead(_file) OVER by_age AS next_file,
    absorbs OR lead(place) OVER by_age IS NOT NULL AS older_than_known,
    lag(tombstone) OVER by_age IS NOT NULL AS follows,
    follows AND NOT after_tombstone AS supersedes
FROM chain WHERE NOT idle WINDOW {BY_AGE}
"""  # noqa: S608
IDLE = """
INSERT INTO linked BY NAME
SELECT arrival AS row, _file, tombstone, version, confirmed,
    version AS next_version, known AS next_known, false AS next_tombstone,
    true AS older_than_known, true AS follows, true AS supersedes
FROM chain WHERE idle AND arrival IS NOT NULL
"""
# A known version came to be followed by one that nights know from its own age on.
NEXT_KNOWN = """
UPDATE linked SET next_known = next_version // 1000000
WHERE row IS NOT NULL AND next_version IS NOT NULL AND next_known IS NULL
"""
# What waited has left its notes when it came first.
TAKE_OUT = f"""
INSERT INTO noted
SELECT filename, place, next_version, next_known,
    CASE WHEN next_tombstone THEN {DELETED} ELSE {REPLACED} END
FROM linked WHERE place IS NOT NULL AND next_file > {WAITED}
"""  # noqa: S608
PRECEDED_NOW = f"""
INSERT INTO noted
SELECT filename, place, version, version // 1000000, {PRECEDED}
FROM linked WHERE place IS NOT NULL AND before_file > {WAITED}
"""  # noqa: S608


# As of nothing said.
NOTHING = """
CREATE OR REPLACE TEMP TABLE said (id BIGINT, arrival BIGINT);
CREATE OR REPLACE TEMP TABLE echoes (
    id BIGINT, arrival BIGINT, _file INTEGER, filename VARCHAR, place BIGINT, version BIGINT,
    age BIGINT, head BIGINT);
CREATE OR REPLACE TEMP TABLE linked (
    row BIGINT, _file INTEGER, filename VARCHAR, place BIGINT, tombstone BOOLEAN, version BIGINT,
    confirmed BIGINT, after_tombstone BOOLEAN, before BIGINT, before_file INTEGER,
    next_version BIGINT, next_known BIGINT, next_tombstone BOOLEAN, next_file INTEGER,
    older_than_known BOOLEAN, follows BOOLEAN, supersedes BOOLEAN)
"""


def link_nothing(connection: duckdb.DuckDBPyConnection) -> None:
    """What `link` makes where nothing is contested."""
    connection.execute(NOTHING)


def link(connection: duckdb.DuckDBPyConnection) -> None:
    """Makes `echoes` and `linked`, and adds to `noted` and `dropped`. Needs `contested` and `known`
    (see `verdicts`)."""
    for step in (SAID, ECHOES, HEADS, CONFIRMED_AGAIN, ABSORBED, NOTHING_CHANGED, CHAIN, LINKED,
                 IDLE, NEXT_KNOWN, TAKE_OUT, PRECEDED_NOW):  # fmt: skip
        connection.execute(step)
