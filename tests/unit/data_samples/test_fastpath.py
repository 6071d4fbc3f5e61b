"""A large world drawn at once is of the size asked for, and worth learning from."""

from __future__ import annotations

import filecmp
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_samples import fastpath, simulator
from data_samples.fastpath import FastSettings, write_fast
from data_samples.fastrows import ids
from data_samples.service import TOPIC_SHARES
from models.contracts import KINDS
from pipelines.history.ingest import ingest

SETTINGS = FastSettings(customers=6_000, interactions=300_000, seed=4, agents=50)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fast")
    write_fast(folder, SETTINGS)
    return folder


@pytest.fixture(scope="module")
def log(folder: Path) -> pd.DataFrame:
    return pq.read_table(folder / "interactions").to_pandas()


@pytest.fixture(scope="module")
def terms(folder: Path) -> pd.DataFrame:
    return pd.read_parquet(folder / "terms.parquet").set_index("customer_id")


def test_it_is_as_large_as_asked_for(folder: Path, log: pd.DataFrame):
    assert len(log) == pytest.approx(SETTINGS.interactions, rel=0.01)
    assert len(pd.read_parquet(folder / "customers.parquet")) == SETTINGS.customers
    assert log["interaction_id"].is_unique


def test_blocks_are_written_one_by_one_and_ids_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(fastpath, "ROWS_A_BLOCK", 50_000)
    rows = write_fast(tmp_path, SETTINGS)
    parts = sorted((tmp_path / "interactions").iterdir())
    assert len(parts) == 6
    tables = [pq.read_table(part).to_pandas() for part in parts]
    assert sum(map(len, tables)) == rows == pytest.approx(SETTINGS.interactions, rel=0.01)
    everything = pd.concat([table.astype(object) for table in tables])
    assert everything["interaction_id"].is_unique
    assert (
        everything.dropna(subset="case_id").groupby("case_id")["customer_id"].nunique().max() == 1
    )
    seen = [set(table["customer_id"]) for table in tables]
    assert not seen[0] & seen[1]


def test_the_same_settings_give_the_same_bytes(folder: Path, tmp_path: Path):
    write_fast(tmp_path, SETTINGS)
    names = ["customers.parquet", "terms.parquet", "interactions/part-00000.parquet"]
    assert filecmp.cmpfiles(folder, tmp_path, names, shallow=False)[0] == names


def test_it_passes_ingest_without_a_reject(folder: Path, tmp_path: Path):
    report = ingest(tmp_path, folder, now=datetime(2026, 7, 1, 1, tzinfo=UTC))
    assert report.unknown_customers == 0
    assert sum(counts.rejected for counts in report.tables.values()) == 0
    assert report.tables["interactions"].new == pytest.approx(SETTINGS.interactions, rel=0.01)


def test_rows_lie_by_customer_and_time_within_the_relationship(
    log: pd.DataFrame, terms: pd.DataFrame, folder: Path
):
    customers = pd.read_parquet(folder / "customers.parquet").set_index("customer_id")
    who = log["customer_id"].astype(str)
    assert who.is_monotonic_increasing
    assert (
        log.groupby("customer_id", observed=True)["occurred_at"].diff().dropna() >= pd.Timedelta(0)
    ).all()
    second = pd.Timedelta(seconds=1)
    assert (log["occurred_at"] >= who.map(customers["joined_at"]) - second).all()
    ended = who.map(terms["ended_at"])
    assert (ended.isna() | (log["occurred_at"] <= ended)).all()
    assert log["occurred_at"].max() < pd.Timestamp("2026-07-01", tz="UTC")
    assert set(log["kind"].unique()) <= set(KINDS)


def test_cases_are_opened_answered_and_solved_in_that_order(log: pd.DataFrame):
    cases = log.dropna(subset="case_id").astype({"kind": str})
    when = cases.pivot_table(index="case_id", columns="kind", values="occurred_at", observed=True)
    assert len(when) > 3_000
    both = when.dropna(subset=["case_opened", "message_out", "case_solved"])
    assert len(both) > 0.9 * len(when)
    assert (both["case_opened"] <= both["message_out"]).all()
    assert (both["message_out"] <= both["case_solved"]).all()
    opened = cases[cases["kind"] == "case_opened"]["topic"].astype(str).value_counts(normalize=True)
    assert opened["billing"] == pytest.approx(TOPIC_SHARES[0], abs=0.03)


def test_who_leaves_has_mostly_faded_before(log: pd.DataFrame, terms: pd.DataFrame):
    """Use in the last month over that of half a year before tells leavers from the others."""
    leaves = terms[["notice_at", "ended_at"]].min(axis=1)
    as_of = pd.Timestamp("2026-03-01", tz="UTC")
    settled = (terms["started_at"] < as_of - pd.Timedelta(days=240)) & ~(leaves < as_of)
    label = (leaves < as_of + pd.Timedelta(days=60))[settled]
    use = log[log["kind"] == "usage"]
    age = (as_of - use["occurred_at"]).dt.days
    who = use["customer_id"].astype(str)
    lately = who[age.between(0, 29)].value_counts().reindex(label.index, fill_value=0)
    before = who[age.between(90, 179)].value_counts().reindex(label.index, fill_value=0)
    fading = np.log1p(before / 3) - np.log1p(lately)
    ranks, positives = fading.rank(), int(label.sum())
    above = ranks[label].sum() - positives * (positives + 1) / 2
    assert positives > 50
    assert 0.65 < above / (positives * (len(label) - positives)) < 0.95


@pytest.mark.parametrize("number", [0, 7, 1_234_567_890])
def test_ids_are_prefix_and_ten_digits(number: int):
    assert ids("C", np.array([number])) == pa.array([f"C{number:010d}"])


def test_a_world_without_customers_is_refused(tmp_path: Path):
    with pytest.raises(ValueError, match="nothing was written"):
        write_fast(tmp_path / "none", FastSettings(customers=0))
    assert not (tmp_path / "none").exists()


def test_the_command_makes_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    arguments = [str(tmp_path), "--fast", "--customers", "300", "--interactions", "5000"]
    simulator.main(arguments)
    assert "interactions of 300 customers" in capsys.readouterr().out
    assert (tmp_path / "interactions" / "part-00000.parquet").exists()
