"""From when tonight's customers may be written to, each place looked up once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from outreach.quiet import Hours, not_before, zones_of

if TYPE_CHECKING:
    import pandas as pd

Where = tuple[str | None, str | None, str | None]  # time zone, region, the owner's team


@dataclass(frozen=True)
class Waking:
    """The hours of the home, and its holidays by team (None: everybody's)."""

    night: datetime
    home: ZoneInfo
    hours: Hours
    holidays: dict[str | None, frozenset[date]] = field(default_factory=dict)
    _found: dict[Where, datetime | None] = field(default_factory=dict)

    @classmethod
    def of(cls, night: datetime, home: ZoneInfo, hours: Hours, holidays: pd.DataFrame) -> Waking:
        """`holidays` as of `CustomerBook.holidays`."""
        days: dict[str | None, set[date]] = {}
        for team, day in zip(holidays["team"], holidays["date"], strict=True):
            whose = team if isinstance(team, str) and team else None
            days.setdefault(whose, set()).add(_date(day))
        return cls(night, home, hours, {team: frozenset(some) for team, some in days.items()})

    def not_before(self, timezone: str | None, region: str | None, team: str | None) -> datetime:
        """The first moment from the night on in which such a customer may be written to, UTC.

        Where the zones of a region share no hours, the home's own count."""
        place = (timezone, region, team)
        if place not in self._found:
            self._found[place] = next(self._moments(place), None)
        return self._found[place] or self.night.astimezone(UTC)

    def _moments(self, place: Where) -> Iterator[datetime]:
        timezone, region, team = place
        closed = self.holidays.get(None, frozenset()) | self.holidays.get(team, frozenset())
        zones, _ = zones_of(timezone, region, self.home)
        for some in (zones, (self.home,)):
            found = not_before(self.night, some, self.hours, closed)
            if found is not None:
                yield found


def _date(day: object) -> date:
    if isinstance(day, datetime):
        return day.date()
    return day if isinstance(day, date) else date.fromisoformat(str(day)[:10])
