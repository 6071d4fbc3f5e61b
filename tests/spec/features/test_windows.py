"""What a window holds, what a night sees, and what a figure says when there is nothing."""

from __future__ import annotations

from tests.spec.features.table import feature_spec


@feature_spec("order_count_30", as_of="2026-03-31")
def test_a_window_holds_its_first_second_and_not_the_date_itself():
    history = """
        customer | occurred_at         | kind
        first    | 2026-03-01 00:00:00 | order
        before   | 2026-02-28 23:59:59 | order
        last     | 2026-03-30 23:59:59 | order
        at       | 2026-03-31 00:00:00 | order
    """
    return history, {"first": 1, "before": 0, "last": 1, "at": 0, "nobody": 0}


@feature_spec("order_count_365", as_of="2026-03-31", cutoff="2026-03-31 06:00")
def test_a_row_counts_once_it_was_recorded_by_the_night():
    history = """
        customer | occurred_at      | kind  | recorded_at
        prompt   | 2026-03-30 10:00 | order | 2026-03-30 10:00
        just     | 2026-03-30 10:00 | order | 2026-03-31 06:00
        late     | 2026-03-30 10:00 | order | 2026-03-31 06:01
        later    | 2026-03-29 10:00 | order | 2026-04-20 00:00
        later    | 2026-03-28 10:00 | order | 2026-03-28 10:00
    """
    return history, {"prompt": 1, "just": 1, "late": 0, "later": 1}


@feature_spec("order_count_ever", as_of="2026-03-31")
def test_the_whole_history_has_no_edge():
    history = """
        customer | occurred_at      | kind
        old      | 1969-07-20 20:17 | order
        old      | 2026-03-30 10:00 | order
    """
    return history, {"old": 2}


@feature_spec("order_sum_90", as_of="2026-03-31")
def test_a_sum_leaves_out_what_is_not_known():
    history = """
        customer | occurred_at      | kind  | value
        some     | 2026-03-01 10:00 | order | 20
        some     | 2026-03-02 10:00 | order | -
        some     | 2025-03-02 10:00 | order | 99
        none     | 2026-03-02 10:00 | order | -
    """
    return history, {"some": 20, "none": 0, "nobody": 0}


@feature_spec("order_mean_365", as_of="2026-03-31")
def test_a_mean_of_nothing_is_not_known():
    history = """
        customer | occurred_at      | kind  | value
        some     | 2026-03-01 10:00 | order | 20
        some     | 2025-06-02 10:00 | order | 10
        some     | 2026-03-02 10:00 | order | -
        none     | 2026-03-02 10:00 | order | -
    """
    return history, {"some": 15, "none": None, "nobody": None}


@feature_spec("order_last", as_of="2026-03-31")
def test_the_last_known_value_and_of_two_at_one_second_the_higher():
    history = """
        customer | occurred_at      | kind  | value
        tie      | 2026-03-01 10:00 | order | 20
        tie      | 2026-03-01 10:00 | order | 30
        gone     | 2026-03-01 10:00 | order | 20
        gone     | 2026-03-02 10:00 | order | -
    """
    return history, {"tie": 30, "gone": 20, "nobody": None}


@feature_spec("days_since_order", as_of="2026-03-31")
def test_days_are_counted_from_the_last_one_to_midnight():
    history = """
        customer | occurred_at      | kind
        noon     | 2026-03-30 12:00 | order
        noon     | 2026-01-30 12:00 | order
        other    | 2026-03-30 12:00 | usage
    """
    return history, {"noon": 0.5, "other": None}


@feature_spec("order_trend_90_365", as_of="2026-03-31", joined="2020-01-01")
def test_a_trend_is_the_recent_daily_rate_over_the_earlier_one():
    history = """
        customer | occurred_at      | kind
        same     | 2026-03-01 10:00 | order
        same     | 2025-12-01 10:00 | order
        same     | 2025-11-01 10:00 | order
        same     | 2025-10-01 10:00 | order
        stopped  | 2025-10-01 10:00 | order
        new      | 2026-03-01 10:00 | order
    """
    return history, {"same": (1 / 90) / (3 / 275), "stopped": 0, "new": None}


@feature_spec("order_trend_90_365", as_of="2026-03-31", joined="2025-10-02")
def test_a_trend_does_not_look_behind_the_beginning_of_the_relationship():
    history = """
        customer | occurred_at      | kind
        young    | 2026-03-01 10:00 | order
        young    | 2025-12-01 10:00 | order
        known    | 2025-09-02 00:00 | order
        known    | 2025-12-01 10:00 | order
    """
    # 180 days a customer: 90 of them earlier. An interaction before joining begins it sooner.
    return history, {"young": 1, "known": 0}


@feature_spec("order_trend_90_365", as_of="2026-03-31", joined="2025-10-03")
def test_a_trend_needs_as_many_earlier_days_as_recent_ones():
    history = """
        customer | occurred_at      | kind
        short    | 2026-03-01 10:00 | order
        short    | 2025-12-01 10:00 | order
    """
    return history, {"short": None}


@feature_spec("order_gap", as_of="2026-03-31")
def test_the_usual_gap_is_the_median_of_days_between_active_days():
    history = """
        customer | occurred_at      | kind
        odd      | 2026-03-01 10:00 | order
        odd      | 2026-03-01 18:00 | order
        odd      | 2026-03-03 10:00 | order
        odd      | 2026-03-13 10:00 | order
        odd      | 2026-03-16 10:00 | order
        even     | 2026-03-01 10:00 | order
        even     | 2026-03-03 10:00 | order
        even     | 2026-03-08 10:00 | order
        two      | 2026-03-01 10:00 | order
        two      | 2026-03-03 10:00 | order
    """
    return history, {"odd": 3, "even": 3.5, "two": None, "nobody": None}


@feature_spec("order_gap_spread", as_of="2026-03-31")
def test_the_spread_is_that_of_the_middle_half_in_usual_gaps():
    history = """
        customer | occurred_at      | kind
        steady   | 2026-03-01 10:00 | order
        steady   | 2026-03-03 10:00 | order
        steady   | 2026-03-05 10:00 | order
        loose    | 2026-03-01 10:00 | order
        loose    | 2026-03-02 10:00 | order
        loose    | 2026-03-04 10:00 | order
        loose    | 2026-03-08 10:00 | order
        loose    | 2026-03-18 10:00 | order
    """
    return history, {"steady": 0, "loose": 2 / 3}


@feature_spec("fading", as_of="2026-03-31")
def test_fading_is_the_present_gap_in_orders_and_use_over_the_usual_one():
    history = """
        customer | occurred_at      | kind
        fades    | 2026-03-01 00:00 | order
        fades    | 2026-03-06 00:00 | usage
        fades    | 2026-03-11 00:00 | order
        pays     | 2026-03-01 00:00 | usage
        pays     | 2026-03-06 00:00 | payment
        pays     | 2026-03-11 00:00 | payment
    """
    return history, {"fades": 4, "pays": None}


@feature_spec("usage_days_30", as_of="2026-03-31")
def test_two_uses_of_one_day_are_one_day_of_use():
    history = """
        customer | occurred_at      | kind
        keen     | 2026-03-01 10:00 | usage
        keen     | 2026-03-01 18:00 | usage
        keen     | 2026-03-03 10:00 | usage
    """
    return history, {"keen": 2}


@feature_spec("usage_topics_90", as_of="2026-03-31")
def test_the_same_part_of_the_product_counts_once_in_a_window():
    history = """
        customer | occurred_at      | kind  | topic
        keen     | 2025-03-01 10:00 | usage | export
        keen     | 2026-03-01 10:00 | usage | export
        keen     | 2026-03-02 10:00 | usage | export
        keen     | 2026-03-03 10:00 | usage | import
        keen     | 2026-03-04 10:00 | usage | -
    """
    return history, {"keen": 2}


@feature_spec("days_since_active", as_of="2026-03-31")
def test_orders_use_and_payments_are_signs_of_life():
    history = """
        customer | occurred_at      | kind
        pays     | 2026-03-30 00:00 | payment
        talks    | 2026-03-30 00:00 | message_in
        talks    | 2026-03-21 00:00 | usage
        failed   | 2026-03-30 00:00 | payment_failed
    """
    return history, {"pays": 1, "talks": 10, "failed": None}


@feature_spec("silent", as_of="2026-03-31")
def test_silent_is_no_word_in_a_year():
    history = """
        customer | occurred_at         | kind
        edge     | 2025-03-31 00:00:00 | message_in
        before   | 2025-03-30 23:59:59 | message_in
        buys     | 2026-03-30 10:00:00 | order
        meets    | 2026-03-30 10:00:00 | meeting_held
        missed   | 2026-03-30 10:00:00 | meeting_missed
        bot      | 2026-03-30 10:00:00 | bot_session
    """
    return history, {
        "edge": 0, "before": 1, "buys": 1, "meets": 0, "missed": 1, "bot": 1, "nobody": 1,
    }  # fmt: skip


@feature_spec("tenure_days", as_of="2026-03-31", joined="2026-03-01")
def test_tenure_counts_from_joining():
    history = """
        customer | occurred_at      | kind
        acme     | 2026-02-01 10:00 | order
    """
    return history, {"acme": 30, "nobody": 30}


@feature_spec("tenure_days", as_of="2026-03-31", joined="2026-04-01")
def test_nobody_has_a_tenure_before_joining():
    history = """
        customer | occurred_at      | kind
        acme     | 2026-02-01 10:00 | order
    """
    return history, {"acme": None}
