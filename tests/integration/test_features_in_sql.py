"""A third engine: DuckDB's own SQL gives the figures of the compiled pass on the whole sample.

The SQL is made from the declared streams alone (benchmarks/plain_night.py), and knows nothing of
histories, buckets or codes: it reads the CSV file.
"""

from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import numpy as np
import pytest

from benchmarks.plain_night import columns
from models.settings import Settings
from pipelines import snapshots
from pipelines.features import matrix
from pipelines.history.ingest import ingest
from pipelines.history.store import History

SAMPLE = Path(__file__).parents[2] / "data_samples" / "sample"
NOW = datetime(2026, 7, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def history(tmp_path_factory):
    folder = tmp_path_factory.mktemp("history")
    ingest(folder, SAMPLE, now=NOW)
    return History.open(folder)


@pytest.mark.parametrize("day", [date(2026, 7, 1), date(2025, 3, 15)])
def test_every_feature_that_sql_can_say_is_the_same_for_every_customer(history, day):
    night = snapshots.night(day, ZoneInfo("UTC"), 6)
    ids = history.customers()["customer_id"].to_numpy(object)
    ours = {}
    for block in matrix.stream(history, [night], matrix.context(history, Settings())):
        ours |= dict(zip(ids[block.customers], block.values[0], strict=True))
    as_of = datetime.fromtimestamp(night.as_of, UTC)
    said = dict(columns(as_of))
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    query = ", ".join(f'{expression} AS "{name}"' for name, expression in said.items())
    by_sql = connection.sql(
        f"SELECT customer_id, {query} FROM read_csv('{SAMPLE}/interactions.csv') "  # noqa: S608
        f"WHERE occurred_at < '{as_of.isoformat()}' GROUP BY customer_id"
    ).df()
    assert len(said) > 200
    assert len(by_sql) > 1_000
    rows = np.stack([ours[customer] for customer in by_sql["customer_id"]])
    for name in said:
        np.testing.assert_allclose(
            rows[:, matrix.column(name)],
            by_sql[name].to_numpy(float),
            rtol=1e-9,
            atol=1e-9,
            err_msg=name,
        )
