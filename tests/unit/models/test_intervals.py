"""Intervals of probabilities: as wide as the share that leaves really varies."""

from functools import partial

import numpy as np
import pytest

import models.intervals
from models.calibration import calibrate, probability
from models.intervals import coverage

HORIZON = 30
MONTH = 30 * 86_400  # seconds
fit_intervals = partial(models.intervals.fit_intervals, horizon_days=HORIZON)


def nights(seed, spread, customers=1200, count=8, step=0.0):
    """Each customer at each night; whole months are better or worse than others by `spread`, and
    than the month before by `step`."""
    rng = np.random.default_rng(seed)
    score = np.repeat(rng.normal(-2, 1, customers), count)
    night = np.tile(np.arange(count), customers)
    month = rng.normal(0, spread, count)
    if step:
        month += rng.normal(0, step, count).cumsum()
    y = rng.random(len(score)) < probability(1.2 * score + 0.4 + month[night])
    return score, y, np.repeat(np.arange(customers), count), night * MONTH


def held(spread, worlds=10, later=1, **world):
    """Bins of a night that is `later` than seven others, of several worlds, whose share lies within
    its interval."""
    found = np.zeros(2, int)
    for seed in range(worlds):
        score, y, customer, night = nights(seed, spread, count=7 + later, **world)
        early, late = night < 7 * MONTH, night == night.max()
        intervals = fit_intervals(
            score[early], y[early], customer[early], night[early], seed, draws=40
        )
        calibrated = calibrate(score[early], y[early])(score[late])
        low, high = intervals.around(score[late], calibrated)
        found += coverage(y[late], probability(calibrated), low, high)
    return found[0] / found[1]


def width(rows):
    """Mean of all customers' intervals."""
    score, y, customer, night = rows
    intervals = fit_intervals(score, y, customer, night, 0, draws=40)
    low, high = intervals.around(score, calibrate(score, y)(score))
    return (high - low).mean()


@pytest.fixture
def without_walk(monkeypatch):
    """Intervals as they are where no night is ever another."""

    def switch():
        monkeypatch.setattr(models.intervals, "level_error", lambda *_: 0.0)

    return switch


@pytest.mark.parametrize("spread", [0.0, 0.15])
def test_of_later_nights_about_95_percent_lie_within(spread):
    assert 0.88 <= held(spread) <= 1.0


def test_as_many_lie_within_two_months_after_nights_whose_level_walks(without_walk):
    walking = partial(held, 0.0, worlds=8, step=0.2, later=2, customers=2500)
    assert walking() >= 0.9
    without_walk()
    assert walking() <= 0.8


def test_where_nights_stand_still_they_are_two_thirds_wider_at_most(without_walk):
    worlds = [nights(seed, 0.0, count=12) for seed in range(4)]
    wide = np.mean([width(rows) for rows in worlds])
    without_walk()
    assert 1.2 < wide / np.mean([width(rows) for rows in worlds]) < 5 / 3


def test_one_night_tells_nothing_of_how_nights_move():
    rows = nights(0, 0.0, count=1)
    once = fit_intervals(*rows, 0, draws=20)
    assert fit_intervals(*rows, 0, draws=20, horizon_days=3650) == once
    several = nights(0, 0.0, count=3)
    assert fit_intervals(*several, 0, draws=20, horizon_days=3650) != fit_intervals(
        *several, 0, draws=20
    )


def test_months_that_differ_make_them_wider():
    assert width(nights(1, 0.5)) > 1.4 * width(nights(1, 0.0))


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


def test_rows_in_another_order_give_the_same_intervals():
    rows = nights(3, 0.1, step=0.1)
    order = np.random.default_rng(0).permutation(len(rows[0]))
    there, back = (
        fit_intervals(*given, 5, draws=10) for given in (rows, [column[order] for column in rows])
    )
    for end in ("low", "high"):
        assert getattr(there, end) == pytest.approx(getattr(back, end), abs=1e-9)
