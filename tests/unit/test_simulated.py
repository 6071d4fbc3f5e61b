"""The figure by which worlds are compared: who leaves by luck must not count."""

import numpy as np
import pytest

from benchmarks.simulated import expected_auc
from models.metrics import Ranking


def test_certain_chances_give_the_auc_itself():
    rng = np.random.default_rng(1)
    y, score = rng.random(500) < 0.2, rng.random(500).round(1)
    assert expected_auc(y.astype(float), score) == pytest.approx(Ranking(y, score).auc(), abs=1e-12)


def test_it_is_the_mean_over_all_that_might_have_come_of_them():
    rng = np.random.default_rng(2)
    chance = rng.beta(1, 6, 2_000)
    score = np.log(chance) + rng.normal(0, 0.7, len(chance))
    drawn = [Ranking(rng.random(len(chance)) < chance, score).auc() for _ in range(400)]
    assert expected_auc(chance, score) == pytest.approx(
        np.mean(drawn), abs=4 * np.std(drawn) / len(drawn) ** 0.5
    )
    assert 0.5 < expected_auc(chance, score) < expected_auc(chance, chance)
