"""Which ids of `customers` are customers: each gets a number, once and for all.

A source may name a customer by its own system's id. Where `identities` says whose id that is, it is
no customer of its own. An id that has a number keeps it: `merged_into` brings the two together.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.history import dictionaries, identities, versions
from pipelines.history.engine import count
from pipelines.history.manifest import Manifest
from pipelines.history.schema import CUSTOMERS, IDENTITIES

if TYPE_CHECKING:
    import duckdb

FRESH = "SELECT customer_id AS word, source FROM fresh_customers WHERE deleted_at IS NULL"
NAMED = "CREATE OR REPLACE TEMP TABLE named_customers AS {rows}"
OTHER_IDS = """
CREATE OR REPLACE TEMP TABLE other_ids AS
SELECT system AS source, external_id AS word, customer_id FROM ({identities})
WHERE external_id <> customer_id
"""
OWN = "SELECT word FROM named_customers ANTI JOIN other_ids USING (source, word)"
# Whoever an id stands for must be known, or else its row would be nobody's.
OF_NOBODY = """
SELECT word FROM named_customers ANTI JOIN (
    SELECT other_ids.source, other_ids.word FROM other_ids
    JOIN words_customer ON words_customer.word = other_ids.customer_id
) AS known USING (source, word)
"""


def number_customers(
    connection: duckdb.DuckDBPyConnection, folder: Path, manifest: Manifest, came: Collection[str]
) -> int:
    """Adds the customers that have no number yet to `words_customer`; returns how many.

    Reads `fresh_customers` and `fresh_identities` if those tables `came`. An id that `identities`
    no longer gives to anybody is a customer again.
    """
    rows = [FRESH] if CUSTOMERS.name in came else []
    fresh = IDENTITIES.name in came
    told = fresh and count(connection, "fresh_identities")
    if told and CUSTOMERS.name in manifest.tables:
        known = versions.all_versions(folder, manifest, CUSTOMERS.name)
        living = versions.living(CUSTOMERS, known)
        rows.append(f"SELECT customer_id AS word, source FROM ({living})")  # noqa: S608
    if not rows:
        return 0
    connection.execute(NAMED.format(rows=" UNION ALL ".join(rows)))
    living = identities.living(connection, folder, manifest, fresh=fresh)
    connection.execute(OTHER_IDS.format(identities=living))
    new = dictionaries.append(connection, "customer", OWN)
    if count(connection, "other_ids"):
        new += dictionaries.append(connection, "customer", OF_NOBODY)
    return new
