"""A SQLite file as a source: the same history as from files, and only what is newer."""

from __future__ import annotations

import csv
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from models.errors import WarmlineError
from pipelines.history.ingest import ingest
from pipelines.history.store import History
from tests.integration.history.companies import SAMPLE, Company
from tests.integration.history.test_database import same

LATE = datetime(2026, 7, 1, 6, tzinfo=UTC)


def filled(path: Path, *tables: str) -> Path:
    """A database of the sample's files, as text columns."""
    with sqlite3.connect(path) as connection:
        for table in tables:
            with (SAMPLE / f"{table}.csv").open(encoding="utf-8") as file:
                header, *rows = csv.reader(file)
            connection.execute(f"CREATE TABLE {table} ({', '.join(header)})")
            marks = ", ".join("?" * len(header))
            connection.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)  # noqa: S608
    connection.close()
    return path


def test_the_sample_from_sqlite_gives_the_history_that_its_files_give(tmp_path: Path) -> None:
    path = filled(tmp_path / "sample.db", *(file.stem for file in SAMPLE.glob("*.csv")))
    company = Company(tmp_path, f"sqlite:///{path}")
    company.ingest(now=LATE)
    ingest(tmp_path / "files", SAMPLE, now=LATE)
    same(company.open(), History.open(tmp_path / "files"))
    # The newest is of 30 June; a text is compared from a date on, and so a day more comes.
    last = company.ingest(now=LATE, lag=timedelta(days=1))
    assert last.since == {"interactions": "2026-06-28"}
    assert 0 < last.fetched["interactions"] < 1000
    assert not last.changed


def test_a_column_may_change_its_type_from_row_to_row(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "crm.db") as connection:
        connection.executescript(
            "CREATE TABLE customers (customer_id, joined_at);"
            "CREATE TABLE interactions (interaction_id, customer_id, occurred_at, kind, topic);"
            "INSERT INTO customers VALUES ('acme', '2025-01-01T00:00:00Z');"
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)"
            " INSERT INTO interactions SELECT i, 'acme', '2026-01-01T10:00:00Z', 'order',"
            " CASE WHEN i < 2500 THEN NULL WHEN i % 2 = 0 THEN i ELSE 'shoes' END FROM n;"
        )
    connection.close()
    company = Company(tmp_path, f"sqlite:///{tmp_path}/crm.db")
    assert company.ingest().interactions.new == 3000
    topics = company.topics()
    assert (topics["2998"], topics["2999"]) == ("2998", "shoes")
    assert sum(topic in ("2998", "shoes") for topic in topics.values()) == 251
    assert set(company.open().sources) == {"crm"}


@pytest.mark.parametrize("path", ["none/crm.db", "crm.txt"])
def test_a_file_that_is_no_database_is_named(tmp_path: Path, path: str) -> None:
    (tmp_path / "crm.txt").write_text("customer_id,joined_at\n" * 1000)
    company = Company(tmp_path, f"sqlite:///{tmp_path}/{path}")
    with pytest.raises(WarmlineError, match="Nothing was changed") as caught:
        company.ingest()
    assert path in str(caught.value)
    assert ("there is no such file" in str(caught.value)) is (path == "none/crm.db")
    assert not (tmp_path / "none").exists()
