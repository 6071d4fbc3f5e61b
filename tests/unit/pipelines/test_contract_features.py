"""Terms in, features of the contract out, as a night knew them."""

import numpy as np
import pytest

from pipelines.features.relationship import all_paused, joined
from pipelines.history.rates import Money, Rates
from tests.unit.pipelines.term_tables import at, figures, night, terms

NIGHT = night("2026-03-01")
NONE = None  # not known


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        pytest.param(
            """
            customer started    ended
            0        2024-01-01 2024-06-01
            0        2026-02-19 -
            """,
            {"relationship_days": 10, "earlier_relationships": 1, "days_away": 628,
             "earlier_terms": 1, "terms_lost_365": 0, "running_terms": 1},
            id="a return begins anew",
        ),
        pytest.param(
            """
            customer started    ended      product
            0        2025-03-01 2026-02-19 a
            0        2025-03-01 -          b
            """,
            {"relationship_days": 365, "earlier_relationships": 0, "days_away": NONE,
             "terms_lost_365": 1, "days_since_term_lost": 10, "running_terms": 1},
            id="one of several products lost",
        ),
        pytest.param(
            """
            customer started    notice     product
            0        2025-03-01 2026-02-19 a
            0        2025-03-01 -          b
            """,
            {"terms_under_notice": 1, "running_terms": 2},
            id="notice on one of several",
        ),
        pytest.param(
            """
            customer started    paused_from paused_to
            0        2025-03-01 2026-02-19  2026-04-01
            """,
            {"paused": 1, "pauses_365": 1, "days_since_resumed": NONE, "running_terms": 1},
            id="on a pause",
        ),
        pytest.param(
            """
            customer started    paused_from paused_to  product
            0        2025-03-01 2026-02-19  2026-04-01 a
            0        2025-03-01 -           -          b
            """,
            {"paused": 0, "pauses_365": 1},
            id="one of two on a pause",
        ),
        pytest.param(
            """
            customer started    paused_from paused_to
            0        2025-03-01 2026-01-10  2026-02-19
            """,
            {"paused": 0, "days_since_resumed": 10},
            id="resumed",
        ),
        pytest.param(
            """
            customer started    ended      product value
            0        2024-02-01 2025-02-01 a       5
            0        2025-02-01 2026-02-01 a       5
            0        2026-02-01 -          b       8
            """,
            {"renewals": 1, "days_since_renewal": 393, "plan_changes_365": 1,
             "days_since_plan_change": 28, "relationship_days": 759, "value_per_month": 8,
             "price_change_180": 1.6, "terms_lost_365": 0},
            id="renewed, then another plan",
        ),
        pytest.param(
            """
            customer started    ends_at
            0        2025-03-11 2026-03-11
            0        2025-03-01 2027-03-01
            """,
            {"days_to_term_end": 10, "term_ends_in_60": 1, "runs_past_end": 0},
            id="the planned end that comes next",
        ),
        pytest.param(
            """
            customer started    ends_at
            0        2025-01-01 2026-01-01
            """,
            {"days_to_term_end": NONE, "term_ends_in_60": 0, "runs_past_end": 1},
            id="past its planned end",
        ),
    ],
)  # fmt: skip
def test_features_of_one_customer(table, expected):
    found = figures(terms(table), NIGHT)
    wanted = {name: np.nan if figure is None else figure for name, figure in expected.items()}
    assert {name: found[name][0] for name in wanted} == pytest.approx(wanted, nan_ok=True)


def test_what_has_no_date_is_empty_on_nights_before_it_was_seen():
    only_today = terms(
        """
        customer started    ends_at    value seen
        0        2024-03-11 2027-03-11 20    2026-03-20
        """,
        undated=True,
    )
    before, after = (figures(only_today, night(day)) for day in ("2026-03-20", "2026-03-21"))
    for name in ("value_per_month", "days_to_term_end", "term_ends_in_60", "runs_past_end"):
        assert np.isnan(figures(only_today, NIGHT)[name][0]), name
    assert before["value_per_month"] == [20]  # seen at midnight, before that night's run
    assert (after["value_per_month"], after["days_to_term_end"]) == ([20], [355])


ROLLED = """
    customer term started    ends_at    recorded   until
    0        0    2025-03-11 2026-03-11 2025-03-11 2026-03-12
    0        0    2025-03-11 2027-03-11 2026-03-12 -
"""


def test_a_renewal_date_that_was_rolled_on_later_does_not_leak():
    assert figures(terms(ROLLED), NIGHT)["days_to_term_end"] == [10]
    later = figures(terms(ROLLED), night("2026-03-21"))
    assert later["days_to_term_end"] == [355]
    assert (later["renewals"], later["days_since_renewal"]) == ([1], [10])


def test_a_price_is_what_was_known_and_the_change_is_against_half_a_year_before():
    priced = terms("""
        customer term started    value recorded   until
        0        0    2025-01-01 10    2025-01-01 2026-01-10
        0        0    2025-01-01 15    2026-01-10 -
    """)
    assert figures(priced, night("2026-01-05"))["value_per_month"] == [10]
    found = figures(priced, NIGHT)
    assert (found["value_per_month"], found["price_change_180"]) == ([15], [1.5])
    assert (found["plan_changes_365"], found["days_since_plan_change"]) == ([1], [50])


def test_amounts_of_several_currencies_are_not_added_up_without_rates():
    two = """
        customer started    value currency
        0        2025-01-01 10    EUR
        1        2025-01-01 20    CHF
        2        2025-01-01 10    EUR
        2        2025-01-01 20    CHF
        3        2025-01-01 30    -
    """
    without = figures(terms(two), NIGHT, 4)["value_per_month"]
    assert np.isnan(without).all()
    home = figures(terms(two), NIGHT, 4, Money("EUR", Rates.none()))["value_per_month"]
    assert home == pytest.approx([10, np.nan, np.nan, 30], nan_ok=True)
    rate = Rates(
        np.array(["CHF"], object), np.array([at("2026-02-01")]), np.array([1.1]),
        np.array([at("2026-02-01")]), np.array([at("-")]),
    )  # fmt: skip
    known = figures(terms(two), NIGHT, 4, Money("EUR", rate))["value_per_month"]
    assert known == pytest.approx([10, 22, 32, 30])


def test_tenure_counts_from_the_return():
    back = terms("""
        customer started    ended
        0        2024-01-01 2024-06-01
        0        2026-02-19 -
        1        2024-01-01 -
    """)
    first = np.array([at("2023-12-01"), at("2023-12-01")])
    began = joined(back, np.array([0, 1], np.int32), first, NIGHT)
    assert began.tolist() == [at("2026-02-19"), at("2023-12-01")]


def test_who_is_on_a_pause_is_known_for_all_customers_at_once():
    some = terms("""
        customer started    paused_from
        1        2025-01-01 2026-02-01
        2        2025-01-01 2026-03-05
    """)
    assert all_paused(some, NIGHT, 4).tolist() == [False, True, False, False]
