"""What customers do afterwards, as a first guess at who leaves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from small_world import QUICK, world

from models.boosting import Start, booster_of, cross_fit, fit_trees
from models.calibration import probability
from models.churn import fit
from models.dataset import Dataset, group_folds
from models.forest import Forest
from models.metrics import Ranking
from models.surrogate import ROUNDS, begin


def rare(rows: int = 6000, seed: int = 0) -> tuple[Dataset, np.ndarray]:
    """Customers of whom one in twenty-five leaves, whose use fades first, and their true mood."""
    data = world(rows, seed)
    rng = np.random.default_rng(seed)
    mood = data.X[:, 0] + np.log(data.X[:, 4]) - 0.5 * np.sin(data.X[:, 5])
    y = rng.random(rows) < 1 / (1 + np.exp(4.2 - mood))
    use = np.log1p(rng.poisson(np.exp(2 - 0.5 * mood)))
    noise = rng.normal(0, 1, rows)
    return replace(data, y=y, surrogates=np.column_stack([noise, use])), mood


def folds(data: Dataset) -> np.ndarray:
    return group_folds(data.customer, data.y, 3, seed=1)


def begun(data: Dataset) -> Start:
    start = begin(data, folds(data), QUICK)
    assert start is not None
    return start


def test_what_all_do_tells_more_of_the_few_who_leave():
    data, _ = rare()
    other, mood = rare(seed=1)
    plain = fit(replace(data, surrogates=None), QUICK).predict(other.X)
    with_it = fit(data, QUICK).predict(other.X)
    ranks = [np.corrcoef(mood, np.log(p))[0, 1] for p in (plain, with_it)]
    assert ranks[1] > ranks[0] + 0.02
    assert with_it.mean() == pytest.approx(data.y.mean(), rel=0.1)


def test_the_surrogate_that_tells_who_leaves_is_the_one_chosen():
    data, mood = rare()
    assert data.surrogates is not None
    for columns in ([0, 1], [1, 0]):
        start = begun(replace(data, surrogates=data.surrogates[:, columns]))
        assert np.corrcoef(start.log_odds, mood)[0, 1] > 0.7


def test_log_odds_to_begin_with_are_those_of_its_trees_and_out_of_fold():
    data, _ = rare()
    start = begun(data)
    trees = booster_of(start.text).predict(data.X)
    assert booster_of(start.text).num_trees() == ROUNDS
    assert np.corrcoef(trees, start.log_odds)[0, 1] > 0.9
    assert not np.allclose(trees, start.log_odds)
    assert probability(start.log_odds).mean() == pytest.approx(data.y.mean(), rel=0.1)


def test_trees_go_on_where_the_others_end_as_one_sum():
    data, _ = rare()
    start, fold = begun(data), folds(data)
    grown = cross_fit(data.X, data.y, fold, QUICK, start)
    one = replace(QUICK, seeds=1)
    text = fit_trees(data.X, data.y, grown, one, start)
    own = fit_trees(data.X, data.y, grown, one)
    trees = booster_of(text)
    assert trees.num_trees() == ROUNDS + grown.rounds == ROUNDS + booster_of(own).num_trees()
    beyond = trees.predict(data.X, raw_score=True) - booster_of(start.text).predict(data.X)
    # What is learned beyond does not say the average again.
    assert abs(beyond.mean()) < 0.5 < abs(booster_of(own).predict(data.X, raw_score=True).mean())
    forest = Forest.from_text(text)
    theirs = trees.predict(data.X[:50], pred_contrib=True)
    assert np.allclose(forest.contributions(data.X[:50]), theirs[:, :-1], atol=1e-9)
    assert Ranking(data.y, grown.log_odds).auc() >= Ranking(data.y, start.log_odds).auc() - 0.01


def test_nothing_that_is_known_too_seldom_or_never_varies_is_begun_with():
    data, _ = rare(1500)
    assert data.surrogates is not None
    seldom = np.where(np.arange(1500) % 10 == 0, data.surrogates[:, 1], np.nan)
    for told in (seldom, np.zeros(1500), np.full(1500, np.nan)):
        assert begin(replace(data, surrogates=told[:, None]), folds(data), QUICK) is None


def test_where_most_leave_the_label_tells_as_much():
    data, _ = rare(1500)
    few = np.arange(1500) % 5 < 2
    assert begin(replace(data, y=few), folds(data), QUICK) is not None
    most = replace(data, y=~few)
    assert begin(most, folds(data), QUICK) is None
    assert fit(most, QUICK).trees == fit(replace(most, surrogates=None), QUICK).trees


def test_the_same_rows_give_the_same_model_and_other_surrogates_another():
    data, _ = rare(1500)
    assert data.surrogates is not None
    assert fit(data, QUICK) == fit(data, QUICK)
    other = replace(data, surrogates=data.surrogates[:, :1])
    assert fit(data, QUICK).trees != fit(other, QUICK).trees


def test_surrogates_of_other_rows_are_refused():
    data, _ = rare(1500)
    with pytest.raises(ValueError, match="`surrogates` are not of each of the 1500 rows"):
        replace(data, surrogates=np.zeros((10, 1)))
