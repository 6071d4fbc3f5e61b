"""Silence on a pause is not fading."""

import numpy as np

from pipelines.features import matrix
from pipelines.scoretable import Scores


def test_fading_is_unknown_where_all_running_contracts_are_paused():
    rows = np.zeros((3, len(matrix.features())))
    rows[:, matrix.column("fading")] = 4.0
    rows[:, matrix.column("paused")] = [0.0, 1.0, np.nan]  # running, paused, no contract
    scores = Scores.of(np.arange(3, dtype=np.int32), np.full(3, 0.5), rows)
    np.testing.assert_equal(scores.fading, [4.0, np.nan, 4.0])
