"""Who left within the horizon, as tables: terms in, label out."""

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from models.contracts import DAY
from pipelines import labels
from pipelines.features.matrix import Night
from pipelines.history.people import People
from pipelines.history.terms import END_KIND_CODE, NEVER, Terms
from pipelines.population import Population, Why

AS_OF = int(datetime(2026, 3, 1, tzinfo=UTC).timestamp())
HORIZON = 30 * DAY
COUNTED = ("cancelled", "not_renewed")


def at(text: str) -> int:
    if text in ("", "-"):
        return NEVER
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def population(table: str, customers: int = 1, **columns) -> Population:
    """Rows of `customer started notice ended end_kind` as a population with those terms."""
    rows = [line.split() for line in table.strip().splitlines()]
    terms = Terms.of(
        customer=np.array([int(row[0]) for row in rows], np.int32),
        started=np.array([at(row[1]) for row in rows]),
        notice=np.array([at(row[2]) for row in rows]),
        ended=np.array([at(row[3]) for row in rows]),
        end_kind=np.array([END_KIND_CODE.get(row[4], -1) for row in rows], np.int8),
        value=np.ones(len(rows)),
        recorded=np.array([at(row[1]) for row in rows]),
    )
    frame = pd.DataFrame(
        {
            "joined_at": np.full(customers, at("2020-01-01")),
            "left_at": np.full(customers, NEVER),
            "profiling_objection": np.zeros(customers, bool),
        }
        | columns
    )
    return Population.of(People.of(frame), terms if rows else None)


@pytest.mark.parametrize(
    ("terms", "left", "known"),
    [
        ("0 2025-01-01 - - -", False, True),
        ("0 2025-01-01 - 2026-03-15 cancelled", True, True),
        ("0 2025-01-01 2026-03-15 2026-12-31 cancelled", True, True),  # notice comes first
        ("0 2025-01-01 2026-03-15 - -", True, True),  # under notice, not ended yet
        ("0 2025-01-01 2026-02-15 2026-03-15 cancelled", False, False),  # under notice already
        ("0 2025-01-01 - 2026-03-15 deceased", False, False),  # neither left nor stayed
        ("0 2025-01-01 - 2026-03-31 cancelled", False, True),  # the horizon's end is outside
        ("0 2025-01-01 - 2026-03-01 cancelled", True, True),  # its start is inside
        ("0 2025-01-01 - 2026-02-28 cancelled", False, False),  # gone before
    ],
)
def test_one_term(terms, left, known):
    told = labels.contractual(population(terms), AS_OF, HORIZON, COUNTED)
    assert (bool(told.left[0] and told.known[0]), bool(told.known[0])) == (left, known)


def test_who_left_is_dated_and_nobody_else():
    """By notice, by end, not at all, and by a kind that is not counted."""
    terms = """
        0 2025-01-01 2026-03-11 2026-12-31 cancelled
        1 2025-01-01 - 2026-03-01 cancelled
        2 2025-01-01 - - -
        3 2025-01-01 - 2026-03-15 deceased
    """
    told = labels.contractual(population(terms, 4), AS_OF, HORIZON, COUNTED)
    np.testing.assert_array_equal(told.days, [10.0, 0.0, np.nan, np.nan])


def test_a_term_that_the_next_one_follows_is_a_renewal():
    terms = """
        0 2026-02-01 - 2026-03-01 -
        0 2026-03-01 - 2026-04-01 -
        0 2026-04-02 - - -
    """
    assert not labels.contractual(population(terms), AS_OF, HORIZON, COUNTED).left[0]


def test_a_customer_who_returns_later_has_left_all_the_same():
    terms = """
        0 2026-02-01 - 2026-03-10 cancelled
        0 2026-03-20 - - -
    """
    assert labels.contractual(population(terms), AS_OF, HORIZON, COUNTED).left[0]


def test_the_last_of_several_running_terms_decides():
    terms = """
        0 2025-01-01 - 2026-03-10 cancelled
        0 2025-06-01 - - -
        1 2025-01-01 - 2026-03-10 cancelled
        1 2025-06-01 - 2026-03-12 moved
    """
    told = labels.contractual(population(terms, 2), AS_OF, HORIZON, COUNTED)
    assert told.left.tolist() == [False, False]
    assert told.known.tolist() == [True, False]


def test_without_terms_left_at_decides():
    people = population("", 3, left_at=[at("2026-03-10"), at("2026-06-01"), at("2026-02-01")])
    told = labels.contractual(people, AS_OF, HORIZON, COUNTED)
    assert told.left.tolist() == [True, False, False]
    assert told.known.tolist() == [True, True, False]


def test_who_is_not_scored_and_why():
    terms = """
        0 2025-01-01 - - -
        1 2025-01-01 - - -
        2 2025-01-01 2026-02-15 - -
        3 2025-01-01 - 2026-01-15 cancelled
        4 2026-03-05 - - -
    """
    people = population(
        terms,
        5,
        joined_at=[at("2020-01-01")] * 4 + [at("2026-03-05")],
        profiling_objection=[False, True, False, False, False],
    )
    why = people.excluded(Night(AS_OF, AS_OF + 6 * 3600))
    assert why.tolist() == [Why.SCORED, Why.OBJECTS, Why.NOTICE, Why.GONE, Why.NOT_YET]


def test_a_night_does_not_know_of_a_term_recorded_later():
    people = population("0 2025-01-01 - - -")
    assert people.contracted(known_by=at("2024-12-31")).tolist() == [True]  # the company has terms
    assert people.has_terms(known_by=at("2024-12-31")).tolist() == [False]
    assert people.has_terms(known_by=at("2025-01-01")).tolist() == [True]
