"""How quality ages, and what is recommended only where it can be told."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from models.ageing import Ageing, Older, ageing, recommended
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


def test_from_nights_alone_nothing_is_concluded_since_nights_differ():
    found = aged(0, 1, 2.5)
    assert found.nights[0].auc.low > found.nights[2].auc.high
    assert (found.loss_a_month, found.retrain_days) == (None, None)
    assert found.words.startswith("cannot tell yet: there is no champion of another age")


def test_nights_on_which_hardly_anybody_left_are_not_counted():
    y, p, customer, as_of = nights((0, 0, 0))
    y[as_of == START] = False
    found = ageing(y, p, customer=customer, as_of=as_of, learned_until=START, draws=20)
    assert len(found.nights) == 2
    none = ageing(~y & y, p, customer=customer, as_of=as_of, learned_until=START, draws=20)
    assert none.nights == ()


@pytest.mark.parametrize(
    ("days", "gain", "retrain"),
    [
        (30, (0.005, 0.002, 0.008), 60),  # a point in two months
        (90, (0.015, 0.006, 0.024), 60),  # the same, of three months
        (30, (0.05, 0.04, 0.06), 30),  # never more often than the snapshots
        (30, (0.0001, 0.00005, 0.0002), 365),  # nor less often than a year
        (30, (0.0, -0.002, 0.002), 150),  # at worst a point in five months
        (30, (-0.01, -0.02, -0.005), 365),  # the older one is better
        (30, (0.0, -0.01, 0.01), None),  # a point a month or none at all
        (7, (0.05, 0.04, 0.06), None),  # too near in age
    ],
)
def test_the_rhythm_is_the_time_in_which_a_hundredth_is_lost(days, gain, retrain):
    loss, found, words = recommended(Older(days, Interval(*gain)))
    assert found == (None if retrain is None else pytest.approx(retrain))
    assert words.startswith("cannot tell yet") == (retrain is None)
    if days >= 14:
        assert loss is not None
        assert loss.value == pytest.approx(gain[0] * 30 / days)
        assert f"{days} days less far loses {gain[0]:+.3f}" in words
