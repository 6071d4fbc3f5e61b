"""Calendars from the contract's rows: what they mean, and which rows are refused."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from models.contracts import DAY
from models.errors import WarmlineError
from pipelines.features.calendar_rows import calendars_by_team
from pipelines.features.calendars import Calendar, hours_of, moment

HOUR = 3_600
ROME = ZoneInfo("Europe/Rome")
SPAN = (1_767_225_600, 1_767_225_600 + 365 * DAY)  # the year 2026


def row(**said: object) -> dict[str, object]:
    usual = {"team": "support", "weekday": 0.0, "opens": "09:00", "closes": "17:00"}
    return usual | {"timezone": None} | said


def read(*rows: dict[str, object], holidays: pd.DataFrame | None = None) -> dict[str, Calendar]:
    return calendars_by_team(pd.DataFrame(list(rows)), holidays, ROME)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"closes": "08:00"}, "it closes before it opens"),
        ({"closes": "09:00"}, "it closes before it opens"),
        ({"opens": "22:00", "closes": "06:00"}, "Hours past midnight are two rows"),
        ({"timezone": "Europe/Roma"}, "its time zone 'Europe/Roma' is none"),
        ({"opens": "nine"}, "opens is no time of day"),
        ({"closes": "24:01"}, "closes is no time of day"),
        ({"closes": "16:60"}, "closes is no time of day"),
        ({"weekday": 0.5}, "there is no such weekday"),
        ({"opens": "08:00", "closes": "09:30"}, "it overlaps with another row"),
        ({"weekday": 1.0, "timezone": "Europe/Oslo"}, "name Europe/Oslo and Europe/Rome"),
    ],
)
def test_a_row_that_cannot_be_is_refused_by_name(said, words):
    wrong = row(**said)
    with pytest.raises(WarmlineError) as error:
        read(row(timezone="Europe/Rome"), wrong)
    assert words in str(error.value)
    assert "team support, weekday" in str(error.value)
    assert "Nothing was changed." in str(error.value)


def test_the_home_lends_its_zone_and_a_row_lends_it_to_its_team():
    calendars = read(row(), row(team="oslo"), row(team="oslo", weekday=1.0, timezone="Europe/Oslo"))
    assert calendars["support"].zone == ROME
    assert calendars["oslo"].zone == ZoneInfo("Europe/Oslo")


def test_hours_of_a_day_may_come_in_pieces_and_run_to_midnight():
    pieces = read(row(opens="13:00", closes="24:00"), row(opens="9:00", closes="12:30:00"))
    assert pieces["support"].week[0] == ((9 * HOUR, 12 * HOUR + 1_800), (13 * HOUR, DAY))
    assert pieces["support"].week[1:] == ((),) * 6


def test_holidays_are_a_teams_or_everyones():
    holidays = pd.DataFrame(
        {"team": ["support", None], "date": [date(2026, 8, 15), pd.Timestamp("2026-12-25")]}
    )
    calendars = read(row(), row(team="other"), holidays=holidays)
    assert calendars["support"].holidays == {date(2026, 8, 15), date(2026, 12, 25)}
    assert calendars["other"].holidays == {date(2026, 12, 25)}


@pytest.mark.parametrize(
    ("teams", "agent_team", "expected"),
    [
        (["support", "default"], "support", "support"),
        (["support", "default"], "sales", "default"),
        (["support", "default"], None, "default"),
        (["support"], "sales", "support"),
        (["support", "other"], "sales", None),
    ],
)
def test_whose_calendar_counts(teams, agent_team, expected):
    calendars = read(*[row(team=team) for team in teams])
    hours = hours_of(calendars, ["ann"], {"ann": agent_team} if agent_team else {}, SPAN)
    position = hours.calendar_of(0)
    assert (sorted(teams)[position] if position >= 0 else None) == expected
    assert hours.calendar_of(None) == hours.calendar_of(7) == hours.other


def test_outside_the_known_time_nothing_is_said():
    hours = hours_of(read(row()), [], {}, SPAN)
    assert hours.seconds(None, SPAN[0], SPAN[1]) is not None
    assert hours.seconds(None, SPAN[0] - 1, SPAN[1]) is None
    assert hours.seconds(None, SPAN[0], SPAN[1] + 1) is None


@pytest.mark.parametrize(
    ("day", "wall", "utc"),
    [
        (date(2026, 3, 28), 9 * HOUR, "2026-03-28 08:00"),
        (date(2026, 3, 29), 9 * HOUR, "2026-03-29 07:00"),
        # Clocks go from 02:00 to 03:00 at 01:00 UTC: what they skip is that moment.
        (date(2026, 3, 29), 2 * HOUR, "2026-03-29 01:00"),
        (date(2026, 3, 29), 2 * HOUR + 1_800, "2026-03-29 01:00"),
        (date(2026, 3, 29), 3 * HOUR, "2026-03-29 01:00"),
        # 02:30 comes twice, at 00:30 and 01:30 UTC.
        (date(2026, 10, 25), 2 * HOUR + 1_800, "2026-10-25 00:30"),
        (date(2026, 10, 24), DAY, "2026-10-24 22:00"),
        (date(2026, 10, 25), DAY, "2026-10-25 23:00"),
    ],
)
def test_wall_time_in_rome(day, wall, utc):
    expected = datetime.fromisoformat(utc).replace(tzinfo=UTC)
    assert moment(day, wall, ROME) == expected.timestamp()
