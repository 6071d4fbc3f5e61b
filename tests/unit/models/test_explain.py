from __future__ import annotations

from datetime import UTC, datetime
from math import nan
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from small_world import FEATURES

from models.churn import ChurnModel, Dataset
from models.contracts import DAY, Feature
from models.explain import Systems, moves, reasons
from models.words import Dates, say

ORDERS = "{value} order{s} {was} late in {window}|none was late|no order at all"


@pytest.mark.parametrize(
    ("says", "stat", "days", "value", "words"),
    [
        (ORDERS, "count", 30, 3.0, "3 orders were late in the last 30 days"),
        (ORDERS, "count", 365, 1.0, "1 order was late in the last year"),
        (ORDERS, "count", None, 1204.0, "1,204 orders were late in the whole history"),
        (ORDERS, "count", 30, 0.0, "none was late"),
        (ORDERS, "count", 30, nan, "no order at all"),
        ("silent for {value} day{s}", "days", None, 41.6, "silent for 42 days"),
        ("{value} came late|none came late", "share", 90, 0.354, "35% came late"),
        ("{value} came late|none came late", "share", 90, 0.001, "none came late"),
        ("use at {value}", "trend", 90, 0.449, "use at 0.4"),
        ("use at {value}", "ratio", 90, 2.0, "use at 2"),
        ("pays {value}", "last", None, 1249.5, "pays 1,250"),
        ("pays {value}", "last", None, 12.345, "pays 12.3"),
        ("moved by {value}", "mean", None, -0.01, "moved by 0"),
        ("{value} in {window}", "count", 7, nan, "an unknown number in the last 7 days"),
    ],
)
def test_a_sentence_holds_the_customers_own_figure(
    says: str, stat: str, days: int | None, value: float, words: str
):
    assert say(Feature("f", says, "S1", "g", stat, days), value) == words


def test_an_age_is_told_with_its_date_unless_a_feed_was_down_since():
    order = Feature(
        "days_since_order", "no order for {value} day{s}|ordered today", "S8", "o", "days"
    )
    case = Feature("days_since_case", "a case {value} day{s} ago", "S1", "c", "days")
    night = int(datetime(2026, 6, 30, 22, tzinfo=UTC).timestamp())  # midnight in Rome
    dates = Dates(night, ZoneInfo("Europe/Rome"), night - 50 * DAY)
    assert say(order, 40.0, dates) == "no order for 40 days (since 22 May 2026)"
    assert say(case, 0.9, dates) == "a case 1 day ago (30 June 2026)"
    assert say(case, 60.0, dates) == "a case 60 days ago"
    assert say(order, 0.2, dates) == "ordered today"
    assert say(order, nan, dates) == "no order for an unknown number days"
    gap = Feature("order_gap", "usually {value} days", "S8", "o", "days")
    assert say(gap, 40.0, dates) == "usually 40 days"


def test_features_of_one_system_make_one_reason_told_by_the_strongest_of_its_groups():
    values = np.array([[2.0, 5.0, 40.0, 0.5, 1.0, 9.0, 3.0, nan]])
    moved = np.array([[0.2, 0.5, 0.6, -0.9, 0.3, 0.005, 0.0, 0.0]])
    (found,) = Systems(FEATURES).reasons(values, moved, limit=3, lowering=False)
    assert [
        (reason.words, reason.direction, reason.system, reason.feature) for reason in found
    ] == [
        ("40 days without a sign, and use at 1 times the usual", "raises", "S2", "silence"),
        ("5 complaints in the last year", "raises", "S12", "complaints_365"),
    ]
    assert [reason.weight for reason in found] == pytest.approx([0.9, 0.7])


def test_a_second_group_that_says_little_beside_the_first_is_left_out():
    moved = np.array([[0.0, 0.0, 0.6, 0.0, 0.1, 0.0, 0.0, 0.0]])
    (found,) = Systems(FEATURES).reasons(np.ones((1, 8)), moved, limit=3, lowering=False)
    assert [(reason.words, round(reason.weight, 3)) for reason in found] == [
        ("1 day without a sign", 0.7)
    ]


def test_what_lowers_the_risk_is_not_set_off_against_what_raises_it_in_the_same_system():
    values = np.array([[2.0, 5.0, 40.0, 0.5, 1.0, 9.0, 3.0, nan]])
    moved = np.array([[0.0, 0.0, 0.5, 0.0, -0.9, 0.0, 0.0, 0.0]])
    systems = Systems(FEATURES)
    assert [r.words for r in systems.reasons(values, moved, 3, False)[0]] == [
        "40 days without a sign"
    ]
    both = systems.reasons(values, moved, 3, True)[0]
    assert [(r.feature, r.system, r.direction) for r in both] == [
        ("use_trend", "S2", "lowers"),
        ("silence", "S2", "raises"),
    ]
    assert sum(r.weight for r in both) == pytest.approx(moved.sum())


def test_a_figure_that_is_known_is_told_before_one_that_is_not():
    values = np.array([[nan, 5.0, nan, 0.5, 1.0, 9.0, 3.0, nan]])
    moved = np.array([[0.5, 0.2, 0.4, 0.0, 0.0, 0.0, 0.0, 0.0]])
    (found,) = Systems(FEATURES).reasons(values, moved, limit=3, lowering=False)
    assert [r.words for r in found] == ["5 complaints in the last year", "never a sign of life"]
    moved[0, 1] = 0.1  # the figure that is known says too little
    (found,) = Systems(FEATURES).reasons(values, moved, limit=3, lowering=False)
    assert found[0].words == "an unknown number complaints in the last 30 days"


def test_what_moved_a_customer_between_two_rows_is_told_with_both_figures(
    data: Dataset, model: ChurnModel
):
    calm = data.X[int(np.argmin(model.predict(data.X)))]
    later = calm.copy()
    later[:3] = 4.0, 12.0, 300.0
    told = moves(model, calm, later, 0.01)
    assert told
    assert told[0].startswith("raises it: ")
    assert any("300 days without a sign (then: " in words for words in told)
    assert moves(model, calm, calm, 0.01) == []


def test_a_customer_whom_nothing_moves_has_no_reason():
    nothing = np.zeros((1, len(FEATURES)))
    assert Systems(FEATURES).reasons(nothing, nothing, 3, False) == [[]]


def test_reasons_are_given_for_the_rows_asked_for(data: Dataset, model: ChurnModel):
    everyone = reasons(model, data.X)
    assert reasons(model, data.X, [5, 2]) == [everyone[5], everyone[2]]
    assert reasons(model, data.X, []) == []
    riskiest = int(np.argmax(model.predict(data.X)))
    weights = [reason.weight for reason in everyone[riskiest]]
    assert weights
    assert weights == sorted(weights, reverse=True)
