"""Mappings over a database: which tables they read, whole or only what is newer."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from tests.integration.history.companies import Company

MAPPED = {
    "customers": "SELECT account AS customer_id, min(opened) AS joined_at FROM desk.tickets"
    " GROUP BY account",
    "interactions": """
        -- A name that WITH gives is no table, though a table is called so.
        WITH users AS (SELECT id AS who FROM people)
        SELECT tickets.id AS interaction_id, account AS customer_id, opened AS occurred_at,
            'case_opened' AS kind, score * 1.0 AS value
        FROM Desk.Tickets JOIN users USING (who)
    """,
}
DESK = """
CREATE SCHEMA desk;
CREATE TABLE desk.tickets (id int, account text, who int, opened timestamptz, score numeric(4,1),
    changed timestamptz);
CREATE TABLE people (id int);
INSERT INTO people VALUES (1), (2);
INSERT INTO desk.tickets
SELECT n, 'c' || n % 3, 1 + n % 2, moment, 2.5, moment FROM generate_series(1, 30) AS n,
    LATERAL (SELECT '2026-01-01Z'::timestamptz + n * interval '1 day' AS moment) AS at;
"""
NEWER = "SELECT * FROM desk.tickets WHERE tickets.changed > ${since};  -- in the database\n"


def test_a_mapping_runs_over_the_tables_that_it_names(tmp_path: Path, postgres_url: str) -> None:
    company = Company(tmp_path, postgres_url)
    company.run(DESK)
    report = company.ingest(mapping=company.mapping(**MAPPED))
    assert report.fetched == {"desk.tickets": 30, "people": 2}
    assert report.interactions.new == 30
    frame = company.open().table("interactions")
    assert frame is not None
    assert frame["value"].unique().tolist() == [2.5]


def test_a_mappings_own_select_brings_only_what_is_newer(tmp_path: Path, postgres_url: str) -> None:
    company = Company(tmp_path, postgres_url)
    company.run(DESK)
    own = {"source__desk.tickets": NEWER, "source__wrong": "SELECT 1"}
    mapping = company.mapping(
        **MAPPED,
        **own,
        prepare="CREATE MACRO twice(x) AS x * 2;\nCREATE TEMP TABLE who AS SELECT * FROM people;\n",
        owners="SELECT id::VARCHAR AS owner_id FROM who",
    )
    report = company.ingest(mapping=mapping)
    assert "source/wrong.sql of the mapping" in report.ignored
    assert report.tables["owners"].new == 2
    again = company.ingest(mapping=mapping, lag=timedelta(hours=1))
    assert again.fetched["desk.tickets"] == 1
    assert again.since == {"desk.tickets": "2026-01-30 23:00:00+00:00"}
    # A mapping that was changed may make other rows of what was read long ago.
    company.mapping(customers=MAPPED["customers"] + " HAVING true")
    assert company.ingest(mapping=mapping).fetched["desk.tickets"] == 30


@pytest.mark.parametrize(
    "select",
    [
        "-- watermark: changed\nSELECT *, changed AS c2 FROM desk.tickets",
        "-- watermark: changed\nSELECT * FROM desk.tickets WHERE (changed) > ${since}",
        'SELECT * FROM desk.tickets WHERE "changed" >= ${since}',
    ],
)
def test_the_watermarks_column_is_found_or_declared(
    tmp_path: Path, postgres_url: str, select: str
) -> None:
    company = Company(tmp_path, postgres_url)
    company.run(DESK)
    mapping = company.mapping(**MAPPED, **{"source__desk.tickets": select})
    assert company.ingest(mapping=mapping).fetched["desk.tickets"] == 30
    lag = timedelta(hours=25)
    assert company.ingest(mapping=mapping, lag=lag).fetched["desk.tickets"] == 2
