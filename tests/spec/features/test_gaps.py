"""A known outage of a feed is not silence."""

from __future__ import annotations

from tests.spec.features.table import feature_spec

OUTAGE = """
    kind  | from       | to
    order | 2026-02-20 | 2026-02-24
"""


@feature_spec("days_since_order", as_of="2026-03-01", feed_gaps=OUTAGE)
def test_days_in_which_the_feed_was_dead_do_not_count():
    history = """
        customer | occurred_at      | kind
        before   | 2026-02-10 00:00 | order
        within   | 2026-02-22 00:00 | order
        after    | 2026-02-26 00:00 | order
        never    | 2026-02-10 00:00 | usage
    """
    return history, {"before": 15, "within": 5, "after": 3, "never": None}


@feature_spec("days_since_order", as_of="2026-02-22", feed_gaps=OUTAGE)
def test_a_gap_counts_as_far_as_it_lies_before_the_night():
    history = """
        customer | occurred_at      | kind
        acme     | 2026-02-10 00:00 | order
    """
    return history, {"acme": 10}


@feature_spec(
    "days_since_order",
    as_of="2026-03-01",
    feed_gaps="""
        kind  | from       | to         | recorded_at
        order | 2026-02-20 | 2026-02-24 | 2026-03-05
        order | 2026-02-12 | 2026-02-13 | 2026-02-14
    """,
)
def test_an_outage_that_the_night_had_not_heard_of_is_silence_to_it():
    history = """
        customer | occurred_at      | kind
        acme     | 2026-02-10 00:00 | order
    """
    return history, {"acme": 18}


@feature_spec(
    "days_since_active",
    as_of="2026-03-01",
    feed_gaps="""
        kind    | from       | to
        order   | 2026-02-12 | 2026-02-20
        usage   | 2026-02-14 | 2026-02-22
        payment | 2026-02-16 | 2026-02-24
    """,
)
def test_time_is_dead_for_several_kinds_while_all_of_them_are():
    history = """
        customer | occurred_at      | kind
        acme     | 2026-02-10 00:00 | order
        bolt     | 2026-02-18 00:00 | payment
    """
    return history, {"acme": 15, "bolt": 9}


@feature_spec(
    "days_since_word",
    as_of="2026-03-01",
    feed_gaps="""
        kind       | from             | to
        -          | 2026-02-20 00:00 | 2026-02-22 00:00
        -          | 2026-02-21 00:00 | 2026-02-22 12:00
        message_in | 2026-02-01 00:00 | 2026-03-01 00:00
    """,
)
def test_a_gap_of_all_kinds_is_one_of_each_and_overlaps_count_once():
    history = """
        customer | occurred_at      | kind
        acme     | 2026-02-19 00:00 | message_in
    """
    return history, {"acme": 7.5}


@feature_spec(
    "silent",
    as_of="2026-03-01",
    feed_gaps="""
        kind | from       | to
        -    | 2025-06-01 | 2025-06-11
    """,
)
def test_a_year_of_silence_is_a_year_in_which_we_could_have_heard():
    history = """
        customer | occurred_at      | kind
        heard    | 2025-02-19 00:00 | message_in
        longer   | 2025-02-18 23:59 | message_in
        never    | 2026-02-01 00:00 | order
    """
    return history, {"heard": 0, "longer": 1, "never": 1}


@feature_spec(
    "usage_gap",
    as_of="2026-03-01",
    feed_gaps="""
        kind  | from             | to
        usage | 2026-02-04 12:00 | 2026-02-07 12:00
    """,
)
def test_whole_days_of_an_outage_do_not_lengthen_the_usual_gap():
    history = """
        customer | occurred_at      | kind
        through  | 2026-02-01 09:00 | usage
        through  | 2026-02-03 09:00 | usage
        through  | 2026-02-08 09:00 | usage
        through  | 2026-02-10 09:00 | usage
        within   | 2026-02-03 09:00 | usage
        within   | 2026-02-05 09:00 | usage
        within   | 2026-02-07 09:00 | usage
        within   | 2026-02-08 09:00 | usage
    """
    return history, {"through": 2, "within": 1}


@feature_spec(
    "fading",
    as_of="2026-03-01",
    feed_gaps="""
        kind  | from       | to
        -     | 2026-02-15 | 2026-02-25
    """,
)
def test_nobody_fades_while_the_feeds_are_dead():
    history = """
        customer | occurred_at      | kind
        steady   | 2026-02-05 00:00 | order
        steady   | 2026-02-09 00:00 | order
        steady   | 2026-02-13 00:00 | order
    """
    return history, {"steady": 1.5}


@feature_spec("order_count_30", as_of="2026-03-01", feed_gaps=OUTAGE)
def test_a_window_is_as_long_as_ever():
    history = """
        customer | occurred_at      | kind
        inside   | 2026-01-30 00:00 | order
        outside  | 2026-01-29 23:59 | order
    """
    return history, {"inside": 1, "outside": 0}


@feature_spec(
    "days_since_repeat_contact",
    as_of="2026-03-01",
    feed_gaps="""
        kind        | from       | to
        case_opened | 2026-02-20 | 2026-02-24
    """,
)
def test_a_fact_is_as_silent_as_the_feed_whose_rows_make_it():
    history = """
        customer | occurred_at      | kind        | case | topic
        acme     | 2026-02-10 00:00 | case_opened | 1    | bill
        acme     | 2026-02-11 00:00 | case_solved | 1    | bill
        acme     | 2026-02-13 00:00 | case_opened | 2    | bill
    """
    return history, {"acme": 12}
