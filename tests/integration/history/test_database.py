"""Databases as sources, against a real PostgreSQL and a real SQLite file."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import psycopg
import pytest

from pipelines.history.ingest import ingest
from pipelines.history.schema import TABLES as CONTRACT
from pipelines.history.store import History
from tests.integration.history.companies import SAMPLE, TABLES, Company, load_sample
from tests.servers.postgres import Server

LATE = datetime(2026, 7, 1, 6, tzinfo=UTC)  # the night after the sample's last day


@pytest.fixture
def company(tmp_path: Path, postgres_url: str) -> Company:
    """Two customers and a hundred orders, one a day."""
    company = Company(tmp_path, postgres_url)
    company.run(TABLES)
    return company


def same(one: History, other: History) -> None:
    """Asserts that two histories say the same, table by table and event by event."""
    for table in CONTRACT:
        left, right = one.table(table.name), other.table(table.name)
        assert (left is None) == (right is None), table.name
        if left is not None and right is not None:
            shared = [column for column in left.columns if column in right.columns]
            assert set(left.columns) == set(right.columns)
            by = [column for column in shared if not left[column].isna().all()]
            left, right = (
                frame[shared].sort_values(by, ignore_index=True) for frame in (left, right)
            )
            pd.testing.assert_frame_equal(left, right, check_dtype=False)
    assert one.buckets == other.buckets
    for bucket in range(one.buckets):
        left_events, right_events = one.bucket(bucket), other.bucket(bucket)
        for column in ("customer", "at", "recorded", "kind", "channel", "value", "score"):
            np.testing.assert_array_equal(
                getattr(left_events, column), getattr(right_events, column), err_msg=column
            )


def test_the_sample_from_a_database_gives_the_history_that_its_files_give(
    tmp_path: Path, postgres_server: Server
) -> None:
    url = postgres_server.database("sample")
    with psycopg.connect(url) as connection:
        load_sample(connection)
    company = Company(tmp_path, url)
    report = company.ingest(now=LATE)
    ingest(tmp_path / "files", SAMPLE, now=LATE)
    assert report.fetched["interactions"] == report.interactions.new > 50_000
    same(company.open(), History.open(tmp_path / "files"))


def test_a_day_later_only_what_is_new_and_the_lag_window_cross_the_wire(company: Company) -> None:
    assert company.ingest().fetched == {"customers": 2, "interactions": 100}
    company.run(
        "INSERT INTO interactions VALUES"
        " (101, 'acme', '2026-04-12Z', 'order', 'hats', 1, '2026-04-12Z'),"
        " (102, 'acme', '2026-04-12Z', 'order', 'hats', 1, '2026-04-12Z')"
    )
    report = company.ingest(lag=timedelta(days=2, seconds=1))
    # The day of the watermark, 11 April, and the two before it come again.
    assert report.fetched == {"customers": 2, "interactions": 3 + 2}
    assert report.since["interactions"] == "2026-04-08 23:59:59+00:00"
    assert (report.interactions.new, report.interactions.repeated) == (2, 3)
    assert company.open().rows == 102


def test_a_watermark_moves_with_what_is_published_and_only_then(company: Company) -> None:
    company.ingest(name="crm")
    first = company.open().manifest.reads["crm"]["interactions"]
    assert first == "2026-04-11T00:00:00+00:00"
    company.run(
        "INSERT INTO interactions VALUES"
        " (101, 'acme', '2026-04-12Z', 'order', 'hats', 1, '2026-04-12T10:00:00.25Z')"
    )
    company.ingest(name="crm", dry_run=True)
    assert company.open().manifest.reads["crm"]["interactions"] == first
    assert company.ingest(name="crm").interactions.new == 1
    reads = company.open().manifest.reads["crm"]
    assert reads["interactions"] == "2026-04-12T10:00:00.250000+00:00"
    assert not company.ingest(name="crm").changed
    company.ingest(name="other")
    assert company.open().manifest.reads["crm"] == reads


def test_a_transaction_that_commits_late_with_an_earlier_stamp_is_found(company: Company) -> None:
    with psycopg.connect(company.url) as late:
        late.execute(
            "INSERT INTO interactions VALUES"
            " (200, 'acme', '2026-04-09Z', 'order', 'late', 1, '2026-04-09Z')"
        )
        assert company.ingest().interactions.new == 100
    assert company.ingest(lag=timedelta(days=1)).interactions.new == 0
    assert company.ingest(lag=timedelta(days=3)).interactions.new == 1
    assert company.topics()["200"] == "late"


def test_what_is_older_than_the_lag_window_is_found_by_a_full_reading(company: Company) -> None:
    company.ingest()
    company.run(
        "INSERT INTO interactions VALUES"
        " (200, 'acme', '2026-01-09Z', 'order', 'very late', 1, '2026-01-09Z')"
    )
    assert company.ingest().interactions.new == 0
    report = company.ingest(full=True)
    assert (report.interactions.new, report.fetched["interactions"]) == (1, 101)
    assert report.since == {}


def test_corrections_and_tombstones_come_through(company: Company) -> None:
    company.ingest()
    company.run(
        "UPDATE interactions SET topic = 'boots', updated_at = '2026-05-01Z'"
        " WHERE interaction_id = 7",
        # A tombstone that leaves `updated_at` alone.
        "UPDATE interactions SET deleted_at = '2026-05-01Z' WHERE interaction_id = 8",
    )
    report = company.ingest()
    assert (report.interactions.corrected, report.interactions.removed) == (1, 1)
    topics = company.topics()
    assert topics["7"] == "boots"
    assert "8" not in topics
    assert len(topics) == 99


def test_a_stamp_ahead_of_the_clock_does_not_hide_the_rows_after_it(company: Company) -> None:
    company.run("UPDATE interactions SET updated_at = '2099-01-01Z' WHERE interaction_id = 5")
    company.ingest()
    company.run(
        "INSERT INTO interactions VALUES"
        " (101, 'acme', '2026-04-12Z', 'order', 'hats', 1, '2026-04-12Z')"
    )
    assert company.ingest().interactions.new == 1


def test_rows_without_a_stamp_are_read_each_time(company: Company) -> None:
    company.run("ALTER TABLE interactions ALTER updated_at DROP NOT NULL")
    company.ingest()
    company.run(
        "INSERT INTO interactions VALUES (101, 'acme', '2026-01-12Z', 'order', 'hats', 1, NULL)"
    )
    assert company.ingest().interactions.new == 1


@pytest.mark.parametrize(
    ("columns", "fetched"),
    [
        ("recorded_at timestamptz", 4),
        ("recorded_at timestamp", 4),
        ("recorded_at date", 4),
        ("recorded_at text", 6),  # compared as texts, from a date on
    ],
)
def test_interactions_without_updated_at_are_told_by_when_they_were_recorded(
    company: Company, columns: str, fetched: int
) -> None:
    company.run(
        f"ALTER TABLE interactions DROP updated_at, ADD {columns}",
        "UPDATE interactions SET recorded_at = occurred_at",
    )
    company.ingest()
    assert company.ingest(lag=timedelta(days=3, hours=12)).fetched["interactions"] == fetched


def test_all_tables_are_read_at_one_moment(company: Company) -> None:
    def meanwhile(step: str) -> None:
        if step == "fetching interactions":
            company.run(
                "INSERT INTO customers (customer_id, joined_at) VALUES ('calm', '2026-03-01Z')",
                "INSERT INTO interactions VALUES"
                " (101, 'calm', '2026-04-12Z', 'order', 'hats', 1, '2026-04-12Z')",
            )

    assert company.ingest(progress=meanwhile).fetched == {"customers": 2, "interactions": 100}
    report = company.ingest()
    assert (report.tables["customers"].new, report.interactions.new) == (1, 1)
    assert report.interactions.pending == 0


TYPED = """
CREATE TYPE mood AS ENUM ('calm', 'cross');
CREATE TABLE customers (
    customer_id uuid, joined_at timestamp, left_at timestamptz, value_per_month numeric(8,2),
    segment mood, region char(8), name varchar, phone inet, born date, tags text[], flags jsonb,
    raw bytea, big numeric, small smallint, share real, price money, span interval, ids uuid[],
    profiling_objection boolean);
INSERT INTO customers VALUES
    ('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '2025-01-01 10:00', 'infinity', 12.50, 'cross',
     'south', 'Kim', '10.0.0.1', '1980-02-29', '{a,NULL}', '{"vip": true}', '\\xdead',
     12345678901234567890123, 3, 0.5, 7, '1 day', '{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}', true),
    ('b0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '2025-01-02 10:00', NULL, 'NaN', NULL, NULL, NULL,
     NULL, 'infinity', NULL, NULL, NULL, 'NaN', NULL, NULL, NULL, NULL, NULL, NULL),
    ('c0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '-infinity', NULL, 1, NULL, NULL, NULL,
     NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
"""


def test_every_type_comes_over_and_infinity_means_no_such_time(
    tmp_path: Path, postgres_url: str
) -> None:
    company = Company(tmp_path, postgres_url)
    company.run(TYPED)
    report = company.ingest(timezone="Europe/Rome", max_reject_share=0.5)
    assert report.naive_timestamps == 2
    # A start at no time is a row that cannot be used.
    assert report.reject_reasons == ["1 x joined_at: is missing (first: customers, line 3)"]
    frame = company.open().table("customers")
    assert frame is not None
    first, second = (frame.iloc[row].to_dict() for row in (0, 1))
    expected = {
        "customer_id": "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
        "joined_at": pd.Timestamp("2025-01-01T09:00Z"), "value_per_month": 12.5,
        "segment": "cross", "region": "south", "name": "Kim", "phone": "10.0.0.1/32",
        "born": "1980-02-29", "tags": "[a, NULL]", "flags": '{"vip": true}', "raw": "\\xDE\\xAD",
        "big": "12345678901234567890123", "small": "3", "share": "0.5", "price": "$7.00",
        "span": "1 day", "ids": "{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}",
        "profiling_objection": True,
    }  # fmt: skip
    assert {key: first[key] for key in expected} == expected
    for moment in (first["left_at"], second["left_at"], second["value_per_month"]):
        assert pd.isna(moment)


def test_a_very_large_text_comes_over(company: Company) -> None:
    company.run(
        "ALTER TABLE interactions ADD text text",
        "UPDATE interactions SET text = repeat('è', 20000000) WHERE interaction_id = 3",
    )
    assert company.ingest().interactions.new == 100
    frame = company.open().table("interactions")
    assert frame is not None
    assert frame.loc[frame["interaction_id"] == "3", "text"].str.len().tolist() == [20_000_000]
