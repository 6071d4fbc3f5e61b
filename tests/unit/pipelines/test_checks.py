"""What holds a batch back."""

import numpy as np
import pytest

from models.settings import Checks
from pipelines import checks

LIMITS = Checks()
SPREAD = np.random.default_rng(1).beta(1, 9, 5_000)


@pytest.mark.parametrize(("age_days", "ok"), [(0, True), (3, True), (3.1, False)])
def test_stale_feeds_hold_the_batch_back(age_days, ok):
    assert checks.freshness(age_days, LIMITS).ok is ok


def test_no_interaction_at_all_holds_the_batch_back():
    assert not checks.freshness(float("inf"), LIMITS).ok


@pytest.mark.parametrize(
    ("scored", "before", "ok"),
    [(100, 0, True), (100, 100, True), (69, 100, False), (131, 100, False)],
)
def test_a_jump_in_the_number_of_customers_holds_the_batch_back(scored, before, ok):
    assert checks.volume(scored, before, LIMITS).ok is ok


def test_the_same_spread_passes_and_a_shifted_one_does_not():
    again = np.random.default_rng(2).beta(1, 9, 5_000)
    assert checks.score_shift(again, SPREAD, LIMITS).ok
    assert not checks.score_shift(np.clip(again * 2, 0, 1), SPREAD, LIMITS).ok


def test_the_stability_index_is_nothing_for_the_same_sample():
    assert checks.population_stability(SPREAD, SPREAD) == pytest.approx(0)


@pytest.mark.parametrize(
    "wrong", [np.array([0.1, np.nan]), np.array([0.1, 1.1]), np.array([]), np.full(300, 0.2)]
)
def test_scores_that_are_none_hold_the_batch_back(wrong):
    assert not checks.sound(wrong).ok


def test_scores_that_differ_are_sound():
    assert checks.sound(SPREAD).ok
