"""How what people read is written."""

from __future__ import annotations

from datetime import datetime, tzinfo


def day(at: datetime, zone: tzinfo) -> str:
    """The date of `at` in `zone` in words, such as 3 March 2026."""
    there = at.astimezone(zone)
    return f"{there.day} {there:%B %Y}"
