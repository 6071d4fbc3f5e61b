"""From judged rows to integer codes: customers, words and cases get their numbers.

Reads `staged_interactions` and `dropped`; leaves `placed` (SQL view: the rows to keep, with their
customer's number, NULL while unknown), and the coded rows of each bucket.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from models.contracts import CHANNELS, KINDS, SCORE_KINDS
from pipelines.history import cases, dictionaries, identities
from pipelines.history.buckets import bucket_sql
from pipelines.history.engine import count, files, name, quoted
from pipelines.history.manifest import Manifest
from pipelines.history.schema import IDENTITIES
from pipelines.history.verdicts import NO_VERSION, lay_to_rest

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

AT_ONCE = 500_000  # coded rows in memory, 200 bytes each
# Whose each row is, by itself: with all that the rows say it would be four times as dear.
OWNERS = """
CREATE OR REPLACE TEMP TABLE owners AS
SELECT named.*, coalesce(merges.survivor, _owner) AS _number
FROM (
    SELECT staged.rowid AS _row, _file >= 0 AS _came, deleted_at IS NOT NULL AS _tombstone,
        customer.code IS NULL AS _alias,
        coalesce(customer.code, own.code, sole.code) AS _owner
    FROM staged_interactions AS staged
    ANTI JOIN dropped ON dropped.row = staged.rowid
    LEFT JOIN words_customer AS customer ON customer.word = staged.customer_id
    LEFT JOIN aliases AS own
        ON own.external_id = staged.customer_id AND own.system = staged.source
    LEFT JOIN aliases AS sole ON sole.external_id = staged.customer_id AND sole.system IS NULL
    WHERE _problem IS NULL
) AS named
LEFT JOIN merges ON merges.code = _owner
"""
PLACED = """
CREATE OR REPLACE TEMP VIEW placed AS
SELECT staged.*, owners.* FROM staged_interactions AS staged JOIN owners ON _row = staged.rowid
"""
AT_REST = "DELETE FROM owners USING dropped WHERE dropped.row = _row"
# Without a customer, or a tombstone of a row that has not come yet; and what was said again of a
# row that waits, with the newest age.
WAITING = """
CREATE OR REPLACE TEMP VIEW waiting AS
SELECT *, rowid AS _row FROM staged_interactions SEMI JOIN (
    SELECT _row AS row FROM owners WHERE _number IS NULL OR _tombstone
    UNION ALL
    SELECT max_by(echoes.arrival, age)
    FROM echoes JOIN said ON head = said.id JOIN owners ON _row = said.arrival
    WHERE _number IS NULL GROUP BY head
) AS waits ON waits.row = rowid
"""
# Words that are in no dictionary yet, of rows with a customer; few, and mostly none.
UNKNOWN = """
SELECT word FROM (
    SELECT staged.rowid AS _row, {column} AS word FROM staged_interactions AS staged
    ANTI JOIN words_{dictionary} AS known ON known.word = {column} WHERE {column} IS NOT NULL
) JOIN owners USING (_row) WHERE _number IS NOT NULL
"""
# Cases are numbered within their customer by first mention. The key covers the customer, so that
# only two cases of one customer could collide: 2^-64 a pair.
CASES = """
CREATE OR REPLACE TEMP TABLE cases AS
WITH mentioned AS (
    SELECT _number AS customer, case_id, min(occurred_at) AS first,
        hash64(_number || chr(31) || case_id) AS key
    FROM (
        SELECT _number, case_id, occurred_at FROM placed
        WHERE case_id IS NOT NULL AND _number IS NOT NULL AND deleted_at IS NULL
        UNION ALL SELECT customer, case_id, occurred_at FROM moving_cases
    ) GROUP BY ALL
),
known AS (SELECT key, customer, "case" FROM ({known})),
numbered AS (SELECT customer, max("case") + 1 AS next FROM known GROUP BY customer)
SELECT mentioned.customer, case_id, mentioned.key, known."case" IS NULL AS fresh,
    coalesce(known."case", coalesce(next, 0) + row_number() OVER (
        PARTITION BY mentioned.customer, known."case" IS NULL ORDER BY first, case_id) - 1
    )::INTEGER AS "case"
FROM mentioned
LEFT JOIN known USING (key)
LEFT JOIN numbered ON numbered.customer = mentioned.customer
"""
CODED = """
    SELECT {bucket} AS bucket,
        _number::INTEGER AS customer,
        floor(epoch_us(occurred_at) / 1e6)::BIGINT AS "at",
        floor(epoch_us(greatest(
            coalesce(recorded_at, occurred_at), CASE WHEN follows THEN updated_at END
        )) / 1e6)::BIGINT AS recorded,
        enum_code(kind::kinds)::SMALLINT AS kind,
        coalesce(enum_code(channel::channels)::TINYINT, -1::TINYINT) AS channel,
        coalesce(topic.code, -1) AS topic,
        coalesce(agent.code, -1) AS agent,
        coalesce(cases."case", -1) AS "case",
        value, seconds, wait_seconds AS wait, score,
        coalesce(enum_code(score_kind::score_kinds)::TINYINT, -1::TINYINT) AS score_kind,
        caused_by IS NOT NULL AS provoked,
        _key AS key, _content AS content,
        coalesce(epoch_us(updated_at), {no_version}) AS version,
        source.code AS source,
        _owner::INTEGER AS owner, CASE WHEN _alias THEN customer_id END AS given,
        {generation}::INTEGER AS generation,
        interaction_id, contact_id, caused_by, text,
        recorded_at IS NOT NULL OR (follows IS TRUE AND updated_at IS NOT NULL) AS dated,
        linked.row IS NULL OR NOT (supersedes OR older_than_known) AS fresh,
        next_version, next_known, next_tombstone, confirmed
    FROM placed
    LEFT JOIN linked ON linked.row = placed._row
    LEFT JOIN words_topic AS topic ON topic.word = placed.topic
    LEFT JOIN words_agent AS agent ON agent.word = placed.agent_id
    LEFT JOIN words_source AS source ON source.word = placed.source
    LEFT JOIN cases ON cases.customer = _number AND cases.case_id = placed.case_id
    WHERE _number IS NOT NULL AND deleted_at IS NULL
"""
WRITTEN = "COPY ({rows}) TO {target} (FORMAT parquet, PARTITION_BY (bucket), COMPRESSION lz4)"
ENUMS = {"kinds": KINDS, "channels": CHANNELS, "score_kinds": SCORE_KINDS}
DICTIONARIES = {"topic": "topic", "agent": "agent_id", "source": "source"}


def place(
    connection: duckdb.DuckDBPyConnection, folder: Path, manifest: Manifest, came: Collection[str]
) -> None:
    """Makes the views and tables `placed`, `waiting`, `moving` (rows of the history that a merge
    takes to another customer), `aliases` and `merges`. Needs `words_customer`, and
    `fresh_identities` if that is among the tables that `came`."""
    customers = count(connection, "words_customer")
    fresh = IDENTITIES.name in came
    after = identities.living(connection, folder, manifest, fresh=fresh)
    identities.resolve(connection, after, customers)
    connection.execute(OWNERS)
    connection.execute(PLACED)
    lay_to_rest(connection)
    connection.execute(AT_REST)
    connection.execute(WAITING)
    connection.execute(identities.NOTHING_MOVES)
    if manifest.parts and (fresh or IDENTITIES.name in manifest.tables):
        before = identities.living(connection, folder, manifest)
        identities.resolve(connection, before, manifest.customers, "_before")
        dictionaries.load(connection, folder, manifest, "source")
        sides = files([folder / part.side.path for part in manifest.parts])
        identities.find_moving(connection, sides)


def encoded(
    connection: duckdb.DuckDBPyConnection, buckets: int, generation: int, target: Path, rows: int
) -> Iterator[pa.Table]:
    """The coded rows, about so many: a night's all together, others bucket by bucket from files
    under `target`. Needs what `number` makes; once it returns, the connection is free."""
    query = coded(buckets, generation)
    if rows <= AT_ONCE:
        return iter([connection.sql(query).to_arrow_table()])
    connection.execute(WRITTEN.format(rows=query, target=quoted(str(target))))
    folders = [target / f"bucket={bucket}" for bucket in range(buckets)]
    return (_read(folder) for folder in folders if folder.is_dir())


def _read(folder: Path) -> pa.Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    return pa.concat_tables(
        pq.read_table(path, partitioning=None) for path in sorted(folder.iterdir())
    )


def coded(buckets: int, generation: int) -> str:
    """SQL of the coded rows. Needs what `number` makes."""
    bucket = bucket_sql("_number", buckets)
    return CODED.format(bucket=bucket, no_version=NO_VERSION, generation=generation)


def number(
    connection: duckdb.DuckDBPyConnection, folder: Path, manifest: Manifest
) -> dict[str, int]:
    """Gives codes to words and numbers to cases; returns new words by dictionary."""
    for enum, words in ENUMS.items():
        connection.execute(f"CREATE TYPE {enum} AS ENUM ({', '.join(map(quoted, words))})")
    new = {}
    for dictionary, column in DICTIONARIES.items():
        dictionaries.load(connection, folder, manifest, dictionary)
        unknown = UNKNOWN.format(column=name(column), dictionary=dictionary)
        new[dictionary] = dictionaries.append(connection, dictionary, unknown)
    connection.execute(CASES.format(known=cases.known(folder, manifest.cases)))
    return new
