"""Time that counts and time that does not, compiled: elapsed silence, and the rhythm of a stream.

Stretches of time (a feed that was dead, a team that was at work) are a table of ascending rows
that do not overlap: from, to, and the seconds of all rows before. How much of a time lies in them
is two binary searches, and nothing at all where the table is empty.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.compiling import in_place
from models.contracts import DAY
from pipelines.features.records import ONE, Index, Indices, Record, Records

Ints = NDArray[np.int64]

FROM, TO, BEFORE = range(3)  # columns of a stretch


def stretches(bounds: Sequence[tuple[int, int]]) -> Ints:
    """The table [n, 3] of ascending `bounds` (from, to) in seconds that do not overlap."""
    table = np.zeros((len(bounds), 3), np.int64)
    if bounds:
        table[:, :BEFORE] = bounds
        table[1:, BEFORE] = np.cumsum(table[:-1, TO] - table[:-1, FROM])
    return table


@in_place
def first_from(at: Ints, start: int, end: int, edge: int) -> int:
    """Position of the first of the ascending `at[start:end]` that is not before `edge`."""
    while start < end:
        middle = (start + end) >> 1
        if at[middle] < edge:
            start = middle + 1
        else:
            end = middle
    return start


@in_place
def before(table: Ints, start: int, end: int, moment: int) -> int:
    """Seconds of the stretches `table[start:end]` that lie before `moment`."""
    place = first_from(table[:, FROM], start, end, moment) - 1
    if place < start:
        return 0
    stretch = table[place]
    return int(stretch[BEFORE] + min(moment, stretch[TO]) - stretch[FROM])


@in_place
def within(table: Ints, start: int, end: int, begin: int, until: int) -> int:
    """Seconds from `begin` to `until` that lie in the stretches `table[start:end]`."""
    if start == end:
        return 0
    return before(table, start, end, until) - before(table, start, end, begin)


@in_place
def _gap(day: Ints, p: Index, dead: Ints, start: int, end: int) -> int:
    """Days from the active day before entry p to that of p; 0 on the same day.

    Whole days' worth of dead time between the two days does not count.
    """
    earlier, later = day[p - ONE], day[p]
    if start == end or later - earlier < 2:
        return int(later - earlier)
    lost = within(dead, start, end, (earlier + 1) * DAY, later * DAY) // DAY
    return int(later - earlier - lost)


@in_place
def _quantiles(gaps: Ints, many: int, out: Record) -> None:
    """Median and quartiles (by rank, without interpolation) of `many` counted gaps."""
    quarter, days, passed = many // 4, np.uint64(0), 0
    days, passed = _ranked(gaps, quarter, days, passed)
    out.lower = days
    days, passed = _ranked(gaps, (many - 1) // 2, days, passed)
    below = days
    days, passed = _ranked(gaps, many // 2, days, passed)
    out.median = (below + days) / 2.0
    days, passed = _ranked(gaps, many - 1 - quarter, days, passed)
    out.upper = days


@in_place
def _ranked(gaps: Ints, rank: int, days: np.uint64, passed: int) -> tuple[np.uint64, int]:
    """The gap of that rank among those counted, of which `passed` are of up to so many `days`."""
    while passed <= rank:
        days += np.uint64(1)
        passed += gaps[days]
    return days, passed


@in_place
def rhythms(
    day: Ints, start: np.uint64, dead: Ints, dead_start: int, dead_end: int, gaps: Ints,
    ends: Indices, which: Indices, asked: int, out: Records,
) -> None:  # fmt: skip
    """Active days, the gaps between them added up and their quantiles. Nights ascend.

    A night sees the entries from `start` to its place in `ends`. `gaps` counts by days, and is zero
    between uses.
    """
    place, many, span, last = start, 0, 0, out[which[0]]
    for a in range(asked):
        k = which[a]
        high = ends[k]
        for p in range(max(place, start + ONE), high):
            gap = _gap(day, p, dead, dead_start, dead_end)
            if gap > 0:
                gaps[gap] += 1
                many += 1
                span += gap
        tempo = out[k]
        tempo.span = span
        tempo.days = many + 1 if high > start else 0
        if a and high == place:
            tempo.median, tempo.lower, tempo.upper = last.median, last.lower, last.upper
        elif many:
            _quantiles(gaps, many, tempo)
        place, last = high, tempo
    for p in range(start + ONE, place):
        gaps[_gap(day, p, dead, dead_start, dead_end)] = 0
