"""Declared streams as flat tables that a compiled loop can follow.

Which streams a row belongs to is settled by one AND a candidate: what the row is (channel, actor,
rating, ...) is written as one bit a field, its *signature*; a stream accepts a set of bits. So
the number of streams is not limited by the width of a word, and only the streams that name the
row's kind are looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.contracts import CHANNELS, DAY, SCORE_KINDS
from pipelines.features.stream import (
    ACTORS,
    ATTRIBUTES,
    MEASURES,
    OPS,
    RATINGS,
    SCORE_CUTS,
    SIGNS,
    SOURCES,
    WINDOWS,
    Stat,
    Stream,
    Where,
)

# First bit of each field of a signature.
CHANNEL_BIT = 0  # absent, then CHANNELS
ACTOR_BIT = CHANNEL_BIT + 1 + len(CHANNELS)
PROVOKED_BIT = ACTOR_BIT + len(ACTORS)  # no, yes
RATING_BIT = PROVOKED_BIT + 2  # none, then each kind's poor, middling, good
SIGN_BIT = RATING_BIT + 1 + len(SCORE_KINDS) * len(RATINGS)
CASE_BIT = SIGN_BIT + len(SIGNS)  # none, in a case
SIGNATURE_BITS = CASE_BIT + 2

OP = {op: code for code, op in enumerate(OPS)}
WINDOW = {days: position for position, days in enumerate(WINDOWS)}
FOREVER = np.iinfo(np.int64).max // 4  # seconds; an edge before any time
VALUED = ("sum", "total", "mean", "min", "max")  # need the measure window by window
GAPS = ("gap", "gap_spread", "rhythm")
ZERO = ("count", "sum", "distinct")  # 0 where there is nothing; everything else is NaN

# Columns of a figure. AUX: the recent window of a trend, which of ATTRIBUTES a count of differents
# is of, the least active days of a rhythm.
OPERATION, WINDOW_OF, AUX, MEASURED, COLUMN = range(5)

Ints = NDArray[np.int64]


class Program(NamedTuple):
    """Tables of `s` streams and `i` figures, written for `f` columns."""

    candidate_start: Ints  # [sources + 1] into the next
    candidate: Ints  # [candidates, 2]: stream, signature bits that it accepts
    measure: Ints  # [s] position in MEASURES
    scale: NDArray[np.float64]  # [s]
    has_gaps: NDArray[np.bool_]  # [s]
    deepest: Ints  # [s] last window whose measure is wanted, -1: none
    start: Ints  # [s + 1] into the figures
    figure: Ints  # [i, 5]: see OPERATION to COLUMN
    share: Ints  # [shares, 4]: stream, of stream, window, column
    template: NDArray[np.float64]  # [f] the row of a customer with no history
    window_seconds: Ints  # [windows]
    rating_cuts: NDArray[np.float64]  # [score kinds, 2] highest poor, lowest good
    word: int  # the stream that ends silence


def compile_program(streams: Sequence[Stream]) -> Program:
    """The tables of `streams`; columns are their features in order, then tenure and silence."""
    number = {stream.name: position for position, stream in enumerate(streams)}
    figures: list[tuple[int, int, int, bool, int]] = []
    shares: list[tuple[int, int, int, int]] = []
    start = [0]
    template: list[float] = []
    for position, stream in enumerate(streams):
        own = []
        for stat in stream.stats:
            column = len(template)
            template.append(0.0 if stat.op in ZERO else np.nan)
            window = WINDOW[stat.window]
            if stat.op == "share":
                shares.append((position, number[stat.of], window, column))
            else:
                own.append((OP[stat.op], window, _aux(stat), stat.measured, column))
        # Counts of differents come last, by attribute: those of one share their links.
        own.sort(key=lambda figure: (figure[0] == OP["distinct"], figure[2], figure[4]))
        figures.extend(own)
        start.append(len(figures))
    candidates = _candidates(streams)
    return Program(
        candidate_start=_starts([len(of_source) for of_source in candidates]),
        candidate=_ints([pair for of_source in candidates for pair in of_source]).reshape(-1, 2),
        measure=_ints([MEASURES.index(stream.measure) for stream in streams]),
        scale=np.array([stream.scale for stream in streams]),
        has_gaps=np.array([any(s.op in GAPS for s in stream.stats) for stream in streams]),
        deepest=_ints([_deepest(stream) for stream in streams]),
        start=_ints(start),
        figure=_ints(figures).reshape(-1, 5),
        share=_ints(shares).reshape(-1, 4),
        template=np.array([*template, np.nan, 1.0]),
        window_seconds=_ints([FOREVER if days is None else days * DAY for days in WINDOWS]),
        rating_cuts=np.array([SCORE_CUTS[kind] for kind in SCORE_KINDS]),
        word=number["word"],
    )


def accepted(where: Where) -> int:
    """The signature bits that `where` lets through."""
    fields = (
        (CHANNEL_BIT, 1 + len(CHANNELS), [1 + CHANNELS.index(name) for name in where.channels]),
        (ACTOR_BIT, len(ACTORS), [ACTORS.index(where.by)] if where.by else []),
        (PROVOKED_BIT, 2, [] if where.provoked is None else [int(where.provoked)]),
        (RATING_BIT, 1 + len(SCORE_KINDS) * len(RATINGS), _ratings(where)),
        (SIGN_BIT, len(SIGNS), [SIGNS.index(sign) for sign in where.signs]),
        (CASE_BIT, 2, [] if where.in_case is None else [int(where.in_case)]),
    )
    bits = 0
    for first, width, allowed in fields:
        for position in allowed or range(width):
            bits |= 1 << (first + position)
    return bits


def _ratings(where: Where) -> list[int]:
    """Positions in the rating field; empty: everything, answers without a score included."""
    if not where.score_kinds and not where.ratings:
        return []
    return [
        1 + SCORE_KINDS.index(kind) * len(RATINGS) + RATINGS.index(rating)
        for kind in where.score_kinds or SCORE_KINDS
        for rating in where.ratings or RATINGS
    ]


def _candidates(streams: Sequence[Stream]) -> list[list[tuple[int, int]]]:
    """For each source the streams that name it, each with the bits it accepts."""
    accept = [accepted(stream.where) for stream in streams]
    return [
        [(s, accept[s]) for s, stream in enumerate(streams) if source in stream.where.sources]
        for source in SOURCES
    ]


def _aux(stat: Stat) -> int:
    if stat.op == "trend":
        return WINDOW[stat.recent]
    if stat.op == "distinct":
        return ATTRIBUTES.index(stat.attribute or "day")
    return stat.least_days if stat.op in GAPS else 0


def _deepest(stream: Stream) -> int:
    wanted = [WINDOW[s.window] for s in stream.stats if s.op in VALUED or s.measured]
    return max(wanted, default=-1)


def _ints(values: Sequence[object]) -> Ints:
    return np.array(values, dtype=np.int64)


def _starts(lengths: Sequence[int]) -> Ints:
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
