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


@pytest.mark.parametrize(
    ("before", "gone", "days", "ok"),
    [
        (0, 0, 0, True),
        (1_000, 50, 1, True),
        (1_000, 51, 1, False),
        (100, 9, 1, True),  # too few to hold a night back
        (1_000, 90, 60, True),  # two months: twice as many
    ],
)
def test_customers_who_are_not_scored_any_more_hold_the_batch_back(before, gone, days, ok):
    check = checks.missing_customers(before, gone, unknown=0, days=days, limits=LIMITS)
    assert check.ok is ok


@pytest.mark.parametrize(
    ("latest", "before", "ok"),
    [
        ((50, 1_000), [(50, 1_000), (55, 1_000)], True),
        ((5, 1_000), [(50, 1_000), (55, 1_000)], False),
        ((150, 1_000), [(50, 1_000), (55, 1_000)], False),
        ((1, 40), [(50, 1_000), (55, 1_000)], True),  # chance
        ((0, 1_000), [(10, 1_000)], True),  # too few before
        ((0, 1_000), [], True),
    ],
)
def test_leavers_that_are_suddenly_others_in_number_hold_the_batch_back(latest, before, ok):
    assert checks.label_drift([latest, *before], 90, LIMITS).ok is ok


def test_advice_is_given_where_there_is_something_to_do():
    assert "Look at" not in checks.label_drift([(50, 1_000)] * 3, 90, LIMITS).words
    assert "Look at" in checks.label_drift([(5, 1_000), (90, 1_000)], 90, LIMITS).words


@pytest.mark.parametrize(("index", "alarm"), [(0.1, False), (0.3, True), (None, False)])
def test_scores_unlike_those_of_training_are_an_alarm_and_hold_nothing_back(index, alarm):
    found = checks.training_shift(index, LIMITS)
    assert found.ok
    assert found.alarm is alarm


MANY = [(f"f{number}", 2.0 - number / 10) for number in range(9)]


def test_features_that_drift_are_named_and_hold_nothing_back():
    found = checks.feature_drift(MANY, 400, 0.25, ())
    assert found.ok
    assert found.alarm
    assert "9 of 400 features" in found.words
    assert "f0 2.00" in found.words
    assert "f8" not in found.words
    assert found.to_dict()["about"] == [name for name, _ in MANY]
    assert checks.feature_drift([], 400, 0.25, ()).to_dict().keys() == {"name", "ok", "words"}


def test_only_a_feature_that_did_not_drift_last_time_is_an_alarm():
    names = [name for name, _ in MANY]
    assert not checks.feature_drift(MANY, 400, 0.25, names).alarm
    found = checks.feature_drift(MANY, 400, 0.25, names[:-1])
    assert found.alarm
    assert found.words.endswith("new since last time: f8 1.20")
