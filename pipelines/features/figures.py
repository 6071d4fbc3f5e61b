"""The figures of one customer from the lists of its streams, compiled."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.compiling import compiled
from models.contracts import DAY
from pipelines.features.desk import Columns
from pipelines.features.elapsed import DAYS, LOWER, MEDIAN, UPPER, first_from, rhythms, within
from pipelines.features.program import AUX, COLUMN, MEASURED, OP, OPERATION, WINDOW_OF, Program
from pipelines.features.stream import ATTRIBUTES, WINDOWS

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

(COUNT, SUM, MEAN, LEAST, MOST, LAST, SINCE, FIRST, DISTINCT, TREND, GAP, SPREAD, RHYTHM,
 TOTAL_OF) = (
    OP[name]
    for name in (
        "count", "sum", "mean", "min", "max", "last", "since", "first", "distinct", "trend",
        "gap", "gap_spread", "rhythm", "total",
    )
)  # fmt: skip
AGENT, TOPIC, CHANNEL, CASE, BY_DAY = (
    ATTRIBUTES.index(name) for name in ("agent", "topic", "channel", "case", "day")
)
EVER = len(WINDOWS) - 1
UNKNOWN = np.iinfo(np.int64).max  # the place before, of an entry whose attribute is not known
# Columns of the measures of a window.
KNOWN, TOTAL, LOWEST, HIGHEST = range(4)


class Lists(NamedTuple):
    """Of each stream its entries in time order, one stream after the other."""

    start: Ints  # [streams]
    end: Ints  # [streams]
    at: Ints  # [entries]
    row: Ints  # [entries] row of the bucket, -1 for a fact
    value: Floats  # [entries] the measure, scaled
    before: Ints  # [entries] scratch: the last entry with the same attribute
    seen: Ints  # [codes, 2] scratch: where a code was last met, and in which turn
    gaps: Ints  # [days] scratch, zero between uses: how often a gap of so many days
    turn: Ints  # [1] numbers the turns of `seen`


class Nights(NamedTuple):
    """Nights that know the same feed gaps, ascending by `as_of`, and room for what is found out."""

    as_of: Ints
    cutoff: Ints
    slot: Ints  # where each goes in the output
    counts: Ints  # [nights, streams, windows] for shares
    low: Ints  # [windows] first entry of each window
    part: Floats  # [windows, 4] measures of what the next shorter window does not hold
    rhythm: Floats  # [nights, 4]
    silent: int  # seconds without a word that make silence
    dead: Ints  # [n, 3] when each stream's feeds were down (see `elapsed`)
    dead_start: Ints  # [streams + 1] into them


@compiled
def _measure(value: Floats, low: Ints, high: int, deepest: int, part: Floats) -> None:
    """Of each window's own part: how many known, their sum, min and max."""
    for w in range(deepest + 1):
        known, total, least, most = 0.0, 0.0, np.inf, -np.inf
        for p in range(low[w], high):
            if not np.isnan(value[p]):
                known += 1.0
                total += value[p]
                least = min(least, value[p])
                most = max(most, value[p])
        part[w, KNOWN], part[w, TOTAL], part[w, LOWEST], part[w, HIGHEST] = (
            known, total, least, most,
        )  # fmt: skip
        high = low[w]


@compiled
def _measured(part: Floats, op: int, window: int) -> float:
    """Sum, mean, min or max over a window."""
    known, total, least, most = 0.0, 0.0, np.inf, -np.inf
    for w in range(window + 1):
        known += part[w, KNOWN]
        total += part[w, TOTAL]
        least = min(least, part[w, LOWEST])
        most = max(most, part[w, HIGHEST])
    if op == SUM:
        return total
    if known == 0.0:
        return np.nan
    if op == TOTAL_OF:
        return total
    if op == MEAN:
        return total / known
    return least if op == LEAST else most


@compiled
def _trend(now: float, before: float, recent: int, window: int, age: float) -> float:
    """Recent daily rate over the earlier one, which begins no earlier than the relationship.

    `recent`, `window` in seconds, `age` of the relationship in days.
    """
    recent_days = recent / DAY
    earlier_days = min(window / DAY, age) - recent_days
    if earlier_days < recent_days or before <= 0.0:
        return np.nan
    return (now / recent_days) / (before / earlier_days)


@compiled
def _codes(columns: Columns, row: Ints, attribute: int, start: int, end: int, out: Ints) -> None:
    """Codes of the attribute, into `out[start:end]`."""
    if attribute == AGENT:
        for p in range(start, end):
            out[p] = columns.agent[row[p]]
    elif attribute == TOPIC:
        for p in range(start, end):
            out[p] = columns.topic[row[p]]
    elif attribute == CHANNEL:
        for p in range(start, end):
            out[p] = columns.channel[row[p]]
    else:
        for p in range(start, end):
            out[p] = columns.case[row[p]]


@compiled
def _link(columns: Columns, lists: Lists, start: int, end: int, attribute: int) -> None:
    """For each entry the last one before it with the same attribute, `start` - 1 if none."""
    before, seen = lists.before, lists.seen
    if attribute == BY_DAY:
        for p in range(start, end):
            same = p > start and lists.at[p] // DAY == lists.at[p - 1] // DAY
            before[p] = p - 1 if same else start - 1
        return
    lists.turn[0] += 1
    turn = lists.turn[0]
    _codes(columns, lists.row, attribute, start, end, before)
    for p in range(start, end):
        code = before[p]
        if code < 0:
            before[p] = UNKNOWN
            continue
        before[p] = seen[code, 0] if seen[code, 1] == turn else start - 1
        seen[code, 0] = p
        seen[code, 1] = turn


@compiled
def _differents(before: Ints, low: int, high: int) -> float:
    """How many entries of the window are the first of their kind in it."""
    count = 0
    for p in range(low, high):
        count += before[p] < low
    return float(count)


@compiled
def _last_known(value: Floats, start: int, high: int) -> float:
    for p in range(high - 1, start - 1, -1):
        if not np.isnan(value[p]):
            return float(value[p])
    return np.nan


@compiled
def _write(  # noqa: C901 - one branch an operation
    table: Ints, first: int, until: int, at: Ints, value: Floats, before: Ints, start: int,
    high: int, low: Ints, part: Floats, rhythm: Floats, as_of: int, since: float, age: float,
    seconds: Ints, row: Floats,
) -> None:  # fmt: skip
    """Figures `first` to `until` of a stream at a night: entries `start` to `high`, not none."""
    for i in range(first, until):
        op, window, aux = table[i, OPERATION], table[i, WINDOW_OF], table[i, AUX]
        if op == COUNT:
            figure = float(high - low[window])
        elif op == SINCE:
            figure = since
        elif op == FIRST:
            figure = (as_of - at[start]) / DAY
        elif op == TREND and table[i, MEASURED]:
            before_sum = 0.0
            for w in range(aux + 1, window + 1):
                before_sum += part[w, TOTAL]
            now = _measured(part, SUM, aux)
            figure = _trend(now, before_sum, seconds[aux], seconds[window], age)
        elif op == TREND:
            now, earlier = float(high - low[aux]), float(low[aux] - low[window])
            figure = _trend(now, earlier, seconds[aux], seconds[window], age)
        elif op == DISTINCT:
            figure = _differents(before, low[window], high)
        elif op == LAST:
            figure = _last_known(value, start, high)
        elif op in (GAP, SPREAD, RHYTHM):
            figure = np.nan
            if rhythm[DAYS] >= max(aux, 2):
                if op == GAP:
                    figure = rhythm[MEDIAN]
                elif op == SPREAD:
                    figure = (rhythm[UPPER] - rhythm[LOWER]) / rhythm[MEDIAN]
                else:
                    figure = since / rhythm[MEDIAN]
        else:
            figure = _measured(part, op, window)
        row[table[i, COLUMN]] = figure


@compiled
def _block(
    stream: int, first: int, until: int, began: int, program: Program, lists: Lists,
    nights: Nights, which: Ints, asked: int, out: Floats,
) -> None:  # fmt: skip
    """Figures `first` to `until` of a stream, for each night, and its counts for the shares."""
    start, end, low, at = lists.start[stream], lists.end[stream], nights.low, lists.at
    deepest, seconds = program.deepest[stream], program.window_seconds
    down, up = nights.dead_start[stream], nights.dead_start[stream + 1]
    if until > first and program.figure[first, OPERATION] == DISTINCT:
        deepest = -1
    for k in range(asked):
        as_of = nights.as_of[which[k]]
        high = first_from(at, start, end, as_of)
        place = high
        for w in range(EVER):
            edge = as_of - seconds[w]
            if place > start and at[place - 1] >= edge:
                place = first_from(at, start, place, edge)
            low[w] = place
            nights.counts[k, stream, w] = high - place
        low[EVER] = start
        nights.counts[k, stream, EVER] = high - start
        if high == start:
            continue
        if deepest >= 0:
            _measure(lists.value, low, high, deepest, nights.part)
        since = as_of - at[high - 1]
        if down < up:
            since -= within(nights.dead, down, up, at[high - 1], as_of)
        _write(
            program.figure, first, until, at, lists.value, lists.before, start, high, low,
            nights.part, nights.rhythm[k], as_of, since / DAY, (as_of - began) / DAY, seconds,
            out[nights.slot[which[k]]],
        )  # fmt: skip


@compiled
def _of(figure: Ints, i: int) -> int:
    """Of which attribute figure i counts differents; -1 where it does not."""
    return int(figure[i, AUX]) if figure[i, OPERATION] == DISTINCT else -1


@compiled
def figures(
    columns: Columns, began: int, program: Program, lists: Lists, nights: Nights, which: Ints,
    asked: int, out: Floats,
) -> None:  # fmt: skip
    """Write the figures of the nights `which[:asked]` over the template in `out`."""
    for stream in range(len(lists.start)):
        start, end = lists.start[stream], lists.end[stream]
        if start == end:
            continue
        if program.has_gaps[stream]:
            rhythms(
                lists.at, start, end, nights.dead, nights.dead_start[stream],
                nights.dead_start[stream + 1], lists.gaps, nights.as_of, which, asked,
                nights.rhythm,
            )  # fmt: skip
        i, last = program.start[stream], program.start[stream + 1]
        while True:  # once at least: shares need the counts
            attribute, until = -1, i
            if i < last:
                attribute = _of(program.figure, i)
            while until < last and _of(program.figure, until) == attribute:
                until += 1
            if attribute >= 0:
                _link(columns, lists, start, end, attribute)
            _block(stream, i, until, began, program, lists, nights, which, asked, out)
            i = until
            if i >= last:
                break
    _compare(program, lists, nights, which, asked, out)


@compiled
def _compare(
    program: Program, lists: Lists, nights: Nights, which: Ints, asked: int, out: Floats
) -> None:
    """What the streams together tell of each night: shares, and silence."""
    word = program.word
    for k in range(asked):
        row = out[nights.slot[which[k]]]
        _shares(k, program, lists, nights.counts, row)
        if _is_heard(
            nights.as_of[which[k]], nights.silent, lists.at, lists.start[word], lists.end[word],
            nights.dead, nights.dead_start[word], nights.dead_start[word + 1],
        ):  # fmt: skip
            row[len(program.template) - 1] = 0.0


@compiled
def _shares(k: int, program: Program, lists: Lists, counts: Ints, row: Floats) -> None:
    for s in range(len(program.share)):
        part, whole = program.share[s, 0], program.share[s, 1]
        window, column = program.share[s, 2], program.share[s, 3]
        if lists.start[whole] == lists.end[whole] or counts[k, whole, window] == 0:
            continue
        many = counts[k, part, window] if lists.start[part] < lists.end[part] else 0
        row[column] = many / counts[k, whole, window]


@compiled
def _is_heard(
    as_of: int, silent: int, at: Ints, start: int, end: int, dead: Ints, down: int, up: int
) -> bool:
    """Whether the last word is no more than `silent` seconds old in which one could have come."""
    high = first_from(at, start, end, as_of)
    if high == start:
        return False
    return bool(as_of - at[high - 1] - within(dead, down, up, at[high - 1], as_of) <= silent)
