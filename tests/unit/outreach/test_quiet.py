from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from outreach.quiet import Hours, inside, not_before, zones_of
from outreach.waking import Waking

BERLIN, NEW_YORK, UTC_ZONE = (
    ZoneInfo(name) for name in ("Europe/Berlin", "America/New_York", "UTC")
)
HOURS = Hours()
zones = st.sampled_from(sorted(available_timezones())).map(ZoneInfo)
moments = st.datetimes(datetime(2007, 1, 1), datetime(2036, 12, 31)).map(
    lambda at: at.replace(tzinfo=UTC)
)
TABLE = [
    # now (UTC)          | zones               | holidays             | not before (UTC)
    ("2026-07-01T00:00", [BERLIN], [], "2026-07-01T06:00"),
    ("2026-07-01T06:00", [BERLIN], [], "2026-07-01T06:00"),
    ("2026-07-01T18:59", [BERLIN], [], "2026-07-01T18:59"),
    ("2026-07-01T19:00", [BERLIN], [], "2026-07-02T06:00"),  # 21:00 there: closed
    ("2026-03-29T00:30", [BERLIN], [], "2026-03-29T06:00"),  # the clocks go forward that night
    ("2026-10-25T00:30", [BERLIN], [], "2026-10-25T07:00"),  # and back
    ("2026-07-01T00:00", [NEW_YORK], [], "2026-07-01T00:00"),  # 20:00 the evening before
    ("2026-07-01T03:00", [NEW_YORK], [], "2026-07-01T12:00"),
    ("2026-07-01T03:00", [NEW_YORK, BERLIN], [], "2026-07-01T12:00"),  # in both
    ("2026-07-01T03:00", [BERLIN], ["2026-07-01", "2026-07-02"], "2026-07-03T06:00"),
    ("2026-07-01T03:00", [NEW_YORK], ["2026-07-01"], "2026-07-02T12:00"),
]


@pytest.mark.parametrize(("now", "where", "holidays", "first"), TABLE)
def test_the_first_moment_is_in_the_customers_own_hours(
    now: str, where: list[ZoneInfo], holidays: list[str], first: str
) -> None:
    free = frozenset(map(date.fromisoformat, holidays))
    found = not_before(datetime.fromisoformat(now).replace(tzinfo=UTC), where, HOURS, free)
    assert found == datetime.fromisoformat(first).replace(tzinfo=UTC)


@settings(max_examples=150, deadline=None)
@given(
    moments,
    st.lists(zones, min_size=1, max_size=3),
    st.sets(st.integers(-2, 9), max_size=6),
    st.tuples(st.integers(0, 11), st.integers(12, 23)),
)
# Samoa had no 30 December 2011; Lord Howe's summer time is half an hour.
@example(datetime(2011, 12, 29, 10, tzinfo=UTC), [ZoneInfo("Pacific/Apia")], set(), (0, 23))
@example(datetime(2026, 4, 4, 14, tzinfo=UTC), [ZoneInfo("Australia/Lord_Howe")], set(), (2, 23))
def test_nothing_is_sent_outside_the_window_in_any_zone(
    now: datetime, where: list[ZoneInfo], days: set[int], window: tuple[int, int]
) -> None:
    hours = Hours(time(window[0]), time(window[1]))
    free = frozenset(now.date() + timedelta(days=n) for n in days)
    found = not_before(now, where, hours, free)
    if found is None:  # they share no hours: not at any minute of a week without holidays
        week = (now + timedelta(days=20, minutes=15 * n) for n in range(7 * 96))
        assert not any(inside(moment, where, hours) for moment in week)
        return
    assert found >= now
    for zone in where:
        local = found.astimezone(zone)
        assert hours.opens <= local.time() < hours.closes
        assert local.date() not in free
    # And nothing earlier would have done.
    if found > now:
        assert not inside(found - timedelta(minutes=1), where, hours, free)
        assert not inside(now, where, hours, free)


REGIONS = [
    # time zone | region | zones | known
    ("Asia/Tokyo", "DE", ["Asia/Tokyo"], True),
    (None, "JP", ["Asia/Tokyo"], True),
    (None, "jp-13", ["Asia/Tokyo"], True),
    ("Not/AZone", "JP", ["Asia/Tokyo"], True),
    (None, "north", ["UTC"], False),
    (None, None, ["UTC"], False),
]


@pytest.mark.parametrize(("timezone", "region", "names", "known"), REGIONS)
def test_an_unknown_zone_is_that_of_the_region_else_the_homes(
    timezone: str | None, region: str | None, names: list[str], known: bool
) -> None:
    found, theirs = zones_of(timezone, region, UTC_ZONE)
    assert ([zone.key for zone in found], theirs) == (names, known)


def test_a_wide_region_counts_where_it_is_day_in_all_of_it() -> None:
    found, _ = zones_of(None, "US", UTC_ZONE)
    assert {"America/New_York", "Pacific/Honolulu"} <= {zone.key for zone in found}
    first = not_before(datetime(2026, 7, 1, 9, tzinfo=UTC), found, HOURS)
    assert first == datetime(2026, 7, 1, 18, tzinfo=UTC)  # 8:00 in Honolulu, 14:00 in New York


def test_holidays_are_everybodys_or_those_of_the_owners_team() -> None:
    free = pd.DataFrame({"team": [None, "south"], "date": ["2026-07-01", date(2026, 7, 2)]})
    night = datetime(2026, 7, 1, tzinfo=UTC)
    waking = Waking.of(night, UTC_ZONE, HOURS, free)
    assert waking.not_before(None, None, "north") == datetime(2026, 7, 2, 8, tzinfo=UTC)
    assert waking.not_before(None, None, "south") == datetime(2026, 7, 3, 8, tzinfo=UTC)
