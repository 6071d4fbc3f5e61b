"""How far tonight's features and scores lie from training's."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models.bundle import TRAINING, Bundle, load, save
from models.churn import Dataset
from models.drift import SHIFTED, Counting, Distribution, Spread, shifted
from models.errors import BundleDamaged


def index(then: np.ndarray, now: np.ndarray) -> float:
    spread = Spread.of(then)
    return spread.stability(spread.count(now))


def test_a_case_worked_by_hand():
    # Four of each ten below the edge, and then eight; half a row is added to each bin:
    # (0.8 - 0.4) ln(0.8 / 0.4) + (0.2 - 0.6) ln(0.2 / 0.6), for very many rows.
    spread = Spread((0.0,), (400_000, 600_000, 0))
    found = spread.stability(np.array([800_000, 200_000, 0]))
    assert found == pytest.approx(0.4 * np.log(2) + 0.4 * np.log(3), abs=1e-4)


def test_the_same_population_has_hardly_any_index_and_another_one_is_over_the_limit():
    rng = np.random.default_rng(0)
    then = rng.lognormal(0, 1, 20_000)
    assert index(then, rng.lognormal(0, 1, 20_000)) < 0.005
    assert index(then, rng.lognormal(0.7, 1, 20_000)) > SHIFTED


def test_becoming_unknown_is_a_shift():
    rng = np.random.default_rng(0)
    then = rng.normal(size=5000)
    now = np.where(rng.random(5000) < 0.4, np.nan, then)
    assert index(then, then) == pytest.approx(0)
    assert index(then, now) > SHIFTED


def test_what_was_unknown_and_becomes_very_high_is_a_shift():
    rng = np.random.default_rng(0)
    then = np.where(rng.random(5000) < 0.3, np.nan, rng.normal(size=5000))
    assert index(then, np.where(np.isnan(then), 9.0, then)) > SHIFTED


def test_what_was_always_known_to_be_the_same_may_become_more_or_less():
    then = np.full(1000, 3.0)
    for now in (2.0, 4.0, np.nan):
        assert index(then, np.full(1000, now)) > SHIFTED
    assert index(then, then) == 0


def test_a_count_that_is_mostly_nought_is_binned_by_whether_there_is_any():
    rng = np.random.default_rng(0)
    then = (rng.random(10_000) < 0.02).astype(float)
    assert index(then, (rng.random(10_000) < 0.02).astype(float)) < 0.01
    assert index(then, (rng.random(10_000) < 0.4).astype(float)) > SHIFTED


def test_blocks_add_up_to_the_whole_in_any_order(data: Dataset):
    training = Distribution.of(data.X, np.linspace(0, 1, 100))
    customers = np.arange(len(data), dtype=np.int32)
    counting = Counting(training, 0.5)
    whole = counting(customers, data.X)
    parts = [counting(customers[rows], data.X[rows]) for rows in np.array_split(customers, 7)]
    assert np.array_equal(sum(reversed(parts)), whole)
    sampled = whole.sum(axis=1)
    assert (sampled == sampled[0]).all()
    assert 0.4 * len(data) < sampled[0] < 0.6 * len(data)


def test_the_features_that_have_shifted_are_named_the_furthest_first(data: Dataset):
    training = Distribution.of(data.X, np.linspace(0, 1, 100))
    other = data.X.copy()
    other[:, 1] += 3
    other[:, 4] *= 1.6
    everyone = Counting(training, 1.0)(np.arange(len(data), dtype=np.int32), other)
    names = [feature.name for feature in data.features]
    found = shifted(training.stability(everyone), names)
    assert [name for name, _ in found] == ["complaints_365", "use_trend"]
    assert found[0][1] > found[1][1] > SHIFTED


def test_what_grows_with_the_calendar_is_no_drift():
    found = shifted(np.array([0.4, 2.0, 0.3]), ["use", "days_since_first_use", "orders"])
    assert found == [("use", 0.4), ("orders", 0.3)]


def test_it_travels_with_the_bundle_and_is_protected_like_the_rest(
    bundle: Bundle, data: Dataset, tmp_path: Path
):
    training = Distribution.of(data.X, bundle.model.predict(data.X))
    save(tmp_path / "one", replace(bundle, training=training))
    assert load(tmp_path / "one").training == training
    path = tmp_path / "one" / TRAINING
    facts = json.loads(path.read_text(encoding="utf-8"))
    facts["scores"][1][0] += 1
    path.write_text(json.dumps(facts), encoding="utf-8")
    with pytest.raises(BundleDamaged, match="checksum"):
        load(tmp_path / "one")


def test_a_bundle_from_before_it_was_kept_loads_without(bundle: Bundle, tmp_path: Path):
    save(tmp_path / "one", replace(bundle, training=None))
    assert not (tmp_path / "one" / TRAINING).exists()
    assert load(tmp_path / "one").training is None
