"""When the night that the service runs is due."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from serving.nights import LONGEST_SLEEP, keep, next_night


@pytest.mark.parametrize(
    ("now", "zone", "expected"),
    [
        ("2026-07-01T00:00", "UTC", "2026-07-01T02:30"),
        ("2026-07-01T02:30", "UTC", "2026-07-02T02:30"),
        ("2026-07-01T00:29", "Europe/Berlin", "2026-07-01T00:30"),
        ("2026-07-01T23:00", "America/New_York", "2026-07-02T06:30"),
        # Clocks go forward from 2:00 to 3:00: there is no 2:30, and it comes at 3:30.
        ("2026-03-28T12:00", "Europe/Berlin", "2026-03-29T01:30"),
        # Clocks go back from 3:00 to 2:00: the first 2:30 of two.
        ("2026-10-24T12:00", "Europe/Berlin", "2026-10-25T00:30"),
        ("2026-10-25T00:30", "Europe/Berlin", "2026-10-26T01:30"),
    ],
)
def test_the_next_night(now: str, zone: str, expected: str) -> None:
    found = next_night(datetime.fromisoformat(now).replace(tzinfo=UTC), time(2, 30), ZoneInfo(zone))
    assert found == datetime.fromisoformat(expected).replace(tzinfo=UTC)


class Enough(Exception):
    pass


def test_a_night_a_day_also_when_one_takes_long_or_the_clock_is_set_anew() -> None:
    at = datetime(2026, 7, 1, tzinfo=UTC)
    nights: list[datetime] = []
    takes: Iterator[timedelta] = iter([timedelta(hours=1), timedelta(hours=25), timedelta()])

    def sleep(seconds: float) -> None:
        nonlocal at
        assert 0 < seconds <= LONGEST_SLEEP
        at += timedelta(hours=6) if at.day == 4 else timedelta(seconds=seconds)

    def night() -> None:
        nonlocal at
        nights.append(at)
        if len(nights) == 4:
            raise Enough
        at += next(takes)

    with pytest.raises(Enough):
        keep(time(2, 30), ZoneInfo("UTC"), night, now=lambda: at, sleep=sleep)
    # On the fourth the machine slept through the time: the night comes when it wakes.
    assert [f"{one:%d %H:%M}" for one in nights] == ["01 02:30", "02 02:30", "04 06:00", "05 02:30"]
