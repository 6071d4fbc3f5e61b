"""Whoever has most at stake keeps a row, however the customers come by."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipelines.shortlist import Shortlist, stake


@given(
    stakes=st.lists(st.integers(0, 20), min_size=1, max_size=60),
    most=st.integers(1, 10),
    block=st.integers(1, 15),
    seed=st.integers(0, 99),
)
def test_it_keeps_the_highest_in_whatever_order_they_come(stakes, most, block, seed):
    worth = np.array(stakes, float)
    customer = np.arange(len(worth), dtype=np.int32)
    order = np.random.default_rng(seed).permutation(len(worth))
    shortlist = Shortlist(most)
    for start in range(0, len(order), block):
        some = order[start : start + block]
        shortlist.offer(customer[some], worth[some], customer[some, None].astype(float))
    kept, rows = shortlist.best()
    assert kept.tolist() == sorted(customer.tolist(), key=lambda c: (-worth[c], c))[:most]
    assert rows[:, 0].tolist() == kept.tolist()


def test_unknown_values_come_after_known_ones_by_risk():
    worth = stake(np.array([0.9, 0.2, 0.1]), np.array([np.nan, np.nan, 0.0]))
    assert np.argsort(-worth).tolist() == [2, 0, 1]
