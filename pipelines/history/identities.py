"""Whose a row is: other systems' ids resolve to customers, and merged customers to who survives.

A row keeps the customer that its own id stands for (`owner`); a merge only changes where that
leads, so it can be undone. Merges and other systems' ids come in the table `identities`.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models.answers import MERGED
from pipelines.history import versions
from pipelines.history.casts import Problem
from pipelines.history.dictionaries import load
from pipelines.history.events import NEVER
from pipelines.history.manifest import Manifest
from pipelines.history.schema import CUSTOMERS, IDENTITIES
from pipelines.history.versions import NEWEST_FIRST

if TYPE_CHECKING:
    import duckdb
    import pandas as pd
    import pyarrow as pa

    from pipelines.history.staging import Staged

# Another system's id resolves to the customer it names: by the feed's own system if that says
# so, else if every system that knows the id means the same customer.
ALIASES = """
CREATE OR REPLACE TEMP TABLE {aliases} AS
WITH known AS (
    SELECT system, external_id, code FROM ({identities}) JOIN words_customer ON word = customer_id
    WHERE code < {customers}
)
SELECT external_id, system, any_value(code) AS code FROM known GROUP BY external_id, system
UNION ALL
SELECT external_id, NULL, any_value(code) FROM known
GROUP BY external_id HAVING count(DISTINCT code) = 1
"""
# The survivor may be named by any system's id. Where several say what became of a customer, the
# newest counts; who survives must be known.
MERGES = f"""
SELECT gone.code, coalesce(direct.code, own.code, sole.code) AS into
FROM ({{identities}}) AS said
JOIN words_customer AS gone ON gone.word = said.customer_id
LEFT JOIN words_customer AS direct ON direct.word = merged_into
LEFT JOIN {{aliases}} AS own ON own.external_id = merged_into AND own.system = said.system
LEFT JOIN {{aliases}} AS sole ON sole.external_id = merged_into AND sole.system IS NULL
WHERE merged_into IS NOT NULL AND gone.code < {{customers}}
    AND coalesce(direct.code, own.code, sole.code) < {{customers}}
    AND coalesce(direct.code, own.code, sole.code) IS DISTINCT FROM gone.code
QUALIFY row_number() OVER (PARTITION BY gone.code ORDER BY {NEWEST_FIRST}) = 1
"""  # noqa: S608
NOBODY = (
    "SELECT NULL AS system, NULL AS external_id, NULL AS customer_id, NULL AS merged_into, "
    "NULL::TIMESTAMPTZ AS updated_at, NULL::TIMESTAMPTZ AS deleted_at, 0 AS _generation, "
    "0 AS _ordinal LIMIT 0"
)
FRESH = "SELECT *, 999999999 AS _generation, 0 AS _ingested_at FROM fresh_identities"
IN_A_CIRCLE = "closes a circle: each of these customers would be merged into the next"


def living(
    connection: duckdb.DuckDBPyConnection, folder: Path, manifest: Manifest, *, fresh: bool = False
) -> str:
    """SQL of the identities that count; with those that this ingest brings, if `fresh`."""
    known = "identities" in manifest.tables
    rows = [versions.all_versions(folder, manifest, "identities")] if known else []
    if fresh:
        rows.append(FRESH)
    everything = " UNION ALL BY NAME ".join(f"({row})" for row in rows)
    return versions.living(IDENTITIES, everything) if rows else NOBODY


def resolve(
    connection: duckdb.DuckDBPyConnection, identities: str, customers: int, suffix: str = ""
) -> NDArray[np.int32]:
    """Makes the tables `aliases` and `merges` (code, survivor), named with `suffix`, from
    `identities` (SQL) and the first `customers` of `words_customer`; returns who survives, by
    customer number."""
    aliases, merges = f"aliases{suffix}", f"merges{suffix}"
    words = {"aliases": aliases, "identities": identities, "customers": customers}
    connection.execute(ALIASES.format(**words))
    pairs = connection.execute(MERGES.format(**words)).fetchall()
    into = {int(gone): int(survivor) for gone, survivor in pairs}
    survivors = np.arange(customers, dtype=np.int32)
    for gone in into:
        survivors[gone] = _last(into, gone)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {merges} (code INTEGER, survivor INTEGER)")
    if into:
        moved = [[gone, int(survivors[gone])] for gone in into]
        connection.executemany(f"INSERT INTO {merges} VALUES (?, ?)", moved)  # noqa: S608
    return survivors


def survivors(
    connection: duckdb.DuckDBPyConnection, folder: Path, manifest: Manifest
) -> NDArray[np.int32]:
    """Who each customer has become as of the manifest's generation, by customer number."""
    if "identities" not in manifest.tables:
        return np.arange(manifest.customers, dtype=np.int32)
    load(connection, folder, manifest, "customer")
    return resolve(connection, living(connection, folder, manifest), manifest.customers)


NAMES = """
SELECT system, external_id, word AS customer_id
FROM aliases LEFT JOIN merges ON merges.code = aliases.code
JOIN words_customer ON words_customer.code = coalesce(survivor, aliases.code)
UNION ALL
SELECT '{merged}', gone.word, kept.word
FROM merges JOIN words_customer AS gone ON gone.code = merges.code
JOIN words_customer AS kept ON kept.code = survivor
ORDER BY ALL
"""


def names(connection: duckdb.DuckDBPyConnection, folder: Path, manifest: Manifest) -> pa.Table:
    """`system` (null: whichever asks), `external_id` and `customer_id` of all that leads to a
    customer besides the customer's own id; `MERGED` is the system of own ids that were merged."""
    load(connection, folder, manifest, "customer")
    resolve(connection, living(connection, folder, manifest), manifest.customers)
    return connection.sql(NAMES.format(merged=MERGED)).to_arrow_table()


OWN_ROWS = """
SELECT code, min(epoch_us(joined_at) // 1000000) AS joined, bool_or(profiling_objection) AS objects
FROM ({living}) JOIN words_customer ON word = customer_id
WHERE joined_at IS NOT NULL GROUP BY code
"""


def merged_customers(
    frame: pd.DataFrame,
    survivors: NDArray[np.int32],
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    manifest: Manifest,
) -> pd.DataFrame:
    """Customers by number, those merged marked in `merged`: they never joined, and their survivor
    has been a customer as long as any of them, and objects to profiling if any of them does."""
    gone = survivors != np.arange(len(survivors))
    load(connection, folder, manifest, "customer")
    rows = versions.living(CUSTOMERS, versions.all_versions(folder, manifest, "customers"))
    own = connection.execute(OWN_ROWS.format(living=rows)).df()
    own = own[gone[own["code"]]]
    into = survivors[own["code"]]
    joined = frame["joined_at"].to_numpy(np.int64).copy()
    objects = frame["profiling_objection"].to_numpy(np.bool_).copy()
    np.minimum.at(joined, into, own["joined"].to_numpy(np.int64))
    np.logical_or.at(objects, into, own["objects"].eq(True).fillna(False).to_numpy(np.bool_))
    joined[gone] = NEVER
    return frame.assign(joined_at=joined, profiling_objection=objects, merged=gone)


def _last(into: dict[int, int], customer: int) -> int:
    """The end of the chain. Circles are refused when they come; one that stands anyway is left at
    its smallest number, so that every member ends at the same."""
    way = [customer]
    while way[-1] in into:
        following = into[way[-1]]
        if following in way:
            return min(way[way.index(following) :])
        way.append(following)
    return way[-1]


def refuse_circles(
    connection: duckdb.DuckDBPyConnection, folder: Path, manifest: Manifest, staged: Staged
) -> None:
    """Marks the staged rows whose merge would lead back to where it began."""
    rows = connection.execute(
        "SELECT rowid, system, external_id, customer_id, merged_into "  # noqa: S608
        f"FROM {staged.name} WHERE _problem IS NULL AND deleted_at IS NULL ORDER BY rowid"
    ).fetchall()
    known = connection.execute(
        "SELECT system, external_id, customer_id, merged_into "  # noqa: S608
        f"FROM ({living(connection, folder, manifest)})"
    ).fetchall()
    merges = {(system, external): (gone, into) for system, external, gone, into in known}
    circles = []
    for row, system, external, gone, into in rows:
        others = {key: pair for key, pair in merges.items() if key != (system, external)}
        if into is not None and _leads_back(others.values(), gone, into):
            circles.append(row)
        else:
            merges[system, external] = (gone, into)
    if not circles:
        return
    staged.problems.append(Problem("merged_into", IN_A_CIRCLE, "false"))
    for row in circles:
        connection.execute(
            f"UPDATE {staged.name} SET _problem = ?, _bad = merged_into WHERE rowid = ?",  # noqa: S608
            [len(staged.problems) - 1, row],
        )


def _leads_back(merges: Iterable[tuple[str, str | None]], gone: str, into: str) -> bool:
    way: dict[str, str] = {one: other for one, other in merges if other is not None}
    reached, place = {into}, into
    while place != gone and place in way and way[place] not in reached:
        place = way[place]
        reached.add(place)
    return place == gone


# Rows whose id leads to another customer than before. Those moved already lie elsewhere.
MOVING = """
CREATE OR REPLACE TEMP TABLE moving AS
SELECT filename, file_row_number AS row, after_owner AS owner,
    coalesce(after_merge.survivor, after_owner)::INTEGER AS customer
FROM (
    SELECT filename, file_row_number, owner,
        coalesce(own.code, sole.code, owner)::INTEGER AS after_owner
    FROM read_parquet({sides}, filename = true, file_row_number = true) AS side
    JOIN words_source ON words_source.code = side.source
    LEFT JOIN aliases AS own ON own.external_id = given AND own.system = words_source.word
    LEFT JOIN aliases AS sole ON sole.external_id = given AND sole.system IS NULL
)
LEFT JOIN merges_before AS before_merge ON before_merge.code = owner
LEFT JOIN merges AS after_merge ON after_merge.code = after_owner
ANTI JOIN notes ON notes.side = filename AND notes.row = file_row_number AND notes.moved
WHERE owner <> after_owner
    OR coalesce(before_merge.survivor, owner) <> coalesce(after_merge.survivor, after_owner)
"""
NOTHING_MOVES = (
    "CREATE OR REPLACE TEMP TABLE moving "
    "(filename VARCHAR, row BIGINT, owner INTEGER, customer INTEGER)"
)
# An id that nobody knew before can have no rows yet: they were pending.
CHANGED = """
SELECT 1 FROM (
    (SELECT * FROM aliases EXCEPT SELECT * FROM aliases_before)
    UNION ALL (SELECT * FROM aliases_before EXCEPT SELECT * FROM aliases)
) SEMI JOIN aliases_before USING (external_id)
UNION ALL SELECT 1 FROM (
    (SELECT * FROM merges EXCEPT SELECT * FROM merges_before)
    UNION ALL (SELECT * FROM merges_before EXCEPT SELECT * FROM merges)
) LIMIT 1
"""


def find_moving(connection: duckdb.DuckDBPyConnection, sides: str) -> None:
    """Makes `moving`: rows of the history (side files `sides`, SQL) that go to another customer.

    Needs `aliases` and `merges` of before and after, `words_source` and `notes`.
    """
    if connection.execute(CHANGED).fetchall():
        connection.execute(MOVING.format(sides=sides))
    else:
        connection.execute(NOTHING_MOVES)
