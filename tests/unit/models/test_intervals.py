"""Intervals of probabilities: as wide as the share that leaves really varies."""

import numpy as np
import pytest

from models.calibration import calibrate, probability
from models.intervals import coverage, fit_intervals


def nights(seed, spread, customers=1200, count=8):
    """Each customer at each night; whole months are better or worse than others by `spread`."""
    rng = np.random.default_rng(seed)
    score = np.repeat(rng.normal(-2, 1, customers), count)
    night = np.tile(np.arange(count), customers)
    month = rng.normal(0, spread, count)
    y = rng.random(len(score)) < probability(1.2 * score + 0.4 + month[night])
    return score, y, np.repeat(np.arange(customers), count), night


def held(spread, worlds=10):
    """Bins of a later night, of several worlds, whose share lies within its interval."""
    found = np.zeros(2, int)
    for seed in range(worlds):
        score, y, customer, night = nights(seed, spread)
        early = night < 7
        intervals = fit_intervals(
            score[early], y[early], customer[early], night[early], seed, draws=40
        )
        calibrated = calibrate(score[early], y[early])(score[~early])
        low, high = intervals.around(score[~early], calibrated)
        found += coverage(y[~early], probability(calibrated), low, high)
    return found[0] / found[1]


@pytest.mark.parametrize("spread", [0.0, 0.15])
def test_of_later_nights_about_95_percent_lie_within(spread):
    assert 0.88 <= held(spread) <= 1.0


def test_months_that_differ_make_them_wider():
    widths = []
    for spread in (0.0, 0.5):
        score, y, customer, night = nights(1, spread)
        intervals = fit_intervals(score, y, customer, night, 0, draws=40)
        low, high = intervals.around(score, calibrate(score, y)(score))
        widths.append((high - low).mean())
    assert widths[1] > 1.4 * widths[0]


def test_more_customers_make_them_narrower_and_the_probability_lies_between():
    widths = []
    for customers in (200, 3200):
        score, y, customer, night = nights(2, 0.0, customers, 2)
        intervals = fit_intervals(score, y, customer, night, 0, draws=40)
        p = calibrate(score, y)(score)
        low, high = intervals.around(score, p)
        assert (low <= probability(p)).all()
        assert (probability(p) <= high).all()
        widths.append((high - low).mean())
    assert widths[1] < widths[0] / 2


def test_a_wrong_interval_is_found_out():
    rng = np.random.default_rng(0)
    p = rng.random(30_000) * 0.3
    y = rng.random(30_000) < p
    right = coverage(y, p, p, p)
    wrong = coverage(y, p + 0.05, p + 0.05, p + 0.05)
    assert right[0] >= right[1] - 2
    assert wrong[0] <= 2


def test_the_same_rows_and_seed_give_the_same_intervals():
    rows = nights(3, 0.1)
    assert fit_intervals(*rows, 5, draws=10) == fit_intervals(*rows, 5, draws=10)
