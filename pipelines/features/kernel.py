"""The compiled pass: a bucket's rows in, the matrix of every asked night out.

For each customer: the dated facts (`case_pass`); how many rows and facts of each stream lie between
the edges of all windows of all nights; for streams that ask for more than counts, a list of times
and measures in time order; then the figures of each night from those counts and lists. Both are
made once for all nights that see what stands today. Only a night that could not yet see some row
(recorded after its cut-off), or saw one that was corrected or deleted later, has facts and lists
made again, from the rows it saw. A stream without a row costs nothing: the customer's row begins as
a copy of the one of a customer with no history.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.compiling import in_place
from models.contracts import DAY, SAID, SCORE_KINDS
from models.past_cache import arrived
from pipelines.features.case_pass import case_facts
from pipelines.features.desk import AT as FACT_AT
from pipelines.features.desk import CHANNEL as FACT_CHANNEL
from pipelines.features.desk import KIND as FACT_KIND
from pipelines.features.desk import Columns, Desk
from pipelines.features.elapsed import first_from
from pipelines.features.figures import Lists, Nights, begin, figures, finish
from pipelines.features.program import (
    ACTOR_BIT,
    CASE_BIT,
    CHANNEL_BIT,
    PROVOKED_BIT,
    RATING_BIT,
    SAID_BIT,
    SIGN_BIT,
    Program,
)
from pipelines.features.records import Indices
from pipelines.features.stream import MEASURES, RATINGS
from pipelines.history.events import NEVER

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Numbers = NDArray[np.int32]

VALUE, SECONDS, WAIT, SCORE = (
    MEASURES.index(name) for name in ("value", "seconds", "wait", "score")
)
BY_BOT = np.int64(1) << (ACTOR_BIT + 1)
BY_PERSON = np.int64(1) << ACTOR_BIT
SPEECHLESS = np.int64(sum(1 << (SAID_BIT + 2 * place) for place in range(len(SAID))))
RATED = len(RATINGS)
KINDS_OF_SCORE = len(SCORE_KINDS)
LAST = np.iinfo(np.int64).max


class Work(NamedTuple):
    """Everything one thread writes into, made once a call."""

    rows: Indices  # [rows] the visible ones
    signature: Ints  # [rows] of each visible row whose kind is not plain
    day: Ints  # [rows] UTC day of each visible row, where any stream asks for days
    which: Indices  # [nights] those that see just the standing rows before them
    one: Indices  # [1] a night by itself
    desk: Desk
    lists: Lists
    nights: Nights


@in_place
def _sign(value: float) -> int:
    if np.isnan(value):
        return 0
    return 2 + int(value > 0) - int(value < 0)


@in_place
def _rating(score: float, kind: int, cuts: Floats) -> int:
    if kind < 0 or kind >= KINDS_OF_SCORE or np.isnan(score):
        return 0
    return 1 + kind * RATED + int(score > cuts[kind, 0]) + int(score >= cuts[kind, 1])


@in_place
def _signature(columns: Columns, row: int, cuts: Floats, said: Ints) -> int:
    """What a row is: one bit a field, see `program.accepted`."""
    one, bots = np.int64(1), columns.bots
    agent = columns.agent[row]
    by_bot = 0 <= agent < len(bots) and bots[agent]
    bits = said[columns.said[row]] | (one << (CHANNEL_BIT + 1 + columns.channel[row]))
    bits |= BY_BOT if by_bot else BY_PERSON
    bits |= one << (PROVOKED_BIT + np.int64(columns.provoked[row]))
    bits |= one << (RATING_BIT + _rating(columns.score[row], columns.score_kind[row], cuts))
    bits |= one << (SIGN_BIT + _sign(columns.value[row]))
    return int(bits | (one << (CASE_BIT + np.int64(columns.case[row] >= 0))))


@in_place
def _fact_signature(channel: int, value: float) -> int:
    one = np.int64(1)
    bits = SPEECHLESS | BY_PERSON | (one << PROVOKED_BIT) | (one << RATING_BIT) | (one << CASE_BIT)
    bits |= one << (CHANNEL_BIT + 1 + channel)
    return int(bits | (one << (SIGN_BIT + _sign(value))))


@in_place
def _count(program: Program, kind: int, bits: int, segment: int, lists: Lists) -> None:
    """One more of this segment for each stream that accepts these bits."""
    candidates = program.candidates
    for c in range(candidates.start[kind], candidates.start[kind + 1]):
        if bits & candidates.accepted[c] == bits:
            lists.tally[candidates.stream[c], segment] += 1
            lists.touched[candidates.stream[c]] = True


@in_place
def _share_out(program: Program, lists: Lists) -> None:
    """What was counted of each plain kind, to all streams that name it."""
    candidates, segments = program.candidates, lists.tally.shape[1]
    for kind in range(len(lists.met)):
        if not lists.met[kind]:
            continue
        lists.met[kind] = False
        for c in range(candidates.start[kind], candidates.start[kind + 1]):
            stream = candidates.stream[c]
            lists.touched[stream] = True
            for segment in range(segments):
                lists.tally[stream, segment] += lists.of_kind[kind, segment]
        for segment in range(segments):
            lists.of_kind[kind, segment] = 0


@in_place
def _count_all(columns: Columns, n: int, m: int, program: Program, work: Work) -> None:
    """How many rows and facts of each stream lie between the edges of the nights' windows.

    Rows of one plain kind between the same edges mostly follow each other: counted as one.
    """
    edges, rows, desk = work.nights.edges, work.rows, work.desk
    segment, i = 0, 0
    while i < n:
        row, begin = rows[i], i
        at, kind = columns.at[row], columns.kind[row]
        while segment < len(edges) and edges[segment] <= at:
            segment += 1
        i += 1
        if not program.plain[kind]:
            bits = _signature(columns, row, program.rating_cuts, program.said)
            work.signature[begin] = bits
            _count(program, kind, bits, segment, work.lists)
            continue
        edge = edges[segment] if segment < len(edges) else LAST
        while i < n and columns.kind[rows[i]] == kind and columns.at[rows[i]] < edge:
            i += 1
        work.lists.of_kind[kind, segment] += i - begin
        work.lists.met[kind] = True
    _share_out(program, work.lists)
    segment = 0
    for i in range(m):
        f = desk.order[i]
        while segment < len(edges) and edges[segment] <= desk.fact[f, FACT_AT]:
            segment += 1
        bits = _fact_signature(desk.fact[f, FACT_CHANNEL], desk.value[f])
        _count(program, desk.fact[f, FACT_KIND], bits, segment, work.lists)


@in_place
def _place(program: Program, lists: Lists) -> int:
    """From counts between edges to counts before them, and to where each stream's entries go.
    Returns how many streams have any; what is told of those lies together."""
    begin, many = np.uint64(0), 0
    for stream in range(len(lists.touched)):
        if not lists.touched[stream]:
            continue
        lists.touched[stream] = False
        lists.slot[stream] = many
        lists.state[many].stream = stream
        lists.state[many].start = lists.end[stream] = begin
        before, tally, place = np.uint64(0), lists.tally[stream], lists.before[many]
        for segment in range(len(tally)):
            before += tally[segment]
            place[segment] = before
            tally[segment] = 0
        if program.plan[stream].keeps:
            begin += before
        many += 1
    return many


@in_place
def _number_days(columns: Columns, n: int, work: Work) -> None:
    """The UTC day of each visible row."""
    day, tomorrow = np.int64(0), np.iinfo(np.int64).min
    for i in range(n):
        at = columns.at[work.rows[i]]
        if at >= tomorrow:
            day = at // DAY
            tomorrow = (day + 1) * DAY
        work.day[i] = day


@in_place
def _keep_rows(columns: Columns, n: int, program: Program, work: Work) -> None:
    """Entries of the rows: each stream's times, rows and measures, in time order.

    Rows of one plain kind that follow each other are kept together, stream by stream.
    """
    kept, rows, i = program.kept, work.rows, 0
    if program.asks_days:
        _number_days(columns, n, work)
    while i < n:
        begin, kind, bits = i, columns.kind[rows[i]], np.int64(0)
        i += 1
        if program.plain[kind]:
            while i < n and columns.kind[rows[i]] == kind:
                i += 1
        else:
            bits = work.signature[begin]
        for c in range(kept.start[kind], kept.start[kind + 1]):
            if bits & kept.accepted[c] == bits:
                _keep(
                    columns, np.uint64(begin), np.uint64(i), kept.stream[c], kept.measure[c],
                    program, work,
                )  # fmt: skip


@in_place
def _keep(
    columns: Columns, begin: np.uint64, end: np.uint64, stream: np.uint64, measure: int,
    program: Program, work: Work,
) -> None:  # fmt: skip
    """Entries of a stream from the visible rows `begin` to `end`: of each what is asked for."""
    lists, rows, plan = work.lists, work.rows, program.plan[stream]
    on = lists.end[stream] - begin  # from the place of a row to that of its entry
    lists.end[stream] = on + end
    if plan.timed:
        for i in range(begin, end):
            lists.at[on + i] = columns.at[rows[i]]
    if plan.daily:
        for i in range(begin, end):
            lists.day[on + i] = work.day[i]
    if plan.placed:
        for i in range(begin, end):
            lists.row[on + i] = rows[i]
    _keep_measures(columns, begin, end, on, measure, plan.scale, work)


@in_place
def _keep_measures(
    columns: Columns, begin: np.uint64, end: np.uint64, on: np.uint64, measure: int, scale: float,
    work: Work,
) -> None:  # fmt: skip
    """Of the same rows the measure that the stream is of, if any."""
    value, rows = work.lists.value, work.rows
    if measure == VALUE:
        for i in range(begin, end):
            value[on + i] = columns.value[rows[i]] * scale
    elif measure == SECONDS:
        for i in range(begin, end):
            value[on + i] = columns.seconds[rows[i]] * scale
    elif measure == WAIT:
        for i in range(begin, end):
            value[on + i] = columns.wait[rows[i]] * scale
    elif measure == SCORE:
        for i in range(begin, end):
            value[on + i] = columns.score[rows[i]] * scale


@in_place
def _keep_facts(m: int, program: Program, work: Work) -> None:
    """Entries of the facts."""
    kept, desk, lists = program.kept, work.desk, work.lists
    for i in range(m):
        f = desk.order[i]
        kind = desk.fact[f, FACT_KIND]
        bits = _fact_signature(desk.fact[f, FACT_CHANNEL], desk.value[f])
        for c in range(kept.start[kind], kept.start[kind + 1]):
            if bits & kept.accepted[c] != bits:
                continue
            stream = kept.stream[c]
            p = lists.end[stream]
            lists.end[stream] = p + np.uint64(1)
            lists.at[p] = desk.fact[f, FACT_AT]
            lists.day[p] = desk.fact[f, FACT_AT] // DAY
            lists.value[p] = desk.value[f] * program.plan[stream].scale


@in_place
def _evaluate(
    columns: Columns, n: int, joined: int, program: Program, work: Work, which: Indices, asked: int,
    c: int, out: Floats,
) -> None:  # fmt: skip
    """Figures of the nights `which[:asked]` from the `n` rows in `work.rows`, at least one."""
    m = case_facts(columns, work.rows, n, work.desk) if program.asks_facts else 0
    _count_all(columns, n, m, program, work)
    many = _place(program, work.lists)
    _keep_rows(columns, n, program, work)
    _keep_facts(m, program, work)
    began = min(joined, columns.at[work.rows[0]])
    figures(columns, joined, began, program, work.lists, many, work.nights, which, asked, c, out)


@in_place
def _nothing(
    joined: int, program: Program, nights: Nights, which: Indices, asked: int, c: int, out: Floats
) -> None:
    """The row of a customer with no history, for the nights `which[:asked]`."""
    begin(program, nights)
    for a in range(asked):
        finish(joined, which[a], program, nights, c, out)


@in_place
def _clean_nights(columns: Columns, first: int, end: int, nights: Nights, out: Indices) -> int:
    """Write into `out` the nights that see, of the rows before them, just those that stand.

    They had heard of every standing row, and of the end of every other. Returns how many.
    """
    clean, row, newest = 0, first, np.iinfo(np.int64).min
    if nights.settled:
        row = end
    for k in range(len(nights.night)):
        while row < end and columns.at[row] < nights.night[k].as_of:
            until = columns.until[row]
            newest = max(newest, columns.recorded[row] if until == NEVER else until)
            row += 1
        if newest <= nights.night[k].cutoff:
            out[clean] = k
            clean += 1
    return clean


@in_place
def _standing(
    columns: Columns, first: int, end: int, as_of: int, settled: bool, out: Indices
) -> int:
    """Write into `out` the rows before `as_of` that no later version replaced. Returns how many."""
    before = first_from(columns.at, first, end, as_of)
    if settled:
        for i in range(before - first):
            out[i] = first + i
        return int(before - first)
    n = 0
    for row in range(first, before):
        if columns.until[row] == NEVER:
            out[n] = row
            n += 1
    return n


@in_place
def _visible(columns: Columns, first: int, end: int, as_of: int, cutoff: int, out: Indices) -> int:
    """Write into `out` the rows that a night sees. Returns how many."""
    n = 0
    for row in range(first, end):
        if columns.at[row] >= as_of:
            break
        if columns.recorded[row] <= cutoff < columns.until[row]:
            out[n] = row
            n += 1
    return n


@in_place
def _one_customer(
    columns: Columns, first: int, end: int, joined: int, program: Program, work: Work, c: int,
    out: Floats,
) -> None:  # fmt: skip
    """Fill `out[:, c]` of one customer, whose rows are `first` to `end`."""
    nights, which = work.nights, work.which
    clean = _clean_nights(columns, first, end, nights, which)
    position = 0
    for k in range(-1, len(nights.night)):  # the clean ones together, then each other by itself
        if k < 0:
            asked, many, n = which, clean, 0
            if clean:
                last = nights.night[which[clean - 1]].as_of
                n = _standing(columns, first, end, last, nights.settled, work.rows)
        elif position < clean and which[position] == k:
            position += 1
            continue
        else:
            asked, many = work.one, 1
            work.one[0] = k
            n = _visible(
                columns, first, end, nights.night[k].as_of, nights.night[k].cutoff, work.rows
            )
        if n:
            _evaluate(columns, n, joined, program, work, asked, many, c, out)
        else:
            _nothing(joined, program, nights, asked, many, c, out)


@in_place
def run(
    columns: Columns, first: Ints, end: Ints, joined: Ints, program: Program, work: Work,
    out: Floats,
) -> None:  # fmt: skip
    """Fill `out` [nights, customers, columns]; customer c's rows are `first[c]` to `end[c]`."""
    for c in range(len(first)):
        _one_customer(columns, first[c], end[c], joined[c], program, work, c, out)
    arrived()


@in_place
def _place_of(customer: Numbers, who: int, place: int) -> int:
    """Row of the first customer from `who` on, at `place` or after: mostly near."""
    step, end = 1, place
    while end < len(customer) and customer[end] < who:
        place = end + 1
        end += step
        step *= 2
    end = min(end, len(customer))
    while place < end:
        middle = (place + end) >> 1
        if customer[middle] < who:
            place = middle + 1
        else:
            end = middle
    return place


@in_place
def bounds(customer: Numbers, asked: Numbers, first: Ints, end: Ints) -> None:
    """First row and row past the last of each customer `asked` for; both ascend.

    A twentieth of what the windows of a bucket took was to look for each anew among all rows.
    """
    place = 0
    for c in range(len(asked)):
        place = first[c] = _place_of(customer, int(asked[c]), place)
        place = end[c] = _place_of(customer, int(asked[c]) + 1, place)


@in_place
def entries(columns: Columns, first: Ints, end: Ints, program: Program, facts: int) -> int:
    """List entries that the busiest customer may need, whose every row may make `facts` of them."""
    most = 0
    for c in range(len(first)):
        wanted = (end[c] - first[c]) * facts
        for i in range(first[c], end[c]):
            kind = columns.kind[i]
            wanted += np.int64(program.kept.start[kind + 1]) - np.int64(program.kept.start[kind])
        most = max(most, wanted)
    return most
