"""What must hold for every history: no future, no order, one customer at a time, one truth."""

from __future__ import annotations

import random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from models.contracts import DAY
from pipelines.features import matrix, reference
from tests.unit.pipelines.features.histories import (
    AS_OF,
    HOUR,
    context,
    events,
    features,
    histories,
)

NIGHT = matrix.Night(AS_OF, AS_OF + 6 * HOUR)
# Out of order, one of them twice, one that could see less than an earlier one.
NIGHTS = [
    matrix.Night(AS_OF - 30 * DAY, AS_OF - 30 * DAY + 6 * HOUR),
    NIGHT,
    matrix.Night(AS_OF - 7 * DAY, AS_OF - 7 * DAY),
    matrix.Night(AS_OF, AS_OF + 6 * HOUR),
    matrix.Night(AS_OF + DAY, AS_OF - 10 * DAY),
]
examples = settings(max_examples=150, deadline=None)


def same(one: np.ndarray, other: np.ndarray) -> None:
    np.testing.assert_array_equal(one, other)


@examples
@given(histories())
def test_what_happens_at_or_after_the_date_changes_nothing(rows):
    before = [row for row in rows if row["at"] < NIGHT.as_of]
    same(features(rows, [NIGHT]), features(before, [NIGHT]))


@examples
@given(histories())
def test_what_was_recorded_after_the_cut_off_changes_nothing(rows):
    known = [row for row in rows if row["recorded"] <= NIGHT.cutoff]
    same(features(rows, [NIGHT]), features(known, [NIGHT]))


@examples
@given(histories())
def test_a_night_is_the_same_whatever_other_nights_are_asked(rows):
    together = features(rows, NIGHTS)
    for position, night in enumerate(NIGHTS):
        same(together[position], features(rows, [night])[0])


@examples
@given(histories(), st.randoms(use_true_random=False))
def test_the_order_of_the_rows_changes_nothing(rows, luck: random.Random):
    shuffled = list(rows)
    luck.shuffle(shuffled)
    same(features(rows, [NIGHT]), features(shuffled, [NIGHT]))


@examples
@given(histories(customers=3))
def test_customers_do_not_touch_each_other(rows):
    together = features(rows, NIGHTS, customers=3)
    for customer in range(3):
        alone = [row | {"customer": 0} for row in rows if row["customer"] == customer]
        same(together[:, customer], features(alone, NIGHTS, customers=1)[:, 0])


@examples
@given(histories())
def test_the_compiled_pass_equals_the_reference(rows):
    customers = np.arange(2, dtype=np.int32)
    joined = np.full(2, AS_OF - 200 * DAY, np.int64)
    slow = reference.compute(events(rows), customers, joined, NIGHTS, context())
    fast = features(rows, NIGHTS)[:, :, : slow.shape[2]]
    equal = np.isclose(
        fast, slow, rtol=reference.TOLERANCE, atol=reference.TOLERANCE, equal_nan=True
    )
    names = [feature.name for feature in matrix.features()]
    assert not {names[column] for column in np.nonzero(~equal)[2]}
