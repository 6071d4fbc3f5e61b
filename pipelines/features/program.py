"""Declared streams as flat tables that a compiled loop can follow.

Which streams a row belongs to is settled by one AND a candidate: what the row is (channel, actor,
rating, ...) is written as one bit a field, its *signature*; a stream accepts a set of bits. So
the number of streams is not limited by the width of a word, and only the streams that name the
row's kind are looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.contracts import CHANNELS, DAY, SAID, SCORE_KINDS
from pipelines.features.records import (
    COUNT,
    DIFFERENT,
    DIFFERING,
    GROUP,
    LOOK,
    MEASURED,
    OTHER,
    PLAN,
    SERVICE,
    SHARE,
    STREAK,
    TREND,
    VALUE,
    Places,
    Records,
)
from pipelines.features.stream import (
    ACTORS,
    AGENT_FIGURES,
    ATTRIBUTES,
    MEASURES,
    OPS,
    PACED,
    RATINGS,
    SCORE_CUTS,
    SIGNS,
    SOURCES,
    WINDOWS,
    Stat,
    Stream,
    Where,
)
from pipelines.history.events import Events

# First bit of each field of a signature.
CHANNEL_BIT = 0  # absent, then CHANNELS
ACTOR_BIT = CHANNEL_BIT + 1 + len(CHANNELS)
PROVOKED_BIT = ACTOR_BIT + len(ACTORS)  # no, yes
RATING_BIT = PROVOKED_BIT + 2  # none, then each kind's poor, middling, good
SIGN_BIT = RATING_BIT + 1 + len(SCORE_KINDS) * len(RATINGS)
CASE_BIT = SIGN_BIT + len(SIGNS)  # none, in a case
SAID_BIT = CASE_BIT + 2  # of each of SAID: no, yes
SIGNATURE_BITS = SAID_BIT + 2 * len(SAID)
EVERYTHING = (1 << SIGNATURE_BITS) - 1
WORD = "word"  # the stream that ends silence

BY_DAY = ATTRIBUTES.index("day")
OP = {op: code for code, op in enumerate(OPS)}
WINDOW = {days: position for position, days in enumerate(WINDOWS)}
FOREVER = np.iinfo(np.int64).max // 4  # seconds; an edge before any time
EXTREME = ("min", "max")
GAPS = ("gap", "gap_spread", "rhythm", "alive")
SERVED = ("served_mean", "served_max", "served_last")  # figures of the rows' agents
MOVING = ("since", "first", "rhythm", "alive", *PACED)  # differ though nothing happens
ZERO = ("count", "sum", "distinct", "streak")  # 0 where there is nothing; everything else is NaN
COUNTED = (
    "count",
    "share",
    "count_of",
    "trend",
)  # of how many alone, where not measured: no entries are kept

TIMED = ("since", "first", "rhythm", "alive", "slope", "streak")  # ask when entries were
# What is told by tables of their own.
TABLED = {"count", "trend", "share", "count_of", "streak", *MEASURED, *DIFFERING, *SERVED}
FIGURES = list(AGENT_FIGURES)
# Places in a candidate.
STREAM, ACCEPTED, MEASURE_OF = range(3)

Ints = NDArray[np.int64]
Placed = tuple[Stat, int]  # a figure and its column
Row = tuple[int, ...]
Rows = list[Row]


class Candidates(NamedTuple):
    """For each source (kind or fact) the streams that name it."""

    start: Places  # [sources + 1] into the others
    stream: Places  # [candidates]
    accepted: Ints  # [candidates] signature bits that the stream accepts
    measure: Places  # [candidates] position in MEASURES

    @classmethod
    def of(cls, by_source: Sequence[Sequence[tuple[int, int, int]]]) -> Candidates:
        start = _places(np.cumsum([0, *map(len, by_source)]))
        every = _ints([one for of_source in by_source for one in of_source]).reshape(-1, 3)
        stream, accepted, measure = (np.ascontiguousarray(column) for column in every.T)
        return cls(start, _places(stream), accepted, _places(measure))


class Program(NamedTuple):
    """Tables of `s` streams, written for `f` columns; what their rows hold stands in `records`."""

    candidates: Candidates
    kept: Candidates  # those whose streams keep entries
    plain: NDArray[np.bool_]  # [sources] whether every candidate accepts whatever the row is
    plan: Records  # [s] PLAN
    counts: Records  # COUNT
    values: Records  # VALUE
    looks: Records  # LOOK
    differents: Records  # DIFFERENT
    trends: Records  # TREND
    trend_days: float  # the longest window of a trend
    others: Records  # OTHER
    wholes: Records  # GROUP of the shares of a stream
    shares: Records  # SHARE
    streaks: Records  # STREAK
    serving: Records  # GROUP of the figures of a stream's agents
    served: Records  # SERVICE
    template: NDArray[np.float64]  # [f] the row of a customer with no history
    tenure: int  # column
    silent: int  # column
    window_days: NDArray[np.float64]  # [windows]
    said: Ints  # [all that an int8 may be] signature bits of what words say
    rating_cuts: NDArray[np.float64]  # [score kinds, 2] highest poor, lowest good
    word: int  # the stream that ends silence
    asks_facts: bool  # whether any stream is over facts
    asks_days: bool  # whether any stream asks for the days of its entries


@dataclass(frozen=True)
class Compiled:
    """What the pass needs to know of some streams."""

    program: Program
    wordless: Program  # the same where nobody's words are kept: streams that ask for them have none
    kinds: tuple[tuple[str, ...], ...]  # of each stream: while their feeds are down, nothing comes
    columns: frozenset[str]  # of `Events` that any figure depends on


def compile_streams(
    streams: Sequence[Stream], own: Sequence[Stream] = (), own_at: int = 0
) -> Compiled:
    """What the pass needs for `streams`; columns are their features in order, then tenure and
    silence. A company's `own` streams come last, their columns from `own_at` on."""
    everything = (*streams, *own)
    program = compile_program(everything, len(streams), own_at)
    return Compiled(
        program,
        without_words(program, everything),
        tuple(stream.where.kinds for stream in everything),
        columns_of(everything),
    )


def without_words(program: Program, streams: Sequence[Stream]) -> Program:
    """The program for rows without words: who asks for words is no candidate, and kinds whose other
    streams take every row are plain again."""
    by_source = [
        [one for one in of_source if not streams[one[STREAM]].where.said]
        for of_source in _candidates(streams)
    ]
    kept = [
        [one for one in of_source if program.plan["keeps"][one[STREAM]]] for of_source in by_source
    ]
    return program._replace(
        candidates=Candidates.of(by_source), kept=Candidates.of(kept), plain=_plain(by_source)
    )


def compile_program(streams: Sequence[Stream], ours: int, own_at: int) -> Program:
    """The tables of `streams`, of which those from `ours` on have their columns from `own_at`."""
    number = {stream.name: position for position, stream in enumerate(streams)}
    placed, tenure, template = _placed(streams, ours, own_at)
    timed = {WORD, *(stat.of for stream in streams for stat in stream.stats if stat.op == "streak")}
    tables = _Tables.of(streams, placed)
    plan = _plan(streams, tables, timed)
    candidates = _candidates(streams)
    kept = [[one for one in of_source if plan["keeps"][one[STREAM]]] for of_source in candidates]
    days = np.array([FOREVER / DAY if days is None else days for days in WINDOWS])
    every = [(stream, *one) for stream, mine in enumerate(placed) for one in mine]
    shares = sorted(
        (number[stat.of], stream, WINDOW[stat.window], column, stat.op == "count_of")
        for stream, stat, column in every
        if stat.op in ("share", "count_of")
    )
    served = sorted(
        (stream, WINDOW[stat.window], SERVED.index(stat.op), FIGURES.index(stat.of), column)
        for stream, stat, column in every
        if stat.op in SERVED
    )
    streaks = [
        (stream, number[stat.of], column) for stream, stat, column in every if stat.op == "streak"
    ]
    return Program(
        candidates=Candidates.of(candidates),
        kept=Candidates.of(kept),
        plain=_plain(candidates),
        plan=plan,
        counts=_table(COUNT, tables.count),
        values=_table(VALUE, tables.value),
        looks=_table(LOOK, tables.look),
        differents=_table(DIFFERENT, tables.different),
        trends=_table(TREND, tables.trend),
        trend_days=max((days[row[0]] for rows in tables.trend for row in rows), default=0.0),
        others=_table(OTHER, tables.other),
        wholes=_groups(shares),
        shares=np.array([share[1:] for share in shares], SHARE),
        streaks=np.array(streaks, STREAK),
        serving=_groups(served),
        served=np.array([figure[1:] for figure in served], SERVICE),
        template=np.array(template),
        tenure=tenure,
        silent=tenure + 1,
        said=_ints([_said(bits) for bits in range(np.iinfo(np.int8).max + 1)]),
        window_days=days,
        rating_cuts=np.array([SCORE_CUTS[kind] for kind in SCORE_KINDS]),
        word=number[WORD],
        asks_facts=any(stream.where.of_facts for stream in streams),
        asks_days=bool(plan["daily"].any()),
    )


def _placed(
    streams: Sequence[Stream], ours: int, own_at: int
) -> tuple[list[list[Placed]], int, list[float]]:
    """The figures of each stream with their columns; the column of tenure, before that of silence,
    which stand between `ours` and a company's own; the row of a customer with no history."""
    placed: list[list[Placed]] = []
    template: list[float] = []
    tenure = sum(len(stream.stats) for stream in streams[:ours])
    for position, stream in enumerate((*streams, None)):
        if position == ours:
            template += [np.nan, 1.0]
            if position < len(streams):
                template += [np.nan] * (own_at - len(template))
        if stream is None:
            break
        placed.append([(stat, len(template) + i) for i, stat in enumerate(stream.stats)])
        template += [0.0 if stat.op in ZERO else np.nan for stat in stream.stats]
    return placed, tenure, template


@dataclass(frozen=True)
class _Tables:
    """The rows of each stream in the tables that PLAN points into; what they hold stands in
    `records`."""

    count: Sequence[Rows]
    value: Sequence[Rows]
    look: Sequence[Rows]
    different: Sequence[Rows]
    trend: Sequence[Rows]
    other: Sequence[Rows]
    since: Sequence[int]

    @classmethod
    def of(cls, streams: Sequence[Stream], placed: Sequence[Sequence[Placed]]) -> _Tables:
        def rows(ops: Container[str], row: Callable[[Stat, int], Row]) -> list[Rows]:
            return [[row(*one) for one in mine if one[0].op in ops] for mine in placed]

        looks = [_looks(stream) for stream in streams]
        first = np.cumsum([0, *map(len, looks)]).tolist()
        # Another one is told as the others are.
        since = [next((column for s, column in mine if s.op == "since"), -1) for mine in placed]
        return cls(
            count=rows(("count",), lambda s, column: (WINDOW[s.window], column)),
            value=rows(MEASURED, lambda s, column: (WINDOW[s.window], MEASURED[s.op], column)),
            look=[list(mine.values()) for mine in looks],
            different=[
                [
                    (
                        at + list(look).index(_attribute(s)),
                        WINDOW[s.window],
                        DIFFERING[s.op],
                        column,
                    )
                    for s, column in mine
                    if s.op in DIFFERING
                ]
                for at, look, mine in zip(first, looks, placed, strict=False)
            ],
            trend=rows(
                ("trend",),
                lambda s, column: (WINDOW[s.window], WINDOW[s.recent], s.measured, column),
            ),
            other=[
                sorted(
                    (
                        (OP[s.op], WINDOW[s.window], s.least_days, column)
                        for s, column in mine
                        if s.op not in TABLED and column != told
                    ),
                    key=_moves,
                )
                for mine, told in zip(placed, since, strict=True)
            ],
            since=since,
        )


def _plan(streams: Sequence[Stream], tables: _Tables, timed: Container[str]) -> Records:
    """What is declared of each stream; when the entries of `timed` were, others ask as well."""
    plan = np.zeros(len(streams), PLAN)
    for name in ("count", "value", "look", "different", "trend", "other"):
        ends = np.cumsum([0, *map(len, getattr(tables, name))])
        plan[name], plan[f"{name}_end"] = _places(ends[:-1]), _places(ends[1:])
    plan["moving"] = plan["other_end"] - [sum(map(_moves, rows)) for rows in tables.other]
    plan["deepest"] = [_deepest(stream) for stream in streams]
    plan["since"] = tables.since
    plan["scale"] = [stream.scale for stream in streams]
    ops = [{stat.op for stat in stream.stats} for stream in streams]
    values = [{s.attribute or "day" for s in t.stats if s.op in DIFFERING} for t in streams]
    plan["extreme"] = [not mine.isdisjoint(EXTREME) for mine in ops]
    plan["has_gaps"] = [not mine.isdisjoint(GAPS) for mine in ops]
    plan["has_pace"] = [not mine.isdisjoint(PACED) for mine in ops]
    plan["has_measure"] = [bool(s.measure) or s.where.of_facts for s in streams]
    plan["timed"] = [
        stream.name in timed or not mine.isdisjoint(TIMED)
        for stream, mine in zip(streams, ops, strict=True)
    ]
    plan["daily"] = plan["has_gaps"] | plan["has_pace"] | ["day" in mine for mine in values]
    plan["placed"] = [
        not mine.isdisjoint(SERVED) or bool(differing - {"day"})
        for mine, differing in zip(ops, values, strict=True)
    ]
    plan["keeps"] = [_keeps(stream) or stream.name in timed for stream in streams]
    return plan


def columns_of(streams: Sequence[Stream]) -> frozenset[str]:
    """The columns of `Events` that the figures of these streams depend on."""
    if any(stream.where.of_facts for stream in streams):
        return frozenset(Events.columns())
    wanted = {"customer", "at", "recorded", "until", "kind"}
    for stream in streams:
        where, stats = stream.where, stream.stats
        asked = {
            "channel": where.channels, "agent": where.by, "value": where.signs,
            "score": where.ratings or where.score_kinds, "provoked": where.provoked is not None,
            "score_kind": where.ratings or where.score_kinds, "case": where.in_case is not None,
            "said": where.said,
        }  # fmt: skip
        wanted |= {column for column, is_asked in asked.items() if is_asked}
        wanted |= {stat.attribute or "" for stat in stats} | {stream.measure}
        wanted |= {"agent"} if any(stat.op in SERVED for stat in stats) else set()
    return frozenset(wanted | ({"agent"} if "team" in wanted else set())) & set(Events.columns())


def accepted(where: Where) -> int:
    """The signature bits that `where` lets through."""
    fields = (
        (CHANNEL_BIT, 1 + len(CHANNELS), [1 + CHANNELS.index(name) for name in where.channels]),
        (ACTOR_BIT, len(ACTORS), [ACTORS.index(where.by)] if where.by else []),
        (PROVOKED_BIT, 2, [] if where.provoked is None else [int(where.provoked)]),
        (RATING_BIT, 1 + len(SCORE_KINDS) * len(RATINGS), _ratings(where)),
        (SIGN_BIT, len(SIGNS), [SIGNS.index(sign) for sign in where.signs]),
        (CASE_BIT, 2, [] if where.in_case is None else [int(where.in_case)]),
        *((SAID_BIT + 2 * place, 2, [1] if word in where.said else [])
          for place, word in enumerate(SAID)),
    )  # fmt: skip
    bits = 0
    for first, width, allowed in fields:
        for position in allowed or range(width):
            bits |= 1 << (first + position)
    return bits


def _said(bits: int) -> int:
    """The signature bits of an interaction's `said`: of each of SAID, no or yes."""
    return sum(1 << (SAID_BIT + 2 * place + (bits >> place & 1)) for place in range(len(SAID)))


def _plain(candidates: Sequence[Sequence[tuple[int, int, int]]]) -> NDArray[np.bool_]:
    """Of each source whether its streams take every row."""
    return np.array(
        [all(one[ACCEPTED] == EVERYTHING for one in of_source) for of_source in candidates]
    )


def _ratings(where: Where) -> list[int]:
    """Positions in the rating field; empty: everything, answers without a score included."""
    if not where.score_kinds and not where.ratings:
        return []
    return [
        1 + SCORE_KINDS.index(kind) * len(RATINGS) + RATINGS.index(rating)
        for kind in where.score_kinds or SCORE_KINDS
        for rating in where.ratings or RATINGS
    ]


def _candidates(streams: Sequence[Stream]) -> list[list[tuple[int, int, int]]]:
    """For each source the streams that name it, each with the bits it accepts and its measure."""
    said = [
        (number, accepted(stream.where), MEASURES.index(stream.measure))
        for number, stream in enumerate(streams)
    ]
    return [
        [one for one, stream in zip(said, streams, strict=True) if source in stream.where.sources]
        for source in SOURCES
    ]


def _keeps(stream: Stream) -> bool:
    """Whether a figure asks for more than how many came between two moments."""
    return any(stat.measured or stat.op not in COUNTED for stat in stream.stats)


def _moves(other: Row) -> bool:
    """Whether a figure (OTHER) differs as time goes by and nothing happens."""
    return OPS[other[0]] in MOVING


def _attribute(stat: Stat) -> int:
    return ATTRIBUTES.index(stat.attribute or "day")


def _looks(stream: Stream) -> dict[int, Row]:
    """By the attributes that a stream's differents are of: the rows of LOOK."""
    looks: dict[int, Row] = {}
    for stat in stream.stats:
        if stat.op in DIFFERING:
            attribute = _attribute(stat)
            _, deepest, mixed = looks.get(attribute, (attribute, 0, False))
            deepest = max(deepest, WINDOW[stat.window])
            looks[attribute] = (attribute, deepest, mixed or stat.op != "distinct")
    return looks


def _deepest(stream: Stream) -> int:
    wanted = [WINDOW[s.window] for s in stream.stats if s.op in MEASURED or s.measured]
    return max(wanted, default=-1)


def _ints(values: Sequence[object]) -> Ints:
    return np.array(values, dtype=np.int64)


def _places(values: Ints) -> Places:
    """As small numbers; raises `OverflowError` where they are not."""
    return np.array(values.tolist(), np.uint16)


def _table(record: np.dtype[np.void], by_stream: Sequence[Rows]) -> Records:
    return np.array([row for rows in by_stream for row in rows], record)


def _groups(rows: Sequence[tuple[int, ...]]) -> Records:
    """Of sorted rows each stream that they begin with, its first row and the one past its last."""
    of = [row[0] for row in rows]
    groups = [(one, of.index(one), of.index(one) + of.count(one)) for one in sorted({*of})]
    return np.array(groups, GROUP)
