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
    for block in matrix.stream(history, [night], matrix.context(history, Settings(), [night])):
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


GAPS = """source,kind,from,to
shop,order,2026-05-01T00:00:00Z,2026-06-10T00:00:00Z
shop,order,2026-06-20T12:00:00Z,2026-07-20T00:00:00Z
"""
CALENDARS = "team,weekday,opens,closes,timezone\n" + "".join(
    f"default,{weekday},{opens},{closes},Europe/Rome\n"
    for weekday in range(5)
    for opens, closes in (("09:00", "13:00"), ("14:00", "17:30"))
)
# Days without an order, less the part of the gaps between the last order and the night.
ALIVE = """
SELECT customer_id, epoch(night - newest) / 86400 - coalesce(sum(greatest(0, epoch(
    least(night, gap_to) - greatest(newest, gap_from)))) / 86400, 0)
FROM (
    SELECT customer_id, max(occurred_at) AS newest, '{night}'::TIMESTAMPTZ AS night
    FROM read_csv('{sample}/interactions.csv')
    WHERE kind = 'order' AND occurred_at < '{night}' GROUP BY customer_id
), (SELECT "from" AS gap_from, "to" AS gap_to FROM read_csv('{extra}/feed_gaps.csv'))
GROUP BY customer_id, newest, night
"""
# Hours from opening to each solution of the last year, as far as they lie in opening hours.
WORKED = """
WITH hours AS (
    SELECT timezone('Europe/Rome', day + opens) AS opens,
        timezone('Europe/Rome', day + closes) AS closes
    FROM (SELECT unnest(generate_series(TIMESTAMP '2020-01-01', TIMESTAMP '2026-12-31',
        INTERVAL 1 DAY)) AS day)
    JOIN (SELECT weekday, opens::VARCHAR::TIME::VARCHAR::INTERVAL AS opens,
        closes::VARCHAR::TIME::VARCHAR::INTERVAL AS closes FROM read_csv('{extra}/calendars.csv'))
    ON isodow(day) = weekday + 1
), events AS (
    SELECT *, min(occurred_at) FILTER (WHERE kind = 'case_opened')
        OVER (PARTITION BY customer_id, case_id) AS opened
    FROM read_csv('{sample}/interactions.csv') WHERE occurred_at < '{night}'
), solutions AS (
    SELECT customer_id, occurred_at, opened, row_number() OVER () AS solution
    FROM events WHERE kind = 'case_solved' AND occurred_at > opened
        AND occurred_at >= '{night}'::TIMESTAMPTZ - INTERVAL 31536000 SECONDS
), worked AS (
    SELECT customer_id, solution, coalesce(sum(greatest(0, epoch(
        least(occurred_at, closes) - greatest(opened, hours.opens))))
        FILTER (WHERE closes IS NOT NULL), 0) / 3600 AS worked
    FROM solutions LEFT JOIN hours ON hours.opens < occurred_at AND closes > opened
    GROUP BY customer_id, solution
)
SELECT customer_id, avg(worked) FROM worked GROUP BY customer_id
"""


@pytest.mark.parametrize(
    ("name", "query", "least"),
    [("days_since_order", ALIVE, 100), ("resolved_business_mean_365", WORKED, 100)],
)
def test_gaps_and_opening_hours_are_as_sql_says_them(tmp_path, name, query, least):
    extra = tmp_path / "extra"
    extra.mkdir()
    (extra / "feed_gaps.csv").write_text(GAPS)
    (extra / "calendars.csv").write_text(CALENDARS)
    ingest(tmp_path / "history", SAMPLE, now=NOW)
    ingest(tmp_path / "history", extra, now=NOW)
    history = History.open(tmp_path / "history")
    night = snapshots.night(date(2026, 7, 1), ZoneInfo("UTC"), 6)
    context = matrix.context(history, Settings(), [night])
    ids = history.customers()["customer_id"].to_numpy(object)
    ours = {}
    for block in matrix.stream(history, [night], context):
        figures = block.values[0, :, matrix.column(name)]
        ours |= dict(zip(ids[block.customers], figures.tolist(), strict=True))
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    said = query.format(sample=SAMPLE, extra=extra, night="2026-07-01T00:00:00Z")
    by_sql = dict(connection.execute(said).fetchall())
    assert len(by_sql) > least
    known = {customer: figure for customer, figure in ours.items() if not np.isnan(figure)}
    assert known == pytest.approx(by_sql, rel=1e-9, abs=1e-9)
