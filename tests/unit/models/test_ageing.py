"""How quality ages, and what is recommended only where it can be told."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from models.ageing import Ageing, ageing, rhythm
from models.metrics import Interval

DAY = 86_400
START = 1_700_000_000


def nights(noise: tuple[float, ...], rows: int = 4000, seed: int = 0) -> tuple[np.ndarray, ...]:
    """y, p, customer and as_of of a night each 30 days; `noise` blurs what the model knows."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(-2, 1.5, (len(noise), rows))
    y = rng.logistic(0, 1, truth.shape) < truth
    blurred = truth + rng.normal(0, 1, truth.shape) * np.array(noise)[:, None]
    customer = np.tile(np.arange(rows), len(noise))
    as_of = np.repeat(START + 30 * DAY * np.arange(len(noise)), rows)
    return y.ravel(), 1 / (1 + np.exp(-blurred.ravel())), customer, as_of


def aged(*noise: float, rows: int = 4000) -> Ageing:
    y, p, customer, as_of = nights(noise, rows)
    until = START - 90 * DAY
    return ageing(y, p, customer=customer, as_of=as_of, learned_until=until, draws=100)


def test_each_night_is_told_with_its_distance_from_what_was_learned():
    y, p, _, as_of = nights((0, 0, 0))
    found = aged(0, 0, 0)
    assert [night.days for night in found.nights] == [90, 120, 150]
    first = as_of == START
    assert found.nights[0].auc.value == pytest.approx(roc_auc_score(y[first], p[first]))
    assert found.nights[0].calibration.value == pytest.approx(p[first].mean() - y[first].mean())
    assert found.nights[0].leavers == y[first].sum()


def test_a_model_that_loses_fast_is_to_be_trained_again_each_month():
    found = aged(0, 0.8, 1.2, 1.6, 2.0, 2.5)
    assert found.auc_a_month is not None
    assert found.auc_a_month.high < 0
    assert found.retrain_days == 30
    assert "train again every 30 days" in found.words


def test_what_may_be_chance_recommends_nothing():
    found = aged(0, 0.1, 0, rows=300)
    assert found.retrain_days is None
    assert found.words.startswith("cannot tell yet: the AUC changes by")


def test_nights_that_differ_by_more_than_their_customers_tell_no_slope():
    # Each is certain for so many customers, and the line through them falls; the second night
    # lies far from it, so the fall may be such a night too.
    found = aged(0, 3, 1.5)
    assert found.auc_a_month is not None
    assert found.nights[0].auc.low > found.nights[2].auc.high
    assert found.auc_a_month.value < 0 < found.auc_a_month.high
    assert found.retrain_days is None


def test_two_nights_tell_no_slope():
    found = aged(0, 2)
    assert (found.auc_a_month, found.retrain_days) == (None, None)
    assert found.words == "cannot tell yet: 2 nights judged, 3 are needed"


def test_nights_on_which_hardly_anybody_left_are_not_counted():
    y, p, customer, as_of = nights((0, 0, 0))
    y[as_of == START] = False
    found = ageing(y, p, customer=customer, as_of=as_of, learned_until=START, draws=20)
    assert len(found.nights) == 2
    none = ageing(~y & y, p, customer=customer, as_of=as_of, learned_until=START, draws=20)
    assert none.nights == ()
    assert "too few left" in none.words


@pytest.mark.parametrize(
    ("a_month", "days"),
    [
        ((-0.005, -0.008, -0.002), 60),  # a point in two months
        ((-0.05, -0.06, -0.04), 30),  # never more often than the snapshots
        ((-0.0001, -0.0002, -0.00005), 365),  # nor less often than a year
        ((0.0, -0.002, 0.002), 150),  # at worst a point in five months
        ((0.01, 0.005, 0.02), 365),
        ((0.0, -0.01, 0.01), None),  # a point a month or none at all
    ],
)
def test_the_rhythm_is_the_time_in_which_a_hundredth_is_lost(a_month, days):
    found, words = rhythm(Interval(*a_month))
    assert found == (None if days is None else pytest.approx(days))
    assert f"{a_month[0]:+.3f}" in words
