"""Pauses, returns, several products, corrections and renewals in the label."""

import numpy as np
import pytest

from models.contracts import DAY
from pipelines import labels
from pipelines.population import Why
from tests.unit.pipelines.term_tables import night, population, terms

NIGHT = night("2026-03-01")
HORIZON = 30 * DAY
COUNTED = ("cancelled", "not_renewed")


@pytest.mark.parametrize(
    ("table", "left", "known"),
    [
        pytest.param(
            """
            customer started    paused_from paused_to
            0        2025-01-01 2026-03-05  2026-03-25
            """,
            False, True, id="a pause is no end",
        ),
        pytest.param(
            """
            customer started    ended      end_kind
            0        2026-01-01 2026-03-10 cancelled
            0        2026-03-11 -          -
            """,
            False, True, id="back within the grace is a renewal",
        ),
        pytest.param(
            """
            customer started    ended      end_kind
            0        2026-01-01 2026-03-10 cancelled
            0        2026-03-13 -          -
            """,
            True, True, id="back after it had left",
        ),
        pytest.param(
            """
            customer started    ended      end_kind  product
            0        2025-01-01 2026-03-10 cancelled a
            0        2025-01-01 -          -         b
            """,
            False, True, id="one of several products",
        ),
        pytest.param(
            """
            customer started    notice     product
            0        2025-01-01 2026-03-10 a
            0        2025-01-01 2026-03-12 b
            """,
            True, True, id="notice on the last one",
        ),
        pytest.param(
            """
            customer started    ended      end_kind
            0        2025-01-01 2026-03-10 non_payment
            """,
            False, False, id="a kind that is not counted",
        ),
        pytest.param(
            """
            customer term started    notice     recorded   until
            0        0    2025-01-01 2026-03-10 2026-03-10 2026-03-20
            0        0    2025-01-01 -          2026-03-20 -
            """,
            False, True, id="a notice that was withdrawn",
        ),
    ],
)  # fmt: skip
def test_leaving_is_what_counts_today(table, left, known):
    told = labels.contractual(population(terms(table)), NIGHT.as_of, HORIZON, COUNTED)
    assert (bool(told.left[0]), bool(told.known[0])) == (left, known)


@pytest.mark.parametrize(
    ("table", "why"),
    [
        pytest.param(
            """
            customer started    paused_from paused_to
            0        2025-01-01 2026-02-05  -
            """,
            Why.SCORED, id="who is on a pause is scored",
        ),
        pytest.param(
            """
            customer term started    notice     recorded   until
            0        0    2025-01-01 -          2025-01-01 2026-03-02
            0        0    2025-01-01 2026-02-10 2026-03-02 -
            """,
            Why.SCORED, id="a notice that was told later",
        ),
        pytest.param(
            """
            customer term started    notice     recorded   until
            0        0    2025-01-01 2026-02-10 2026-02-10 2026-03-20
            0        0    2025-01-01 -          2026-03-20 -
            """,
            Why.NOTICE, id="a notice that was withdrawn later",
        ),
        pytest.param(
            """
            customer started    ended      end_kind  recorded
            0        2025-01-01 2026-06-01 cancelled 2026-02-10
            """,
            Why.NOTICE, id="an end announced",
        ),
        pytest.param(
            """
            customer started    until
            0        2025-01-01 2026-03-20
            """,
            Why.SCORED, id="deleted later",
        ),
        pytest.param(
            """
            customer started    ended      until
            0        2025-01-01 2026-01-01 2026-02-20
            1        2025-01-01 -          -
            """,
            Why.SCORED, id="deleted before, so judged as one without terms",
        ),
        pytest.param(
            """
            customer started    ended
            0        2025-01-01 2025-06-01
            0        2026-02-01 -
            """,
            Why.SCORED, id="back again",
        ),
    ],
)  # fmt: skip
def test_who_is_scored_is_what_the_night_knew(table, why):
    assert population(terms(table), 2).excluded(NIGHT).tolist()[0] == why


def test_an_end_of_a_customer_row_counts_from_when_it_was_recorded():
    columns = {"left_at": [night("2026-02-01").as_of], "left_recorded": [night("2026-03-05").as_of]}
    people = population(None, **columns)
    assert people.excluded(NIGHT).tolist() == [Why.SCORED]
    assert people.excluded(night("2026-03-05")).tolist() == [Why.GONE]
    assert not labels.contractual(people, NIGHT.as_of, HORIZON, COUNTED).known[0]


RENEWALS = """
    customer term started    ends_at    notice     ended      end_kind    recorded
    0        0    2025-06-01 2026-06-01 -          2026-06-01 not_renewed 2025-06-01
    1        1    2025-06-01 2026-06-01 -          2026-06-01 -           2025-06-01
    1        2    2026-06-01 2027-06-01 -          -          -           2026-06-01
    2        3    2025-06-01 2026-06-01 2026-05-01 -          -           2025-06-01
    3        4    2025-03-15 2026-03-15 -          -          -           2025-06-01
    4        5    2026-01-01 2026-06-01 -          -          -           2026-01-01
    5        6    2025-06-01 2026-06-01 -          2026-05-01 deceased    2025-06-01
    6        7    2025-09-01 2026-09-01 -          -          -           2025-09-01
    7        8    2025-06-01 -          -          -          -           2025-06-01
    8        9    2026-07-01 -          -          -          -           2026-07-01
"""


def test_renewal_asks_of_yearly_terms_past_the_horizon_whether_they_were_renewed():
    told = labels.renewal(population(terms(RENEWALS, undated=True), 9), NIGHT, HORIZON, COUNTED)
    # not renewed; renewed; notice; ends within the horizon; not yearly; a death; not told yet;
    # open; begins later
    assert told.known.tolist() == [True, True, True, *[False] * 6]
    assert told.lapses.tolist() == [True, False, True, *[False] * 6]
    assert told.asked.tolist() == [True, True, True, False, False, True, True, False, False]


def test_a_notice_long_before_the_end_is_not_counted_until_those_who_stay_can_be():
    """Both end on the same day, of which the feed has not told yet; one gave notice early."""
    running = terms("""
        customer term started    ends_at    notice     recorded
        0        0    2025-09-01 2026-09-01 2026-04-01 2025-09-01
        1        1    2025-09-01 2026-09-01 -          2025-09-01
        2        2    2026-06-01 -          -          2026-06-01
    """)
    told = labels.renewal(population(running, 3), NIGHT, HORIZON, COUNTED)
    assert told.asked.tolist() == [True, True, False]
    assert not np.any(told.known)


def test_a_renewal_that_was_not_known_yet_is_in_the_label_and_not_in_what_the_night_asks():
    """The night asks of the term it knew, though the next one has begun by then, unrecorded."""
    late = terms("""
        customer term started    ends_at    ended      recorded
        0        0    2025-06-01 2026-06-01 2026-06-01 2025-06-01
        0        1    2026-06-01 2027-06-01 -          2026-06-20
        1        2    2026-07-01 -          -          2026-07-01
    """)
    told = labels.renewal(population(late, 2), NIGHT, HORIZON, COUNTED)
    assert told.ends_at[0] == night("2026-06-01").as_of
    assert (bool(told.known[0]), bool(told.lapses[0])) == (True, False)


def test_renewal_asks_of_the_planned_end_that_the_night_knew():
    rolled = terms("""
        customer term started    ends_at    recorded   until
        0        0    2025-06-01 2026-06-01 2025-06-01 2026-06-02
        0        0    2025-06-01 2027-06-01 2026-06-02 -
    """)
    told = labels.renewal(population(rolled), NIGHT, HORIZON, COUNTED)
    assert (told.known.tolist(), told.lapses.tolist()) == ([True], [False])


def test_without_terms_nothing_tells_of_renewals():
    told = labels.renewal(population(None, 2), NIGHT, HORIZON, COUNTED)
    assert not np.any(told.known)
