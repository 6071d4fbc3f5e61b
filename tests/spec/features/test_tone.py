"""What the words say, where they are kept."""

from __future__ import annotations

from tests.spec.features.table import feature_spec


@feature_spec("leaving_word_count_90", as_of="2026-03-01")
def test_nobody_knows_of_talk_about_leaving_where_no_words_are_kept():
    history = """
        customer | occurred_at      | kind        | said
        leaves   | 2026-02-01 00:00 | message_in  | text leaving
        leaves   | 2026-02-02 00:00 | complaint   | text negative leaving
        leaves   | 2026-02-03 00:00 | message_in  | text
        stays    | 2026-02-03 00:00 | message_in  | text positive
        unkept   | 2026-02-03 00:00 | message_in  | -
        silent   | 2026-02-03 00:00 | order       | -
        long ago | 2025-10-01 00:00 | message_in  | text leaving
    """
    known = {"leaves": 2, "stays": 0}
    return history, known | {"unkept": None, "silent": None, "long ago": None}


@feature_spec("days_since_leaving_word", as_of="2026-03-01")
def test_talk_of_leaving_counts_from_its_own_day_and_never_is_not_known():
    history = """
        customer | occurred_at      | kind        | said
        leaves   | 2025-03-01 00:00 | call_in     | text leaving
        leaves   | 2026-02-19 00:00 | call_in     | text leaving effort
        stays    | 2026-02-03 00:00 | message_in  | text
    """
    return history, {"leaves": 10, "stays": None}


@feature_spec("bad_tone_share_365", as_of="2026-03-01")
def test_a_share_of_tone_is_of_the_messages_whose_words_are_kept():
    history = """
        customer | occurred_at      | kind            | said
        acme     | 2026-02-01 00:00 | message_in      | text negative effort
        acme     | 2026-02-02 00:00 | survey_answered | text positive
        acme     | 2026-02-03 00:00 | public_mention  | text negative positive
        acme     | 2026-02-04 00:00 | message_in      | text
        acme     | 2026-02-05 00:00 | message_in      | -
        acme     | 2024-02-05 00:00 | message_in      | text negative
        unkept   | 2026-02-03 00:00 | message_in      | -
    """
    return history, {"acme": 0.5, "unkept": None}


@feature_spec("bad_tone_count_365", as_of="2026-03-01")
def test_what_the_company_and_its_notes_say_is_not_the_tone_of_the_customer():
    history = """
        customer | occurred_at      | kind         | said
        acme     | 2026-02-01 00:00 | message_out  | text negative
        acme     | 2026-02-02 00:00 | meeting_held | text negative
        acme     | 2026-02-03 00:00 | message_in   | text
    """
    return history, {"acme": 0}


@feature_spec("effort_word_count_30", as_of="2026-03-01")
def test_words_of_effort_are_counted_by_message():
    history = """
        customer | occurred_at      | kind          | said
        acme     | 2026-02-10 00:00 | message_in    | text effort
        acme     | 2026-02-11 00:00 | case_reopened | text effort negative
        acme     | 2026-01-10 00:00 | message_in    | text effort
    """
    return history, {"acme": 2}


@feature_spec("bad_tone_trend_90_365", as_of="2026-03-01")
def test_the_trend_of_tone_is_of_displeased_messages_a_day():
    history = """
        customer | occurred_at      | kind          | said
        worse    | 2025-06-01 00:00 | message_in    | text negative
        worse    | 2026-02-10 00:00 | message_in    | text negative
        worse    | 2026-02-11 00:00 | message_in    | text negative
        better   | 2025-06-01 00:00 | message_in    | text negative
        better   | 2026-02-11 00:00 | message_in    | text
        unkept   | 2026-02-11 00:00 | message_in    | -
    """
    return history, {"worse": 2 / 90 * 275, "better": 0, "unkept": None}


@feature_spec("refusal_count_90", as_of="2026-03-01")
def test_an_answer_that_nothing_can_be_done_counts_whoever_gave_it():
    history = """
        customer | occurred_at      | kind        | agent | said
        refused  | 2026-02-01 00:00 | message_out | bot 1 | text refused
        refused  | 2026-02-01 00:00 | call_out    | ann   | text refused
        refused  | 2026-02-01 00:00 | message_in  | -     | text refused
        helped   | 2026-02-01 00:00 | message_out | ann   | text
        unkept   | 2026-02-01 00:00 | message_out | ann   | -
    """
    return history, {"refused": 2, "helped": 0, "unkept": None}


@feature_spec("kept_word_count_90", as_of="2026-03-01")
def test_words_that_are_not_kept_are_none():
    history = """
        customer | occurred_at      | kind        | said
        acme     | 2026-02-01 00:00 | message_in  | text
        acme     | 2026-02-02 00:00 | message_in  | -
        unkept   | 2026-02-03 00:00 | message_in  | -
    """
    return history, {"acme": 1, "unkept": 0}
