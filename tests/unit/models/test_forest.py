from __future__ import annotations

import lightgbm
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.errors import WarmlineError
from models.forest import Forest

COLUMNS = 12


def table(seed: int, rows: int = 600) -> tuple[np.ndarray, np.ndarray]:
    """Counts, zeros, missing values and plain numbers, and a label that needs interactions."""
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(rows, COLUMNS))
    matrix[:, :4] = rng.poisson(1.0, size=(rows, 4))
    matrix[:, 2:8][rng.random((rows, 6)) < 0.3] = np.nan
    known = np.nan_to_num(matrix)
    return matrix, known[:, 0] * known[:, 3] + known[:, 9] + rng.normal(size=rows) > 0.5


def train(seed: int, **parameters: object) -> lightgbm.Booster:
    matrix, y = table(seed)
    base = {
        "objective": "binary",
        "num_leaves": 15,
        "max_depth": 6,
        "min_data_in_leaf": 5,
        "bagging_fraction": 0.8,
        "bagging_freq": 1,
        "seed": seed,
        "num_threads": 1,
        "verbosity": -1,
    }
    return lightgbm.train(base | parameters, lightgbm.Dataset(matrix, y), 25)


@settings(max_examples=12, deadline=None)
@given(
    st.integers(0, 10_000),
    st.sampled_from([(2, 1), (7, 3), (15, 6), (31, 8)]),
    st.booleans(),
)
def test_contributions_and_scores_equal_lightgbms(seed: int, shape: tuple[int, int], known: bool):
    booster = train(seed, num_leaves=shape[0], max_depth=shape[1], use_missing=known)
    matrix, _ = table(seed + 1, rows=70)
    matrix[0], matrix[1] = np.nan, 0.0
    forest = Forest.from_text(booster.model_to_string())
    theirs = booster.predict(matrix, pred_contrib=True)
    assert np.allclose(forest.contributions(matrix), theirs[:, :-1], atol=1e-10)
    assert forest.bias == pytest.approx(theirs[0, -1], abs=1e-10)
    assert np.array_equal(forest.scores(matrix), booster.predict(matrix, raw_score=True))


def test_rows_shared_out_over_threads_answer_alike():
    forest = Forest.from_text(train(3).model_to_string())
    matrix, _ = table(4, rows=9000)
    assert np.array_equal(forest.contributions(matrix, 3), forest.contributions(matrix, 1))


def test_rows_alone_and_among_others_answer_alike():
    forest = Forest.from_text(train(5).model_to_string())
    matrix, _ = table(6, rows=67)
    for answers in (forest.scores, forest.contributions):
        alone = [answers(matrix[row : row + 1]) for row in range(len(matrix))]
        assert np.array_equal(answers(matrix), np.concatenate(alone))


def test_trees_without_a_split_add_to_the_bias_alone():
    booster = train(5, min_data_in_leaf=600)
    forest = Forest.from_text(booster.model_to_string())
    matrix, _ = table(5)
    assert not forest.contributions(matrix).any()
    assert forest.scores(matrix) == pytest.approx(booster.predict(matrix, raw_score=True))


@pytest.mark.parametrize(
    ("parameters", "why"),
    [
        ({"zero_as_missing": True}, "zero for missing"),
        ({"linear_tree": True}, "linear model"),
        ({"categorical_feature": [0]}, "categorical"),
        ({"max_depth": 12, "num_leaves": 60, "min_data_in_leaf": 1}, "deeper than 8"),
    ],
)
def test_what_the_tables_cannot_hold_is_refused(parameters: dict[str, object], why: str):
    text = train(6, **parameters).model_to_string()
    with pytest.raises(WarmlineError, match=why):
        Forest.from_text(text)
