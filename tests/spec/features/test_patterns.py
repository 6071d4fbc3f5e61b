"""Rhythm, mixture and direction: who comes again, who serves them, where answers are going."""

from __future__ import annotations

from math import log2

from tests.spec.features.table import feature_spec


@feature_spec("order_alive", as_of="2026-03-31")
def test_who_came_once_is_not_certain_to_come_again():
    history = """
        customer | occurred_at      | kind
        today    | 2026-03-31 00:00 | order
        now      | 2026-03-30 00:00 | order
        once     | 2026-01-20 00:00 | order
        steady   | 2026-01-20 00:00 | order
        steady   | 2026-02-20 00:00 | order
        steady   | 2026-03-20 00:00 | order
        gone     | 2025-01-20 00:00 | order
        gone     | 2025-02-20 00:00 | order
        gone     | 2025-03-20 00:00 | order
    """
    r, alpha, a, b = 0.689, 69.2, 0.492, 0.859

    def alive(repeats: int, recency: float, age: float) -> float:
        gone = a / (b + repeats) * ((alpha + age) / (alpha + recency)) ** (r + repeats)
        return 1 / (1 + gone)

    return history, {
        "nobody": None,
        "today": None,
        "now": alive(0, 0, 1),
        "once": alive(0, 0, 70),
        "steady": alive(2, 59, 70),
        "gone": alive(2, 59, 59 + 376),
    }


@feature_spec(
    "order_alive",
    as_of="2026-03-31",
    feed_gaps="""
        kind  | from       | to         | recorded_at
        order | 2026-02-10 | 2026-02-20 | 2026-02-20
    """,
)
def test_several_a_day_are_one_and_time_without_the_feed_is_none():
    history = """
        customer | occurred_at      | kind
        acme     | 2026-01-01 00:00 | order
        acme     | 2026-02-01 00:00 | order
        acme     | 2026-02-01 12:00 | order
    """
    r, alpha, a, b = 0.689, 69.2, 0.492, 0.859
    age = 31 + (57.5 - 10)
    gone = a / (b + 1) * ((alpha + age) / (alpha + 31)) ** (r + 1)
    return history, {"acme": 1 / (1 + gone)}


@feature_spec("csat_slope_365", as_of="2026-03-31")
def test_a_direction_is_the_least_squares_slope_in_30_days():
    history = """
        customer | occurred_at      | kind            | score | score_kind
        falling  | 2026-01-01 00:00 | survey_answered | 5     | csat
        falling  | 2026-01-31 00:00 | survey_answered | 4     | csat
        falling  | 2026-03-02 00:00 | survey_answered | 3     | csat
        bent     | 2026-01-01 00:00 | survey_answered | 2     | csat
        bent     | 2026-01-31 00:00 | survey_answered | 5     | csat
        bent     | 2026-03-02 00:00 | survey_answered | 4     | csat
        same     | 2026-01-01 00:00 | survey_answered | 4     | csat
        same     | 2026-03-02 00:00 | survey_answered | 4     | csat
        one      | 2026-03-02 00:00 | survey_answered | 4     | csat
        one      | 2026-03-02 23:59 | survey_answered | 1     | csat
        old      | 2025-01-01 00:00 | survey_answered | 1     | csat
        old      | 2026-03-02 00:00 | survey_answered | 4     | csat
    """
    return history, {"falling": -1, "bent": 1, "same": 0, "one": None, "old": None, "nobody": None}


@feature_spec("survey_unanswered_streak", as_of="2026-03-31")
def test_an_answer_ends_a_streak_of_unanswered_surveys():
    history = """
        customer | occurred_at      | kind            | score | score_kind
        silent   | 2026-01-01 00:00 | survey_sent     | -     | csat
        silent   | 2026-01-20 00:00 | survey_sent     | -     | csat
        silent   | 2026-03-30 00:00 | survey_sent     | -     | csat
        again    | 2026-01-01 00:00 | survey_sent     | -     | csat
        again    | 2026-01-25 00:00 | survey_sent     | -     | csat
        again    | 2026-01-26 00:00 | survey_answered | 4     | csat
        again    | 2026-02-10 00:00 | survey_sent     | -     | csat
        answers  | 2026-01-25 00:00 | survey_sent     | -     | csat
        answers  | 2026-01-26 00:00 | survey_answered | 4     | csat
    """
    return history, {"silent": 2, "again": 1, "answers": 0, "nobody": 0}


@feature_spec("solved_agent_top_share_365", as_of="2026-03-31")
def test_continuity_is_the_share_of_cases_that_the_usual_agent_solved():
    history = """
        customer | occurred_at      | kind        | case | agent
        usual    | 2026-01-01 00:00 | case_solved | 1    | ann
        usual    | 2026-01-02 00:00 | case_solved | 2    | ann
        usual    | 2026-01-03 00:00 | case_solved | 3    | bob
        usual    | 2026-01-04 00:00 | case_solved | 4    | -
        usual    | 2025-01-04 00:00 | case_solved | 5    | bob
        unknown  | 2026-01-04 00:00 | case_solved | 6    | -
        robot    | 2026-01-04 00:00 | case_solved | 7    | bot 7
    """
    return history, {"usual": 2 / 3, "unknown": None, "robot": None, "nobody": None}


@feature_spec(
    "reply_teams_365",
    as_of="2026-03-31",
    agents="""
        agent_id | team
        ann      | support
        bob      | support
        cid      | sales
    """,
)
def test_agents_of_one_team_are_one_team():
    history = """
        customer | occurred_at      | kind        | agent
        acme     | 2026-01-01 00:00 | message_out | ann
        acme     | 2026-01-02 00:00 | message_out | bob
        acme     | 2026-01-03 00:00 | call_out    | cid
        bolt     | 2026-01-03 00:00 | call_out    | dan
        bolt     | 2026-01-03 00:00 | call_out    | ann
        calm     | 2026-01-03 00:00 | call_out    | dan
    """
    return history, {"acme": 2, "bolt": 1, "calm": 0}


@feature_spec("word_channel_entropy_365", as_of="2026-03-31")
def test_mixture_is_the_entropy_of_the_known_channels_in_bits():
    history = """
        customer | occurred_at      | kind       | channel
        one      | 2026-01-01 00:00 | message_in | email
        one      | 2026-01-02 00:00 | message_in | email
        one      | 2026-01-03 00:00 | message_in | -
        even     | 2026-01-01 00:00 | message_in | email
        even     | 2026-01-02 00:00 | call_in    | phone
        mixed    | 2026-01-01 00:00 | message_in | email
        mixed    | 2026-01-02 00:00 | message_in | email
        mixed    | 2026-01-02 00:00 | message_in | email
        mixed    | 2026-01-02 00:00 | call_in    | phone
        unknown  | 2026-01-02 00:00 | call_in    | -
    """
    mixed = -(0.75 * log2(0.75) + 0.25 * log2(0.25))
    return history, {"one": 0, "even": 1, "mixed": mixed, "unknown": None, "nobody": None}


@feature_spec("complaint_unanswered_trend_90_365", as_of="2026-03-31")
def test_whatever_is_counted_has_a_direction():
    history = """
        customer | occurred_at      | kind
        more     | 2026-03-01 00:00 | complaint
        more     | 2026-03-02 00:00 | complaint
        more     | 2025-08-02 00:00 | complaint
        fewer    | 2025-08-02 00:00 | complaint
        new      | 2026-03-02 00:00 | complaint
    """
    return history, {"more": (2 / 90) / (1 / 275), "fewer": 0, "new": None}
