from __future__ import annotations

from math import nan

import numpy as np
import pytest
from small_world import FEATURES

from models.churn import ChurnModel, Dataset
from models.contracts import Feature
from models.explain import Groups, reasons
from models.words import say

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


def test_features_of_one_group_make_one_reason_told_by_the_strongest():
    values = np.array([[2.0, 5.0, 40.0, 0.5, 1.0, 9.0, 3.0, nan]])
    moved = np.array([[0.2, 0.5, 0.6, -0.9, 0.3, 0.005, 0.0, 0.0]])
    (found,) = Groups(FEATURES).reasons(values, moved, limit=3, lowering=False)
    assert [(reason.words, reason.direction) for reason in found] == [
        ("5 complaints in the last year", "raises"),
        ("40 days without a sign", "raises"),
        ("use at 1 times the usual", "raises"),
    ]
    assert found[0].weight == pytest.approx(0.7)
    assert found[0].system == "S12"


def test_what_lowers_the_risk_is_told_only_when_asked():
    values = np.array([[2.0, 5.0, 40.0, 0.5, 1.0, 9.0, 3.0, nan]])
    moved = np.array([[0.0, 0.0, 0.1, -0.9, 0.0, 0.0, 0.0, 0.0]])
    groups = Groups(FEATURES)
    assert [r.feature for r in groups.reasons(values, moved, 3, False)[0]] == ["silence"]
    asked = groups.reasons(values, moved, 3, True)[0]
    assert [(r.feature, r.direction) for r in asked] == [
        ("late_share", "lowers"),
        ("silence", "raises"),
    ]


def test_a_customer_whom_nothing_moves_has_no_reason():
    nothing = np.zeros((1, len(FEATURES)))
    assert Groups(FEATURES).reasons(nothing, nothing, 3, False) == [[]]


def test_reasons_are_given_for_the_rows_asked_for(data: Dataset, model: ChurnModel):
    everyone = reasons(model, data.X)
    assert reasons(model, data.X, [5, 2]) == [everyone[5], everyone[2]]
    assert reasons(model, data.X, []) == []
    riskiest = int(np.argmax(model.predict(data.X)))
    weights = [reason.weight for reason in everyone[riskiest]]
    assert weights
    assert weights == sorted(weights, reverse=True)
