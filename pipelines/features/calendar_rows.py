"""Calendars from the contract's tables `calendars` and `holidays`; a wrong row is an error."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, available_timezones

from models.contracts import DAY
from models.errors import WarmlineError
from pipelines.features.calendars import Calendar, Hours, hours_of

if TYPE_CHECKING:
    import pandas as pd

    from pipelines.history.store import History

WALL_TIME = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2})(?:\.0+)?)?")
# Around the history's span: what the endpoint is sent may be older or newer than what it opened.
AROUND = 400 * DAY


def read_hours(history: History, zone: ZoneInfo) -> Hours:
    """The opening hours that a history tells of; none where it has no calendars.

    `zone`, the home's, is that of a team whose rows name none. Raises `WarmlineError` for a row
    that cannot be, naming it.
    """
    rows = history.table("calendars")
    if rows is None or rows.empty or history.span is None:
        return Hours()
    first, last = history.span
    calendars = calendars_by_team(rows, history.table("holidays"), zone)
    known = (first - AROUND, last + AROUND)
    return hours_of(calendars, history.words("agent"), history.teams(), known)


def calendars_by_team(
    rows: pd.DataFrame, holidays: pd.DataFrame | None, zone: ZoneInfo
) -> dict[str, Calendar]:
    """Calendars by team. A holiday without a team is everyone's."""
    by_team: dict[str, list[dict[str, Any]]] = {}
    for row in rows.to_dict("records"):
        by_team.setdefault(row["team"], []).append({str(name): row[name] for name in row})
    days: dict[str | None, set[date]] = {}
    if holidays is not None:
        for team, day in zip(_texts(holidays["team"]), holidays["date"], strict=True):
            days.setdefault(team, set()).add(date.fromisoformat(str(day)[:10]))
    return {
        team: Calendar(
            _zone(of_team, zone),
            _week(of_team),
            frozenset(days.get(None, set()) | days.get(team, set())),
        )
        for team, of_team in by_team.items()
    }


def _texts(column: pd.Series) -> list[str | None]:
    return [text if isinstance(text, str) and text else None for text in column.tolist()]


def _zone(rows: list[dict[str, Any]], home: ZoneInfo) -> ZoneInfo:
    named = {row["timezone"]: row for row in rows if isinstance(row["timezone"], str)}
    for name, row in named.items():
        if name not in available_timezones():
            raise _wrong(row, f"its time zone {name!r} is none", "Write an IANA name: Europe/Rome")
    if len(named) > 1:
        zones = " and ".join(sorted(named))
        raise _wrong(rows[-1], f"the team's rows name {zones}", "A team has one zone: split it")
    return ZoneInfo(next(iter(named))) if named else home


def _week(rows: list[dict[str, Any]]) -> tuple[tuple[tuple[int, int], ...], ...]:
    week: list[list[tuple[int, int]]] = [[] for _ in range(7)]
    for row in sorted(rows, key=lambda row: _seconds(row, "opens")):
        opens, closes = _seconds(row, "opens"), _seconds(row, "closes")
        if closes <= opens:
            raise _wrong(
                row,
                "it closes before it opens",
                'Hours past midnight are two rows: until "24:00", and from "00:00" the day after',
            )
        if row["weekday"] not in range(7):
            raise _wrong(row, "there is no such weekday", "Monday is 0, Sunday is 6")
        hours = week[int(row["weekday"])]
        if hours and opens < hours[-1][1]:
            raise _wrong(row, "it overlaps with another row of the day", "Join the two")
        hours.append((opens, closes))
    return tuple(map(tuple, week))


def _seconds(row: dict[str, Any], column: str) -> int:
    """Wall seconds after midnight; "24:00" is the day's end."""
    found = WALL_TIME.fullmatch(str(row[column]).strip())
    hours, minutes, seconds = (int(part or 0) for part in found.groups()) if found else (24, 0, 1)
    wall = hours * 3_600 + minutes * 60 + seconds
    if minutes > 59 or seconds > 59 or wall > DAY:
        raise _wrong(row, f"{column} is no time of day", 'Write "09:00", or "24:00" for the end')
    return wall


def _wrong(row: dict[str, Any], what: str, then: str) -> WarmlineError:
    said = ", ".join(
        f"{name} {row[name]:g}" if name == "weekday" else f"{name} {row[name]}"
        for name in ("team", "weekday", "opens", "closes", "timezone")
    )
    return WarmlineError(
        f"calendars: the row with {said} cannot be used: {what}.\n"
        f"{then}. Correct the row and ingest it again. Nothing was changed."
    )
