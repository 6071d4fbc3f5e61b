"""Whoever has most at stake keeps a row, however the customers come by."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipelines.shortlist import Shortlist, Stakes


@given(
    drawn=st.lists(st.tuples(st.booleans(), st.integers(0, 20)), min_size=1, max_size=60),
    most=st.integers(1, 10),
    block=st.integers(1, 15),
    seed=st.integers(0, 99),
)
def test_it_keeps_the_first_in_whatever_order_they_come(drawn, most, block, seed):
    considered, amount = (np.array(column) for column in zip(*drawn, strict=True))
    everyone = Stakes(considered, amount.astype(float), np.arange(len(drawn), dtype=np.int32))
    order = np.random.default_rng(seed).permutation(len(drawn))
    shortlist = Shortlist(most)
    for start in range(0, len(order), block):
        some = order[start : start + block]
        shortlist.offer(everyone.take(some), some[:, None].astype(float))
    kept, rows = shortlist.best()
    first = sorted(range(len(drawn)), key=lambda c: (not drawn[c][0], -drawn[c][1], c))
    assert kept.tolist() == first[:most]
    assert rows[:, 0].tolist() == kept.tolist()


def test_unknown_values_come_after_known_ones_by_risk():
    stakes = Stakes.of(
        np.arange(3, dtype=np.int32), np.array([0.9, 0.2, 0.1]), np.array([np.nan, np.nan, 0.0]), 0
    )
    assert stakes.highest(3).tolist() == [2, 0, 1]


def test_whom_the_plan_considers_comes_before_the_rich_it_does_not():
    stakes = Stakes.of(
        np.arange(3, dtype=np.int32), np.array([0.3, 0.05, 0.2]), np.array([10, 9e9, 20]), 0.1
    )
    assert stakes.highest(3).tolist() == [2, 0, 1]
