"""Spark, in local mode, against this machine: the same scores, rows and features, and what happens
when a task dies."""

from __future__ import annotations

import shutil
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray

from models.batch import ScoreBatch
from models.errors import WarmlineError
from models.home import Home
from models.settings import Settings, SparkTable, load
from models.settings import Spark as Asked
from pipelines.features import matrix
from pipelines.history.store import History
from pipelines.score import score
from pipelines.spark.engine import Spark
from pipelines.spark.tables import Tables
from pipelines.trainingset import assemble
from pipelines.walks import Engine, Local
from tests.spark import Fails, KilledOnce, assert_close, everyone, rows_of
from warmline import SAMPLE, SAMPLE_NIGHT, main

NOW = datetime(2026, 7, 1, 7, tzinfo=UTC)
DATES = (date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 1))
FAR = 4_000_000_000  # seconds: after every row


@pytest.fixture(scope="module")
def home(demo_made: Path, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """The sample with its champion."""
    place = tmp_path_factory.mktemp("spark") / "home"
    shutil.copytree(demo_made / "home", place)
    return Home(place)


def settings_of(home: Home, **changed: Any) -> Settings:
    return load(home.root, {}).model_copy(update=changed)


def scored(home: Home, run: str, engine: Engine, settings: Settings) -> ScoreBatch:
    score(home, settings, as_of=SAMPLE_NIGHT, run=run, started=NOW, engine=engine)
    return ScoreBatch.open(home.scores, SAMPLE_NIGHT, run)


def assert_same(ours: ScoreBatch, theirs: ScoreBatch, but: frozenset[str] = frozenset()) -> None:
    """The same scores, reasons, customers left out and facts."""
    one, other = (batch.table().to_pydict() for batch in (ours, theirs))
    numbers = ("churn_probability", "percentile", "value_at_risk", "fading")
    for name in numbers:
        assert_close(*(np.array(table.pop(name), np.float64) for table in (one, other)))
    weights = [
        [reason.pop("weight") for some in table["reasons"] if some for reason in some]
        for table in (one, other)
    ]
    assert weights[0]
    assert_close(*map(np.array, weights))
    assert one == other
    assert ours.manifest.not_scored == theirs.manifest.not_scored
    facts = [
        {name: said for name, said in batch.manifest.facts.items() if name not in but}
        for batch in (ours, theirs)
    ]
    assert facts[0] == facts[1]


def test_it_scores_the_sample_as_this_machine_does(spark, home):
    settings = settings_of(home)
    assert_same(
        scored(home, "on-spark", Spark(spark), settings),
        scored(home, "here", Local(), settings),
    )


def test_the_command_runs_on_the_session_that_there_is(spark, home):
    command = ["score", "--engine", "spark", "--as-of", "2026-07-01", "--json"]
    done = CliRunner().invoke(main, [*command, "--home", str(home.root)])
    assert done.exit_code == 0, done.output
    assert '"rows": 1300' in done.stdout
    assert spark.range(3).count() == 3  # not stopped: others use it


@pytest.mark.parametrize("label", ["contractual", "non_contractual"])
def test_training_learns_from_the_same_rows(spark, home, label):
    training = settings_of(home).training.model_copy(update={"label": label})
    settings = settings_of(home, training=training)
    history = History.open(home.history)
    ours, theirs = (
        assemble(history, settings, DATES, 90, engine=engine) for engine in (Spark(spark), Local())
    )
    assert len(ours.data) > 1000
    assert_close(ours.data.X, theirs.data.X)
    for name in ("y", "customer", "as_of"):
        assert np.array_equal(getattr(ours.data, name), getattr(theirs.data, name))
    assert np.array_equal(ours.silence, theirs.silence)
    sent = [(rows.data.contacts.after, rows.data.contacts.lately) for rows in (ours, theirs)]
    for here, there in zip(*sent, strict=True):
        assert np.array_equal(here, there, equal_nan=True)


def test_a_worker_that_is_killed_only_delays(spark, home, tmp_path):
    walk = everyone(History.open(home.history), [matrix.Night(FAR, FAR)], settings_of(home))
    flag = tmp_path / "killed"
    counts = [many for many, _ in Spark(spark).walk(walk, KilledOnce(str(flag)))]
    assert flag.exists()
    assert sum(counts) == len(walk.history.people())


def test_a_task_that_keeps_failing_says_why(spark, home):
    walk = everyone(History.open(home.history), [matrix.Night(FAR, FAR)], settings_of(home))
    with pytest.raises(WarmlineError, match="this row is one too many") as failed:
        list(Spark(spark).walk(walk, Fails()))
    assert "\n" not in str(failed.value)


def lake_of_sample(folder: Path, mapping: Path) -> Asked:
    """The sample as a lake would hold it: Parquet, of which the interactions are named otherwise
    and mapped."""
    mapping.mkdir()
    for path in SAMPLE.glob("*.csv"):
        nulls = pa.csv.ConvertOptions(strings_can_be_null=True)
        rows = pa.csv.read_csv(path, convert_options=nulls)
        # A column without any value has no type in CSV; a lake's has one.
        empty = [field.name for field in rows.schema if pa.types.is_null(field.type)]
        for name in empty:
            place = rows.schema.get_field_index(name)
            rows = rows.set_column(place, name, rows[name].cast(pa.string()))
        if path.stem == "interactions":
            rows = rows.rename_columns({"occurred_at": "at", "customer_id": "who"})
            query = "SELECT * EXCEPT (at, who), at AS occurred_at, who AS customer_id FROM log"
        else:
            query = f"SELECT * FROM {path.stem}"  # noqa: S608
        name = "log" if path.stem == "interactions" else path.stem
        pq.write_table(rows, folder / f"{name}.parquet")
        (mapping / f"{path.stem}.sql").write_text(query)
    tables = {path.stem: SparkTable(path=str(path)) for path in sorted(folder.glob("*.parquet"))}
    return Asked(tables=tables, mapping=str(mapping))


def test_a_lake_is_scored_as_if_it_had_been_ingested(spark, home, tmp_path):
    settings = settings_of(home, spark=lake_of_sample(tmp_path, tmp_path / "mapping"))
    stored = History.open(home.history)
    seen = int(datetime.fromisoformat(stored.manifest.ingested_at).timestamp())
    tables = Tables(spark, settings, seen)
    ours = scored(home, "lake", tables, settings)
    theirs = scored(home, "ingested", Local(), settings)
    # What a lake is not: generations, and a feed named for its folder.
    assert_same(ours, theirs, frozenset({"history_generation", "watermarks", "checks"}))
    assert list(ours.manifest.facts["watermarks"].values()) == list(
        theirs.manifest.facts["watermarks"].values()
    )
    of_both = (batch.manifest.facts["checks"] for batch in (ours, theirs))
    names = [[check["name"] for check in checks] for checks in of_both]
    assert names[0] == names[1]
    assert tables.notes() == []


def small_lake(
    folder: Path, interactions: pa.Table, customers: list[str], **tables: pa.Table
) -> Asked:
    joined = [datetime(2024, 1, 1, tzinfo=UTC)] * len(customers)
    tables |= {
        "customers": pa.table({"customer_id": customers, "joined_at": joined}),
        "interactions": interactions,
    }
    for name, rows in tables.items():
        pq.write_table(rows, folder / f"{name}.parquet")
    paths = {name: SparkTable(path=str(folder / f"{name}.parquet")) for name in tables}
    return Asked(tables=paths)


def interactions(customers: list[str], seconds: NDArray[np.int64], **columns: Any) -> pa.Table:
    times = pa.array(seconds, pa.int64()).cast(pa.timestamp("s", "UTC"))
    ids = [f"i{number}" for number in range(len(customers))]
    given = {"interaction_id": ids, "customer_id": customers, "occurred_at": times}
    return pa.table(given | {"kind": ["usage"] * len(customers)} | columns)


JANUARY = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp())


def test_a_customer_with_a_million_interactions_is_one_like_others(spark, tmp_path):
    many = 1_000_000
    customers = ["calm"] * 3 + ["giant"] * many + ["mild"] * 2
    seconds = JANUARY - 1 - np.arange(len(customers)) * 20 % (300 * 86_400)
    asked = small_lake(
        tmp_path, interactions(customers, seconds), ["calm", "giant", "mild", "never"]
    )
    settings = Settings(spark=asked)
    tables = Tables(spark, settings, FAR)
    history = tables.history(tmp_path, ())
    values = rows_of(tables, everyone(history, [matrix.Night(JANUARY, FAR)], settings))
    counts = values[0, :, matrix.column("usage_count_365")]
    assert counts.tolist() == [3, many, 2, 0]
    giant = seconds[3 : 3 + many]
    for days in (7, 30, 90, 180):
        inside = int((giant >= JANUARY - days * 86_400).sum())
        assert values[0, 1, matrix.column(f"usage_count_{days}")] == inside


def test_tables_lie_in_the_catalogue_or_in_files_of_any_format(spark, tmp_path):
    """Interactions in a table of the catalogue, customers in CSV with options, terms as JSON."""
    rows = interactions(["a", "a", "b"], np.full(3, JANUARY - 60))
    pq.write_table(rows, tmp_path / "log.parquet")
    spark.sql(f"CREATE DATABASE lake LOCATION '{tmp_path}/warehouse'")
    spark.sql(f"CREATE TABLE lake.log USING parquet LOCATION '{tmp_path}/log.parquet'")
    (tmp_path / "people.csv").write_text("customer_id;joined_at\na;2024-01-01\nb;2024-01-01\n")
    (tmp_path / "terms.json").write_text(
        '{"term_id":"1","customer_id":"b","started_at":"2025-01-01","ends_at":"2026-02-01",'
        '"recorded_at":"2025-01-01"}'
    )
    tables = {
        "interactions": SparkTable(table="lake.log"),
        "customers": SparkTable(
            path=str(tmp_path / "people.csv"),
            format="csv",
            options={"header": "true", "sep": ";"},
        ),
        "terms": SparkTable(path=str(tmp_path / "terms.json"), format="json"),
    }
    settings = Settings(spark=Asked(tables=tables))
    lake = Tables(spark, settings, FAR)
    try:
        walk = everyone(lake.history(tmp_path, ()), [matrix.Night(JANUARY, FAR)], settings)
        values = rows_of(lake, walk)[0]
    finally:
        spark.sql("DROP DATABASE lake CASCADE")
    assert values[:, matrix.column("usage_count_365")].tolist() == [2, 1]
    assert values[1, matrix.column("days_to_term_end")] == 31


def test_what_a_lake_holds_of_nobody_and_what_cannot_be_used_is_told(spark, tmp_path):
    rows = interactions(
        ["a"] * 200 + ["stranger"], np.full(201, JANUARY - 60), value=["1"] * 199 + ["many", "1"]
    )
    settings = Settings(spark=small_lake(tmp_path, rows, ["a"]))
    tables = Tables(spark, settings, FAR)
    walk = everyone(tables.history(tmp_path, ()), [matrix.Night(JANUARY, FAR)], settings)
    assert rows_of(tables, walk)[0, 0, matrix.column("usage_count_365")] == 199
    told = "\n".join(tables.notes())
    assert "1 interactions of customers whom no table names" in told
    assert "`value`" in told
    strict = settings.model_copy(
        update={"ingest": settings.ingest.model_copy(update={"max_reject_share": 0.001})}
    )
    with pytest.raises(WarmlineError, match="more than the 0% of max_reject_share"):
        rows_of(Tables(spark, strict, FAR), walk)


def test_ids_of_other_systems_and_merged_customers_find_their_customer(spark, tmp_path):
    identities = pa.table(
        {
            "system": ["desk", "crm"],
            "external_id": ["d-1", "b"],
            "customer_id": ["a", "b"],
            "merged_into": [None, "a"],
        }
    )
    rows = interactions(["a", "d-1", "b"], np.full(3, JANUARY - 60), source=["desk"] * 3)
    settings = Settings(spark=small_lake(tmp_path, rows, ["a", "b"], identities=identities))
    tables = Tables(spark, settings, FAR)
    walk = everyone(tables.history(tmp_path, ()), [matrix.Night(JANUARY, FAR)], settings)
    counts = rows_of(tables, walk)[0, :, matrix.column("usage_count_365")]
    assert counts.tolist() == [3, 0]
    assert tables.notes() == []
