from __future__ import annotations

from datetime import date

import pytest

from models.changes import Before
from models.contracts import Reason


def raising(system: str, words: str, weight: float) -> Reason:
    return Reason("feature", system, words, "raises", weight)


def changes(then: list[Reason], now: list[Reason], was: float = 0.30) -> list[str] | None:
    before = Before(date(2026, 5, 1), {"acme": was}, {"acme": then})
    return before.changes("acme", 0.30, now)


def test_without_a_night_before_nothing_is_known_of_changes():
    assert Before().changes("acme", 0.3, []) is None


def test_who_was_not_scored_then_is_new():
    before = Before(date(2026, 5, 1), {"bolt": 0.1})
    assert before.changes("acme", 0.3, []) == ["scored for the first time"]


def test_the_probability_is_told_then_and_now_where_it_moved():
    assert changes([], [], was=0.12) == ["risk 30%, was 12% on 1 May 2026"]
    assert changes([], [], was=0.27) == []


ORDERS = raising("S8", "5 orders in the last 90 days, and never paid anything", 0.6)
WERE = raising("S8", "9 orders in the last 90 days", 0.2)


@pytest.mark.parametrize(
    ("then", "now", "words"),
    [
        (
            [WERE], [ORDERS],
            ["weighs more: 5 orders in the last 90 days (on 1 May 2026: 9 orders in the last 90 "
             "days)"],
        ),
        (
            [ORDERS], [WERE],
            ["weighs less: 9 orders in the last 90 days (on 1 May 2026: 5 orders in the last 90 "
             "days)"],
        ),
        ([], [ORDERS], ["new: 5 orders in the last 90 days"]),
        ([ORDERS], [], ["no longer: 5 orders in the last 90 days"]),
        # The same figures, or hardly another weight: nothing to tell.
        ([raising("S8", ORDERS.words, 0.2)], [ORDERS], []),
        ([raising("S8", "6 orders", 0.55)], [ORDERS], []),
    ],
)  # fmt: skip
def test_reasons_that_push_more_or_less_are_told(then, now, words):
    assert changes(then, now) == words


def test_a_reason_that_may_only_have_been_the_fourth_is_not_called_new():
    three = [raising(f"S{n}", f"reason {n}", 0.55) for n in (1, 2, 3)]
    assert changes(three, [*three[:2], ORDERS]) == []
    assert changes(three, [ORDERS], was=0.3)[:1] == ["no longer: reason 1"]


def test_only_the_two_that_moved_most_are_told():
    now = [raising(f"S{n}", f"reason {n}", 1.0 - n / 10) for n in (1, 2, 3)]
    assert changes([], now) == ["new: reason 1", "new: reason 2"]
