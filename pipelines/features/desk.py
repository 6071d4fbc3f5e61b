"""What the case pass reads and writes: the columns of a bucket, and its desk.

The desk holds each case's state, the queues and the facts of one customer at a time, in few
arrays: each array is seven arguments of a compiled function.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.compiling import in_place
from pipelines.features.calendars import NONE, Hours
from pipelines.features.elapsed import within

# Columns of a case's state.
(OPENED, COMPANY, CLOCK, CLOCK_CHANNEL, REPLIED, MOOT, WAITING, PAUSED, OPEN, REPLIES, SOLVED,
 REPLIES_THEN, FAILED, LAST_CHANNEL, TOPIC, COMPLAINTS) = range(16)  # fmt: skip
STATE = 16
NEVER = np.iinfo(np.int64).min
FACTS_A_ROW = 7  # at most: an opening with its first reply or a solution makes six

# Columns of a fact, of the queues, and of what was counted so far.
AT, KIND, CHANNEL = range(3)
(SOLVED_AT, SOLVED_CASE, SURVEY_AT, SURVEY_KIND, SURVEY_DONE, SESSION_AT, COMPLAINT_AT,
 COMPLAINT_BEFORE) = range(8)  # fmt: skip
QUEUES = 8
FACTS_SO_FAR, SOLUTIONS, SURVEYS, SESSIONS, COMPLAINTS_SO_FAR, LOOSE, UNPAID = range(7)
COUNTS = 7
# Whose hours: their stretches, and the time for which those are known; none where it is empty.
FIRST, LAST, KNOWN_FROM, KNOWN_TO = range(4)


Ints = NDArray[np.int64]


class Columns(NamedTuple):
    """The columns of a bucket's `Events` that a feature pass reads."""

    at: Ints
    recorded: Ints
    until: Ints
    kind: NDArray[np.int16]
    channel: NDArray[np.int8]
    topic: NDArray[np.int32]
    agent: NDArray[np.int32]
    case: NDArray[np.int32]
    value: NDArray[np.float64]
    seconds: NDArray[np.float64]
    wait: NDArray[np.float64]
    score: NDArray[np.float64]
    score_kind: NDArray[np.int8]
    provoked: NDArray[np.bool_]
    said: NDArray[np.int8]
    bots: NDArray[np.bool_]  # by agent code
    teams: NDArray[np.int32]  # by agent code, -1 where not known


class Desk(NamedTuple):
    """Room for the walk: of each case its state, queues as long as the rows, and the facts."""

    state: Ints  # [cases, STATE]
    queue: Ints  # [rows, QUEUES] solutions, surveys, bot sessions and complaints side by side
    promise: Ints  # seconds by channel code; the last for no channel
    tally: Ints  # [COUNTS]; LOOSE is the newest unanswered complaint that belongs to no case
    fact: Ints  # [facts, 3]
    value: NDArray[np.float64]  # [facts]
    order: Ints  # [facts] sorts them by time, fact and value
    hours_of: Ints  # [agents + 1, 4] see FIRST to KNOWN_TO, by agent code; the last for all others
    hours: Ints  # [n, 3] opening hours (see `elapsed`), one calendar after the other


@in_place
def emit(desk: Desk, at: int, kind: int, value: float, channel: int) -> None:
    n = desk.tally[FACTS_SO_FAR]
    desk.fact[n, AT] = at
    desk.fact[n, KIND] = kind
    desk.fact[n, CHANNEL] = channel
    desk.value[n] = value
    desk.order[n] = n
    desk.tally[FACTS_SO_FAR] = n + 1


@in_place
def emit_business(desk: Desk, began: int, at: int, kind: int, agent: int, channel: int) -> None:
    """How much of a stretch lies in the opening hours of who ended it; nothing if not known."""
    others = len(desk.hours_of) - 1
    who = agent if 0 <= agent < others else others
    if began < desk.hours_of[who, KNOWN_FROM] or at > desk.hours_of[who, KNOWN_TO]:
        return
    first, last = desk.hours_of[who, FIRST], desk.hours_of[who, LAST]
    emit(desk, at, kind, float(within(desk.hours, first, last, began, at)), channel)


@in_place
def _later(fact: Ints, value: NDArray[np.float64], one: int, other: int) -> bool:
    """Whether fact `one` comes after `other`: by time, fact and value."""
    if fact[one, AT] != fact[other, AT]:
        return bool(fact[one, AT] > fact[other, AT])
    if fact[one, KIND] != fact[other, KIND]:
        return bool(fact[one, KIND] > fact[other, KIND])
    return bool(value[one] > value[other])


@in_place
def sort_facts(fact: Ints, value: NDArray[np.float64], order: Ints, count: int) -> None:
    """Order the facts. Shell sort with the gaps of Ciura (2001): no allocation."""
    for gap in (1750, 701, 301, 132, 57, 23, 10, 4, 1):
        for i in range(gap, count):
            moving = order[i]
            j = i
            while j >= gap and _later(fact, value, order[j - gap], moving):
                order[j] = order[j - gap]
                j -= gap
            order[j] = moving


def prepare_desk(rows: int, cases: int, promise: Ints, hours: Hours) -> Desk:
    """Room for customers of at most `rows` rows and case numbers below `cases`."""
    facts = FACTS_A_ROW * rows
    return Desk(
        state=np.empty((cases, STATE), np.int64),
        queue=np.empty((rows, QUEUES), np.int64),
        promise=promise,
        tally=np.zeros(COUNTS, np.int64),
        fact=np.empty((facts, 3), np.int64),
        value=np.empty(facts, np.float64),
        order=np.empty(facts, np.int64),
        hours_of=_hours_of(hours),
        hours=hours.table[0],
    )


def _hours_of(hours: Hours) -> Ints:
    """Whose hours are which, and known when."""
    start = hours.table[1]
    nobody = (0, 0, np.iinfo(np.int64).max, NEVER)
    return np.array(
        [
            nobody
            if calendar == NONE
            else (start[calendar], start[calendar + 1], hours.begin, hours.end)
            for calendar in (*hours.of_agent, hours.other)
        ],
        np.int64,
    )
