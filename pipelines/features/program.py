"""Declared streams as flat tables that a compiled loop can follow.

Which streams a row belongs to is settled by one AND a candidate: what the row is (channel, actor,
rating, ...) is written as one bit a field, its *signature*; a stream accepts a set of bits. So
the number of streams is not limited by the width of a word, and only the streams that name the
row's kind are looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
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

# What is asked of entries: when, on which days, of which rows.
TIMES, DAYS, PLACES = range(3)
TIMED = ("since", "first", "rhythm", "alive", "slope", "streak")  # ask when entries were
# Places in a candidate.
STREAM, ACCEPTED, MEASURE_OF = range(3)

Ints = NDArray[np.int64]


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
    keeps: NDArray[np.bool_]  # [s] whether the stream keeps entries, or only counts
    asks: NDArray[np.bool_]  # [s, 3] of its entries for what besides the measure: TIMES to PLACES
    scale: NDArray[np.float64]  # [s]
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


@dataclass
class _Rows:
    """Rows of a table, stream after stream, and where those of each end, after a 0."""

    rows: list[tuple[int, ...]] = field(default_factory=list)
    ends: list[int] = field(default_factory=lambda: [0])


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
    kept = [[one for one in of_source if program.keeps[one[STREAM]]] for of_source in by_source]
    return program._replace(
        candidates=Candidates.of(by_source), kept=Candidates.of(kept), plain=_plain(by_source)
    )


def compile_program(  # noqa: C901 - one branch a table
    streams: Sequence[Stream], ours: int, own_at: int
) -> Program:
    """The tables of `streams`, of which those from `ours` on have their columns from `own_at`."""
    number = {stream.name: position for position, stream in enumerate(streams)}
    counts, values, looks, differents, trends, others = (_Rows() for _ in range(6))
    shares: list[tuple[int, ...]] = []
    streaks: list[tuple[int, ...]] = []
    served: list[tuple[int, ...]] = []
    moving: list[int] = []
    since: list[int] = []
    template: list[float] = []
    tenure = -1
    for position, stream in enumerate((*streams, None)):
        if position == ours:
            tenure = len(template)
            template += [np.nan, 1.0]
            if position < len(streams):
                template += [np.nan] * (own_at - len(template))
        if stream is None:
            break
        since.append(-1)
        of_stream: list[tuple[int, ...]] = []
        mine = _looks(stream)
        for stat in stream.stats:
            column = len(template)
            template.append(0.0 if stat.op in ZERO else np.nan)
            window = WINDOW[stat.window]
            if stat.op in ("share", "count_of"):
                is_count = stat.op == "count_of"
                shares.append((number[stat.of], position, window, column, is_count))
            elif stat.op == "streak":
                streaks.append((position, number[stat.of], column))
            elif stat.op in SERVED:
                figure = list(AGENT_FIGURES).index(stat.of)
                served.append((position, window, SERVED.index(stat.op), figure, column))
            elif stat.op == "count":
                counts.rows.append((window, column))
            elif stat.op in MEASURED:
                values.rows.append((window, MEASURED[stat.op], column))
            elif stat.op in DIFFERING:
                look = looks.ends[-1] + list(mine).index(_attribute(stat))
                differents.rows.append((look, window, DIFFERING[stat.op], column))
            elif stat.op == "trend":
                trends.rows.append((window, WINDOW[stat.recent], stat.measured, column))
            elif stat.op == "since" and since[-1] < 0:  # another one is told as the others are
                since[-1] = column
            else:
                of_stream.append((OP[stat.op], window, stat.least_days, column))
        looks.rows += mine.values()
        others.rows += sorted(of_stream, key=_moves)
        moving.append(len(others.rows) - sum(map(_moves, of_stream)))
        for table in (counts, values, looks, differents, trends, others):
            table.ends.append(len(table.rows))
    timed = {WORD, *(stat.of for stream in streams for stat in stream.stats if stat.op == "streak")}
    keeps = [_keeps(stream) or stream.name in timed for stream in streams]
    asks = np.array([_asks(stream, stream.name in timed) for stream in streams])
    candidates = _candidates(streams)
    days = np.array([FOREVER / DAY if days is None else days for days in WINDOWS])
    kept = [[one for one in of_source if keeps[one[STREAM]]] for of_source in candidates]
    return Program(
        candidates=Candidates.of(candidates),
        kept=Candidates.of(kept),
        plain=_plain(candidates),
        keeps=np.array(keeps),
        asks=asks,
        scale=np.array([stream.scale for stream in streams]),
        plan=_columns(
            PLAN,
            count=counts.ends[:-1],
            count_end=counts.ends[1:],
            value=values.ends[:-1],
            value_end=values.ends[1:],
            look=looks.ends[:-1],
            look_end=looks.ends[1:],
            different=differents.ends[:-1],
            different_end=differents.ends[1:],
            trend=trends.ends[:-1],
            trend_end=trends.ends[1:],
            other=others.ends[:-1],
            moving=moving,
            other_end=others.ends[1:],
            deepest=[_deepest(stream) for stream in streams],
            since=since,
            extreme=[any(s.op in EXTREME for s in stream.stats) for stream in streams],
            timed=asks[:, TIMES].tolist(),
            has_gaps=[any(s.op in GAPS for s in stream.stats) for stream in streams],
            has_pace=[any(s.op in PACED for s in stream.stats) for stream in streams],
            has_measure=[bool(s.measure) or s.where.of_facts for s in streams],
        ),
        counts=np.array(counts.rows, COUNT),
        values=np.array(values.rows, VALUE),
        looks=np.array(looks.rows, LOOK),
        differents=np.array(differents.rows, DIFFERENT),
        trends=np.array(trends.rows, TREND),
        trend_days=max((days[row[0]] for row in trends.rows), default=0.0),
        others=np.array(others.rows, OTHER),
        wholes=_groups(sorted(shares)),
        shares=np.array([share[1:] for share in sorted(shares)], SHARE),
        streaks=np.array(streaks, STREAK),
        serving=_groups(sorted(served)),
        served=np.array([figure[1:] for figure in sorted(served)], SERVICE),
        template=np.array(template),
        tenure=tenure,
        silent=tenure + 1,
        said=_ints([_said(bits) for bits in range(np.iinfo(np.int8).max + 1)]),
        window_days=days,
        rating_cuts=np.array([SCORE_CUTS[kind] for kind in SCORE_KINDS]),
        word=number[WORD],
        asks_facts=any(stream.where.of_facts for stream in streams),
        asks_days=bool(asks[:, DAYS].any()),
    )


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


def _moves(other: tuple[int, ...]) -> bool:
    """Whether a figure (OTHER) differs as time goes by and nothing happens."""
    return OPS[other[0]] in MOVING


def _asks(stream: Stream, timed: bool) -> list[bool]:
    """Whether figures ask when entries were (or others do), on which days, and of which rows."""
    ops = {stat.op for stat in stream.stats}
    values = {stat.attribute or "day" for stat in stream.stats if stat.op in DIFFERING}
    return [
        timed or not ops.isdisjoint(TIMED),
        not ops.isdisjoint((*GAPS, *PACED)) or "day" in values,
        not ops.isdisjoint(SERVED) or bool(values - {"day"}),
    ]


def _attribute(stat: Stat) -> int:
    return ATTRIBUTES.index(stat.attribute or "day")


def _looks(stream: Stream) -> dict[int, tuple[int, ...]]:
    """By the attributes that a stream's differents are of: the rows of LOOK."""
    looks: dict[int, tuple[int, ...]] = {}
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


def _columns(record: np.dtype[np.void], **columns: Sequence[int]) -> Records:
    table = np.empty(len(columns["count"]), record)
    for name in record.names or ():
        table[name] = np.array(columns[name], record[name])
    return table


def _groups(rows: Sequence[tuple[int, ...]]) -> Records:
    """Of sorted rows each stream that they begin with, its first row and the one past its last."""
    of = [row[0] for row in rows]
    groups = [(one, of.index(one), of.index(one) + of.count(one)) for one in sorted({*of})]
    return np.array(groups, GROUP)
