from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.assign import MIN_CUSTOMERS, PERIOD_DAYS, Draw, decision_id, too_few

KEY = b"k" * 32
FIRST, LAST = date(2025, 12, 31), date(2026, 12, 30)  # of one period, counted from 1 January 2024


def draw(as_of: date = FIRST, *, key: bytes = KEY, share: float = 0.1, horizon: int = 90) -> Draw:
    return Draw.of(key, share, as_of=as_of, horizon_days=horizon)


def control(drawn: Draw, units: int = 20_000) -> set[int]:
    return {unit for unit in range(units) if drawn.arm(f"unit-{unit}") == "control"}


@pytest.mark.parametrize("share", [0.05, 0.1, 0.5])
@pytest.mark.parametrize("key", [b"a" * 32, b"b" * 32])
def test_the_share_is_what_was_asked_for(share: float, key: bytes) -> None:
    n = 20_000
    spread = 4 * (n * share * (1 - share)) ** 0.5  # four standard deviations of a binomial
    assert abs(len(control(draw(key=key, share=share), n)) - n * share) < spread


@pytest.mark.parametrize(("share", "arm"), [(0.0, "treat"), (1.0, "control")])
def test_a_share_of_nothing_or_all_is_exact(share: float, arm: str) -> None:
    assert {draw(share=share).arm(f"unit-{unit}") for unit in range(1000)} == {arm}


@given(st.text(), st.dates(FIRST, LAST))
def test_the_same_unit_gets_the_same_arm_every_night_of_a_period(unit: str, night: date) -> None:
    assert draw(night, share=0.5).arm(unit) == draw(FIRST, share=0.5).arm(unit)


def test_each_period_and_each_key_draws_anew() -> None:
    here = control(draw())
    assert here != control(draw(LAST + timedelta(days=1)))
    assert here != control(draw(key=b"other"))


def test_a_larger_share_keeps_who_was_in_the_smaller_one() -> None:
    assert control(draw(share=0.05)) < control(draw(share=0.1))


@given(st.integers(1, 1500), st.dates(date(2020, 1, 1), date(2060, 1, 1)))
def test_a_period_is_never_shorter_than_the_horizon(horizon: int, night: date) -> None:
    assert draw(night, horizon=horizon).period_days == max(horizon, PERIOD_DAYS)


def test_the_propensity_is_that_of_the_arm_drawn() -> None:
    assert draw(share=0.1).propensity("control") == pytest.approx(0.1)
    assert draw(share=0.1).propensity("treat") == pytest.approx(0.9)


def test_a_decision_has_one_name_that_tells_nothing_of_the_customer() -> None:
    name = decision_id(KEY, FIRST, "acme", "check-in")
    assert name == decision_id(KEY, FIRST, "acme", "check-in")
    assert "acme" not in name
    assert len({name, decision_id(KEY, LAST, "acme", "check-in"),
                decision_id(b"other", FIRST, "acme", "check-in"),
                decision_id(KEY, FIRST, "bolt", "check-in")}) == 4  # fmt: skip


def test_it_says_when_the_effect_will_stay_unknown() -> None:
    assert "999 customers are too few" in str(too_few(MIN_CUSTOMERS - 1, 0.1))
    assert "no control group" in str(too_few(10_000, 0))
    assert too_few(MIN_CUSTOMERS, 0.1) is None
