from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from small_world import FEATURES, QUICK, world

from models import boosting, churn
from models.boosting import booster_of
from models.calibration import Calibration, calibrate, log_loss, probability
from models.churn import Bands, ChurnModel, Dataset, cross_predict, fit, learn
from models.dataset import group_folds
from models.errors import NotEnoughData
from models.linear import fit_linear
from models.metrics import Ranking


def test_it_ranks_customers_it_has_never_seen(model: ChurnModel):
    later = world(seed=7)
    assert Ranking(later.y, model.predict(later.X)).auc() > 0.7


def test_the_same_data_and_seed_give_the_same_model(data: Dataset, model: ChurnModel):
    assert fit(data, QUICK) == model


def test_any_number_of_threads_gives_the_same_model(
    data: Dataset, model: ChurnModel, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(boosting, "ENOUGH_TO_SHARE", 0)
    for threads in (1, 2, 3):
        assert fit(data, replace(QUICK, threads=threads)) == model


def test_contributions_and_bias_sum_to_the_log_odds(data: Dataset, model: ChurnModel):
    contributions, bias = model.contributions(data.X)
    assert np.allclose(contributions.sum(axis=1) + bias, model.log_odds(data.X), atol=1e-10)


def test_columns_that_never_vary_or_are_never_known_move_nothing(data: Dataset, model: ChurnModel):
    contributions, _ = model.contributions(data.X)
    assert not contributions[:, 6:].any()


def test_trees_answer_as_lightgbm_does_to_the_bit(data: Dataset, model: ChurnModel):
    theirs = booster_of(model.trees).predict(data.X, raw_score=True)
    assert np.array_equal(model.forest.scores(data.X), theirs)


def of_normals(mood: Callable[[np.ndarray], np.ndarray], rows: int = 1500) -> Dataset:
    """Who leaves is told by `mood` [n] of six features [n, 6], and chance."""
    rng = np.random.default_rng(0)
    matrix = rng.normal(0, 1, (rows, 6))
    y = rng.logistic(0, 1, rows) + mood(matrix) > 0
    each = np.arange(rows)
    return Dataset(matrix, y, each, each * 0, matrix[:, 0] > 0, FEATURES[:6])


def test_the_half_that_tells_more_in_validation_weighs_more():
    added = fit(of_normals(lambda x: 1.2 * x.sum(axis=1)), QUICK)
    crossed = fit(of_normals(lambda x: 4 * np.sign(x[:, 0] * x[:, 1])), QUICK)
    assert added.blend < 0.4
    assert crossed.blend == 1.0


def test_trees_stop_growing_where_the_folds_tell_no_more():
    grown = [fit(world(signal=signal), QUICK).trees.count("\nTree=") for signal in (0.0, 1.0)]
    assert grown[0] < grown[1] / 3 < QUICK.max_rounds * QUICK.seeds / 3


def test_probabilities_are_those_of_the_world(model: ChurnModel):
    later = world(rows=6000, seed=8)
    assert abs(model.predict(later.X).mean() - later.y.mean()) < 0.03


def test_a_matrix_of_other_width_is_refused(data: Dataset, model: ChurnModel):
    with pytest.raises(ValueError, match="8 features"):
        model.predict(data.X[:, :5])


def test_no_customer_stands_on_both_sides_of_a_fold(data: Dataset):
    fold = group_folds(data.customer, data.y, 5, seed=1)
    assert all(len(set(fold[data.customer == one])) == 1 for one in range(200))
    leavers = [int(data.y[fold == number].sum()) for number in range(5)]
    assert max(leavers) < 1.3 * min(leavers)


def nights_of_noise(customers: int = 100, nights: int = 30) -> Dataset:
    """Customers who are known by their figures, night after night, and leave by chance."""
    rng = np.random.default_rng(4)
    who = np.repeat(np.arange(customers), nights)
    return Dataset(
        X=rng.normal(0, 1, (customers, len(FEATURES)))[who],
        y=(rng.random(customers) < 0.5)[who],
        customer=who,
        as_of=np.tile(np.arange(nights), customers),
        silent=np.zeros(len(who), bool),
        features=FEATURES,
    )


def by_rows(customer: np.ndarray, y: np.ndarray, folds: int, seed: int) -> np.ndarray:
    """Folds as they must not be."""
    return np.random.default_rng(seed).integers(0, folds, len(y))


def held_out(data: Dataset) -> np.ndarray:
    return learn(data, QUICK).held_out


def crossed(data: Dataset) -> np.ndarray:
    return cross_predict(data, QUICK, folds=3)


@pytest.mark.parametrize("way", [held_out, crossed])
def test_no_night_of_a_customer_helps_another_one_in_validation(
    way: Callable[[Dataset], np.ndarray], monkeypatch: pytest.MonkeyPatch
):
    noise = nights_of_noise()
    assert Ranking(noise.y, way(noise)).auc() < 0.65
    monkeypatch.setattr(churn, "group_folds", by_rows)
    assert Ranking(noise.y, way(noise)).auc() > 0.9  # which is what it would look like


def test_held_out_probabilities_are_less_sure_than_those_of_rows_learned_from(data: Dataset):
    fitted = learn(data, QUICK)
    assert fitted.model == fit(data, QUICK)
    own = fitted.model.predict(data.X)
    assert Ranking(data.y, fitted.held_out).auc() < Ranking(data.y, own).auc()
    assert fitted.held_out.mean() == pytest.approx(data.base_rate, abs=0.005)


def test_out_of_fold_predictions_of_noise_show_no_skill():
    noise = world(rows=800, signal=0.0)
    assert Ranking(noise.y, cross_predict(noise, QUICK, folds=3)).auc() < 0.56


def test_one_class_is_refused_with_what_is_missing(data: Dataset):
    with pytest.raises(NotEnoughData, match="0 customers left"):
        fit(replace(data, y=np.zeros(len(data), dtype=bool)), QUICK)


def test_bands_ask_for_twice_the_base_rate_even_of_the_top_tenth(model: ChurnModel):
    assert model.bands.medium == model.base_rate
    assert model.bands.high >= min(2 * model.base_rate, (1 + model.base_rate) / 2)
    assert Bands(0.1, 0.3).of(np.array([0.05, 0.1, 0.3])) == ["low", "medium", "high"]


def test_calibration_finds_the_truth_behind_log_odds_that_are_too_sure():
    rng = np.random.default_rng(0)
    truth = rng.normal(-2, 1.5, 20_000)
    y = rng.random(20_000) < probability(truth)
    fitted = calibrate(3 * truth + 1, y)
    assert log_loss(fitted(3 * truth + 1), y) == pytest.approx(log_loss(truth, y), abs=2e-3)


def test_calibration_of_noise_says_the_base_rate_and_keeps_the_order():
    rng = np.random.default_rng(1)
    z, y = rng.normal(0, 2, 5000), rng.random(5000) < 0.2
    calibrated = calibrate(z, y)(z)
    assert probability(calibrated) == pytest.approx(0.2, abs=0.04)
    assert np.array_equal(np.argsort(calibrated, kind="stable"), np.argsort(z, kind="stable"))


def test_calibrations_slope_is_its_derivative():
    curve, z = Calibration(0.5, 2.0, -0.3), np.linspace(-5, 5, 11)
    assert curve.slope(z) == pytest.approx((curve(z + 1e-6) - curve(z - 1e-6)) / 2e-6, rel=1e-5)


def test_the_linear_half_is_bounded_on_absurd_values(data: Dataset):
    linear = fit_linear(data.X, data.y, [0.03], seed=0)[0]
    absurd = data.X[:1].copy()
    absurd[0, 5] = 1e30
    assert abs(linear.log_odds(absurd)[0]) < 20


def test_everybody_is_ranked_by_all_and_believed_by_those_left_alone(data: Dataset):
    """Leavers count thrice and a tenth of the rows not at all: the same trees, other odds."""
    rng = np.random.default_rng(3)
    weight = np.where(data.y, 3.0, 1.0) * (rng.random(len(data)) < 0.9)
    plain, told = learn(data, QUICK), learn(replace(data, weight=weight), QUICK)
    assert told.model.trees == plain.model.trees
    assert told.model.linear == plain.model.linear
    share = np.average(data.y, weights=weight)
    assert share > data.y.mean() + 0.1
    assert told.model.base_rate == pytest.approx(share)
    assert np.average(told.held_out, weights=weight) == pytest.approx(share, abs=0.01)
    assert told.model.intervals != plain.model.intervals


def test_the_longer_the_horizon_the_wider_are_the_intervals(data: Dataset, model: ChurnModel):
    """Of two nights three months apart; nothing else of a model knows its horizon here."""
    later = fit(data, replace(QUICK, horizon_days=4 * QUICK.horizon_days))
    assert later.trees == model.trees
    soon, late = (one.predict_all(data.X) for one in (model, later))
    assert (late.main == soon.main).all()
    assert (late.low < soon.low).all()
    assert (late.high > soon.high).all()
