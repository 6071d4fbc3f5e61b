"""Today's state tells the future of every past day; the history tells when it was known."""

from __future__ import annotations

from datetime import UTC, datetime, time
from pathlib import Path

import pandas as pd
import pytest

from data_samples.company import Company, write_as_known_today, write_with_history
from data_samples.simulator import World, WorldSettings
from pipelines.history.ingest import ingest
from tests.unit.data_samples.conftest import delivered


@pytest.fixture(scope="module")
def today(company: Company, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("today")
    write_as_known_today(folder, company)
    return folder


@pytest.fixture(scope="module")
def history(company: Company, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("history")
    write_with_history(folder, company)
    return folder


def read(folder: Path, name: str) -> pd.DataFrame:
    return pd.read_parquet(folder / f"{name}.parquet")


def test_the_history_has_every_row_that_was_delivered(company: Company, history: Path):
    for name in ("customers", "terms", "interactions", "identities", "attributes", "rates"):
        assert len(read(history, name)) == len(delivered(company, name))
        if name != "rates":
            assert "recorded_at" in read(history, name)


def test_todays_state_has_one_row_a_key_and_no_date_of_knowing(today: Path):
    for name, key in (
        ("customers", "customer_id"), ("terms", "term_id"), ("interactions", "interaction_id"),
    ):  # fmt: skip
        rows = read(today, name)
        assert rows[key].is_unique
        assert not {"recorded_at", "updated_at", "deleted_at"} & set(rows.columns)


def test_todays_interactions_are_the_newest_versions_of_the_living_rows(
    company: Company, today: Path
):
    rows, log = read(today, "interactions"), delivered(company, "interactions")
    withdrawn = set(log.loc[log["deleted_at"].notna(), "interaction_id"])
    assert set(rows["interaction_id"]) == set(log["interaction_id"]) - withdrawn
    fixed = log[log["updated_at"].notna() & log["deleted_at"].isna()].set_index("interaction_id")
    mine = rows.set_index("interaction_id").loc[fixed.index]
    assert (mine["topic"].fillna("") == fixed["topic"].fillna("")).all()
    assert (mine["score"].fillna(0) == fixed["score"].fillna(0)).all()


def test_todays_customers_go_by_their_surviving_ids(company: Company, today: Path):
    merged = set(company.survivors().index)
    assert merged
    for name in ("customers", "terms", "interactions", "consents"):
        assert not merged & set(read(today, name)["customer_id"])
    log = read(today, "interactions")
    # A key that identities do not tell yet is still the help desk's.
    assert log["customer_id"].str.startswith("hd-").mean() < 0.01


def test_today_nobody_who_left_is_worth_anything_and_all_who_stay_have_a_date_ahead(
    company: Company, today: Path
):
    terms = read(today, "terms")
    gone = terms["end_kind"].notna()
    assert (terms.loc[gone, "value_per_month"] == 0).all()
    assert (terms.loc[~gone, "value_per_month"] > 0).all()
    # A planned end is rolled on: in one's own past, it gives the future away.
    lag = pd.Timedelta(days=14)
    running = terms[terms["ended_at"].isna() & terms["ends_at"].notna()]
    assert (running["ends_at"] > pd.Timestamp(company.world.today, tz="UTC") - lag).all()


def test_todays_crm_columns_betray_who_left(company: Company, today: Path):
    customers, terms = read(today, "customers"), read(today, "terms")
    assert {"status", "health", "last_contact_at", "tickets", "seats"} <= set(customers.columns)
    running = set(terms.loc[terms["end_kind"].isna(), "customer_id"])
    churned = set(customers.loc[customers["status"] == "churned", "customer_id"])
    assert len(churned) > 100
    assert not churned & running
    assert (customers.loc[customers["status"] == "churned", "health"] == "red").all()
    assert set(customers["health"]) == {"red", "amber", "green"}


def test_both_exports_can_be_ingested_and_nothing_is_rejected(
    company: Company, today: Path, history: Path, tmp_path: Path
):
    now = datetime.combine(company.world.today, time(1), UTC)
    for name, folder in (("today", today), ("history", history)):
        report = ingest(tmp_path / name, folder, now=now)
        assert sum(counts.rejected for counts in report.tables.values()) == 0
        assert report.tables["interactions"].new > 30_000


def test_nothing_can_be_exported_before_the_first_night(tmp_path: Path):
    company = Company(tmp_path / "feeds", World(WorldSettings(customers=20, days=10)))
    for write in (write_as_known_today, write_with_history):
        with pytest.raises(ValueError, match="nothing was delivered yet"):
            write(tmp_path / "export", company)
