"""What the case pass reads and writes: the columns of a bucket, and its desk.

The desk holds each case's state, the queues and the facts of one customer at a time, in few
arrays: each array is seven arguments of a compiled function.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.compiling import compiled

# Columns of a case's state.
(OPENED, COMPANY, CLOCK, CLOCK_CHANNEL, REPLIED, MOOT, WAITING, PAUSED, OPEN, REPLIES, SOLVED,
 REPLIES_THEN, FAILED, LAST_CHANNEL, TOPIC, COMPLAINTS) = range(16)  # fmt: skip
STATE = 16
NEVER = np.iinfo(np.int64).min
FACTS_A_ROW = 7  # at most: a late answer to a complaint makes four, a first reply two

# Columns of a fact, of the queues, and of what was counted so far.
AT, KIND, CHANNEL = range(3)
(SOLVED_AT, SOLVED_CASE, SURVEY_AT, SURVEY_KIND, SURVEY_DONE, SESSION_AT, COMPLAINT_AT,
 COMPLAINT_BEFORE) = range(8)  # fmt: skip
QUEUES = 8
FACTS_SO_FAR, SOLUTIONS, SURVEYS, SESSIONS, COMPLAINTS_SO_FAR, LOOSE, UNPAID = range(7)
COUNTS = 7


Ints = NDArray[np.int64]


class Columns(NamedTuple):
    """The columns of a bucket's `Events` that a feature pass reads."""

    at: Ints
    recorded: Ints
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
    bots: NDArray[np.bool_]  # by agent code


class Desk(NamedTuple):
    """Room for the walk: of each case its state, queues as long as the rows, and the facts."""

    state: Ints  # [cases, STATE]
    queue: Ints  # [rows, QUEUES] solutions, surveys, bot sessions and complaints side by side
    promise: Ints  # seconds by channel code; the last for no channel
    tally: Ints  # [COUNTS]; LOOSE is the newest unanswered complaint that belongs to no case
    fact: Ints  # [facts, 3]
    value: NDArray[np.float64]  # [facts]
    order: Ints  # [facts] sorts them by time, fact and value


@compiled
def emit(desk: Desk, at: int, kind: int, value: float, channel: int) -> None:
    n = desk.tally[FACTS_SO_FAR]
    desk.fact[n, AT] = at
    desk.fact[n, KIND] = kind
    desk.fact[n, CHANNEL] = channel
    desk.value[n] = value
    desk.order[n] = n
    desk.tally[FACTS_SO_FAR] = n + 1


@compiled
def _later(fact: Ints, value: NDArray[np.float64], one: int, other: int) -> bool:
    """Whether fact `one` comes after `other`: by time, fact and value."""
    if fact[one, AT] != fact[other, AT]:
        return bool(fact[one, AT] > fact[other, AT])
    if fact[one, KIND] != fact[other, KIND]:
        return bool(fact[one, KIND] > fact[other, KIND])
    return bool(value[one] > value[other])


@compiled
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


def prepare_desk(rows: int, cases: int, promise: Ints) -> Desk:
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
    )
