"""The dated facts of one customer, compiled. What each means: `facts.py`, which this must equal.

One walk over the customer's visible rows in order. A promise that runs out needs no timer: the
walk notes what came in time, and the fact is dated afterwards at the moment it became knowable.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.compiling import in_place
from models.contracts import CHANNEL_CODE, KIND_CODE
from pipelines.features.desk import (
    CLOCK,
    CLOCK_CHANNEL,
    COMPANY,
    COMPLAINT_AT,
    COMPLAINT_BEFORE,
    COMPLAINTS,
    COMPLAINTS_SO_FAR,
    FACTS_SO_FAR,
    FAILED,
    LAST_CHANNEL,
    LOOSE,
    MOOT,
    NEVER,
    OPEN,
    OPENED,
    PAUSED,
    REPLIED,
    REPLIES,
    REPLIES_THEN,
    SESSION_AT,
    SESSIONS,
    SOLUTIONS,
    SOLVED,
    SOLVED_AT,
    SOLVED_CASE,
    SURVEY_AT,
    SURVEY_DONE,
    SURVEY_KIND,
    SURVEYS,
    TOPIC,
    UNPAID,
    WAITING,
    Columns,
    Desk,
    emit,
    emit_business,
    sort_facts,
)
from pipelines.features.facts import (
    BOT_PATIENCE,
    COMPLAINT_PROMISE,
    SETTLED_AFTER,
    SURVEY_PATIENCE,
)
from pipelines.features.stream import SOURCE_CODE, SOURCES

CASE_OPENED, MESSAGE_IN, CALL_IN = (KIND_CODE[k] for k in ("case_opened", "message_in", "call_in"))
CASE_REOPENED, COMPLAINT = KIND_CODE["case_reopened"], KIND_CODE["complaint"]
SURVEY_ANSWERED, SURVEY_SENT = KIND_CODE["survey_answered"], KIND_CODE["survey_sent"]
BOT_SESSION, BOT_HANDOFF = KIND_CODE["bot_session"], KIND_CODE["bot_handoff"]
MESSAGE_OUT, CALL_OUT = KIND_CODE["message_out"], KIND_CODE["call_out"]
CASE_PENDING, CASE_SOLVED = KIND_CODE["case_pending"], KIND_CODE["case_solved"]
CASE_CLOSED = KIND_CODE["case_closed"]
PAYMENT, PAYMENT_FAILED = KIND_CODE["payment"], KIND_CODE["payment_failed"]
BOT_CHANNEL = CHANNEL_CODE["bot"]

FIRST_REPLY, MISSED, HELD = (
    SOURCE_CODE[f] for f in ("first_reply", "promise_missed", "promise_held")
)
RESOLVED, WAITED = SOURCE_CODE["resolved"], SOURCE_CODE["requester_wait"]
FIRST_CONTACT, REPEAT = SOURCE_CODE["first_contact"], SOURCE_CODE["repeat_contact"]
SWITCH, UNANSWERED = SOURCE_CODE["channel_switch"], SOURCE_CODE["complaint_unanswered"]
ANSWERED, COMPLAINT_LEVEL = SOURCE_CODE["complaint_answered"], SOURCE_CODE["complaint_level"]
NO_ANSWER, HEEDED = SOURCE_CODE["survey_unanswered"], SOURCE_CODE["survey_heeded"]
CASE_LEVEL, BOT_FAILED = SOURCE_CODE["case_level"], SOURCE_CODE["bot_failed"]
UNPAID_LEVEL = SOURCE_CODE["unpaid_level"]
FIRST_REPLY_BUSINESS, RESOLVED_BUSINESS, WAITED_BUSINESS = (
    SOURCE_CODE[f] for f in ("first_reply_business", "resolved_business", "requester_wait_business")
)


# Kinds that can make a fact; all others are passed over.
WORKS = np.zeros(len(SOURCES), np.bool_)
WORKS[
    [CASE_OPENED, MESSAGE_IN, CALL_IN, CASE_REOPENED, COMPLAINT, SURVEY_ANSWERED, SURVEY_SENT,
     BOT_SESSION, BOT_HANDOFF, MESSAGE_OUT, CALL_OUT, CASE_PENDING, CASE_SOLVED, CASE_CLOSED,
     PAYMENT, PAYMENT_FAILED]
] = True  # fmt: skip

Ints = NDArray[np.int64]
Indices = NDArray[np.uint64]


@in_place
def _open(desk: Desk, at: int, case: int, channel: int, topic: int, ours: bool) -> None:
    """The first opening of a case, and whether it comes back to something just solved."""
    state = desk.state
    state[case, OPENED] = at
    state[case, TOPIC] = topic
    if not state[case, OPEN]:
        state[case, OPEN] = 1
        emit(desk, at, CASE_LEVEL, 1.0, channel)
    if ours:
        state[case, COMPANY] = 1
    else:
        state[case, CLOCK] = state[case, WAITING] = at
        state[case, CLOCK_CHANNEL] = channel
    repeated = False
    for q in range(desk.tally[SOLUTIONS] - 1, -1, -1):
        solved, other = desk.queue[q, SOLVED_AT], desk.queue[q, SOLVED_CASE]
        if topic < 0 or solved < at - SETTLED_AFTER:
            break
        if other != case and state[other, TOPIC] == topic:
            repeated = True
            if state[other, SOLVED] == solved:
                state[other, FAILED] = 1
    if repeated:
        emit(desk, at, REPEAT, 1.0, channel)


@in_place
def _word(desk: Desk, at: int, kind: int, case: int, channel: int) -> None:
    """A customer's word within a case."""
    state = desk.state
    if channel >= 0:
        if state[case, LAST_CHANNEL] >= 0 and state[case, LAST_CHANNEL] != channel:
            emit(desk, at, SWITCH, 1.0, channel)
        state[case, LAST_CHANNEL] = channel
    if kind == CASE_REOPENED:
        if not state[case, OPEN]:
            state[case, OPEN] = 1
            emit(desk, at, CASE_LEVEL, 1.0, channel)
        if state[case, SOLVED] != NEVER and at <= state[case, SOLVED] + SETTLED_AFTER:
            state[case, FAILED] = 1
    if state[case, OPENED] == NEVER:
        return
    by_message = kind in (MESSAGE_IN, CALL_IN)
    if state[case, COMPANY] and state[case, CLOCK] == NEVER and by_message:
        state[case, CLOCK] = state[case, WAITING] = at
        state[case, CLOCK_CHANNEL] = channel
    if state[case, WAITING] == NEVER and (state[case, PAUSED] or kind == CASE_REOPENED):
        state[case, WAITING] = at
    state[case, PAUSED] = 0


@in_place
def _complain(desk: Desk, at: int, case: int) -> None:
    """Put a complaint at the head of its chain: of its case, or of those with none."""
    number = desk.tally[COMPLAINTS_SO_FAR]
    desk.tally[COMPLAINTS_SO_FAR] = number + 1
    desk.queue[number, COMPLAINT_AT] = at
    if case >= 0:
        desk.queue[number, COMPLAINT_BEFORE] = desk.state[case, COMPLAINTS]
        desk.state[case, COMPLAINTS] = number
    else:
        desk.queue[number, COMPLAINT_BEFORE] = desk.tally[LOOSE]
        desk.tally[LOOSE] = number


@in_place
def _settle(desk: Desk, head: int, at: int, channel: int) -> None:
    """A word of ours at `at` (NEVER: none came) for every complaint of a chain."""
    while head >= 0:
        made = desk.queue[head, COMPLAINT_AT]
        if at == NEVER or at - made > COMPLAINT_PROMISE:
            emit(desk, made + COMPLAINT_PROMISE, UNANSWERED, 1.0, -1)
            emit(desk, made + COMPLAINT_PROMISE, COMPLAINT_LEVEL, 1.0, -1)
            if at != NEVER:
                emit(desk, at, COMPLAINT_LEVEL, -1.0, channel)
        if at != NEVER:
            emit(desk, at, ANSWERED, float(at - made), channel)
        head = desk.queue[head, COMPLAINT_BEFORE]


@in_place
def _reply(desk: Desk, at: int, case: int, agent: int, channel: int) -> None:
    """A word to the customer by a person of ours."""
    _settle(desk, desk.tally[LOOSE], at, channel)
    desk.tally[LOOSE] = -1
    if case < 0:
        return
    state = desk.state
    if state[case, OPENED] != NEVER:
        state[case, REPLIES] += 1
    clock = state[case, CLOCK]
    if clock != NEVER and not state[case, REPLIED]:
        state[case, REPLIED] = 1
        asked = state[case, CLOCK_CHANNEL]
        due = clock + desk.promise[asked]
        emit(desk, at, FIRST_REPLY, float(at - clock), asked)
        emit_business(desk, clock, at, FIRST_REPLY_BUSINESS, agent, asked)
        if not state[case, MOOT]:
            in_time = at <= due
            emit(desk, at if in_time else due, HELD if in_time else MISSED, 1.0, asked)
    _settle(desk, state[case, COMPLAINTS], at, channel)
    state[case, COMPLAINTS] = -1


@in_place
def _end_wait(desk: Desk, at: int, case: int, agent: int, channel: int) -> None:
    since = desk.state[case, WAITING]
    if since != NEVER:
        emit(desk, at, WAITED, float(at - since), channel)
        emit_business(desk, since, at, WAITED_BUSINESS, agent, channel)
        desk.state[case, WAITING] = NEVER


@in_place
def _end(desk: Desk, at: int, kind: int, case: int, agent: int, channel: int) -> None:
    """Solved or closed."""
    state = desk.state
    _end_wait(desk, at, case, agent, channel)
    state[case, PAUSED] = 0
    clock = state[case, CLOCK]
    if clock != NEVER and at <= clock + desk.promise[state[case, CLOCK_CHANNEL]]:
        state[case, MOOT] = 1
    if state[case, OPEN]:
        state[case, OPEN] = 0
        emit(desk, at, CASE_LEVEL, -1.0, channel)
    if kind == CASE_CLOSED or state[case, OPENED] == NEVER:
        return
    emit(desk, at, RESOLVED, float(at - state[case, OPENED]), channel)
    emit_business(desk, state[case, OPENED], at, RESOLVED_BUSINESS, agent, channel)
    if state[case, SOLVED] == NEVER:
        state[case, SOLVED] = at
        state[case, REPLIES_THEN] = state[case, REPLIES]
    q = desk.tally[SOLUTIONS]
    desk.queue[q, SOLVED_AT] = at
    desk.queue[q, SOLVED_CASE] = case
    desk.tally[SOLUTIONS] = q + 1


@in_place
def _heed(desk: Desk, at: int, kind: int, channel: int) -> None:
    """An answer settles every open survey of its kind of the last days."""
    queue = desk.queue
    for q in range(desk.tally[SURVEYS] - 1, -1, -1):
        sent, asked = queue[q, SURVEY_AT], queue[q, SURVEY_KIND]
        if sent < at - SURVEY_PATIENCE:
            break
        if not queue[q, SURVEY_DONE] and (kind < 0 or asked < 0 or asked == kind):
            queue[q, SURVEY_DONE] = 1
            emit(desk, at, HEEDED, float(at - sent), channel)


@in_place
def _give_up_the_bot(desk: Desk, at: int, channel: int) -> None:
    """The customer turned to people: every talk with the bot shortly before had failed."""
    for q in range(desk.tally[SESSIONS]):
        if desk.queue[q, SESSION_AT] >= at - BOT_PATIENCE:
            emit(desk, at, BOT_FAILED, 1.0, channel)
    desk.tally[SESSIONS] = 0


@in_place
def _run_out(desk: Desk, cases: int) -> None:
    """What nobody answered, dated when its time ran out."""
    state = desk.state
    for case in range(cases):
        clock, asked = state[case, CLOCK], state[case, CLOCK_CHANNEL]
        if clock != NEVER and not state[case, REPLIED] and not state[case, MOOT]:
            emit(desk, clock + desk.promise[asked], MISSED, 1.0, asked)
        if state[case, SOLVED] != NEVER:
            settled = state[case, REPLIES_THEN] == 1 and not state[case, FAILED]
            known = state[case, SOLVED] + SETTLED_AFTER
            emit(desk, known, FIRST_CONTACT, 1.0 if settled else 0.0, -1)
        _settle(desk, state[case, COMPLAINTS], NEVER, -1)
    _settle(desk, desk.tally[LOOSE], NEVER, -1)
    for q in range(desk.tally[SURVEYS]):
        if not desk.queue[q, SURVEY_DONE]:
            emit(desk, desk.queue[q, SURVEY_AT] + SURVEY_PATIENCE, NO_ANSWER, 1.0, -1)


@in_place
def _clear(desk: Desk, cases: int) -> None:
    """A fresh state for every case of the customer."""
    for case in range(cases):
        desk.state[case, :] = 0
        for column in (OPENED, CLOCK, WAITING, SOLVED):
            desk.state[case, column] = NEVER
        for column in (LAST_CHANNEL, TOPIC, COMPLAINTS):
            desk.state[case, column] = -1
    desk.tally[:] = 0
    desk.tally[LOOSE] = -1


@in_place
def case_facts(columns: Columns, rows: Indices, n: int, desk: Desk) -> int:  # noqa: C901 - a branch a kind
    """Write the facts of one customer's `n` visible `rows` (ascending). Returns how many."""
    cases, works = 0, 0
    while works < n and not WORKS[columns.kind[rows[works]]]:
        works += 1
    if works == n:
        return 0
    for i in range(works, n):
        cases = max(cases, columns.case[rows[i]] + 1)
    _clear(desk, cases)
    for i in range(works, n):
        row = rows[i]
        kind = columns.kind[row]
        if not WORKS[kind]:
            continue
        at, case, channel = columns.at[row], columns.case[row], columns.channel[row]
        agent = columns.agent[row]
        by_bot = 0 <= agent < len(columns.bots) and columns.bots[agent]
        if kind == CASE_OPENED:
            ours = agent >= 0 and not by_bot
            if not (ours or by_bot or channel == BOT_CHANNEL):
                _give_up_the_bot(desk, at, channel)
            if case >= 0 and desk.state[case, OPENED] == NEVER:
                _open(desk, at, case, channel, columns.topic[row], ours)
                if not ours:
                    _word(desk, at, kind, case, channel)
        elif kind in (MESSAGE_IN, CALL_IN):
            if not (by_bot or channel == BOT_CHANNEL):
                _give_up_the_bot(desk, at, channel)
            if case >= 0:
                _word(desk, at, kind, case, channel)
        elif kind in (CASE_REOPENED, COMPLAINT):
            if case >= 0:
                _word(desk, at, kind, case, channel)
            if kind == COMPLAINT:
                _complain(desk, at, case)
        elif kind in (MESSAGE_OUT, CALL_OUT):
            if not by_bot:
                _reply(desk, at, case, agent, channel)
        elif kind == CASE_PENDING:
            if case >= 0 and desk.state[case, OPENED] != NEVER:
                _end_wait(desk, at, case, agent, channel)
                desk.state[case, PAUSED] = 1
        elif kind in (CASE_SOLVED, CASE_CLOSED):
            if case >= 0:
                _end(desk, at, kind, case, agent, channel)
        elif kind == SURVEY_SENT:
            q = desk.tally[SURVEYS]
            desk.queue[q, SURVEY_AT] = at
            desk.queue[q, SURVEY_KIND] = columns.score_kind[row]
            desk.queue[q, SURVEY_DONE] = 0
            desk.tally[SURVEYS] = q + 1
        elif kind == SURVEY_ANSWERED:
            _heed(desk, at, columns.score_kind[row], channel)
        elif kind == BOT_SESSION:
            desk.queue[desk.tally[SESSIONS], SESSION_AT] = at
            desk.tally[SESSIONS] += 1
        elif kind == BOT_HANDOFF:
            _give_up_the_bot(desk, at, channel)
        elif (kind == PAYMENT_FAILED) != (desk.tally[UNPAID] != 0):
            desk.tally[UNPAID] = kind == PAYMENT_FAILED
            emit(desk, at, UNPAID_LEVEL, 1.0 if desk.tally[UNPAID] else -1.0, channel)
    _run_out(desk, cases)
    count = desk.tally[FACTS_SO_FAR]
    sort_facts(desk.fact, desk.value, desk.order, count)
    return int(count)
