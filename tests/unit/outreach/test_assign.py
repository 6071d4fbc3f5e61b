from __future__ import annotations

import hmac
from collections import Counter
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.assign import BLOCK_DAYS, PERIOD_DAYS, Draw, decision_ids, ties
from outreach.kept import Kept
from outreach.mac import mac

KEY = b"k" * 32
FIRST, LAST = date(2025, 12, 31), date(2026, 12, 30)  # of one period, counted from 1 January 2024
UNITS = [f"unit-{n}" for n in range(5_000)]
STRATA = ["high silent" if n % 5 == 0 else "medium vocal" for n in range(5_000)]


def draw(as_of: date = FIRST, *, key: bytes = KEY, share: float = 0.1, horizon: int = 90,
         **more: object) -> Draw:  # fmt: skip
    return Draw.of(key, share, as_of=as_of, horizon_days=horizon, **more)  # type: ignore[arg-type]


def control(drawn: Draw) -> set[str]:
    arms, _ = drawn.arms(UNITS, STRATA)
    return {unit for unit, arm in zip(UNITS, arms, strict=True) if arm == "control"}


@pytest.mark.parametrize("share", [0.05, 0.1, 0.5])
def test_the_share_is_exact_within_each_stratum(share: float) -> None:
    strata = dict(zip(UNITS, STRATA, strict=True))
    assert Counter(strata[unit] for unit in control(draw(share=share))) == {
        "high silent": 1000 * share, "medium vocal": 4000 * share,
    }  # fmt: skip


def test_a_unit_that_is_left_over_is_decided_by_a_fair_draw() -> None:
    many = [len(control_of(["a", "b", "c"], key=bytes([n]) * 32)) for n in range(250)]
    assert set(many) == {0, 1}
    assert 40 <= sum(many) <= 115  # three of them, a tenth each: 75 of 250, four deviations


def control_of(units: list[str], key: bytes) -> list[str]:
    arms, _ = draw(key=key).arms(units, ["high vocal"] * len(units))
    return [unit for unit, arm in zip(units, arms, strict=True) if arm == "control"]


@pytest.mark.parametrize(("share", "arm"), [(0.0, "treat"), (1.0, "control")])
def test_a_share_of_nothing_or_all_is_exact(share: float, arm: str) -> None:
    assert set(draw(share=share).arms(UNITS, STRATA)[0]) == {arm}
    kept = Kept(np.array([7], np.uint64), np.array([False]))
    assert set(draw(share=share, kept=kept).arms(UNITS, STRATA)[0]) == {arm}


def test_nobody_is_drawn_again_within_a_period_whatever_becomes_of_them() -> None:
    _, kept = draw().arms(UNITS, STRATA)
    other_night = draw(LAST, share=0.5, kept=kept)
    arms, new = other_night.arms(UNITS[::-1], ["low vocal"] * len(UNITS))
    assert {u for u, arm in zip(UNITS[::-1], arms, strict=True) if arm == "control"} == control(
        draw()
    )
    assert len(new) == len(kept)


def test_newcomers_join_by_the_same_hash_at_the_same_share() -> None:
    _, kept = draw().arms(UNITS[:100], STRATA[:100])
    arms, new = draw(kept=kept).arms(UNITS, STRATA)
    assert len(new) == 5000
    known, alone = new.look(kept.marks)
    assert known.all()
    assert (alone == kept.alone).all()
    assert abs(arms.count("control") - 500) < 85  # four standard deviations of a binomial


def test_what_is_kept_tells_nothing_of_the_unit() -> None:
    _, kept = draw().arms(["acme"], ["high vocal"])
    assert "acme" not in str(kept)
    assert kept.marks != draw(key=b"other").arms(["acme"], ["high vocal"])[1].marks


def test_members_of_one_unit_share_the_arm_whatever_their_strata() -> None:
    arms, _ = draw(share=0.5).arms(["house"] * 4 + UNITS, ["a", "b", "c", "a", *STRATA])
    assert len(set(arms[:4])) == 1


def test_each_period_and_each_key_draws_anew() -> None:
    here = control(draw())
    assert here != control(draw(LAST + timedelta(days=1)))
    assert here != control(draw(key=b"other"))


@given(st.integers(1, 1500), st.dates(date(2020, 1, 1), date(2060, 1, 1)))
def test_a_period_is_never_shorter_than_the_horizon(horizon: int, night: date) -> None:
    assert draw(night, horizon=horizon).period_days == max(horizon, PERIOD_DAYS)


def test_the_propensity_is_that_of_the_arm_drawn() -> None:
    assert draw(share=0.1).propensity("control") == pytest.approx(0.1)
    assert draw(share=0.1).propensity("treat") == pytest.approx(0.9)
    assert draw(share=0.1, timing=True).propensity("treat") == 0.5


def test_where_timing_is_drawn_each_has_one_half_of_every_block() -> None:
    start = date(2024, 1, 1) + timedelta(days=30 * BLOCK_DAYS)
    units = UNITS[:400]
    turns: dict[str, set[int]] = {unit: set() for unit in units}
    for day in range(BLOCK_DAYS):
        drawn = draw(start + timedelta(days=day), timing=True)
        arms, new = drawn.arms(units, STRATA[:400])
        assert len(new) == 0
        for unit, arm in zip(units, arms, strict=True):
            turns[unit] |= {day} if arm == "treat" else set()
    first = sum(days == set(range(14)) for days in turns.values())
    second = sum(days == set(range(14, 28)) for days in turns.values())
    assert first + second == 400
    assert 150 < first < 250
    assert draw(start + timedelta(days=3), timing=True).turn_begins() == start + timedelta(days=14)


def test_a_decision_has_one_name_that_tells_nothing_of_the_customer() -> None:
    def named(key: bytes, night: date, *about: tuple[str, str]) -> list[str]:
        return decision_ids(key, night, about)

    mine = ("acme", "check-in")
    (name,) = named(KEY, FIRST, mine)
    assert named(KEY, FIRST, ("bolt", "check-in"), mine)[1] == name
    assert "acme" not in name
    others = named(KEY, LAST, mine) + named(b"other", FIRST, mine)
    others += named(KEY, FIRST, ("bolt", "check-in"), ("acme", "tips"))
    assert len({name, *others}) == 5


def test_ties_are_settled_anew_each_night() -> None:
    orders = [np.argsort(ties(KEY, night, list("abcdef"))).tolist() for night in (FIRST, LAST)]
    assert orders[0] != orders[1]


@given(st.binary(min_size=1, max_size=200), st.binary(max_size=300))
def test_the_keyed_hash_is_hmac(key: bytes, message: bytes) -> None:
    assert mac(key)(message) == hmac.digest(key, message, "sha256")
