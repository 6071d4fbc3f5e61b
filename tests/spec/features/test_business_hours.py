"""Waits by the opening hours of the team that acted, beside those by the calendar."""

from __future__ import annotations

from tests.spec.features.table import feature_spec

# 2026-02-09 is a Monday.
OFFICE = """
    team    | weekday | opens | closes | timezone
    default | 0       | 09:00 | 17:00  | UTC
    default | 1       | 09:00 | 17:00  | UTC
    default | 2       | 09:00 | 17:00  | UTC
    default | 3       | 09:00 | 17:00  | UTC
    default | 4       | 09:00 | 12:00  | UTC
    default | 4       | 13:00 | 17:00  | UTC
    night   | 5       | 20:00 | 24:00  | UTC
    night   | 6       | 00:00 | 06:00  | UTC
"""


@feature_spec("first_reply_business_mean_90", as_of="2026-03-01", calendars=OFFICE)
def test_nights_weekends_and_lunch_are_no_working_time():
    history = """
        customer | occurred_at      | kind        | case
        same     | 2026-02-09 10:00 | case_opened | 1
        same     | 2026-02-09 12:30 | message_out | 1
        night    | 2026-02-09 16:00 | case_opened | 2
        night    | 2026-02-10 10:00 | message_out | 2
        weekend  | 2026-02-13 11:00 | case_opened | 3
        weekend  | 2026-02-16 09:30 | message_out | 3
        closed   | 2026-02-14 10:00 | case_opened | 4
        closed   | 2026-02-15 10:00 | message_out | 4
        waits    | 2026-02-13 11:00 | case_opened | 5
    """
    return history, {"same": 2.5, "night": 2, "weekend": 5.5, "closed": 0, "waits": None}


@feature_spec(
    "first_reply_business_mean_90",
    as_of="2026-03-01",
    calendars=OFFICE,
    agents="""
        agent_id | team
        nora     | night
        sam      | sales
    """,
)
def test_the_hours_are_those_of_the_team_of_who_acted():
    history = """
        customer | occurred_at      | kind        | case | agent
        night    | 2026-02-14 23:00 | case_opened | 1    | -
        night    | 2026-02-15 01:00 | message_out | 1    | nora
        team     | 2026-02-14 23:00 | case_opened | 2    | -
        team     | 2026-02-16 10:00 | message_out | 2    | sam
        nobody   | 2026-02-14 23:00 | case_opened | 3    | -
        nobody   | 2026-02-16 11:00 | message_out | 3    | -
    """
    return history, {"night": 2, "team": 1, "nobody": 2}


@feature_spec(
    "first_reply_business_mean_90",
    as_of="2026-03-01",
    calendars="""
        team  | weekday | opens | closes | timezone
        early | 0       | 06:00 | 14:00  | UTC
        late  | 0       | 14:00 | 22:00  | UTC
    """,
    agents="""
        agent_id | team
        eve      | early
        lou      | late
    """,
)
def test_without_a_calendar_that_fits_the_figure_is_not_known():
    history = """
        customer | occurred_at      | kind        | case | agent
        early    | 2026-02-09 13:00 | case_opened | 1    | -
        early    | 2026-02-09 15:00 | message_out | 1    | eve
        late     | 2026-02-09 12:00 | case_opened | 2    | -
        late     | 2026-02-09 16:00 | message_out | 2    | lou
        nobody   | 2026-02-09 13:00 | case_opened | 3    | -
        nobody   | 2026-02-09 15:00 | message_out | 3    | -
    """
    return history, {"early": 1, "late": 2, "nobody": None}


@feature_spec(
    "first_reply_business_mean_90",
    as_of="2026-03-01",
    calendars="""
        team | weekday | opens | closes | timezone
        only | 0       | 06:00 | 14:00  | UTC
    """,
)
def test_the_only_calendar_there_is_serves_everyone():
    history = """
        customer | occurred_at      | kind        | case | agent
        acme     | 2026-02-09 13:00 | case_opened | 1    | -
        acme     | 2026-02-09 15:00 | message_out | 1    | ann
    """
    return history, {"acme": 1}


@feature_spec("requester_wait_business_total_90", as_of="2026-03-01")
def test_without_any_calendar_nothing_is_guessed():
    history = """
        customer | occurred_at      | kind        | case
        acme     | 2026-02-09 13:00 | case_opened | 1
        acme     | 2026-02-09 15:00 | case_solved | 1
    """
    return history, {"acme": None}


SUMMER = """
    team | weekday | opens | closes | timezone
    all  | 5       | 00:00 | 24:00  | Europe/Rome
    all  | 6       | 00:00 | 24:00  | Europe/Rome
"""


@feature_spec("resolved_business_mean_365", as_of="2026-05-01", calendars=SUMMER)
def test_a_day_on_which_clocks_go_forward_has_an_hour_less():
    history = """
        customer | occurred_at      | kind        | case
        spring   | 2026-03-27 12:00 | case_opened | 1
        spring   | 2026-03-30 12:00 | case_solved | 1
        before   | 2026-03-20 12:00 | case_opened | 2
        before   | 2026-03-23 12:00 | case_solved | 2
        autumn   | 2025-10-24 12:00 | case_opened | 3
        autumn   | 2025-10-27 12:00 | case_solved | 3
    """
    return history, {"spring": 47, "before": 48, "autumn": 49}


@feature_spec(
    "resolved_business_mean_365",
    as_of="2026-05-01",
    calendars="""
        team | weekday | opens | closes | timezone
        all  | 0       | 09:00 | 17:00  | Europe/Rome
    """,
)
def test_opening_hours_follow_the_wall_clock_into_summer():
    history = """
        customer | occurred_at      | kind        | case
        winter   | 2026-03-23 07:30 | case_opened | 1
        winter   | 2026-03-23 08:30 | case_solved | 1
        summer   | 2026-03-30 07:30 | case_opened | 2
        summer   | 2026-03-30 08:30 | case_solved | 2
    """
    return history, {"winter": 0.5, "summer": 1}


@feature_spec(
    "requester_wait_business_total_90",
    as_of="2026-03-01",
    calendars=OFFICE,
    holidays="""
        team    | date
        default | 2026-02-10
        night   | 2026-02-11
        -       | 2026-02-12
    """,
)
def test_a_holiday_is_of_its_team_or_of_everyone():
    history = """
        customer | occurred_at      | kind        | case
        acme     | 2026-02-09 16:00 | case_opened | 1
        acme     | 2026-02-13 10:00 | case_closed | 1
    """
    return history, {"acme": 10}


@feature_spec("requester_wait_business_total_90", as_of="2026-03-01", calendars=OFFICE)
def test_what_the_customer_waited_is_summed_over_every_wait():
    history = """
        customer | occurred_at      | kind         | case
        asked    | 2026-02-09 16:00 | case_opened  | 1
        asked    | 2026-02-10 10:00 | case_pending | 1
        asked    | 2026-02-11 10:00 | message_in   | 1
        asked    | 2026-02-11 13:00 | case_solved  | 1
        none     | 2026-02-11 10:00 | message_in   | 2
    """
    return history, {"asked": 5, "none": None}
