"""The features, slow and obvious: what the compiled pass must equal, on every history, to 1e-9.

Plain Python over a customer's rows, each figure as its definition reads. Nothing is shared with
the kernel but the declarations.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import exp, inf, isnan, log2, nan, sqrt
from statistics import linear_regression, mean, median
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models.contracts import CHANNELS, DAY, KINDS, SAID, SCORE_KINDS, WORD_KINDS
from pipelines.features.facts import Fact, Row, facts_of
from pipelines.features.gaps import ALL_KINDS, Gap
from pipelines.features.pace import Belief
from pipelines.features.stream import (
    AGENT_FIGURES,
    ALIVE,
    LATEST,
    PACE_STEP,
    SCORE_CUTS,
    Rating,
    Sign,
    Stat,
    Stream,
    Where,
)
from pipelines.features.streams import STREAMS
from pipelines.history.events import Events

if TYPE_CHECKING:
    from pipelines.features.matrix import Context, Night

TOLERANCE = 1e-9  # relative and absolute; the one of every engine (docs/decisions/0003)


@dataclass(frozen=True)
class Entry:
    """A row or a fact of a stream."""

    at: int
    measure: float  # NaN where unknown
    row: Row | None = None


def compute(
    events: Events,
    customers: NDArray[np.int32],
    joined: NDArray[np.int64],
    nights: Sequence[Night],
    context: Context,
    streams: Sequence[Stream] = STREAMS,
) -> NDArray[np.float64]:
    """[nights, customers, features of the streams, tenure, silent]; events as `matrix.compute`."""
    width = sum(len(stream.stats) for stream in streams) + 2
    out = np.full((len(nights), len(customers), width), np.nan)
    for c, customer in enumerate(customers.tolist()):
        rows = rows_of(events, customer, context)
        for n, night in enumerate(nights):
            visible = [row for row in rows if is_visible(row, night)]
            out[n, c] = _features(visible, int(joined[c]), night, context, streams)
    return out


def is_visible(row: Row, night: Night) -> bool:
    """Whether it had happened by the night, was known, and was not yet corrected or deleted."""
    return row.at < night.as_of and row.recorded <= night.cutoff < row.until


def rows_of(events: Events, customer: int, context: Context) -> list[Row]:
    """The customer's rows in words, in order."""
    rows: list[Row] = []
    for i in np.flatnonzero(events.customer == customer).tolist():
        agent = _code(events.agent[i])
        rows.append(
            Row(
                at=int(events.at[i]),
                kind=KINDS[int(events.kind[i])],
                recorded=int(events.recorded[i]),
                until=int(events.until[i]),
                channel=_word(CHANNELS, events.channel[i]),
                topic=_code(events.topic[i]),
                agent=agent,
                by_bot=agent is not None
                and agent < len(context.bots)
                and bool(context.bots[agent]),
                team=None
                if agent is None or agent >= len(context.teams)
                else _code(context.teams[agent]),
                case=_code(events.case[i]),
                value=_number(events.value[i]),
                seconds=_number(events.seconds[i]),
                wait=_number(events.wait[i]),
                score=_number(events.score[i]),
                score_kind=_word(SCORE_KINDS, events.score_kind[i]),
                provoked=bool(events.provoked[i]),
                said=tuple(word for n, word in enumerate(SAID) if events.said[i] >> n & 1),
                place=len(rows),
            )
        )
    return rows


@dataclass(frozen=True)
class Feeds:
    """The feeds of some kinds, as a night knows them."""

    kinds: tuple[str, ...]
    gaps: tuple[Gap, ...]
    began: tuple[int, ...]  # by kind code: when a kind was first brought

    @classmethod
    def of(cls, kinds: tuple[str, ...], night: Night, context: Context) -> Feeds:
        known = tuple(gap for gap in context.gaps.gaps if gap.known <= night.cutoff)
        return cls(kinds, known, context.gaps.began)

    def dead(self, begin: int, end: int) -> int:
        """Seconds from `begin` to `end` in which a feed was down and none was up.

        Nothing changes but at the ends of gaps and where a feed began: each piece between two such
        moments is dead or alive as a whole.
        """
        edges = {begin, end, *self.began}
        edges |= {edge for gap in self.gaps for edge in (gap.start, gap.end)}
        inside = sorted(edge for edge in edges if begin <= edge <= end)
        return sum(later - moment for moment, later in pairwise(inside) if self._is_dead(moment))

    def _is_dead(self, moment: int) -> bool:
        codes = [KINDS.index(kind) for kind in self.kinds]
        down = [self._is_down(code, moment) for code in codes]
        up = [
            self.began[code] <= moment and not is_down
            for code, is_down in zip(codes, down, strict=True)
        ]
        return any(down) and not any(up)

    def _is_down(self, code: int, moment: int) -> bool:
        return any(
            gap.kind in (code, ALL_KINDS) and gap.start <= moment < gap.end for gap in self.gaps
        )


def _features(
    rows: list[Row], joined: int, night: Night, context: Context, streams: Sequence[Stream]
) -> list[float]:
    as_of = night.as_of
    names: tuple[str | None, ...] = (*CHANNELS, None)
    promises = dict(zip(names, context.promise_seconds.tolist(), strict=True))
    facts = [fact for fact in facts_of(rows, promises, context.hours) if fact.known_at < as_of]
    entries = {stream.name: _entries(stream, rows, facts) for stream in streams}
    began = min([joined, *(row.at for row in rows[:1])])
    agents = context.agents.at([night])[0]
    figures = [
        _Figures(
            stat, entries[stream.name], entries.get(stat.of, []), as_of, began, feeds, agents
        ).value()
        for stream in streams
        for feeds in [Feeds.of(stream.where.kinds, night, context)]
        for stat in stream.stats
    ]
    words = [row.at for row in rows if row.kind in WORD_KINDS]
    feeds = Feeds.of(WORD_KINDS, night, context)
    silent = not words or _heard(words[-1], as_of, feeds) > context.silent_days * DAY
    tenure = (as_of - joined) / DAY if joined <= as_of else nan
    return [*figures, tenure, float(silent)]


def _entries(stream: Stream, rows: list[Row], facts: list[Fact]) -> list[Entry]:
    """What belongs to the stream, in order of time."""
    if stream.where.of_facts:
        return [
            Entry(fact.known_at, fact.value * stream.scale)
            for fact in facts
            if fact_belongs(fact, stream.where)
        ]
    return [
        Entry(row.at, _measure(row, stream), row) for row in rows if row_belongs(row, stream.where)
    ]


def row_belongs(row: Row, where: Where) -> bool:
    """Whether all that `where` says holds of the row."""
    rating = rating_of(row)
    rated = not where.score_kinds and not where.ratings
    if rating is not None:
        rated = (not where.score_kinds or row.score_kind in where.score_kinds) and (
            not where.ratings or rating in where.ratings
        )
    return (
        row.kind in where.sources
        and (not where.channels or row.channel in where.channels)
        and (where.by is None or (where.by == "bot") == row.by_bot)
        and rated
        and (not where.signs or sign_of(row.value) in where.signs)
        and where.provoked in (None, row.provoked)
        and where.in_case in (None, row.case is not None)
        and set(where.said) <= set(row.said)
    )


def fact_belongs(fact: Fact, where: Where) -> bool:
    """Facts have a name, a channel and a value."""
    return (
        fact.name in where.sources
        and (not where.channels or fact.channel in where.channels)
        and (not where.signs or sign_of(fact.value) in where.signs)
    )


def rating_of(row: Row) -> Rating | None:
    """How good an answer is; None where the score or its kind is unknown."""
    if row.score is None or row.score_kind is None:
        return None
    poor, good = SCORE_CUTS[row.score_kind]
    if row.score <= poor:
        return "poor"
    return "good" if row.score >= good else "middling"


def sign_of(value: float | None) -> Sign:
    if value is None:
        return "unknown"
    if value == 0:
        return "zero"
    return "positive" if value > 0 else "negative"


def _measure(row: Row, stream: Stream) -> float:
    if not stream.measure:
        return nan
    value: float | None = getattr(row, stream.measure)
    return nan if value is None else value * stream.scale


@dataclass(frozen=True)
class _Figures:
    """One figure of a stream's entries before a night."""

    stat: Stat
    entries: list[Entry]
    of: list[Entry]  # share, count_of: of the whole; streak: of what ends it
    as_of: int
    began: int  # the start of the relationship
    feeds: Feeds
    agents: NDArray[np.float64]  # [agents, AGENT_FIGURES]

    def value(self) -> float:
        return float(getattr(self, f"_{self.stat.op}")())

    def _window(self, entries: list[Entry], days: int | None) -> list[Entry]:
        return [e for e in entries if days is None or e.at >= self.as_of - days * DAY]

    @property
    def inside(self) -> list[Entry]:
        return self._window(self.entries, self.stat.window)

    def _known(self) -> list[float]:
        return [e.measure for e in self.inside if not isnan(e.measure)]

    def _count(self) -> float:
        return len(self.inside)

    def _sum(self) -> float:
        return sum(self._known())

    def _total(self) -> float:
        return sum(self._known()) if self._known() else nan

    def _mean(self) -> float:
        known = self._known()
        return sum(known) / len(known) if known else nan

    def _min(self) -> float:
        return min(self._known(), default=nan)

    def _max(self) -> float:
        return max(self._known(), default=nan)

    def _last(self) -> float:
        known = self._known()
        return known[-1] if known else nan

    def _latest(self) -> float:
        known = self._known()[-LATEST:]
        return mean(known) if len(known) > 1 else nan

    def _since(self) -> float:
        """Time in which no row could come is no silence."""
        return _heard(self.entries[-1].at, self.as_of, self.feeds) / DAY if self.entries else nan

    def _first(self) -> float:
        return (self.as_of - self.entries[0].at) / DAY if self.entries else nan

    def _distinct(self) -> float:
        if self.stat.attribute == "day":
            return len({entry.at // DAY for entry in self.inside})
        return len(self._frequencies())

    def _frequencies(self) -> Counter[int]:
        """How often each known value of the attribute."""
        of = [getattr(entry.row, self.stat.attribute or "") for entry in self.inside]
        return Counter(code for code in of if code is not None)

    def _top_share(self) -> float:
        often = self._frequencies()
        return max(often.values()) / often.total() if often else nan

    def _entropy(self) -> float:
        often = self._frequencies()
        shares = [n / often.total() for n in often.values()]
        return -sum(share * log2(share) for share in shares) if often else nan

    def _of_agents(self) -> list[float]:
        """The wanted figure of each row's agent, NaN where not known."""
        figure = list(AGENT_FIGURES).index(self.stat.of)
        who = [entry.row.agent for entry in self.inside if entry.row is not None]
        return [
            float(self.agents[agent, figure]) if agent < len(self.agents) else nan
            for agent in who
            if agent is not None
        ]

    def _served_mean(self) -> float:
        known = [figure for figure in self._of_agents() if not isnan(figure)]
        return sum(known) / len(known) if known else nan

    def _served_max(self) -> float:
        return max((figure for figure in self._of_agents() if not isnan(figure)), default=nan)

    def _served_last(self) -> float:
        return self._of_agents()[-1] if self._of_agents() else nan

    def _slope(self) -> float:
        known = [entry for entry in self.inside if not isnan(entry.measure)]
        if not known or known[-1].at - known[0].at < DAY:
            return nan
        times = [entry.at - known[0].at for entry in known]
        return linear_regression(times, [entry.measure for entry in known]).slope * 30 * DAY

    def _streak(self) -> float:
        ended = max((entry.at for entry in self.of), default=None)
        return len([entry for entry in self.entries if ended is None or entry.at > ended])

    def _share(self) -> float:
        whole = self._window(self.of, self.stat.window)
        return len(self.inside) / len(whole) if whole else nan

    def _count_of(self) -> float:
        return len(self.inside) if self._window(self.of, self.stat.window) else nan

    def _trend(self) -> float:
        recent_days = self.stat.recent
        age = (self.as_of - self.began) / DAY
        earlier_days = min(self.stat.window or inf, age) - recent_days
        recent = self._window(self.entries, recent_days)
        edge = self.as_of - recent_days * DAY
        earlier = [entry for entry in self.inside if entry.at < edge]
        now, before = self._amount(recent), self._amount(earlier)
        if earlier_days < recent_days or before <= 0:
            return nan
        return (now / recent_days) / (before / earlier_days)

    def _amount(self, entries: list[Entry]) -> float:
        if not self.stat.measured:
            return len(entries)
        return sum(entry.measure for entry in entries if not isnan(entry.measure))

    def _gaps(self) -> list[int] | None:
        """Days between active days, shortest first; None where there are too few.

        Of the time between two such days, each full 24 hours in which the feeds were down are left
        out.
        """
        gaps = self._all_gaps()
        return None if len(gaps) < max(self.stat.least_days, 2) - 1 else sorted(gaps)

    def _all_gaps(self) -> list[int]:
        days = sorted({entry.at // DAY for entry in self.entries})
        return [
            later - day - self.feeds.dead((day + 1) * DAY, later * DAY) // DAY
            for day, later in pairwise(days)
        ]

    def _gap(self) -> float:
        gaps = self._gaps()
        return median(gaps) if gaps else nan

    def _gap_spread(self) -> float:
        gaps = self._gaps()
        if not gaps:
            return nan
        place = len(gaps) // 4
        return (gaps[len(gaps) - 1 - place] - gaps[place]) / median(gaps)

    def _rhythm(self) -> float:
        gaps = self._gaps()
        return self._since() / median(gaps) if gaps else nan

    def _alive(self) -> float:
        """The MBG/NBD model's probability after so many repeats, the last one at `recency`."""
        if not self.entries:
            return nan
        r, alpha, a, b = ALIVE
        repeats, recency = len(self._all_gaps()), sum(self._all_gaps())
        age = recency + self._since()
        gone = a / (b + repeats) * ((alpha + age) / (alpha + recency)) ** (r + repeats)
        return float(1 / (1 + gone))

    def _belief(self) -> Belief:
        """What the days of the stream make one believe, step by step, and the silence since."""
        totals: dict[int, float] = {}
        for entry in self.entries:
            amount = entry.measure if entry.measure > 0 else 0.0
            totals[entry.at // DAY] = totals.get(entry.at // DAY, 0.0) + amount
        first, last = min(totals), max(totals)
        today = max(self.as_of // DAY, last + 1)
        ends = {(day // PACE_STEP + 1) * PACE_STEP for day in totals}
        belief, waiting = Belief(), [first]
        for begin, end in pairwise([first + 1, *sorted(end for end in ends if end < today), today]):
            active = [day for day in totals if begin <= day < end]
            lost = self.feeds.dead(begin * DAY, end * DAY) // DAY
            belief.forget(end - begin)
            belief.count(end - begin - lost, len(active))
            measured = [totals[day] for day in waiting + active if totals[day] > 0]
            if measured:
                belief.measure(sum(measured), len(measured))
            waiting = []
        return belief

    def _pace(self) -> float:
        return exp(self._belief().deviation) if self.entries else nan

    def _pace_error(self) -> float:
        return exp(sqrt(self._belief().variance)) if self.entries else nan

    def _usual(self) -> float:
        return 30 * exp(self._belief().rate) if self.entries else nan


def _heard(begin: int, end: int, feeds: Feeds) -> int:
    """Seconds between two moments in which rows could come."""
    return end - begin - feeds.dead(begin, end)


def _code(code: np.integer) -> int | None:
    return None if code < 0 else int(code)


def _word(words: Sequence[str], code: np.integer) -> str | None:
    return None if code < 0 else words[int(code)]


def _number(number: np.floating) -> float | None:
    return None if np.isnan(number) else float(number)
