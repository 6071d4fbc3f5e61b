"""How often each household, account and contact point was written to lately, in columns."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, tzinfo
from typing import TYPE_CHECKING

from models.settings import Caps
from outreach.candidate import Sent
from outreach.words import day

if TYPE_CHECKING:
    import pyarrow as pa

WINDOWS = {"day": timedelta(days=1), "week": timedelta(days=7), "month": timedelta(days=30)}
COUNTS = (*WINDOWS, "last_at")


def unasked(history: pa.Table, units: pa.ChunkedArray, ledger: pa.Table) -> pa.Table:
    """All contacts of the last 30 days: unit, at, transactional.

    `units` are those of the rows of `history` (`Timeline.contacted`). What outreach sent comes back
    through the history: of one customer, channel and day it is told once. The history does not say
    which of its contacts were transactional: none is taken for one.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    again = pc.and_(history["recorded"], pc.is_in(_day_of(history), value_set=_day_of(ledger)))
    told_once = pc.invert(again)
    instant = pa.timestamp("us", tz="UTC")
    here = pa.table(
        {
            "unit": units.filter(told_once),
            "at": history["at"].filter(told_once).cast(instant),
            "transactional": pa.repeat(False, pc.sum(told_once).as_py() or 0),
        }
    )
    there = ledger.select(["unit", "at", "transactional"])
    return pa.concat_tables([here, there.cast(here.schema)])


def counted(contacts: pa.Table, by: str, night: datetime) -> pa.Table:
    """A row each value of the column `by`: `COUNTS` over the windows that end with `night`."""
    import pyarrow as pa
    import pyarrow.compute as pc

    rows = contacts.select([by, "at"])
    for name, window in WINDOWS.items():
        rows = rows.append_column(
            name, pc.cast(pc.greater_equal(rows["at"], night - window), pa.int64())
        )
    sums = [(name, "sum") for name in WINDOWS]
    found = rows.group_by(by, use_threads=False).aggregate([*sums, ("at", "max")])
    return found.rename_columns([by, *COUNTS])


def each(found: pa.Table, by: str) -> Iterator[tuple[str, tuple[int, int, int, datetime]]]:
    """Each value of `by` with its counts."""
    columns = (found[name].to_pylist() for name in COUNTS)
    yield from zip(found[by].to_pylist(), zip(*columns, strict=True), strict=True)


def above(sent: Sent, caps: Caps, zone: tzinfo) -> str | None:
    """Which cap `sent` has reached, in words; None where there is room for one more."""
    if sent.last_at is None:
        return None
    for many, most, window in (
        (sent.day, caps.day, "24 hours"),
        (sent.week, caps.week, "7 days"),
        (sent.month, caps.month, "30 days"),
    ):
        if many >= most:
            times = "once" if many == 1 else f"{many} times"
            return f"{times} in {window}, last on {day(sent.last_at, zone)} (at most {most})"
    return None


def _day_of(contacts: pa.Table) -> pa.ChunkedArray:
    """Customer, channel and day of each, as one text."""
    import pyarrow as pa
    import pyarrow.compute as pc

    days = pc.floor_temporal(contacts["at"].cast(pa.timestamp("us", tz="UTC")), unit="day")
    channel = pc.fill_null(contacts["channel"], "")
    day = days.cast(pa.int64()).cast(pa.string())
    return pc.binary_join_element_wise(contacts["customer_id"], channel, day, "\n")
