"""Customers and their terms by number, as the feature and label passes need them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pipelines.history import combining, knowledge, voices
from pipelines.history.dictionaries import load
from pipelines.history.manifest import Manifest
from pipelines.history.schema import CUSTOMERS, TERMS
from pipelines.history.terms import END_KIND_CODE, NEVER, Terms, announced

if TYPE_CHECKING:
    import duckdb
    import pandas as pd
    import pyarrow as pa

CUSTOMER_SQL = """
WITH spans AS ({spans}),
seen AS (  -- without a date of its own, what a row says was known from the day it came in
    SELECT customer_id, min(_seen) AS first_seen FROM spans GROUP BY customer_id
),
ends AS (  -- when the end that counts today was first told; by itself it was known as it came
    SELECT customer_id, left_at,
        min(least(_seen, greatest(_recorded, {left_at}))) AS left_recorded
    FROM spans WHERE left_at IS NOT NULL GROUP BY customer_id, left_at
),
living AS ({living})
SELECT
    word AS customer_id,
    coalesce({joined_at}, {never}) AS joined_at,
    coalesce({living_left_at}, {never}) AS left_at,
    coalesce(left_recorded, {never}) AS left_recorded,
    value_per_month, currency, parent_id, segment, region, locale, timezone, owner_id,
    preferred_channel,
    coalesce(profiling_objection, false) AS profiling_objection,
    coalesce(first_seen, {never}) AS first_seen
FROM {words}
LEFT JOIN living ON living.customer_id = word
LEFT JOIN seen ON seen.customer_id = word
LEFT JOIN ends ON ends.customer_id = word AND ends.left_at = living.left_at
ORDER BY code
"""

TERMS_SQL = """
SELECT
    code AS customer,
    dense_rank() OVER (ORDER BY code, {term_id}) - 1 AS term,
    {started} AS started, {ends_at} AS ends_at, {notice} AS notice, {ended} AS ended,
    {paused_from} AS paused_from, {paused_to} AS paused_to,
    {end_kind} AS end_kind, value_per_month AS value, currency, {product} AS product,
    _recorded AS recorded, _seen AS seen, _until AS until,
    recorded_at IS NOT NULL OR updated_at IS NOT NULL AS dated
FROM ({spans})
JOIN {words} ON word = customer_id
ORDER BY customer, started, term, recorded
"""
TERM_DATES = {
    "started": "started_at", "ends_at": "ends_at", "notice": "notice_at", "ended": "ended_at",
    "paused_from": "paused_from", "paused_to": "paused_to",
}  # fmt: skip
TERM_WORDS = {"term_id": "term_id", "end_kind": "end_kind", "product": "product"}
NO_DATES = dict.fromkeys(TERM_DATES, "NULL::BIGINT")
NO_WORDS = dict.fromkeys(TERM_WORDS, "NULL::VARCHAR")


def customer_frame(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    manifest: Manifest,
    precedence: Sequence[str] = (),
    columns: Sequence[str] = (),
) -> pd.DataFrame:
    """One row a customer, by number; times are seconds since 1970 UTC, NEVER where absent. With
    `columns`, only these.

    A customer whose row was deleted keeps the number and never joined. `left_recorded` is since
    when `left_at` was known. Everything else is today's state: `first_seen` is when the source, or
    else this history, first knew of the row, and what has no date counts from then. Several
    sources are combined by `precedence` (see `voices`).
    """
    told = voices.told(connection, folder, manifest, CUSTOMERS.name, precedence)
    joined_at = knowledge.seconds("joined_at")
    wanted = f"SELECT {', '.join(columns)} FROM ({CUSTOMER_SQL})" if columns else CUSTOMER_SQL  # noqa: S608
    rows = knowledge.read(
        connection,
        wanted,
        # Of whichever source: what it was the first to tell was known from then.
        spans=combining.each_voice(told.only("joined_at", "left_at"), joined_at),
        living=voices.counting(told),
        joined_at=joined_at,
        left_at=knowledge.seconds("left_at"),
        living_left_at=knowledge.seconds("living.left_at"),
        never=NEVER,
        words=load(connection, folder, manifest, "customer"),
    )
    frame: pd.DataFrame = rows.to_pandas()
    frame.index.name = "customer"
    return frame


def coded_terms(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    manifest: Manifest,
    precedence: Sequence[str] = (),
) -> Terms:
    """Every version of the terms of known customers, in two times (see `Terms`)."""
    told = voices.told(connection, folder, manifest, TERMS.name, precedence)
    return announced(_terms(connection, folder, manifest, told, TERM_DATES, TERM_WORDS))


def value_terms(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    manifest: Manifest,
    precedence: Sequence[str] = (),
) -> Terms:
    """The customers' own rows as terms: one each, in every version, from joining to leaving."""
    dates = {"started": "joined_at", "ended": "left_at"}
    told = voices.told(connection, folder, manifest, CUSTOMERS.name, precedence)
    return _terms(connection, folder, manifest, told, dates, {})


def _terms(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    manifest: Manifest,
    told: voices.Told,
    columns: Mapping[str, str],
    words: Mapping[str, str],
) -> Terms:
    """Terms from a table whose dates and words stand in `columns` and `words`; others are none."""
    found = {name: knowledge.seconds(column) for name, column in columns.items()}
    told = told.only(*columns.values(), *words.values(), "value_per_month", "currency")
    rows = knowledge.read(
        connection,
        TERMS_SQL,
        spans=combining.spans(connection, told, found["started"]),
        words=load(connection, folder, manifest, "customer"),
        **{**NO_DATES, **NO_WORDS, **found, **words},
    )
    kind, kinds = _coded(rows["end_kind"])
    kind_codes = np.array([*map(END_KIND_CODE.__getitem__, kinds), -1], np.int8)
    dates = {name: _or_never(rows[name]) for name in TERM_DATES}
    currency, currencies = _coded(rows["currency"])
    product, _ = _coded(rows["product"])
    return Terms.of(
        customer=rows["customer"].to_numpy().astype(np.int32),
        term=rows["term"].to_numpy().astype(np.int64),
        **dates,
        end_kind=np.where(dates["ended"] < NEVER, kind_codes[kind], np.int8(-1)),
        value=rows["value"].to_pandas().to_numpy(np.float64),
        currency=currency,
        product=product,
        recorded=rows["recorded"].to_numpy().astype(np.int64),
        seen=rows["seen"].to_numpy().astype(np.int64),
        until=rows["until"].to_numpy().astype(np.int64),
        dated=rows["dated"].to_pandas().to_numpy(np.bool_),
        currencies=currencies,
    )


def _or_never(column: pa.ChunkedArray) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.asarray(column.fill_null(NEVER).to_numpy(), np.int64)


def _coded(
    column: pa.ChunkedArray,
) -> tuple[np.ndarray[tuple[int], np.dtype[np.int32]], tuple[str, ...]]:
    """Codes of a column of words, -1 where there is none, and the words in their own order."""
    encoded = column.combine_chunks().dictionary_encode()
    found = encoded.dictionary.to_pylist()
    words = tuple(sorted(found))
    ranks = np.array([*map(words.index, found), -1], np.int32)
    return ranks[encoded.indices.fill_null(-1).to_numpy()], words
