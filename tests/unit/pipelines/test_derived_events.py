"""Terms in, the events they imply out: what, when, and since when it was known."""

import numpy as np
import pytest

from models.contracts import KINDS
from pipelines.history.derived import derived_events
from pipelines.history.terms import NEVER
from tests.unit.pipelines.term_tables import at, terms


def derived(table: str, cutoff: int = NEVER, **options: bool) -> list[tuple[str, str, str]]:
    """Kind, date and date of knowledge of each event, in order."""
    events = derived_events(terms(table, **options), cutoff)
    dates = [np.datetime_as_string(times.astype("datetime64[s]"), "D").tolist()
             for times in (events.at, events.recorded)]  # fmt: skip
    return sorted(
        zip([KINDS[code] for code in events.kind], *dates, strict=True), key=lambda e: (e[1], e[0])
    )


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        pytest.param(
            """
            customer started    ended      product value
            0        2025-01-01 2026-01-01 gold    10
            0        2026-01-01 -          gold    10
            """,
            [("renewed", "2026-01-01", "2026-01-01")], id="the same again",
        ),
        pytest.param(
            """
            customer started    ended      product value
            0        2025-01-01 2026-01-01 gold    10
            0        2026-01-02 -          gold    15
            """,
            [("plan_changed", "2026-01-02", "2026-01-02")], id="another price at once",
        ),
        pytest.param(
            """
            customer started    ended      product value
            0        2025-01-01 2026-01-01 gold    10
            0        2026-01-01 -          iron    10
            """,
            [("plan_changed", "2026-01-01", "2026-01-01")], id="another product at once",
        ),
        pytest.param(
            """
            customer started    ended      product value
            0        2025-01-01 2026-01-01 gold    10
            0        2025-01-01 2026-01-01 iron    10
            0        2026-01-01 -          gold    10
            """,
            [("renewed", "2026-01-01", "2026-01-01"), ("term_ended", "2026-01-01", "2025-01-01")],
            id="one product renewed, the other lost",
        ),
        pytest.param(
            """
            customer started    ended
            0        2025-01-01 2025-06-01
            0        2025-06-04 -
            """,
            [("term_ended", "2025-06-01", "2025-01-01")], id="back after a gap",
        ),
        pytest.param(
            """
            customer started    ended
            0        2025-01-01 2025-06-01
            1        2025-06-01 -
            """,
            [("term_ended", "2025-06-01", "2025-01-01")], id="another customer's start",
        ),
        pytest.param(
            """
            customer started    paused_from paused_to  notice     ended      recorded
            0        2025-01-01 2025-02-01  2025-03-01 2025-05-01 2025-08-01 2025-01-01
            """,
            [
                ("paused", "2025-02-01", "2025-01-01"), ("resumed", "2025-03-01", "2025-01-01"),
                ("notice_given", "2025-05-01", "2025-01-01"),
                ("term_ended", "2025-08-01", "2025-01-01"),
            ],
            id="all of one term, recorded ahead",
        ),
        pytest.param(
            """
            customer started    paused_from paused_to  ended
            0        2025-01-01 2025-02-01  2025-03-01 2025-02-15
            """,
            [("paused", "2025-02-01", "2025-01-01"), ("term_ended", "2025-02-15", "2025-01-01")],
            id="ended while on a pause",
        ),
        pytest.param(
            """
            customer started    ended
            0        2025-01-01 2025-01-01
            """,
            [("term_ended", "2025-01-01", "2025-01-01")], id="no term follows itself",
        ),
    ],
)  # fmt: skip
def test_what_a_term_says_alone_and_with_the_one_that_follows(table, expected):
    assert derived(table) == expected


def test_of_terms_that_came_later_events_are_known_as_they_happen_and_prices_as_they_came():
    table = """
        customer started    paused_from paused_to  ended      value seen
        0        2025-01-01 2025-02-01  2025-03-01 2025-06-01 10    2026-05-01
        0        2025-06-01 -           -          -          15    2026-05-01
    """
    assert derived(table, undated=True) == [
        ("paused", "2025-02-01", "2025-02-01"),
        ("resumed", "2025-03-01", "2025-03-01"),
        ("plan_changed", "2025-06-01", "2026-05-01"),
    ]
    assert derived(table, at("2025-12-01"), undated=True)[-1] == (
        "renewed", "2025-06-01", "2025-06-01",
    )  # fmt: skip


VERSIONS = """
    customer term started    ends_at    value product recorded   until
    0        0    2025-01-01 2026-01-01 10    gold    2025-01-01 2025-06-01
    0        0    2025-01-01 2026-01-01 12    gold    2025-06-01 2026-01-03
    0        0    2025-01-01 2027-01-01 12    gold    2026-01-03 -
"""


def test_versions_of_a_term_tell_new_prices_and_renewals_from_when_they_were_recorded():
    assert derived(VERSIONS) == [
        ("plan_changed", "2025-06-01", "2025-06-01"),
        ("renewed", "2026-01-01", "2026-01-03"),
    ]
    assert derived(VERSIONS, at("2026-01-02")) == [("plan_changed", "2025-06-01", "2025-06-01")]
    assert derived(VERSIONS, at("2025-05-31")) == []


def test_a_pause_that_was_over_when_the_next_one_came_stays_and_a_corrected_one_does_not():
    table = """
        customer term started    paused_from paused_to  recorded   until
        0        0    2025-01-01 2025-02-01  2025-03-01 2025-02-01 2025-02-05
        0        0    2025-01-01 2025-02-02  2025-03-01 2025-02-05 2025-09-01
        0        0    2025-01-01 2025-09-01  -          2025-09-01 -
    """
    assert derived(table) == [
        ("paused", "2025-02-02", "2025-02-05"),
        ("resumed", "2025-03-01", "2025-02-05"),
        ("paused", "2025-09-01", "2025-09-01"),
    ]


def test_an_event_keeps_the_date_of_the_first_version_that_told_it():
    table = """
        customer term started    notice     value recorded   until
        0        0    2025-01-01 2025-04-01 10    2025-04-02 2025-08-01
        0        0    2025-01-01 2025-04-01 10    2025-08-01 -
    """
    assert derived(table) == [("notice_given", "2025-04-01", "2025-04-02")]


def test_a_deleted_term_leaves_no_events():
    assert derived(VERSIONS.replace("2026-01-03 -", "2026-01-03 2026-02-01")) == []
