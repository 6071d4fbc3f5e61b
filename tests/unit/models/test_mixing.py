"""Several LightGBM texts as one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from small_world import QUICK

from models.boosting import Grown, booster_of, cross_fit, fit_trees
from models.churn import Dataset
from models.dataset import CAREFUL, DEEP, group_folds
from models.forest import Forest
from models.mixing import mixed


def texts(data: Dataset, seeds: int) -> list[str]:
    grown = Grown(CAREFUL, 20, np.zeros(len(data)))
    return [
        fit_trees(data.X, data.y, grown, replace(QUICK, seed=seed, seeds=1))
        for seed in range(seeds)
    ]


def test_the_mean_of_texts_scores_the_mean_of_their_scores(data: Dataset):
    of_seeds = texts(data, 3)
    scores = [booster_of(text).predict(data.X, raw_score=True) for text in of_seeds]
    assert not np.allclose(scores[0], scores[1])
    mean = booster_of(mixed([(text, 1 / 3) for text in of_seeds]))
    assert np.allclose(mean.predict(data.X, raw_score=True), np.mean(scores, axis=0), atol=1e-12)
    assert mean.num_trees() == 60


def test_contributions_of_the_mean_are_those_of_lightgbm(data: Dataset):
    text = mixed([(text, 0.5) for text in texts(data, 2)])
    forest = Forest.from_text(text)
    theirs = booster_of(text).predict(data.X, pred_contrib=True)
    assert np.allclose(forest.contributions(data.X), theirs[:, :-1], atol=1e-9)
    assert np.isclose(forest.bias, theirs[0, -1])


def test_the_shape_that_explains_more_is_the_one_chosen(data: Dataset):
    stump = replace(CAREFUL, num_leaves=2, max_depth=1, learning_rate=0.001)
    fold = group_folds(data.customer, data.y, 3, seed=1)
    for shapes in ((stump, DEEP), (DEEP, stump)):
        settings = replace(QUICK, shapes=shapes)
        assert cross_fit(data.X, data.y, fold, settings).shape == DEEP
