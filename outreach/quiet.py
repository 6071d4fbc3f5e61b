"""When a customer may be written to: in waking hours of their own zone, and on no holiday.

The night plans, the day sends: quiet hours never decide whether, they set the first moment. Every
moment between is looked at in each zone's own clock, so that a change of summer time moves nothing
into the night.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo, available_timezones

# Dates ahead that are looked through: more holidays in a row than that is a mistake in the table.
FURTHEST_DAYS = 60


@dataclass(frozen=True)
class Hours:
    """The part of a day in which customers are reached: `[opens, closes)` of their own clock."""

    opens: time = time(8)  # issue 7: 8 to 21 unless the home says otherwise
    closes: time = time(21)


def inside(
    moment: datetime, zones: Sequence[ZoneInfo], hours: Hours, holidays: Collection[date] = ()
) -> bool:
    """Whether `moment` lies in `hours`, on no holiday, in every one of `zones`."""
    return all(_inside(moment.astimezone(zone), hours, holidays) for zone in zones)


def not_before(
    now: datetime, zones: Sequence[ZoneInfo], hours: Hours, holidays: Collection[date] = ()
) -> datetime | None:
    """The first moment from `now` on that is `inside`, UTC.

    None where there is none within `FURTHEST_DAYS`: the zones lie too far apart to share hours.
    """
    candidates = (moment for moment in _openings(now, zones, hours) if moment >= now)
    return next((m for m in candidates if inside(m, zones, hours, holidays)), None)


def zones_of(
    timezone: str | None, region: str | None, home: ZoneInfo
) -> tuple[tuple[ZoneInfo, ...], bool]:
    """The zones in whose hours a customer is reached, and whether they are known to be theirs.

    Their own; else all of their region (an ISO 3166 country, `US` or `US-CA`); else the home's.
    """
    if timezone and timezone in _known():
        return (ZoneInfo(timezone),), True
    country = (region or "").strip().upper().replace("_", "-").split("-")[0]
    found = _of_country().get(country)
    return (found, True) if found else ((home,), False)


def _inside(local: datetime, hours: Hours, holidays: Collection[date]) -> bool:
    return hours.opens <= local.time() < hours.closes and local.date() not in holidays


def _openings(now: datetime, zones: Sequence[ZoneInfo], hours: Hours) -> Iterator[datetime]:
    """`now`, and each zone's openings after it in order of time: hours begin together at one."""
    yield now.astimezone(UTC)
    first = now.astimezone(UTC).date() - timedelta(days=1)
    for days in range(FURTHEST_DAYS + 3):
        on = first + timedelta(days=days)
        yield from sorted(datetime.combine(on, hours.opens, z).astimezone(UTC) for z in zones)


@cache
def _known() -> frozenset[str]:
    return frozenset(available_timezones())


@cache
def _of_country() -> dict[str, tuple[ZoneInfo, ...]]:
    """The zones of each ISO 3166 country. Source: zone.tab of the IANA time zone database."""
    text = (files("tzdata") / "zoneinfo" / "zone.tab").read_text(encoding="utf-8")
    found: dict[str, list[ZoneInfo]] = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            country, _, zone, *_ = line.split("\t")
            found.setdefault(country, []).append(ZoneInfo(zone))
    return {country: tuple(zones) for country, zones in found.items()}
