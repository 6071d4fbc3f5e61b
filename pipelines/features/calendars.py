"""Opening hours of teams, and the time between two moments that lies in them.

A calendar is a team's: weekdays, wall times and a time zone, less its holidays. A stretch of work
is measured by the calendar of the team of who acted; a team without one, or a row without an
agent, by that of the team `default`, else by the only one there is, else by none: then the figure
is not known.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from models.contracts import DAY
from pipelines.features.elapsed import stretches

NONE = -1  # no calendar
DEFAULT_TEAM = "default"
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Calendar:
    """When a team works: `week` holds, from Monday (0) on, wall seconds (opens, closes) of a day.

    Those of a day ascend and do not overlap; closing at midnight is 86,400.
    """

    zone: ZoneInfo
    week: tuple[tuple[tuple[int, int], ...], ...]
    holidays: frozenset[date] = frozenset()

    def opened(self, day: date) -> Iterator[tuple[int, int]]:
        """The day's opening hours in seconds since 1970 UTC."""
        if day in self.holidays:
            return
        for opens, closes in self.week[day.weekday()]:
            yield moment(day, opens, self.zone), moment(day, closes, self.zone)

    def seconds(self, begin: int, end: int) -> int:
        """Seconds from `begin` to `end` (since 1970 UTC) in opening hours."""
        day = datetime.fromtimestamp(begin, self.zone).date()
        last = datetime.fromtimestamp(end, self.zone).date()
        total = 0
        while day <= last:
            for opens, closes in self.opened(day):
                total += max(0, min(closes, end) - max(opens, begin))
            day += ONE_DAY
        return total


def moment(day: date, seconds: int, zone: ZoneInfo) -> int:
    """When a clock on the wall of `zone` shows `seconds` after midnight, in seconds UTC.

    A time that comes twice as clocks go back is its first; one that they skip is when they skip.
    """
    wall = datetime(day.year, day.month, day.day) + timedelta(seconds=seconds)
    late = round(wall.replace(tzinfo=zone).timestamp())
    if datetime.fromtimestamp(late, zone).replace(tzinfo=None) == wall:
        return late
    early = round(wall.replace(tzinfo=zone, fold=1).timestamp())
    before = _offset(early, zone)
    while late - early > 1:
        middle = (early + late) // 2
        early, late = (middle, late) if _offset(middle, zone) == before else (early, middle)
    return late


def _offset(second: int, zone: ZoneInfo) -> timedelta | None:
    return datetime.fromtimestamp(second, zone).utcoffset()


@dataclass(frozen=True, eq=False)
class Hours:
    """All calendars, and whose each agent's is. Known from `begin` to `end` (seconds UTC) only."""

    calendars: tuple[Calendar, ...] = ()
    of_agent: tuple[int, ...] = ()  # calendar by agent code, NONE
    other: int = NONE  # of who is nobody known: no agent, or a code beyond
    begin: int = 0
    end: int = 0

    def calendar_of(self, agent: int | None) -> int:
        """Position of the calendar by which an agent's work is measured; NONE."""
        if agent is None or not 0 <= agent < len(self.of_agent):
            return self.other
        return self.of_agent[agent]

    def seconds(self, agent: int | None, begin: int, end: int) -> int | None:
        """Seconds of a stretch in the opening hours of who ended it; None where not known."""
        position = self.calendar_of(agent)
        if position == NONE or begin < self.begin or end > self.end:
            return None
        return self.calendars[position].seconds(begin, end)

    @cached_property
    def table(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """All opening hours for the kernel: stretches, and where each calendar's start."""
        tables = [stretches(list(self._opened(calendar))) for calendar in self.calendars]
        start = np.cumsum([0, *map(len, tables)]).astype(np.int64)
        return np.concatenate([stretches([]), *tables]), start

    def _opened(self, calendar: Calendar) -> Iterator[tuple[int, int]]:
        """The calendar's hours over all known time, a day more at both ends."""
        day = datetime.fromtimestamp(self.begin - DAY, UTC).date()
        last = datetime.fromtimestamp(self.end + DAY, UTC).date()
        while day <= last:
            yield from (hours for hours in calendar.opened(day) if hours[0] < hours[1])
            day += ONE_DAY


NO_HOURS = Hours()


def hours_of(
    calendars: Mapping[str, Calendar],
    agents: Sequence[str],
    team: Mapping[str, str],
    span: tuple[int, int],
) -> Hours:
    """The hours by which the work of `agents` (ids by code) is measured.

    `calendars` by team, `team` by agent; `span`: known from, to, in seconds UTC.
    """
    names = sorted(calendars)
    position = {name: place for place, name in enumerate(names)}
    only = 0 if len(names) == 1 else NONE
    fallback = position.get(DEFAULT_TEAM, only)
    of_agent = tuple(position.get(team.get(agent, ""), fallback) for agent in agents)
    return Hours(tuple(calendars[name] for name in names), of_agent, fallback, *span)
