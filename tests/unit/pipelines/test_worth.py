"""What customers are worth at a night, out of a real history, and what is said of the others."""

from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest

from models.home import create
from pipelines.history.ingest import ingest
from pipelines.history.store import History
from pipelines.undated import left_out
from pipelines.values import worth
from tests.unit.pipelines.term_tables import night

NOW = datetime(2026, 7, 1, tzinfo=UTC)
INTERACTIONS = "interaction_id,customer_id,occurred_at,kind\n1,a,2026-01-01T00:00Z,order\n"
CUSTOMERS = """customer_id,joined_at,value_per_month,currency
a,2025-01-01T00:00Z,10,EUR
b,2025-01-01T00:00Z,20,CHF
c,2025-01-01T00:00Z,,
d,2025-01-01T00:00Z,99,EUR
e,2025-01-01T00:00Z,,
"""
TERMS = """customer_id,term_id,started_at,ends_at,value_per_month,currency
d,1,2025-02-01T00:00Z,2027-02-01T00:00Z,30,EUR
d,2,2025-02-01T00:00Z,,5,
e,3,2025-02-01T00:00Z,,7,USD
e,4,2025-02-01T00:00Z,,1,EUR
"""
RATES = """currency,date,rate
CHF,2026-01-01,1.5
CHF,2026-04-01,2
USD,2026-06-01,0.5
"""


def company(folder: Path, **tables: str) -> History:
    source = folder / "source"
    source.mkdir()
    for name, text in {"interactions": INTERACTIONS, **tables}.items():
        (source / f"{name}.csv").write_text(text, encoding="utf-8")
    home, _ = create(folder / "home")
    ingest(home.history, source, now=NOW)
    return History.open(home.history)


def test_running_terms_are_worth_their_sum_and_customers_without_any_what_their_row_says(tmp_path):
    found = worth(company(tmp_path, customers=CUSTOMERS, terms=TERMS), night("2026-05-01"), "EUR")
    assert found.amount == pytest.approx([10, np.nan, np.nan, 35, np.nan], nan_ok=True)


def test_each_currency_counts_at_the_rate_of_the_night(tmp_path):
    history = company(tmp_path, customers=CUSTOMERS, terms=TERMS, rates=RATES)
    spring, summer = (worth(history, night(day), "EUR") for day in ("2026-05-01", "2026-06-15"))
    assert spring.amount == pytest.approx([10, 40, np.nan, 35, np.nan], nan_ok=True)
    assert summer.amount == pytest.approx([10, 40, np.nan, 35, 4.5], nan_ok=True)
    assert summer.notes(np.arange(5, dtype=np.int32)) == []


def test_without_a_rate_the_value_is_unknown_and_one_line_says_what_to_bring(tmp_path):
    found = worth(company(tmp_path, customers=CUSTOMERS, terms=TERMS), night("2026-05-01"), "EUR")
    assert found.notes(np.arange(5, dtype=np.int32)) == [
        "Value at risk of 1 customer in CHF is unknown, so they are not ranked by it: bring "
        "`rates` (docs/history.md).",
        "Value at risk of 1 customer in USD is unknown, so they are not ranked by it: bring "
        "`rates` (docs/history.md).",
    ]
    assert found.notes(np.array([0, 1], np.int32)) == found.notes(np.array([1], np.int32))


def test_a_value_is_what_was_known_and_the_earliest_stands_in_before(tmp_path):
    history = company(
        tmp_path,
        customers="customer_id,joined_at\na,2025-01-01T00:00Z\n",
        terms="customer_id,term_id,started_at,value_per_month,recorded_at,updated_at\n"
        "a,1,2025-02-01T00:00Z,30,2025-02-01T00:00Z,2026-01-01T00:00Z\n",
    )
    ingest(history.folder, _again(tmp_path), now=NOW)
    history = History.open(history.folder)
    values = [worth(history, night(day), "EUR").amount.tolist()
              for day in ("2025-06-01", "2026-01-02", "2026-05-02")]  # fmt: skip
    assert values == [[30], [30], [50]]


def _again(folder: Path) -> Path:
    later = folder / "later"
    later.mkdir()
    (later / "terms.csv").write_text(
        "customer_id,term_id,started_at,value_per_month,recorded_at,updated_at\n"
        "a,1,2025-02-01T00:00Z,50,2025-02-01T00:00Z,2026-05-01T00:00Z\n",
        encoding="utf-8",
    )
    return later


def test_the_report_names_what_is_known_only_as_of_today(tmp_path):
    history = company(tmp_path, customers=CUSTOMERS, terms=TERMS)
    assert left_out(history, date(2026, 1, 1), UTC) == (
        "Left out on nights before 2026-07-01: planned ends and prices of `terms`. They are known "
        "only as of the day they came in (4 of 4 terms have one version without `recorded_at`).",
        "Left out: `value_per_month` of `customers`, which has no date. Numbers that have one go "
        "into `attributes`.",
    )
    assert len(left_out(history, date(2026, 8, 1), UTC)) == 1


def test_dated_terms_leave_nothing_out(tmp_path):
    dated = "customer_id,term_id,started_at,ends_at,recorded_at\n" + (
        "a,1,2025-02-01T00:00Z,2027-02-01T00:00Z,2025-02-01T00:00Z\n"
    )
    history = company(
        tmp_path, customers="customer_id,joined_at\na,2025-01-01T00:00Z\n", terms=dated
    )
    assert left_out(history, date(2026, 1, 1), UTC) == ()
