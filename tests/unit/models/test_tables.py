"""A plain table through the churn model: what is learned, what is refused, what is the same."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest
from small_world import QUICK

from models import tables
from models.errors import NotEnoughData, WarmlineError
from models.leaks import Leak
from models.metrics import Ranking
from models.tables import TableModel

SETTINGS = replace(QUICK, horizon_days=0, folds=3, seeds=2)


def customers(rows: int = 900, seed: int = 0) -> pd.DataFrame:
    """Customers of whom the unsettled on monthly plans with many calls leave."""
    rng = np.random.default_rng(seed)
    plan = rng.choice(["monthly", "yearly", "two years"], rows)
    calls = rng.poisson(2, rows).astype(float)
    mood = 1.5 * (plan == "monthly") + 0.6 * calls + rng.logistic(0, 1, rows)
    calls[rng.random(rows) < 0.1] = np.nan
    return pd.DataFrame(
        {
            "plan": plan,
            "calls": calls,
            "paperless": rng.random(rows) < 0.5,
            "city": [f"city {number}" for number in rng.integers(0, 40, rows)],
            "churn": np.where(mood > 3, "Yes", "No"),
        }
    )


@pytest.fixture(scope="module")
def model() -> TableModel:
    return tables.fit(customers(), "churn", SETTINGS)


def test_it_ranks_customers_it_has_never_seen(model: TableModel):
    later = customers(seed=5)
    assert Ranking((later["churn"] == "Yes").to_numpy(), model.predict(later)).auc() > 0.7


def test_the_same_table_and_settings_give_the_same_model_to_the_byte(model: TableModel):
    assert tables.fit(customers(), "churn", SETTINGS) == model


def test_levels_never_seen_and_gaps_everywhere_are_answered(model: TableModel):
    strange = customers(rows=120).assign(plan="weekly", calls=np.nan, city=None)
    p = model.predict(strange)
    assert ((p > 0) & (p < 1)).all()


def test_contributions_and_bias_sum_to_the_log_odds(model: TableModel):
    later = customers(seed=5)
    parts, bias = model.contributions(later)
    assert np.allclose(bias + parts.sum(axis=1), np.log(1 / (1 / model.predict(later) - 1)))


def test_out_of_fold_predictions_of_a_shuffled_label_show_no_skill():
    table = customers()
    table["churn"] = np.random.default_rng(1).permutation(table["churn"])
    p, fold = tables.cross_predict(table, "churn", SETTINGS, folds=3)
    assert set(fold.tolist()) == {0, 1, 2}
    assert Ranking((table["churn"] == "Yes").to_numpy(), p).auc() < 0.57


def test_a_column_that_gives_the_label_away_is_refused_until_it_is_accepted():
    table = customers().assign(refund=lambda rows: rows["churn"] == "Yes")
    with pytest.raises(Leak, match="`refund`"):
        tables.fit(table, "churn", SETTINGS)
    assert tables.fit(table, "churn", SETTINGS, accept=["refund"]).findings[0].feature == "refund"


def test_the_value_of_those_who_left_can_be_named():
    table = customers().replace({"churn": {"Yes": "Attrited", "No": "Existing"}})
    with pytest.raises(WarmlineError, match=r"'attrited', 'existing'.*`leaves`"):
        tables.fit(table, "churn", SETTINGS)
    assert 0.1 < tables.fit(table, "churn", SETTINGS, leaves="Attrited").churn.base_rate < 0.9


@pytest.mark.parametrize(
    ("table", "label", "error", "says"),
    [
        (customers(), "chrun", WarmlineError, r"no column `chrun`.*Did you mean `churn`\?"),
        (customers(rows=60), "churn", NotEnoughData, "60 rows"),
        (customers().assign(churn="No"), "churn", NotEnoughData, "nobody left"),
        (customers().assign(churn="Yes"), "churn", NotEnoughData, "everyone left"),
        (
            customers().assign(churn=lambda rows: rows["churn"].where(rows.index > 3)),
            "churn",
            WarmlineError,
            "missing in 4 of 900 rows",
        ),
    ],
    ids=["absent", "few rows", "nobody", "everyone", "missing"],
)
def test_what_cannot_be_learned_from_is_said(
    table: pd.DataFrame, label: str, error: type[Exception], says: str
):
    with pytest.raises(error, match=says):
        tables.fit(table, label, SETTINGS)


def test_dates_are_refused_however_they_are_written_and_those_ahead_as_a_leak():
    table = customers()
    days = pd.Timestamp("2026-01-01") + pd.to_timedelta(np.arange(len(table)) % 90, "D")
    for seen in (days, days.strftime("%Y-%m-%d"), days.strftime("%d/%m/%Y")):
        with pytest.raises(WarmlineError, match="`seen` holds dates"):
            tables.fit(table.assign(seen=seen), "churn", SETTINGS, taken=date(2026, 4, 1))
        with pytest.raises(Leak, match="`seen` lies in the future of 290 rows"):
            tables.fit(table.assign(seen=seen), "churn", SETTINGS, taken=date(2026, 3, 2))
    numbered = table.assign(seen=days.strftime("%Y%m%d").astype(int))
    found = {one.feature: one for one in tables.fit(numbered, "churn", SETTINGS).findings}
    assert "holds dates as numbers, 2026-01-01 to 2026-03-31" in found["seen"].why


def test_rows_of_one_customer_are_never_on_both_sides_of_a_fold():
    table = customers().assign(who=np.arange(900) // 3)
    _, fold = tables.cross_predict(table, "churn", SETTINGS, folds=3, customer="who")
    assert all(len(set(fold[3 * one : 3 * one + 3])) == 1 for one in range(300))
