"""The committed sample is what the documented command makes, and is as large as promised."""

from __future__ import annotations

import shlex
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from data_samples import simulator
from data_samples.simulator import World, WorldSettings, write_history

ROOT = Path(__file__).parents[3]
SAMPLE = ROOT / "data_samples" / "sample"
TRUTH = ROOT / "tests" / "data" / "sample_truth.csv"
TABLES = ("customers", "interactions", "terms", "agents", "consents", "owners")


def documented_command() -> list[str]:
    """Arguments of the command in the README that made the sample."""
    lines = (ROOT / "data_samples" / "README.md").read_text().splitlines()
    line = next(line for line in lines if line.startswith("python -m data_samples.simulator"))
    return shlex.split(line)[3:]


def read(name: str) -> pd.DataFrame:
    return pd.read_csv(SAMPLE / f"{name}.csv", low_memory=False)


def test_the_documented_command_makes_the_committed_sample_to_the_byte(tmp_path: Path):
    arguments = documented_command()
    assert arguments[0] == "data_samples/sample"
    arguments[0] = str(tmp_path)
    arguments[arguments.index("--truth") + 1] = str(tmp_path / "truth.csv")
    simulator.main(arguments)
    for name in TABLES:
        assert (tmp_path / f"{name}.csv").read_bytes() == (SAMPLE / f"{name}.csv").read_bytes(), (
            name
        )
    assert (tmp_path / "truth.csv").read_bytes() == TRUTH.read_bytes()


def test_the_sample_keeps_its_limits():
    assert sum(path.stat().st_size for path in SAMPLE.iterdir()) < 5_000_000
    assert {path.stem for path in SAMPLE.iterdir()} == set(TABLES)
    assert 1_900 <= len(read("customers")) <= 2_100
    log = read("interactions")
    assert 55_000 <= len(log) <= 65_000
    assert log["occurred_at"].min() >= "2024-07-01"
    assert "2026-06-30" <= log["occurred_at"].max() < "2026-07-01"


def test_the_sample_is_enough_to_train_on_and_to_be_refused_by():
    terms = read("terms")
    left = terms[terms["end_kind"].isin(["cancelled", "not_renewed"])]
    assert left["customer_id"].nunique() > 400
    assert (left["ended_at"] >= "2025-07-01").sum() > 100
    assert (read("consents")["state"] == "refused").sum() > 20
    assert 1 <= read("customers")["profiling_objection"].sum() <= 30
    assert read("customers")["parent_id"].notna().sum() > 5


def test_every_time_of_the_sample_carries_its_offset():
    log, customers = read("interactions"), read("customers")
    for times in (log["occurred_at"], customers["joined_at"], read("terms")["started_at"]):
        assert times.str.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ").all()


def test_the_sample_points_to_rows_that_exist():
    customers, owners = read("customers"), read("owners")
    known = set(customers["customer_id"])
    for name in ("interactions", "terms", "consents"):
        assert set(read(name)["customer_id"]) <= known
    assert set(customers["owner_id"]) <= set(owners["owner_id"])
    assert set(customers["parent_id"].dropna()) <= known
    assert set(read("interactions")["agent_id"].dropna()) <= set(read("agents")["agent_id"])
    assert customers["email"].dropna().str.endswith("@example.org").all()


def test_parquet_is_streamed_with_the_rows_that_advance_gives(tmp_path: Path):
    settings = WorldSettings(customers=200, seed=2)
    written = write_history(tmp_path, World(settings), 40)
    expected = World(settings).advance(40)
    table = pq.read_table(tmp_path / "interactions.parquet").to_pandas()
    assert written == len(expected)
    assert table.astype(object).equals(expected.astype(object))
    assert {path.name for path in tmp_path.iterdir()} == {f"{name}.parquet" for name in TABLES}


@pytest.mark.parametrize("file_format", ["csv", "parquet"])
def test_the_command_writes_either_format(
    tmp_path: Path, file_format: str, capsys: pytest.CaptureFixture[str]
):
    simulator.main([str(tmp_path), "--customers", "100", "--days", "20", "--format", file_format])
    assert (tmp_path / f"customers.{file_format}").exists()
    assert "customers in" in capsys.readouterr().out
