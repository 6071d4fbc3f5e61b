"""What a company delivers does not depend on how often it is asked, and changes nothing true."""

from __future__ import annotations

import filecmp
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pandas as pd
import pytest

from data_samples import simulator
from data_samples.company import Company, CompanySettings
from data_samples.simulator import World, WorldSettings
from pipelines.history.ingest import ingest
from pipelines.history.store import History
from tests.unit.data_samples.conftest import delivered, through_the_nights

SMALL = WorldSettings(customers=250, days=120, seed=5, uses_per_month=4, win_backs=0.5)
# Everything often enough that 120 days of 250 customers see it.
PLENTY = CompanySettings(
    corrected=0.3, deleted=0.05, repeated=0.1, conflicting=0.1, second_ids=0.2, wrong_merges=0.1,
    undone_after_days=10, found_after_days=20, pauses=1.0, plan_changes=1.5, add_ons=0.5,
    add_ons_lost=1.0, discounts=3.0, disagreeing=0.2, owner_changes=1.0,
)  # fmt: skip
TABLES = (
    "customers", "terms", "interactions", "identities", "attributes", "agents", "owners",
    "consents", "rates", "feed_gaps", "calendars", "holidays",
)  # fmt: skip


def comparable(table: pd.DataFrame) -> pd.DataFrame:
    rows = table.drop(columns="night").astype(str)
    return rows.sort_values(list(rows.columns)).reset_index(drop=True)


@pytest.fixture(scope="module")
def nightly(tmp_path_factory: pytest.TempPathFactory) -> Company:
    return through_the_nights(Company(tmp_path_factory.mktemp("n"), World(SMALL), PLENTY), 45)


@pytest.fixture(scope="module")
def at_once(tmp_path_factory: pytest.TempPathFactory) -> Company:
    return through_the_nights(Company(tmp_path_factory.mktemp("o"), World(SMALL), PLENTY), 0)


@pytest.mark.parametrize("table", TABLES)
def test_all_nights_together_are_what_one_delivery_brings(
    nightly: Company, at_once: Company, table: str
):
    whole = delivered(at_once, table)
    assert len(whole)
    pd.testing.assert_frame_equal(
        comparable(delivered(nightly, table)), comparable(whole), check_dtype=False
    )


def test_the_same_settings_give_the_same_bytes(at_once: Company, tmp_path: Path):
    again = through_the_nights(Company(tmp_path, World(SMALL), PLENTY), 0)
    (mine,), (other,) = again.deliveries(), at_once.deliveries()
    names = sorted(path.name for path in mine.iterdir())
    assert names == sorted(path.name for path in other.iterdir())
    assert filecmp.cmpfiles(mine, other, names, shallow=False)[0] == names


def test_another_seed_of_the_feeds_tells_of_the_same_world_in_another_way(
    at_once: Company, tmp_path: Path
):
    settings = CompanySettings(seed=2)
    other = through_the_nights(Company(tmp_path, World(SMALL), settings), 0)
    truth = at_once.world.truth()
    pd.testing.assert_frame_equal(other.world.truth(), truth)
    assert not delivered(other, "terms").equals(delivered(at_once, "terms"))


def test_feeds_change_nothing_in_the_truth(at_once: Company):
    alone = World(SMALL)
    alone.advance(SMALL.days)
    told = at_once.truth()
    pd.testing.assert_frame_equal(told.drop(columns="surviving_id"), alone.truth())


def test_with_nothing_planted_the_feeds_bring_the_world_itself(tmp_path: Path):
    plain = through_the_nights(Company(tmp_path, World(SMALL), CompanySettings.plain()), 10)
    alone = World(SMALL)
    log = alone.advance(SMALL.days).set_index("interaction_id").sort_index()
    told = delivered(plain, "interactions").set_index("interaction_id").sort_index()
    assert told.index.equals(log.index)
    for column in ("occurred_at", "kind", "topic", "score", "value"):
        assert told[column].astype(str).tolist() == log[column].astype(str).tolist(), column
    assert told[["recorded_at", "updated_at", "deleted_at"]].isna().all(axis=None)
    # In the night after it happened, at the latest.
    known = pd.to_datetime(told["night"], utc=True)
    assert (told["occurred_at"] < known).all()


def test_no_night_brings_what_had_not_been_known_yet(nightly: Company):
    for table in ("interactions", "terms", "customers", "identities", "attributes"):
        rows = delivered(nightly, table)
        night = pd.to_datetime(rows["night"], utc=True)
        for column in ("recorded_at", "updated_at", "deleted_at", "occurred_at"):
            if column in rows:
                assert (rows[column].isna() | (rows[column] < night)).all(), (table, column)


def test_every_night_can_be_ingested_and_nothing_is_rejected(nightly: Company, tmp_path: Path):
    rejected = waiting = 0
    for folder in nightly.deliveries()[-12:]:
        day = date.fromisoformat(folder.name.removeprefix("night-"))
        report = ingest(tmp_path, folder, now=datetime.combine(day, time(1), UTC))
        rejected += sum(counts.rejected for counts in report.tables.values())
        waiting = report.unknown_customers
        assert not report.ignored
    assert rejected == 0
    assert waiting > 0  # the customers of the nights before are not known in this history


def test_a_history_of_all_nights_knows_every_customer(nightly: Company, tmp_path: Path):
    nights = nightly.deliveries()
    for folder in (nights[0], *nights[1:4]):
        day = date.fromisoformat(folder.name.removeprefix("night-"))
        ingest(tmp_path, folder, now=datetime.combine(day, time(1), UTC))
    history = History.open(tmp_path)
    told = pd.concat([pd.read_parquet(path) for path in nights[0].glob("customers-*")])
    assert set(told["customer_id"]) <= set(history.numbers)


def test_a_night_that_is_over_is_refused(nightly: Company):
    with pytest.raises(ValueError, match="is over: the next is after"):
        nightly.night(nightly.world.today)


def test_a_world_that_has_lived_is_refused(tmp_path: Path):
    world = World(SMALL)
    world.advance(1)
    with pytest.raises(ValueError, match="has not advanced"):
        Company(tmp_path, world)


def test_the_command_delivers_a_backlog_and_the_nights_after_it(tmp_path: Path):
    out = tmp_path / "feeds"
    simulator.main([str(out), "--customers", "100", "--days", "30", "--nights", "3"])
    first = date(2026, 6, 28)
    expected = {f"night-{first + timedelta(days=days)}" for days in range(4)}
    assert {path.name for path in out.iterdir()} == expected


@pytest.mark.parametrize("wrong", [["--nights", "30"], ["--fast", "--nights", "3"]])
def test_the_command_refuses_nights_that_cannot_be(
    tmp_path: Path, wrong: list[str], capsys: pytest.CaptureFixture[str]
):
    with pytest.raises(SystemExit):
        simulator.main([str(tmp_path / "feeds"), "--days", "30", *wrong])
    assert "nights" in capsys.readouterr().err
    assert not (tmp_path / "feeds").exists()
