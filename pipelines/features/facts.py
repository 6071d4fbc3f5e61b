"""The dated facts, as one would say them: what happened, and when it could be known.

A fact depends only on rows at or before its `known_at`, never on what came later. Rows at the
same second count in the order of `Events`: by when they were recorded, then by kind (in the order
of `models.contracts.KINDS`) and the other columns. This is the reference that the compiled
`case_pass` must equal on every history.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from models.contracts import DAY
from pipelines.features.calendars import NO_HOURS, Hours
from pipelines.history.events import NEVER

COMPLAINT_PROMISE = DAY  # 24 h: the default promise of a first reply (CONTRACTS.md)
SETTLED_AFTER = 7 * DAY  # CONTRACTS.md: first-contact resolution, repeat contact
SURVEY_PATIENCE = 7 * DAY  # most answers come in two days; a week leaves room (assumed)
BOT_PATIENCE = DAY  # turning to people within a day is about the same trouble (assumed)

MESSAGES = ("message_in", "call_in")
REPLIES = ("message_out", "call_out")
ENDS = ("case_solved", "case_closed")
WORDS_IN_CASE = (*MESSAGES, "case_reopened", "complaint")


@dataclass(frozen=True)
class Row:
    """One interaction in words; None where unknown."""

    at: int
    kind: str
    recorded: int = 0
    until: int = NEVER
    channel: str | None = None
    topic: int | None = None
    agent: int | None = None
    team: int | None = None
    by_bot: bool = False
    case: int | None = None
    value: float | None = None
    seconds: float | None = None
    wait: float | None = None
    score: float | None = None
    score_kind: str | None = None
    provoked: bool = False
    said: tuple[str, ...] = ()
    place: int = 0  # among the customer's rows, in order


@dataclass(frozen=True)
class Fact:
    """Something that became knowable at `known_at`, in seconds since 1970 UTC."""

    name: str
    known_at: int
    value: float = 1.0
    channel: str | None = None


@dataclass(frozen=True)
class Case:
    """The rows of one case, in order."""

    number: int
    rows: tuple[Row, ...]

    @cached_property
    def opening(self) -> Row | None:
        """The first `case_opened`; a case without one has no clock."""
        return next((row for row in self.rows if row.kind == "case_opened"), None)

    @property
    def by_company(self) -> bool:
        """A person of ours opened it: the opening names who acted."""
        opening = self.opening
        return opening is not None and opening.agent is not None and not opening.by_bot

    @property
    def since_opening(self) -> tuple[Row, ...]:
        """The rows after the opening; none without one."""
        return self.after(self.opening)

    def after(self, row: Row | None) -> tuple[Row, ...]:
        """The rows after `row`; none after None."""
        return tuple(r for r in self.rows if row is not None and r.place > row.place)

    @cached_property
    def clock(self) -> Row | None:
        """What the customer waits on: the opening, or their first message where we opened."""
        if not self.by_company:
            return self.opening
        return next((row for row in self.since_opening if row.kind in MESSAGES), None)

    @cached_property
    def first_reply(self) -> Row | None:
        """Our first word by a person."""
        return next((row for row in self.after(self.clock) if is_reply(row)), None)

    @cached_property
    def first_solution(self) -> Row | None:
        return next((row for row in self.since_opening if row.kind == "case_solved"), None)

    @property
    def topic(self) -> int | None:
        return self.opening.topic if self.opening else None

    def words(self) -> Iterator[Row]:
        """What the customer said in it."""
        for row in self.rows:
            opened = row is self.opening and not self.by_company
            if opened or row.kind in WORDS_IN_CASE:
                yield row


def is_reply(row: Row) -> bool:
    """A word to the customer by a person."""
    return row.kind in REPLIES and not row.by_bot


def facts_of(
    rows: Sequence[Row], promises: dict[str | None, int], hours: Hours = NO_HOURS
) -> list[Fact]:
    """All facts of one customer's rows (in order), sorted by time, name as declared and value.

    `promises`: seconds to a first reply by channel, None for rows without one.
    """
    numbers = sorted({row.case for row in rows if row.case is not None})
    cases = [Case(n, tuple(row for row in rows if row.case == n)) for n in numbers]
    found: list[Fact] = []
    for case in cases:
        found += first_replies(case, promises, hours)
        found += resolutions(case, hours)
        found += requester_waits(case, hours)
        found += channel_switches(case)
        found += case_levels(case)
        found += first_contact(case, cases)
        found += repeat_contacts(case, cases)
    found += complaints(rows)
    found += surveys(rows)
    found += bot_failures(rows)
    found += unpaid(rows)
    return sorted(found, key=lambda fact: (fact.known_at, fact.name, fact.value))


def lasted(name: str, began: int, row: Row, channel: str | None, hours: Hours) -> Iterator[Fact]:
    """Seconds of a stretch that `row` ended, known then; and those of them in opening hours.

    The hours are those of who acted; where they are not known, there is no such fact.
    """
    yield Fact(name, row.at, row.at - began, channel)
    business = hours.seconds(row.agent, began, row.at)
    if business is not None:
        yield Fact(f"{name}_business", row.at, business, channel)


def first_replies(
    case: Case, promises: dict[str | None, int], hours: Hours = NO_HOURS
) -> Iterator[Fact]:
    """How long the first reply took, known at the reply; whether the promise of it was held.

    A miss is known at the moment the promise ran out, whether or not a reply ever came: knowing
    it only at the late reply would hide the worst cases. A reply exactly at that moment is in
    time. A case that ended before then without a reply neither held nor missed it.
    """
    if case.clock is None:
        return
    asked, reply, channel = case.clock, case.first_reply, case.clock.channel
    due = asked.at + promises[channel]
    if reply is not None:
        yield from lasted("first_reply", asked.at, reply, channel, hours)
    ends = (row for row in case.after(case.clock) if row.kind in ENDS and row.at <= due)
    if any(reply is None or end.place < reply.place for end in ends):
        return
    if reply is not None and reply.at <= due:
        yield Fact("promise_held", reply.at, channel=channel)
    else:
        yield Fact("promise_missed", due, channel=channel)


def resolutions(case: Case, hours: Hours = NO_HOURS) -> Iterator[Fact]:
    """Seconds from the opening to each solution, known then; the last one counts (CONTRACTS.md)."""
    for row in case.since_opening:
        if case.opening is not None and row.kind == "case_solved":
            yield from lasted("resolved", case.opening.at, row, row.channel, hours)


def requester_waits(case: Case, hours: Hours = NO_HOURS) -> Iterator[Fact]:
    """Each stretch in which the customer waited on us, known at its end.

    From the clock's start until we ask back (`case_pending`) or the case ends; again from the
    customer's next word after we asked back, or from a reopening.
    """
    if case.opening is None:
        return
    waiting = case.clock.at if case.clock is case.opening and case.clock else None
    asked_back = False
    for row in case.since_opening:
        if row is case.clock:
            waiting = row.at
        if row.kind in WORDS_IN_CASE:
            if waiting is None and (asked_back or row.kind == "case_reopened"):
                waiting = row.at
            asked_back = False
        if row.kind == "case_pending" or row.kind in ENDS:
            if waiting is not None:
                yield from lasted("requester_wait", waiting, row, row.channel, hours)
            waiting, asked_back = None, row.kind == "case_pending"


def channel_switches(case: Case) -> Iterator[Fact]:
    """A word on another channel than the customer's last one in the case, known at the word."""
    last = None
    for row in case.words():
        if row.channel is None:
            continue
        if last is not None and row.channel != last:
            yield Fact("channel_switch", row.at, channel=row.channel)
        last = row.channel


def case_levels(case: Case) -> Iterator[Fact]:
    """+1 when the case opens or reopens, -1 when it ends: summed, the cases open at a time."""
    is_open = False
    for row in case.rows:
        opens = row is case.opening or row.kind == "case_reopened"
        if (opens and not is_open) or (row.kind in ENDS and is_open):
            is_open = not is_open
            yield Fact("case_level", row.at, 1.0 if is_open else -1.0, row.channel)


def first_contact(case: Case, cases: Sequence[Case]) -> Iterator[Fact]:
    """Whether the first solution settled it: known, as 1 or 0, seven days after.

    Settled: exactly one reply by a person until then, and in the seven days after (their last
    second included) neither a reopening nor another case of the same topic.
    """
    solved = case.first_solution
    if solved is None:
        return
    known = solved.at + SETTLED_AFTER
    replies = sum(is_reply(row) and row.place < solved.place for row in case.since_opening)
    later = (row for row in case.after(solved) if row.kind == "case_reopened")
    reopened = any(row.at <= known for row in later)
    again = any(_comes_back(other, case, solved) for other in cases)
    settled = replies == 1 and not reopened and not again
    yield Fact("first_contact", known, 1.0 if settled else 0.0)


def repeat_contacts(case: Case, cases: Sequence[Case]) -> Iterator[Fact]:
    """Another case of the topic was solved in the seven days before; known at the opening."""
    solutions = (
        (other, row)
        for other in cases
        for row in other.since_opening
        if row.kind == "case_solved" and _comes_back(case, other, row)
    )
    if case.opening is not None and any(True for _ in solutions):
        yield Fact("repeat_contact", case.opening.at, channel=case.opening.channel)


def _comes_back(case: Case, earlier: Case, solved: Row) -> bool:
    """Whether `case` was opened within seven days after `earlier` had been solved."""
    if case.opening is None or case is earlier or case.topic is None or case.topic != earlier.topic:
        return False
    after = solved.place < case.opening.place
    return after and case.opening.at <= solved.at + SETTLED_AFTER


def complaints(rows: Sequence[Row]) -> Iterator[Fact]:
    """Complaints with no word of a person of ours in 24 hours: known when those have passed.

    The word must be in the complaint's case, if it has one. `complaint_level` counts those that
    wait for an answer beyond that time.
    """
    for row in rows:
        if row.kind != "complaint":
            continue
        later = (other for other in rows if other.place > row.place)
        answer = next((r for r in later if is_reply(r) and row.case in (None, r.case)), None)
        late = answer is None or answer.at - row.at > COMPLAINT_PROMISE
        if late:
            yield Fact("complaint_unanswered", row.at + COMPLAINT_PROMISE)
            yield Fact("complaint_level", row.at + COMPLAINT_PROMISE)
        if answer is not None:
            yield Fact("complaint_answered", answer.at, answer.at - row.at, answer.channel)
            if late:
                yield Fact("complaint_level", answer.at, -1.0, answer.channel)


def surveys(rows: Sequence[Row]) -> Iterator[Fact]:
    """A survey without an answer of its kind in seven days, known then; or heeded, at the answer.

    Answers that name no kind, and surveys that name none, fit every other.
    """
    for row in rows:
        if row.kind != "survey_sent":
            continue
        later = (other for other in rows if other.place > row.place)
        answer = next((r for r in later if _answers(r, row)), None)
        if answer is None:
            yield Fact("survey_unanswered", row.at + SURVEY_PATIENCE)
        else:
            yield Fact("survey_heeded", answer.at, answer.at - row.at, answer.channel)


def _answers(answer: Row, survey: Row) -> bool:
    fits = None in (answer.score_kind, survey.score_kind) or answer.score_kind == survey.score_kind
    return answer.kind == "survey_answered" and fits and answer.at <= survey.at + SURVEY_PATIENCE


def bot_failures(rows: Sequence[Row]) -> Iterator[Fact]:
    """A talk with the bot after which, within a day, it handed over or the customer turned to us.

    Known at that moment. Turning to us: opening a case, writing or calling, not through a bot.
    """
    for row in rows:
        if row.kind != "bot_session":
            continue
        later = (other for other in rows if other.place > row.place)
        turn = next((r for r in later if _turns_to_people(r)), None)
        if turn is not None and turn.at <= row.at + BOT_PATIENCE:
            yield Fact("bot_failed", turn.at, channel=turn.channel)


def _turns_to_people(row: Row) -> bool:
    if row.kind == "bot_handoff":
        return True
    if row.by_bot or row.channel == "bot":
        return False
    return row.kind in MESSAGES or (row.kind == "case_opened" and row.agent is None)


def unpaid(rows: Sequence[Row]) -> Iterator[Fact]:
    """+1 when a payment fails, -1 at the next that succeeds: summed, whether one is outstanding."""
    outstanding = False
    for row in rows:
        if row.kind == ("payment" if outstanding else "payment_failed"):
            outstanding = not outstanding
            yield Fact("unpaid_level", row.at, 1.0 if outstanding else -1.0, row.channel)
