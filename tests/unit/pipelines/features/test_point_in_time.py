"""What must hold for every history: no future, no order, one customer at a time, one truth."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.contracts import DAY
from pipelines.features import matrix
from pipelines.history.events import NEVER
from tests.unit.pipelines.features.contract_rows import contract, moment
from tests.unit.pipelines.features.engines import (
    ENGINES,
    acceptable,
    differing,
    of_contract,
    of_reference,
)
from tests.unit.pipelines.features.histories import (
    AS_OF,
    HOUR,
    context,
    contexts,
    features,
    gaps,
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
few_examples = settings(max_examples=20, deadline=None)


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
def test_a_correction_or_deletion_that_became_known_later_changes_nothing(rows):
    known = [row for row in rows if row["recorded"] <= NIGHT.cutoff]
    as_it_stood = [
        row | {"until": NEVER if row["until"] > NIGHT.cutoff else row["until"]} for row in known
    ]
    same(features(rows, [NIGHT]), features(as_it_stood, [NIGHT]))


@examples
@given(histories())
def test_a_version_that_was_replaced_by_the_cut_off_might_as_well_not_be_there(rows):
    standing = [row for row in rows if row["until"] > NIGHT.cutoff]
    same(features(rows, [NIGHT]), features(standing, [NIGHT]))


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
@given(histories(), gaps())
def test_a_gap_counts_only_before_the_date_and_once_it_was_known(rows, given_gaps):
    cut = [
        replace(gap, end=min(gap.end, AS_OF))
        for gap in given_gaps.gaps
        if gap.start < AS_OF and gap.known <= NIGHT.cutoff
    ]
    as_seen = replace(given_gaps, gaps=tuple(cut))
    later = features(rows, [NIGHT], context=context(given_gaps))
    same(later, features(rows, [NIGHT], context=context(as_seen)))


@examples
@given(histories(), contexts())
def test_a_night_is_the_same_whatever_other_nights_know_of_gaps(rows, where):
    together = features(rows, NIGHTS, context=where)
    for position, night in enumerate(NIGHTS):
        same(together[position], features(rows, [night], context=where)[0])


@examples
@given(histories().map(acceptable), contexts())
def test_the_compiled_pass_equals_the_reference(rows, where):
    slow = of_reference(rows, 2, NIGHTS, where)
    assert not differing(ENGINES["kernel"](rows, 2, NIGHTS, where), slow)


# An engine that reads rows first takes many customers at once: reading takes far longer than these.
@pytest.mark.parametrize("engine", sorted(ENGINES.keys() - {"kernel"}))
@few_examples
@given(histories(customers=6, most=80).map(acceptable), contexts())
def test_every_engine_equals_the_reference(engine, rows, where):
    slow = of_reference(rows, 6, NIGHTS, where)
    assert not differing(ENGINES[engine](rows, 6, NIGHTS, where), slow)


@few_examples
@given(histories(customers=4, most=60).map(acceptable), st.sampled_from(NIGHTS))
def test_contract_rows_that_had_not_come_by_the_cut_off_change_nothing(rows, night):
    everything = contract(rows)
    arrived = [row for row in everything if came(row) <= moment(night.cutoff, MOST_NUDGE)]
    same(
        of_contract(everything, 4, [night], context()),
        of_contract(arrived, 4, [night], context()),
    )


@few_examples
@given(histories(customers=4, most=60).map(acceptable), st.randoms(use_true_random=False))
def test_contract_rows_count_the_same_in_any_order_and_however_often(rows, luck: random.Random):
    everything = contract(rows)
    shuffled = everything + everything[::3]
    luck.shuffle(shuffled)
    same(
        of_contract(everything, 4, NIGHTS, context()),
        of_contract(shuffled, 4, NIGHTS, context()),
    )


MOST_NUDGE = 10  # microseconds between ages of one second (`contract_rows`)


def came(row):
    """When a source would have told of a row."""
    times = [row.get(name) for name in ("recorded_at", "updated_at", "deleted_at")]
    return max(time for time in times if time is not None)
