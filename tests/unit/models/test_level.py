"""How far the share that leaves moves after the nights that were learned from."""

import numpy as np
import pytest

from models.calibration import probability
from models.level import DECAY, level_error

MONTH = 30 * 86_400  # seconds


def walk(seed, speed, customers=500, count=8, after=4):
    """Other customers each night, alike, whose level walks: rows of the first `count` nights, and
    the level `after` months later."""
    rng = np.random.default_rng(seed)
    level = np.append(0.0, rng.normal(0, speed, count - 1 + after).cumsum())
    night = np.repeat(np.arange(count), customers)
    y = rng.random(len(night)) < probability(level[night] - 1.5)
    log_odds = np.full(len(night), np.log(y.mean() / (1 - y.mean())))
    rows = log_odds, y, np.arange(len(night)), night * MONTH, np.ones(len(night))
    return rows, level[-1] - 1.5


def test_it_is_as_far_as_levels_go_that_walk_as_fast_as_was_thought():
    """Of worlds drawn from the prior: mean squares of what was said and of what came."""
    rng = np.random.default_rng(0)
    said, came = [], []
    for seed, speed in enumerate(rng.exponential(1 / DECAY, 600)):
        rows, level = walk(seed, speed)
        p = rows[1].mean()
        said.append(level_error(*rows, 120) ** 2 + 1 / (len(rows[1]) * p * (1 - p)))
        came.append((level - rows[0][0]) ** 2)
    assert np.mean(said) == pytest.approx(np.mean(came), rel=0.2)


def test_it_grows_with_the_speed_and_with_the_time_and_falls_with_what_stood_still():
    def mean(speed, days=120, **world):
        return np.mean([level_error(*walk(seed, speed, **world)[0], days) for seed in range(20)])

    still = mean(0.0)
    assert mean(0.2) > 2 * still
    assert mean(0.0, days=360) > 1.3 * still
    assert mean(0.0, customers=5000) < 0.7 * still
    assert mean(0.0, count=24) < 0.8 * still


def test_one_night_tells_nothing():
    assert level_error(*walk(0, 0.2, count=1)[0], 120) == 0.0


def test_nights_on_which_nobody_or_everybody_left_are_no_obstacle():
    (log_odds, y, customer, as_of, counts), _ = walk(0, 0.0)
    y = np.where(as_of == 0, False, np.where(as_of == MONTH, True, y))
    assert 0 < level_error(log_odds, y, customer, as_of, counts, 120) < 3


def test_the_same_customers_twice_a_day_are_hardly_more_than_once():
    (log_odds, y, customer, as_of, counts), _ = walk(0, 0.1)
    rows = (log_odds, y, customer, as_of, counts)
    twice = [np.concatenate([column, column]) for column in rows]
    twice[3] = np.concatenate([as_of, as_of + 3600])
    assert level_error(*twice, 120) == pytest.approx(level_error(*rows, 120), rel=0.1)
    other = [*twice[:2], np.arange(len(twice[0])), *twice[3:]]
    assert level_error(*other, 120) != pytest.approx(level_error(*twice, 120), rel=0.1)


def test_a_row_that_counts_thrice_is_three_rows_and_one_that_does_not_is_none():
    rows, _ = walk(1, 0.1)
    counts = np.random.default_rng(1).integers(0, 4, len(rows[1]))
    weighted = level_error(*rows[:4], counts.astype(float), 120)
    repeated = level_error(*(np.repeat(column, counts) for column in rows), 120)
    assert weighted == pytest.approx(repeated, rel=1e-9)
    assert weighted != pytest.approx(level_error(*rows, 120), rel=1e-3)


def test_the_same_rows_give_the_same_and_in_another_order_too():
    rows, _ = walk(2, 0.1)
    order = np.random.default_rng(2).permutation(len(rows[1]))
    once = level_error(*rows, 120)
    assert level_error(*rows, 120) == once
    assert level_error(*(column[order] for column in rows), 120) == pytest.approx(once, rel=1e-9)
