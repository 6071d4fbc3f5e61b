"""How quality ages, and what is recommended only where it can be told."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from models.ageing import Ageing, Older, ageing, older_beside_newer, recommended
from models.contracts import Feature
from models.dataset import Dataset, FitSettings
from models.errors import NotEnoughData
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
    when = {"customer": customer, "as_of": as_of, "learned_until": until}
    return ageing(y, p, **when, older="too short", draws=100)


def world(nights: int, turn: float, customers: int = 1500, seed: int = 0) -> Dataset:
    """What tells who leaves turns by `turn` radians a night, of 30 days, from one feature to the
    other; a third one tells nothing."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(0, 1, (nights, customers, 3))
    angle = turn * np.arange(nights)[:, None]
    signal = np.cos(angle) * rows[..., 0] + np.sin(angle) * rows[..., 1]
    y = rng.logistic(0, 1, signal.shape) < 1.5 * signal - 2.5
    as_of = np.repeat(START + 30 * DAY * np.arange(nights), customers)
    features = [Feature(name, "{value}", "S2", "use", "days") for name in ("one", "two", "noise")]
    who = np.tile(np.arange(customers), nights)
    return Dataset(rows.reshape(-1, 3), y.ravel(), who, as_of, as_of < 0, tuple(features))


def beside(data: Dataset, learned: int) -> Older:
    """Of a world's nights the first `learned` are learned from, the last three judged."""
    at = np.unique(data.as_of)
    rows = [np.isin(data.as_of, some) for some in (at[:learned], at[-3:])]
    return older_beside_newer(*map(data.take, rows), FitSettings(horizon_days=90, threads=1))


def test_where_what_tells_changes_an_older_model_loses_and_a_rhythm_follows():
    found = beside(world(12, 0.1), 7)
    assert (found.days, found.nights) == (90, 4)
    assert found.gain.low > 0.02
    _, days, words = recommended(found)
    assert days == 30
    assert "of two models from 4 nights each the one that had learned 90 days less far" in words
    assert "train again every 30 days" in words


@pytest.mark.parametrize("seed", range(3))
def test_where_nothing_changes_no_loss_is_told(seed):
    found = beside(world(12, 0.0, seed=seed), 7)
    assert found.gain.low < 0 < found.gain.high


def test_chance_in_who_was_learned_from_is_in_the_interval():
    # Few leavers to learn from, many to be judged by: what is unsure is the two models.
    few, many = world(12, 0.0, customers=250), world(12, 0.0, customers=20_000, seed=1)
    learned = few.take(few.as_of < np.unique(few.as_of)[7])
    judged = many.take(many.as_of >= np.unique(many.as_of)[-3])
    found = older_beside_newer(learned, judged, FitSettings(horizon_days=90, threads=1))
    assert found.gain.high - found.gain.low > 0.02  # .004 by those judged alone


def test_fewer_nights_apart_where_half_of_them_hold_too_few_leavers():
    data = world(12, 0.0)
    at = np.unique(data.as_of)
    data.y[np.isin(data.as_of, at[4:7])] = False
    found = beside(data, 7)
    assert (found.days, found.nights) == (90, 4)
    data.y[data.as_of == at[3]] &= data.customer[data.as_of == at[3]] < 200
    found = beside(data, 7)
    assert (found.days, found.nights) == (60, 5)


@pytest.mark.parametrize(
    ("learned", "customers", "why"),
    [(1, 1500, r"the nights learned from \(1\) are too few"), (3, 130, "or hold too few leavers")],
)
def test_too_few_nights_or_leavers_are_said(learned, customers, why):
    with pytest.raises(NotEnoughData, match=why):
        beside(world(12, 0.0, customers=customers), learned)


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
    assert found.words.startswith("cannot tell yet: too short; until then every 30 days")


def test_nights_on_which_hardly_anybody_left_are_not_counted():
    y, p, customer, as_of = nights((0, 0, 0))
    y[as_of == START] = False
    when = {"customer": customer, "as_of": as_of, "learned_until": START}
    found = ageing(y, p, **when, older="too short", draws=20)
    assert len(found.nights) == 2
    none = ageing(~y & y, p, **when, older="too short", draws=20)
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
    ],
)
def test_the_rhythm_is_the_time_in_which_a_hundredth_is_lost(days, gain, retrain):
    loss, found, words = recommended(Older(days, 5, Interval(*gain)))
    assert found == (None if retrain is None else pytest.approx(retrain))
    assert words.startswith("cannot tell yet") == (retrain is None)
    assert loss is not None
    assert loss.value == pytest.approx(gain[0] * 30 / days)
    assert f"{days} days less far loses {gain[0]:+.3f}" in words
