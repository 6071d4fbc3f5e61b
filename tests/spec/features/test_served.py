"""The people who served: load, tenure, who has left, and whose customers have."""

from __future__ import annotations

from tests.spec.features.table import feature_spec

TEAM = """
    agent_id | team  | started_at | left_at    | recorded_at
    ann      | desk  | 2025-01-01 | -          | -
    ben      | desk  | 2026-01-20 | -          | -
    cleo     | desk  | 2025-01-01 | 2026-02-20 | -
    dan      | field | 2025-06-01 | -          | -
    eve      | desk  | 2025-01-01 | -          | -
    bot-1    | desk  | 2025-01-01 | 2026-01-01 | -
"""


@feature_spec("served_caseload_mean_90", as_of="2026-03-01")
def test_the_caseload_is_of_different_customers_in_the_last_30_days():
    history = """
        customer | occurred_at      | kind        | agent
        acme     | 2026-02-10 09:00 | message_out | ann
        acme     | 2026-02-11 09:00 | call_out    | ann
        brick    | 2026-02-12 09:00 | case_solved | ann
        brick    | 2026-01-12 09:00 | message_out | ben
        corner   | 2026-02-28 09:00 | message_out | ben
        dock     | 2026-01-02 09:00 | message_out | ann
        dock     | 2026-02-02 09:00 | case_opened | ben
        early    | 2025-11-02 09:00 | message_out | ann
    """
    return history, {"acme": 2, "brick": 1.5, "corner": 1, "dock": 2, "early": None}


@feature_spec("served_tenure_last", as_of="2026-03-01", agents=TEAM)
def test_the_tenure_of_who_left_ends_then():
    history = """
        customer | occurred_at      | kind        | agent
        ann      | 2025-02-10 09:00 | message_out | ann
        ben      | 2025-02-10 09:00 | message_out | ann
        ben      | 2026-02-10 09:00 | message_out | ben
        cleo     | 2026-02-10 09:00 | message_out | cleo
        bot      | 2026-02-10 09:00 | message_out | ann
        bot      | 2026-02-11 09:00 | message_out | bot-1
        bot      | 2026-02-11 09:00 | message_out | -
        fred     | 2026-02-11 09:00 | message_out | fred
    """
    return history, {"ann": 424, "ben": 40, "cleo": 415, "bot": 424, "fred": None}


@feature_spec("served_gone_mean_90", as_of="2026-03-01", agents=TEAM)
def test_it_is_by_rows_how_much_was_done_by_who_has_left():
    history = """
        customer | occurred_at      | kind        | agent
        half     | 2026-02-10 09:00 | message_out | cleo
        half     | 2026-02-11 09:00 | case_solved | cleo
        half     | 2026-02-12 09:00 | message_out | ann
        half     | 2026-02-12 10:00 | message_out | dan
        half     | 2026-02-12 11:00 | message_out | fred
        none     | 2026-02-12 09:00 | message_out | ann
    """
    return history, {"half": 0.5, "none": 0}


@feature_spec(
    "served_gone_last",
    as_of="2026-03-01",
    agents="""
        agent_id | started_at | left_at    | recorded_at | until
        ann      | 2025-01-01 | -          | -           | 2026-03-05
        ann      | 2025-01-01 | 2026-02-20 | 2026-03-05  | -
        ben      | 2025-01-01 | -          | -           | 2026-02-25
        ben      | 2025-01-01 | 2026-02-20 | 2026-02-25  | -
        cleo     | 2025-01-01 | 2026-03-10 | 2026-02-25  | -
    """,
)
def test_a_departure_that_was_recorded_later_is_not_known_yet():
    history = """
        customer | occurred_at      | kind        | agent
        later    | 2026-02-10 09:00 | message_out | ann
        known    | 2026-02-10 09:00 | message_out | ben
        ahead    | 2026-02-10 09:00 | message_out | cleo
    """
    return history, {"later": 0, "known": 1, "ahead": 0}


@feature_spec("served_turnover_mean_90", as_of="2026-03-01", agents=TEAM)
def test_of_a_team_of_three_and_four_one_left():
    history = """
        customer | occurred_at      | kind        | agent
        desk     | 2026-02-10 09:00 | message_out | ann
        field    | 2026-02-10 09:00 | message_out | dan
        fred     | 2026-02-10 09:00 | message_out | fred
    """
    return history, {"desk": 1 / 3, "field": 0, "fred": None}


@feature_spec(
    "served_lost_last",
    as_of="2026-03-01",
    left="""
        customer | left_at
        two      | 2026-02-20
        three    | 2026-01-20
        four     | 2026-03-02
    """,
)
def test_customers_of_the_last_year_who_left_before_the_night_are_lost():
    history = """
        customer | occurred_at      | kind        | agent
        one      | 2026-02-10 09:00 | message_out | ann
        two      | 2026-01-10 09:00 | message_out | ann
        three    | 2025-04-10 09:00 | message_out | ann
        four     | 2025-04-10 09:00 | message_out | ann
        five     | 2025-04-10 09:00 | message_out | ann
        six      | 2025-01-10 09:00 | message_out | ann
        six      | 2026-02-10 09:00 | message_out | ben
        two      | 2026-02-10 09:00 | message_out | ben
    """
    return history, {"one": 0.4, "five": 0.4, "six": None, "two": None, "three": 0.4, "four": 0.4}


@feature_spec("served_workload_mean_90", as_of="2026-03-01")
def test_the_usual_is_the_pace_of_the_year_before_the_last_month():
    history = """
        customer | occurred_at      | kind        | agent
        acme     | 2026-02-10 09:00 | message_out | ann
        acme     | 2026-02-11 09:00 | message_out | ann
        acme     | 2025-12-01 00:00 | message_out | ann
        acme     | 2026-01-11 00:00 | message_out | ann
        brick    | 2026-02-10 09:00 | message_out | ben
        brick    | 2026-01-20 09:00 | message_out | ben
    """
    return history, {"acme": 2, "brick": None}


@feature_spec("served_against_team_mean_90", as_of="2026-03-01", agents=TEAM)
def test_the_usual_of_a_team_is_the_median_of_those_who_served():
    history = """
        customer | occurred_at      | kind        | agent
        acme     | 2026-02-10 09:00 | message_out | ann
        brick    | 2026-02-10 09:00 | message_out | ann
        corner   | 2026-02-10 09:00 | message_out | ann
        corner   | 2026-02-10 10:00 | case_solved | ben
        dock     | 2026-02-10 09:00 | message_out | dan
    """
    return history, {"acme": 1.5, "corner": 1, "dock": 1, "brick": 1.5}
