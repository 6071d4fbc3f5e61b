"""The figures of one customer from the lists of its streams, compiled."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.compiling import in_place
from models.contracts import DAY
from models.past_cache import put
from pipelines.features.desk import Columns
from pipelines.features.elapsed import rhythms, within
from pipelines.features.pace_pass import paces
from pipelines.features.program import BY_DAY, OP, Program
from pipelines.features.records import (
    DIFFERENTS,
    EVER,
    LEAST,
    MEAN,
    MIXTURE,
    MOST,
    NOWHERE,
    ONE,
    OWN,
    SUM,
    TOP,
    TOTAL,
    Counts,
    Index,
    Indices,
    Places,
    Record,
    Records,
    begin_of,
)
from pipelines.features.served import served_figures
from pipelines.features.stream import ALIVE, ATTRIBUTES, LATEST

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

(LAST, SINCE, FIRST, GAP, SPREAD, ALIVE_OP, SLOPE, LATEST_OP, PACE, USUAL) = (
    OP[name]
    for name in (
        "last", "since", "first", "gap", "gap_spread", "alive", "slope", "latest", "pace", "usual",
    )
)  # fmt: skip
AGENT, TEAM, TOPIC, CHANNEL = (
    ATTRIBUTES.index(name) for name in ("agent", "team", "topic", "channel")
)
R, ALPHA, A, B = ALIVE
MONTH = 30.0 * DAY
# n log2 n of small n: a logarithm takes as long as all else that a row needs.
WEIGHTED = np.array([0.0, *(n * np.log2(n) for n in range(1, 256))])


class Lists(NamedTuple):
    """Of each stream its counts, and its entries in time order, one stream after the other."""

    tally: Counts  # [streams, edges + 1] entries between edges; zero between customers
    touched: NDArray[np.bool_]  # [streams] whether it has any; false between customers
    slot: Places  # [streams] its place among those that have any; NOWHERE between customers
    of_kind: Counts  # [kinds, edges + 1] scratch, zero between uses: rows of plain kinds
    met: NDArray[np.bool_]  # [kinds] scratch, false between uses: whether there are any
    # What is told of a customer's streams lies together, whichever they are.
    state: Records  # [slots] STATE
    before: Counts  # [slots, edges + 1] its entries before each edge, and all
    end: Indices  # [streams]
    # What a stream does not ask for (PLAN) is not written.
    at: Ints  # [entries]
    day: Ints  # [entries] UTC day of `at`
    row: Indices  # [entries] row of the bucket; of a fact nothing
    value: Floats  # [entries] the measure, scaled
    days: Ints  # [entries] scratch: different UTC days up to each
    seen: Ints  # [codes] scratch: the turn in which a code was last met
    noted: Ints  # [codes] scratch: how often it was in that turn, or its place among those met
    newest: Indices  # [codes] scratch: by that place, the newest entry that has it
    gaps: Ints  # [days] scratch, zero between uses: how often a gap of so many days
    turn: Ints  # [1] numbers the turns of `seen`


class Nights(NamedTuple):
    """Nights that know the same feed gaps, ascending by `as_of`, and room for what is found out."""

    night: Records  # [nights] NIGHT
    edges: Ints  # [edges] every moment at which a window of a night begins or ends, ascending
    high: Indices  # [nights] of a stream, the entry past the last that a night sees
    differ: Records  # [looks, nights] DIFFER
    tempo: Records  # [slots, nights] TEMPO
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
def _code(columns: Columns, attribute: int, row: np.uint64) -> int:
    """A row's agent, team, topic, channel or case; negative for none."""
    if attribute == CHANNEL:
        return int(columns.channel[row])
    of_agent = attribute in (AGENT, TEAM)
    source = columns.agent if of_agent else (columns.topic if attribute == TOPIC else columns.case)
    code = int(source[row])
    if attribute == TEAM:
        return int(columns.teams[code]) if 0 <= code < len(columns.teams) else -1
    return code


@in_place
def _different_days(
    slot: Index, deepest: int, lists: Lists, nights: Nights, which: Indices, asked: int,
    look: Index,
) -> None:  # fmt: skip
    """On how many days the entries of each window are, at all nights."""
    start, before = lists.state[slot].start, lists.before[slot]
    for a in range(asked):
        k = which[a]
        high, out = nights.high[k], nights.differ[look, k].window
        for w in range(deepest + 1):
            low = begin_of(w, nights.night[k], start, before)
            different = 0
            if low < high:
                different = lists.days[high - ONE] - lists.days[low] + 1
            out[w, DIFFERENTS] = different


@in_place
def _differents(
    slot: Index, attribute: int, deepest: int, columns: Columns, lists: Lists, nights: Nights,
    which: Indices, asked: int, look: Index,
) -> None:  # fmt: skip
    """How many known codes each window holds, at all nights: those whose newest entry, of what a
    night sees, lies in it."""
    lists.turn[0] += 1
    turn, seen, noted, newest = lists.turn[0], lists.seen, lists.noted, lists.newest
    start, before = lists.state[slot].start, lists.before[slot]
    p, met = start, 0
    for a in range(asked):
        k = which[a]
        while p < nights.high[k]:
            code = _code(columns, attribute, lists.row[p])
            if code >= 0:
                if seen[code] != turn:
                    seen[code] = turn
                    noted[code] = met
                    met += 1
                newest[noted[code]] = p
            p += ONE
        out = nights.differ[look, k].window
        for w in range(deepest + 1):
            low = begin_of(w, nights.night[k], start, before)
            different = 0
            for m in range(np.uint64(met)):
                different += newest[m] >= low
            out[w, DIFFERENTS] = different


@in_place
def _weighted(n: int) -> float:
    """n log2 n."""
    return float(WEIGHTED[n] if n < len(WEIGHTED) else n * np.log2(n))


@in_place
def _mixtures(
    columns: Columns, lists: Lists, attribute: int, low: Indices, high: np.uint64, deepest: int,
    out: Floats,
) -> None:  # fmt: skip
    """The known codes that each window of a night holds and how they mix, from the newest entry
    backwards.

    With n of a code among N, entropy is log2 N less the sum of n log2 n over N.
    """
    lists.turn[0] += 1
    turn, seen, often = lists.turn[0], lists.seen, lists.noted
    count, known, most, weight, p = 0, 0, 0, 0.0, high
    for w in range(deepest + 1):
        while p > low[w]:
            p -= ONE
            code = _code(columns, attribute, lists.row[p])
            if code < 0:
                continue
            if seen[code] != turn:
                seen[code] = turn
                often[code] = 0
                count += 1
            n = often[code]
            often[code] = n + 1
            known += 1
            most = max(most, n + 1)
            weight += _weighted(n + 1) - _weighted(n)
        out[w, DIFFERENTS] = count
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
    state: Record, plan: Record, high: np.uint64, age: float, program: Program, row: Floats
) -> None:
    """Trends of a stream at a night that sees its entries to `high`."""
    days, low, part = program.window_days, state.low, state.part
    for i in range(plan.trend, plan.trend_end):
        trend = program.trends[i]
        if trend.measured:
            now, before = part[trend.recent, SUM], 0.0
            for w in range(trend.recent + 1, trend.window + 1):
                before += part[w, OWN]
        else:
            now = _number(high - low[trend.recent])
            before = _number(low[trend.recent] - low[trend.window])
        row[trend.column] = _trend(now, before, days[trend.recent], days[trend.window], age)


@in_place
def _rhythm(op: int, least_days: int, tempo: Record, since: float) -> float:
    """What is told of the gaps between active days; NaN where those are too few."""
    if tempo.days < max(least_days, 2):
        return np.nan
    if op == GAP:
        return float(tempo.median)
    if op == SPREAD:
        return float((tempo.upper - tempo.lower) / tempo.median)
    return float(since / tempo.median)


@in_place
def _others(
    state: Record, as_of: int, high: np.uint64, since: float, first: int, end: int,
    program: Program, lists: Lists, tempo: Record, row: Floats,
) -> None:  # fmt: skip
    """The figures `first` to `end` of those that are no counts, measures or differents, of a stream
    at a night that sees its entries to `high`."""
    for i in range(first, end):
        other = program.others[i]
        op = other.op
        if op == FIRST:
            figure = (as_of - lists.at[state.start]) / DAY
        elif op == SLOPE:
            figure = _slope(lists.at, lists.value, state.low[other.window], high)
        elif op == ALIVE_OP:
            figure = _alive(tempo.days, tempo.span, since)
        elif PACE <= op <= USUAL:
            figure = tempo.pace[op - PACE]
        elif op == LATEST_OP:
            figure = _latest(lists.value, state.start, high)
        elif op == LAST:
            figure = _last_known(lists.value, state.start, high)
        elif op == SINCE:
            figure = since
        else:
            figure = _rhythm(op, other.least_days, tempo, since)
        row[other.column] = figure


@in_place
def _windows(state: Record, night: Record, before: Counts) -> bool:
    """Where the windows of a night begin among the entries; returns whether any has moved."""
    start, low, edge, moved = state.start, state.low, night.edge, False
    for w in range(EVER):
        place = start + before[edge[w]]
        moved |= place != low[w]
        low[w] = place
    low[EVER] = start
    return bool(moved)


@in_place
def _measure_all(
    state: Record, plan: Record, k: np.uint64, high: np.uint64, columns: Columns,
    program: Program, lists: Lists, nights: Nights, row: Floats,
) -> None:  # fmt: skip
    """What the windows of a night hold of a stream: how many, their measures, differents."""
    low, part, deepest = state.low, state.part, plan.deepest
    for i in range(plan.count, plan.count_end):
        count = program.counts[i]
        row[count.column] = _number(high - low[count.window])
    if deepest >= 0:
        _measure(lists.value, low, high, deepest, part)
        if plan.extreme:
            _extremes(lists.value, low, high, deepest, part)
        for i in range(plan.value, plan.value_end):
            value = program.values[i]
            row[value.column] = part[value.window, value.which]
    for i in range(plan.look, plan.look_end):
        look = program.looks[i]
        if look.mixed:
            out = nights.differ[i, k].window
            _mixtures(columns, lists, look.attribute, low, high, look.deepest, out)
    for i in range(plan.different, plan.different_end):
        different = program.differents[i]
        of = nights.differ[different.look, k].window
        row[different.column] = of[different.window, different.which]


@in_place
def _of_stream(
    slot: Index, k: np.uint64, columns: Columns, age: float, former: float, program: Program,
    lists: Lists, nights: Nights, row: Floats,
) -> None:  # fmt: skip
    """Figures of a stream at night `k`, over those of the night before in `row`.

    Where no window has gained or lost an entry since, only what moves with time is made anew.
    `age` is that of the relationship, `former` its age at the night before.
    """
    state, night, before = lists.state[slot], nights.night[k], lists.before[slot]
    high, as_of, since = state.start + before[night.edge[EVER]], night.as_of, np.int64(0)
    state.moved = False
    if high == state.start:
        return
    stream = state.stream
    plan = program.plan[stream]
    moved = _windows(state, night, before) or high != state.seen
    state.seen, state.moved = high, moved
    first = plan.moving
    if moved:
        first = plan.other
        _measure_all(state, plan, k, high, columns, program, lists, nights, row)
    if plan.timed:
        last = lists.at[high - ONE]
        since = as_of - last
        down, up = nights.dead_start[stream], nights.dead_start[stream + 1]
        if down < up:
            since -= within(nights.dead, down, up, last, as_of)
        if plan.since >= 0:
            row[plan.since] = since / DAY
    if first < plan.other_end:
        tempo = nights.tempo[slot, k]
        _others(state, as_of, high, since / DAY, first, plan.other_end, program, lists, tempo, row)
    if moved or former < program.trend_days:  # later the parts of the window are as long as then
        _trends(state, plan, high, age, program, row)


@in_place
def _prepare(
    slot: Index, columns: Columns, program: Program, lists: Lists, nights: Nights,
    which: Indices, asked: int,
) -> None:  # fmt: skip
    """What is found out of a stream for all nights together."""
    state, before, dead = lists.state[slot], lists.before[slot], nights.dead
    stream, start = state.stream, state.start
    plan, tempo = program.plan[stream], nights.tempo[slot]
    down, up = nights.dead_start[stream], nights.dead_start[stream + 1]
    state.seen = start
    if not (plan.has_gaps or plan.has_pace or plan.look < plan.look_end):
        return
    for a in range(asked):
        k = which[a]
        nights.high[k] = start + before[nights.night[k].edge[EVER]]
    if plan.has_gaps:
        rhythms(lists.day, start, dead, down, up, lists.gaps, nights.high, which, asked, tempo)
    if plan.has_pace:
        paces(
            lists.day, lists.value, plan.has_measure, start, dead, down, up, nights.night,
            nights.high, which, asked, tempo,
        )  # fmt: skip
    for i in range(plan.look, plan.look_end):
        look = program.looks[i]
        if look.mixed:
            continue
        if look.attribute == BY_DAY:
            _days(lists, start, lists.end[stream])
            _different_days(slot, look.deepest, lists, nights, which, asked, i)
        else:
            _differents(slot, look.attribute, look.deepest, columns, lists, nights, which, asked, i)


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
        _prepare(slot, columns, program, lists, nights, which, asked)
    for a in range(asked):
        k = which[a]
        age = (nights.night[k].as_of - began) / DAY
        for slot in range(np.uint64(many)):
            _of_stream(slot, k, columns, age, former, program, lists, nights, row)
        former = age
        _compare(k, columns, program, lists, nights, row)
        finish(joined, k, program, nights, c, out)
    for slot in range(np.uint64(many)):
        lists.slot[lists.state[slot].stream] = NOWHERE


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
    row, slot, as_of = nights.row, nights.night[k].slot, nights.night[k].as_of
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
    night = nights.night[k]
    for i in range(len(program.wholes)):
        group = program.wholes[i]
        whole = lists.slot[group.stream]
        if whole == NOWHERE:
            continue
        for s in range(group.first, group.end):
            share, many = program.shares[s], 0
            part = lists.slot[share.part]
            moved = lists.state[whole].moved
            if part != NOWHERE:
                moved |= lists.state[part].moved
            if not moved:
                continue
            of = _between(lists, whole, share.window, night)
            if part != NOWHERE:
                many = _between(lists, part, share.window, night)
            row[share.column] = np.nan
            if of > 0:
                row[share.column] = many if share.is_count else many / of


@in_place
def _between(lists: Lists, slot: np.uint16, window: int, night: Record) -> int:
    """How many entries a window of a night holds."""
    many = np.int64(lists.before[slot, night.edge[EVER]])
    if window == EVER:
        return int(many)
    return int(many - np.int64(lists.before[slot, night.edge[window]]))


@in_place
def _streaks(k: np.uint64, program: Program, lists: Lists, nights: Nights, row: Floats) -> None:
    """How many entries came after the newest one of the stream that ends the streak."""
    end = nights.night[k].edge[EVER]
    for s in range(len(program.streaks)):
        streak = program.streaks[s]
        slot, ends = lists.slot[streak.stream], lists.slot[streak.ends]
        if slot == NOWHERE:
            continue
        first, ended, many = lists.state[slot].start, np.iinfo(np.int64).min, 0
        place = first + lists.before[slot, end]
        if ends != NOWHERE and lists.before[ends, end]:
            ended = lists.at[lists.state[ends].start + lists.before[ends, end] - ONE]
        while place > first and lists.at[place - ONE] > ended:
            place -= ONE
            many += 1
        row[streak.column] = many


@in_place
def _is_heard(k: np.uint64, word: int, lists: Lists, nights: Nights) -> bool:
    """Whether the last word is no more than `silent` seconds old in which one could have come."""
    slot, night = lists.slot[word], nights.night[k]
    if slot == NOWHERE:
        return False
    many = lists.before[slot, night.edge[EVER]]
    if many == 0:
        return False
    last, as_of = lists.at[lists.state[slot].start + many - ONE], night.as_of
    down, up = nights.dead_start[word], nights.dead_start[word + 1]
    return bool(as_of - last - within(nights.dead, down, up, last, as_of) <= nights.silent)
