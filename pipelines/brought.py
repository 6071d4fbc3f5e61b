"""Whether tonight's sources still bring the customers that they brought before."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from statistics import median
from typing import TYPE_CHECKING, Any

from pipelines.checks import Check
from pipelines.nightly import Night, record_of

if TYPE_CHECKING:
    from models.home import Home
    from models.settings import Checks

NIGHTS = 7  # last ones compared with
LEAST_NIGHTS = 3
STEADY = 0.1  # a source that brings everyone each night varies by no more than this


def customers_brought(home: Home, night: Night, limits: Checks) -> tuple[Check, ...]:
    """One check for each source that brings all its customers each night, and now fewer.

    Sources that bring only what has changed vary from night to night and are not judged. Names no
    source that is in order.
    """
    past = _past(home, night)
    now = _rows(night.done.get("ingest", {}))
    found = []
    for source, rows in now.items():
        before = [known[source] for known in past if source in known]
        if len(before) < LEAST_NIGHTS or max(before) - min(before) > STEADY * max(before):
            continue
        usual = median(before)
        missing = 1 - rows / max(usual, 1)
        if missing > limits.max_missing_customers:
            found.append(
                Check(
                    f"customers_brought:{source}",
                    False,
                    f"{rows:,} customers, where it brought {usual:,.0f} on the last "
                    f"{len(before)} nights, {missing:.1%} fewer (at most "
                    f"{limits.max_missing_customers:.0%}). Look at whether the export is whole",
                )
            )
    return tuple(found)


def _past(home: Home, night: Night) -> list[dict[str, int]]:
    """Customers by source, of the last nights before this one that were finished."""
    if not home.nights.exists():
        return []
    dates = sorted(path.stem.removeprefix("as_of=") for path in home.nights.glob("as_of=*.json"))
    earlier = [day for day in dates if day < str(night.as_of)]
    known = []
    for day in reversed(earlier):
        record = record_of(home, date.fromisoformat(day))
        if record is not None and record.finished:
            known.append(_rows(record.done.get("ingest", {})))
        if len(known) == NIGHTS:
            break
    return known


def _rows(reports: Mapping[str, Any]) -> dict[str, int]:
    """Rows of the customers table that each source brought."""
    tables = {str(report["source"]): report["tables"] for report in reports.values()}
    return {
        source: int(read["customers"]["rows"])
        for source, read in tables.items()
        if "customers" in read
    }
