"""The figures of one customer from the lists of its streams, compiled."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.compiling import in_place
from models.contracts import DAY
from models.past_cache import put
from pipelines.features.desk import Columns
from pipelines.features.elapsed import DAYS, LOWER, MEDIAN, ONE, SPAN, UPPER, rhythms, within
from pipelines.features.pace_pass import paces
from pipelines.features.program import (
    BY_DAY,
    COLUMN,
    DIFFERENTS,
    LEAST,
    LEAST_DAYS,
    MEAN,
    MIXTURE,
    MOST,
    NOWHERE,
    OP,
    OPERATION,
    OWN,
    SUM,
    TIMES,
    TOP,
    TOTAL,
    WINDOW_OF,
    Indices,
    Places,
    Program,
)
from pipelines.features.served import served_figures
from pipelines.features.stream import ALIVE, ATTRIBUTES, LATEST, WINDOWS

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Counts = NDArray[np.uint32]

(LAST, FIRST, GAP, SPREAD, RHYTHM, ALIVE_OP, SLOPE, LATEST_OP, PACE, USUAL) = (
    OP[name]
    for name in (
        "last", "first", "gap", "gap_spread", "rhythm", "alive", "slope", "latest", "pace", "usual",
    )
)  # fmt: skip
AGENT, TEAM, TOPIC, CHANNEL = (
    ATTRIBUTES.index(name) for name in ("agent", "team", "topic", "channel")
)
R, ALPHA, A, B = ALIVE
MONTH = 30.0 * DAY
EVER = len(WINDOWS) - 1
# n log2 n of small n: a logarithm takes as long as all else that a row needs.
WEIGHTED = np.array([0.0, *(n * np.log2(n) for n in range(1, 256))])


class Lists(NamedTuple):
    """Of each stream its counts, and its entries in time order, one stream after the other."""

    tally: Counts  # [streams, edges + 1] entries between edges; zero between customers
    touched: NDArray[np.bool_]  # [streams] whether it has any; false between customers
    slot: Places  # [streams] its place among those that have any; NOWHERE between customers
    of_kind: Counts  # [kinds, edges + 1] scratch, zero between uses: rows of plain kinds
    met: NDArray[np.bool_]  # [kinds] scratch, false between uses: whether there are any
    # By slot: what is told of a customer's streams lies together, whichever they are.
    order: Places  # [slots] the stream
    before: Counts  # [slots, edges + 1] its entries before each edge, and all
    start: Indices  # [slots]
    end: Indices  # [streams]
    # What a stream does not ask for (`Program.asks`) is not written.
    at: Ints  # [entries]
    day: Ints  # [entries] UTC day of `at`
    row: Indices  # [entries] row of the bucket; of a fact nothing
    value: Floats  # [entries] the measure, scaled
    days: Ints  # [entries] scratch: different UTC days up to each
    seen: Ints  # [codes] scratch: the turn in which a code was last met
    often: Ints  # [codes] scratch: how often it was in that turn
    gaps: Ints  # [days] scratch, zero between uses: how often a gap of so many days
    turn: Ints  # [1] numbers the turns of `seen`


class Nights(NamedTuple):
    """Nights that know the same feed gaps, ascending by `as_of`, and room for what is found out."""

    as_of: Ints
    cutoff: Ints
    slot: Indices  # where each goes in the output
    edges: Ints  # [edges] every moment at which a window of a night begins or ends, ascending
    edge: Indices  # [nights, windows] of them, where each window begins; in the last place its end
    high: Indices  # [nights] of a stream, the entry past the last that a night sees
    # By slot of a stream.
    seen: Indices  # [slots] the same of the night before
    low: Indices  # [slots, windows] first entry of each window
    moved: NDArray[np.bool_]  # [slots] whether any window holds other entries than that night
    part: Floats  # [slots, windows, MEASURED] of each window
    differ: Floats  # [attributes, windows, 3]
    rhythm: Floats  # [slots, nights, RHYTHM_COLUMNS]
    pace: Floats  # [slots, nights, PACED]
    row: Floats  # [columns] of a night, as far as it is made
    beside: Floats  # [slots, customers, ...] figures that were made elsewhere
    beside_at: int  # the first of their columns
    agents: Floats  # [agents, nights, AGENT_FIGURES] by agent code; who lies beyond is not known
    served: Floats  # [AGENT_FIGURES, 3] of the agents of a window (see `served`)
    settled: bool  # each row before a night stands, and the night knew it: no need to look
    silent: int  # seconds without a word that make silence
    dead: Ints  # [n, 3] when each stream's feeds were down (see `elapsed`)
    dead_start: Ints  # [streams + 1] into them


@in_place
def _number(many: np.uint64) -> float:
    """A small number as a float, for which a signed one takes one step."""
    return float(np.int64(many))


@in_place
def _measure(value: Floats, low: Indices, high: np.uint64, deepest: int, part: Floats) -> None:
    """Sums and means of each window. Sums are of the parts between edges, the newest first: no
    difference of large ones."""
    known, total = 0, 0.0
    for w in range(deepest + 1):
        own = 0.0
        for p in range(low[w], high):
            is_known = value[p] == value[p]
            known += is_known
            own += value[p] if is_known else 0.0
        total += own
        part[w, OWN], part[w, SUM] = own, total
        part[w, TOTAL] = total if known else np.nan
        part[w, MEAN] = total / known if known else np.nan
        high = low[w]


@in_place
def _extremes(value: Floats, low: Indices, high: np.uint64, deepest: int, part: Floats) -> None:
    """Of each window: the least and the most of what is known."""
    least, most = np.inf, -np.inf
    for w in range(deepest + 1):
        for p in range(low[w], high):
            if not np.isnan(value[p]):
                least = min(least, value[p])
                most = max(most, value[p])
        part[w, LEAST] = least if least <= most else np.nan
        part[w, MOST] = most if least <= most else np.nan
        high = low[w]


@in_place
def _trend(now: float, before: float, recent: float, window: float, age: float) -> float:
    """Recent daily rate over the earlier one, which begins no earlier than the relationship.

    `recent`, `window` and `age`, that of the relationship, in days.
    """
    earlier = min(window, age) - recent
    if earlier < recent or before <= 0.0:
        return np.nan
    return (now / recent) / (before / earlier)


@in_place
def _weighted(n: int) -> float:
    """n log2 n."""
    return float(WEIGHTED[n] if n < len(WEIGHTED) else n * np.log2(n))


@in_place
def _differents(
    columns: Columns, lists: Lists, attribute: int, low: Indices, high: np.uint64, deepest: int,
    mixed: bool, out: Floats,
) -> None:  # fmt: skip
    """The known codes that each window holds, from the newest entry backwards.

    With n of a code among N, entropy is log2 N less the sum of n log2 n over N.
    """
    lists.turn[0] += 1
    turn, seen, often, rows = lists.turn[0], lists.seen, lists.often, lists.row
    of_agent = attribute in (AGENT, TEAM)
    source = columns.agent if of_agent else (columns.topic if attribute == TOPIC else columns.case)
    count, known, most, weight, p = 0, 0, 0, 0.0, high
    for w in range(deepest + 1):
        while p > low[w]:
            p -= ONE
            code = np.int64(columns.channel[rows[p]] if attribute == CHANNEL else source[rows[p]])
            if attribute == TEAM:
                code = np.int64(columns.teams[code]) if 0 <= code < len(columns.teams) else -1
            if code < 0:
                continue
            if seen[code] != turn:
                seen[code] = turn
                often[code] = 0
                count += 1
            if mixed:
                n = often[code]
                often[code] = n + 1
                known += 1
                most = max(most, n + 1)
                weight += _weighted(n + 1) - _weighted(n)
        out[w, DIFFERENTS] = count
        if mixed:
            out[w, TOP] = most / known if known else np.nan
            out[w, MIXTURE] = np.nan
            if known:
                out[w, MIXTURE] = np.log2(known) - weight / known if count > 1 else 0.0


@in_place
def _slope(at: Ints, value: Floats, low: np.uint64, high: np.uint64) -> float:
    """Least-squares slope of the known measures, in 30 days; NaN where they span less than one."""
    known, first, last, time, level = 0, 0, 0, 0.0, 0.0
    for p in range(low, high):
        if not np.isnan(value[p]):
            if known == 0:
                first = at[p]
            last = at[p]
            known += 1
            time += last - first
            level += value[p]
    if last - first < DAY:
        return np.nan
    time /= known
    level /= known
    both, square = 0.0, 0.0
    for p in range(low, high):
        if not np.isnan(value[p]):
            apart = (at[p] - first) - time
            both += apart * (value[p] - level)
            square += apart * apart
    return float(both / square * MONTH)


@in_place
def _alive(days: float, span: float, since: float) -> float:
    """How likely more is to come after so many active days; see `stream.ALIVE`."""
    again = days - 1.0
    # A power by `exp` and `log` takes three quarters of the time of `**`.
    longer = np.log((ALPHA + span + since) / (ALPHA + span))
    gone = A / (B + again) * np.exp((R + again) * longer)
    return float(1.0 / (1.0 + gone))


@in_place
def _days(lists: Lists, start: np.uint64, end: int) -> None:
    """Numbers the UTC days of a stream's entries."""
    number = 0
    for p in range(start, end):
        number += p == start or lists.day[p] != lists.day[p - ONE]
        lists.days[p] = number


@in_place
def _last_known(value: Floats, start: np.uint64, high: np.uint64) -> float:
    p = high
    while p > start:
        p -= ONE
        if not np.isnan(value[p]):
            return float(value[p])
    return np.nan


@in_place
def _latest(value: Floats, start: np.uint64, high: np.uint64) -> float:
    """Mean of the newest known measures, at least two."""
    known, total, p = 0, 0.0, high
    while p > start and known < LATEST:
        p -= ONE
        if not np.isnan(value[p]):
            known += 1
            total += value[p]
    return total / known if known > 1 else np.nan


@in_place
def _trends(
    slot: np.uint64,
    stream: np.uint16,
    high: np.uint64,
    age: float,
    program: Program,
    nights: Nights,
    row: Floats,
) -> None:
    """Trends of a stream at a night that sees its entries to `high`."""
    days, low, part = program.window_days, nights.low[slot], nights.part[slot]
    for i in range(program.trend_start[stream], program.trend_start[stream + 1]):
        window, recent, measured, column = program.trend[i]
        if measured:
            now, before = part[recent, SUM], 0.0
            for w in range(recent + 1, window + 1):
                before += part[w, OWN]
        else:
            now, before = _number(high - low[recent]), _number(low[recent] - low[window])
        row[column] = _trend(now, before, days[recent], days[window], age)


@in_place
def _write(
    slot: np.uint64, k: np.uint64, high: np.uint64, since: float, first: int, end: int, program: Program,
    lists: Lists, nights: Nights, row: Floats,
) -> None:  # fmt: skip
    """What is no count, no measure and no different of a stream at night `k`: the figures `first`
    to `end`, of the entries before `high`."""
    table, start, rhythm = program.figure, lists.start[slot], nights.rhythm[slot, k]
    for i in range(first, end):
        op = table[i, OPERATION]
        if op == FIRST:
            figure = (nights.as_of[k] - lists.at[start]) / DAY
        elif op == SLOPE:
            figure = _slope(lists.at, lists.value, nights.low[slot, table[i, WINDOW_OF]], high)
        elif op == ALIVE_OP:
            figure = _alive(rhythm[DAYS], rhythm[SPAN], since)
        elif PACE <= op <= USUAL:
            figure = nights.pace[slot, k, op - PACE]
        elif op == LATEST_OP:
            figure = _latest(lists.value, start, high)
        elif op == LAST:
            figure = _last_known(lists.value, start, high)
        else:
            figure = np.nan
            if rhythm[DAYS] >= max(table[i, LEAST_DAYS], 2):
                if op == GAP:
                    figure = rhythm[MEDIAN]
                elif op == SPREAD:
                    figure = (rhythm[UPPER] - rhythm[LOWER]) / rhythm[MEDIAN]
                else:
                    figure = since / rhythm[MEDIAN]
        row[table[i, COLUMN]] = figure


@in_place
def _count_differents(
    slot: np.uint64, stream: np.uint16, high: np.uint64, columns: Columns, program: Program, lists: Lists,
    nights: Nights, row: Floats,
) -> None:  # fmt: skip
    """Different days and codes of a stream in each window of a night."""
    low = nights.low[slot]
    for i in range(program.differ_start[stream], program.differ_start[stream + 1]):
        attribute, deepest, mixed = program.differ[i]
        differ = nights.differ[attribute]
        if attribute != BY_DAY:
            _differents(columns, lists, attribute, low, high, deepest, mixed, differ)
        else:
            for w in range(deepest + 1):
                different = 0
                if low[w] < high:
                    different = lists.days[high - ONE] - lists.days[low[w]] + 1
                differ[w, DIFFERENTS] = different
    for i in range(program.differing_start[stream], program.differing_start[stream + 1]):
        attribute, window, which, column = program.differing[i]
        row[column] = nights.differ[attribute, window, which]


@in_place
def _windows(slot: np.uint64, k: np.uint64, start: np.uint64, lists: Lists, nights: Nights) -> bool:
    """Where the windows of night `k` begin among the entries; returns whether any has moved."""
    before, edge, low, moved = lists.before[slot], nights.edge[k], nights.low[slot], False
    for w in range(EVER):
        place = start + before[edge[w]]
        moved |= place != low[w]
        low[w] = place
    low[EVER] = start
    return bool(moved)


@in_place
def _measure_all(
    slot: np.uint64, stream: np.uint16, high: np.uint64, columns: Columns, program: Program, lists: Lists,
    nights: Nights, row: Floats,
) -> None:  # fmt: skip
    """What the windows of a night hold of a stream: how many, their measures, differents."""
    low, part, deepest = nights.low[slot], nights.part[slot], program.deepest[stream]
    for i in range(program.count_start[stream], program.count_start[stream + 1]):
        window, column = program.counted[i]
        row[column] = _number(high - low[window])
    if deepest >= 0:
        _measure(lists.value, low, high, deepest, part)
        if program.extreme[stream]:
            _extremes(lists.value, low, high, deepest, part)
        for i in range(program.valued_start[stream], program.valued_start[stream + 1]):
            window, which, column = program.valued[i]
            row[column] = part[window, which]
    if program.differ_start[stream] < program.differ_start[stream + 1]:
        _count_differents(slot, stream, high, columns, program, lists, nights, row)


@in_place
def _of_stream(
    slot: np.uint64, k: np.uint64, columns: Columns, age: float, former: float, program: Program,
    lists: Lists, nights: Nights, row: Floats,
) -> None:  # fmt: skip
    """Figures of a stream at night `k`, over those of the night before in `row`.

    Where no window has gained or lost an entry since, only what moves with time is made anew.
    `age` is that of the relationship, `former` its age at the night before.
    """
    start, as_of, since = lists.start[slot], nights.as_of[k], np.int64(0)
    high = start + lists.before[slot, nights.edge[k, EVER]]
    nights.moved[slot] = False
    if high == start:
        return
    stream = lists.order[slot]
    moved = _windows(slot, k, start, lists, nights) or high != nights.seen[slot]
    nights.seen[slot], nights.moved[slot] = high, moved
    first, end = program.moving[stream], program.start[stream + 1]
    if moved:
        first = program.start[stream]
        _measure_all(slot, stream, high, columns, program, lists, nights, row)
    if program.asks[stream, TIMES]:
        last = lists.at[high - ONE]
        since = as_of - last
        down, up = nights.dead_start[stream], nights.dead_start[stream + 1]
        if down < up:
            since -= within(nights.dead, down, up, last, as_of)
        if program.since[stream] >= 0:
            row[program.since[stream]] = since / DAY
    if first < end:
        _write(slot, k, high, since / DAY, first, end, program, lists, nights, row)
    if moved or former < program.trend_days:  # later the parts of the window are as long as then
        _trends(slot, stream, high, age, program, nights, row)


@in_place
def _prepare(
    slot: np.uint64, program: Program, lists: Lists, nights: Nights, which: Indices, asked: int
) -> None:
    """What all nights share of a stream."""
    stream, start = lists.order[slot], lists.start[slot]
    down, up = nights.dead_start[stream], nights.dead_start[stream + 1]
    nights.seen[slot] = start
    if program.has_gaps[stream] or program.has_pace[stream]:
        for a in range(asked):
            k = which[a]
            nights.high[k] = start + lists.before[slot, nights.edge[k, EVER]]
    if program.has_gaps[stream]:
        rhythms(
            lists.day, start, nights.dead, down, up, lists.gaps, nights.high, which, asked,
            nights.rhythm[slot],
        )  # fmt: skip
    if program.has_pace[stream]:
        paces(
            lists.day, lists.value, program.has_measure[stream], start, nights.dead, down, up,
            nights.as_of, nights.high, which, asked, nights.pace[slot],
        )  # fmt: skip
    if program.has_days[stream]:
        _days(lists, start, lists.end[stream])


@in_place
def figures(
    columns: Columns, joined: int, began: int, program: Program, lists: Lists, many: int,
    nights: Nights, which: Indices, asked: int, c: int, out: Floats,
) -> None:  # fmt: skip
    """Write the rows of the nights `which[:asked]`, which ascend, into `out[:, c]`.

    A row is made in the fastest cache, over that of the night before, and then put where it
    belongs: twelve of them would not fit there.
    """
    row, former = nights.row, -np.inf
    begin(program, nights)
    for slot in range(np.uint64(many)):
        _prepare(slot, program, lists, nights, which, asked)
    for a in range(asked):
        k = which[a]
        age = (nights.as_of[k] - began) / DAY
        for slot in range(np.uint64(many)):
            _of_stream(slot, k, columns, age, former, program, lists, nights, row)
        former = age
        _compare(k, columns, program, lists, nights, row)
        finish(joined, k, program, nights, c, out)
    for slot in range(np.uint64(many)):
        lists.slot[lists.order[slot]] = NOWHERE


@in_place
def begin(program: Program, nights: Nights) -> None:
    """The row of a customer with no history."""
    for column in range(len(program.template)):
        nights.row[column] = program.template[column]


@in_place
def finish(
    joined: int, k: np.uint64, program: Program, nights: Nights, c: int, out: Floats
) -> None:
    """Put what does not come of streams into the row of night `k`, and the row to its place."""
    row, slot, as_of = nights.row, nights.slot[k], nights.as_of[k]
    row[program.tenure] = (as_of - joined) / DAY if joined <= as_of else np.nan
    place = np.uint64(nights.beside_at)
    for i in range(np.uint64(nights.beside.shape[2])):
        row[place + i] = nights.beside[slot, c, i]
    put(row, out[slot, c])


@in_place
def _compare(
    k: np.uint64, columns: Columns, program: Program, lists: Lists, nights: Nights, row: Floats
) -> None:
    """What the streams together tell of a night: shares, and silence; and those who served."""
    _shares(k, program, lists, nights, row)
    _streaks(k, program, lists, nights, row)
    served_figures(k, columns, program, lists, nights, row)
    row[program.silent] = 0.0 if _is_heard(k, program.word, lists, nights) else 1.0


@in_place
def _shares(k: np.uint64, program: Program, lists: Lists, nights: Nights, row: Floats) -> None:
    """Only where entries of either stream came or went since the night before."""
    end = nights.edge[k, EVER]
    for i in range(len(program.whole)):
        whole = lists.slot[program.whole[i, 0]]
        if whole == NOWHERE:
            continue
        for s in range(program.whole[i, 1], program.whole[i, 2]):
            stream, window, column, is_count = program.share[s]
            part, many = lists.slot[stream], 0
            if not (nights.moved[whole] or (part != NOWHERE and nights.moved[part])):
                continue
            of = _between(lists, whole, window, k, end, nights)
            if part != NOWHERE:
                many = _between(lists, part, window, k, end, nights)
            row[column] = np.nan
            if of > 0:
                row[column] = many if is_count else many / of


@in_place
def _between(
    lists: Lists, slot: np.uint16, window: int, k: np.uint64, end: np.uint64, nights: Nights
) -> int:
    """How many entries a window of night `k` holds."""
    many = np.int64(lists.before[slot, end])
    if window == EVER:
        return int(many)
    return int(many - np.int64(lists.before[slot, nights.edge[k, window]]))


@in_place
def _streaks(k: np.uint64, program: Program, lists: Lists, nights: Nights, row: Floats) -> None:
    """How many entries came after the newest one of the stream that ends the streak."""
    end = nights.edge[k, EVER]
    for s in range(len(program.streak)):
        slot, ends = lists.slot[program.streak[s, 0]], lists.slot[program.streak[s, 1]]
        if slot == NOWHERE:
            continue
        first, ended, many = lists.start[slot], np.iinfo(np.int64).min, 0
        place = first + lists.before[slot, end]
        if ends != NOWHERE and lists.before[ends, end]:
            ended = lists.at[lists.start[ends] + lists.before[ends, end] - ONE]
        while place > first and lists.at[place - ONE] > ended:
            place -= ONE
            many += 1
        row[program.streak[s, 2]] = many


@in_place
def _is_heard(k: np.uint64, word: int, lists: Lists, nights: Nights) -> bool:
    """Whether the last word is no more than `silent` seconds old in which one could have come."""
    slot = lists.slot[word]
    if slot == NOWHERE:
        return False
    many = lists.before[slot, nights.edge[k, EVER]]
    if many == 0:
        return False
    last, as_of = lists.at[lists.start[slot] + many - ONE], nights.as_of[k]
    down, up = nights.dead_start[word], nights.dead_start[word + 1]
    return bool(as_of - last - within(nights.dead, down, up, last, as_of) <= nights.silent)
