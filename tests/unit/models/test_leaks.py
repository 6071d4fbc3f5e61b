"""What tells too much is refused by name; what is merely strong is not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from models import leaks
from models.contracts import Feature

ROWS = 2000
NIGHT = int(datetime(2026, 7, 1, tzinfo=UTC).timestamp())


@pytest.fixture
def y() -> np.ndarray:
    return np.random.default_rng(0).random(ROWS) < 0.2


def found(y: np.ndarray, **columns: np.ndarray) -> tuple[leaks.Finding, ...]:
    return leaks.inspect(leaks.columns_of(pd.DataFrame(columns)), y)


def mistaken(y: np.ndarray, share: float) -> np.ndarray:
    """The label, wrong in a share of the rows."""
    return y ^ (np.random.default_rng(1).random(len(y)) < share)


def test_the_label_under_another_name_is_refused_by_that_name(y: np.ndarray):
    with pytest.raises(leaks.Leak, match=r"`complain` is the label, all but in name"):
        leaks.refuse(found(y, complain=mistaken(y, 0.002), age=np.arange(ROWS)))


def test_the_label_of_most_leavers_is_refused_below_the_limit_of_ranking(y: np.ndarray):
    told = y & (np.random.default_rng(1).random(ROWS) < 0.95)
    (finding,) = found(y, cancelled=told)
    assert finding.auc is not None
    assert finding.auc < leaks.LIMIT
    with pytest.raises(leaks.Leak, match="`cancelled` is the label, all but in name"):
        leaks.refuse([finding])


def test_a_category_that_gives_the_label_away_is_refused(y: np.ndarray):
    status = np.where(mistaken(y, 0.002), "closed", "open")
    assert [finding.feature for finding in found(y, status=status) if finding.refused] == ["status"]


def test_a_figure_that_is_there_only_for_leavers_is_refused(y: np.ndarray):
    exit_survey = np.where(y, np.random.default_rng(2).random(ROWS), np.nan)
    assert found(y, exit_survey=exit_survey)[0].refused


def test_a_figure_extreme_at_both_ends_for_leavers_is_refused(y: np.ndarray):
    balance = np.random.default_rng(2).normal(0, 1, ROWS) + np.where(y, 20, 0)
    balance[::2] *= -1
    assert found(y, balance=balance)[0].refused


def test_numbers_written_as_text_are_looked_at_as_numbers(y: np.ndarray):
    refund = np.random.default_rng(2).random(ROWS) + y
    assert found(y, refund=np.array([f"{value:.4f}" for value in refund], dtype=object))[0].refused


def test_a_strong_honest_feature_is_shown_but_not_refused(y: np.ndarray):
    silence = np.random.default_rng(2).normal(0, 1, ROWS) + 2.2 * y
    (finding,) = found(y, silence=silence)
    assert not finding.refused
    assert finding.auc is not None
    assert 0.9 < finding.auc < leaks.LIMIT
    leaks.refuse([finding])


def test_noise_in_as_many_levels_as_rows_is_not_even_shown(y: np.ndarray):
    assert found(y, name=np.array([f"customer {row}" for row in range(ROWS)], dtype=object)) == ()


def test_a_feature_accepted_by_name_is_not_refused(y: np.ndarray):
    leaks.refuse(found(y, complain=mistaken(y, 0.002)), accept=["complain"])


def test_a_lower_limit_refuses_more(y: np.ndarray):
    silence = pd.DataFrame({"silence": np.random.default_rng(2).normal(0, 1, ROWS) + 2.2 * y})
    assert leaks.inspect(leaks.columns_of(silence), y, limit=0.8)[0].refused


def test_days_since_something_that_is_yet_to_come_are_refused(y: np.ndarray):
    days = np.random.default_rng(2).integers(0, 90, ROWS).astype(float)
    days[7] = -3.0
    feature = Feature("days_since_active", "{value} days", "S2", "silence", "days")
    as_of = np.full(ROWS, NIGHT)
    (finding,) = leaks.inspect(leaks.columns_of_matrix(days[:, None], [feature], as_of), y)
    with pytest.raises(leaks.Leak, match=r"`days_since_active` lies in the future of 1 row\."):
        leaks.refuse([finding])
    tenure = replace(feature, name="tenure_days")
    (finding,) = leaks.inspect(leaks.columns_of_matrix(days[:, None], [tenure], as_of), y)
    assert finding.refused
    planned = replace(feature, name="days_to_term_end")
    assert leaks.inspect(leaks.columns_of_matrix(days[:, None], [planned], as_of), y) == ()


@pytest.mark.parametrize("form", ["%Y%m%d", "%s"])
def test_a_companys_own_numbers_that_are_dates_are_shown_with_those_that_lie_ahead(
    y: np.ndarray, form: str
):
    # A planned date may lie ahead: it is shown, and not refused.
    at = NIGHT + np.random.default_rng(2).integers(-300, 0, ROWS) * 86_400
    at[:12] = NIGHT + 40 * 86_400
    told = [datetime.fromtimestamp(one, UTC).strftime(form) for one in at.tolist()]
    values = at.astype(float) if form == "%s" else np.array(told, float)
    feature = Feature("attribute_seen", "{value}", "S17", "seen", "value")
    as_of = np.full(ROWS, NIGHT)
    (finding,) = leaks.inspect(leaks.columns_of_matrix(values[:, None], [feature], as_of), y)
    assert not finding.refused
    assert "`attribute_seen` holds dates as numbers, 2025-" in finding.line()
    assert "of which 12 lie in the future of their row" in finding.line()
    amounts = np.round(np.random.default_rng(3).lognormal(16, 2, ROWS))
    assert leaks.inspect(leaks.columns_of_matrix(amounts[:, None], [feature], as_of), y) == ()


@pytest.mark.parametrize("form", ["%Y-%m-%d", "%d.%m.%Y", "%Y-%m-%dT%H:%M:%SZ", None])
def test_a_tables_dates_after_it_was_taken_are_refused_by_name(y: np.ndarray, form: str | None):
    days = np.random.default_rng(2).integers(1, 300, ROWS)
    days[:7] = -days[:7]
    at = pd.Timestamp("2026-07-01") - pd.to_timedelta(days, "D")
    table = pd.DataFrame({"last_call": at if form is None else at.strftime(form)})
    (finding,) = leaks.inspect(leaks.columns_of(table, NIGHT), y)
    with pytest.raises(leaks.Leak, match=r"`last_call` lies in the future of 7 rows\."):
        leaks.refuse([finding])
    assert leaks.inspect(leaks.columns_of(table), y) == ()
