"""Customers and their terms by number, as the feature and label passes need them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pipelines.history import versions
from pipelines.history.dictionaries import load
from pipelines.history.manifest import Manifest
from pipelines.history.schema import CUSTOMERS, TERMS
from pipelines.history.terms import END_KIND_CODE, NEVER, Terms

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

CUSTOMER_SQL = """
WITH versions AS ({every_version}),
seen AS (  -- without a date of its own, a row was known from the day it came in
    SELECT customer_id, min(coalesce(epoch_us(recorded_at) // 1000000, _ingested_at)) AS first_seen
    FROM versions GROUP BY customer_id
),
living AS ({living})
SELECT
    word AS customer_id,
    coalesce(floor(epoch_us(joined_at) / 1e6)::BIGINT, {never}) AS joined_at,
    coalesce(floor(epoch_us(left_at) / 1e6)::BIGINT, {never}) AS left_at,
    value_per_month, currency, parent_id, segment, region, locale, timezone, owner_id,
    preferred_channel,
    coalesce(profiling_objection, false) AS profiling_objection,
    coalesce(first_seen, {never}) AS first_seen
FROM {words}
LEFT JOIN living ON living.customer_id = word
LEFT JOIN seen ON seen.customer_id = word
ORDER BY code
"""

TERMS_SQL = """
WITH versions AS ({every_version}),
known AS (
    SELECT customer_id, term_id, min(recorded_at) AS first_recorded
    FROM versions GROUP BY customer_id, term_id
),
living AS ({living})
SELECT
    code AS customer,
    floor(epoch_us(started_at) / 1e6)::BIGINT AS started,
    floor(epoch_us(notice_at) / 1e6)::BIGINT AS notice,
    floor(epoch_us(ended_at) / 1e6)::BIGINT AS ended,
    end_kind,
    value_per_month AS value,
    floor(epoch_us(coalesce(first_recorded, started_at)) / 1e6)::BIGINT AS recorded
FROM living
JOIN known USING (customer_id, term_id)
JOIN {words} ON word = customer_id
ORDER BY customer, started, term_id
"""


def customer_frame(
    connection: duckdb.DuckDBPyConnection, folder: Path, manifest: Manifest
) -> pd.DataFrame:
    """One row a customer, by number; times are seconds since 1970 UTC, NEVER where absent.

    A customer whose row was deleted keeps the number and never joined. `first_seen` is when the
    source, or else this history, first knew of the row: values without a date count from then.
    """
    every_version = versions.all_versions(folder, manifest, "customers")
    rows = connection.sql(
        CUSTOMER_SQL.format(
            every_version=every_version,
            living=versions.living(CUSTOMERS, every_version),
            never=NEVER,
            words=load(connection, folder, manifest, "customer"),
        )
    )
    frame: pd.DataFrame = rows.to_arrow_table().to_pandas()
    frame.index.name = "customer"
    return frame


def coded_terms(connection: duckdb.DuckDBPyConnection, folder: Path, manifest: Manifest) -> Terms:
    """The terms of known customers. `recorded` is the earliest time that any version gives."""
    every_version = versions.all_versions(folder, manifest, "terms")
    rows = connection.sql(
        TERMS_SQL.format(
            every_version=every_version,
            living=versions.living(TERMS, every_version),
            words=load(connection, folder, manifest, "customer"),
        )
    ).to_arrow_table()
    frame = rows.to_pandas()
    kinds = frame["end_kind"].map(END_KIND_CODE).fillna(-1).to_numpy(np.int8)
    return Terms.of(
        customer=frame["customer"].to_numpy(np.int32),
        started=frame["started"].to_numpy(np.int64),
        notice=_or_never(rows["notice"]),
        ended=_or_never(rows["ended"]),
        end_kind=np.where(_or_never(rows["ended"]) < NEVER, kinds, np.int8(-1)),
        value=frame["value"].to_numpy(np.float64),
        recorded=frame["recorded"].to_numpy(np.int64),
    )


def _or_never(column: object) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.asarray(column.fill_null(NEVER).to_numpy(), np.int64)  # type: ignore[attr-defined]
