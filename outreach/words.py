"""How what people read is written."""

from __future__ import annotations

from datetime import UTC, date, datetime, tzinfo
from functools import cache

# What closed a contact point; `{day}` is when.
SUPPRESSED = {
    "bounce": "{way}: mail came back on {day}",
    "complaint": "{way}: reported as spam on {day}",
    "unsubscribe": "{way}: unsubscribed on {day}",
    "manual": "{way}: closed by hand on {day}",
    "erased": "was erased: is never contacted",
}


def day(at: datetime, zone: tzinfo) -> str:
    """The date of `at` in `zone` in words, such as 3 March 2026."""
    there = at.astimezone(zone)
    return f"{there.day} {_month(there.year, there.month)}"


@cache
def _month(year: int, month: int) -> str:
    return f"{date(year, month, 1):%B %Y}"


def suppressed(reason: str, channel: str | None, at: datetime, zone: tzinfo = UTC) -> str:
    """Why a contact point is closed; `reason` is one of `outreach.ledger.REASONS`."""
    return SUPPRESSED[reason].format(way=channel or "every way", day=day(at, zone))


def opted_out(channel: str | None, at: datetime, zone: tzinfo = UTC) -> str:
    """That the customer refused a channel (None: every one)."""
    return f"opted out of {channel or 'contact'} on {day(at, zone)}"
