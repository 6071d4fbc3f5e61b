"""What becomes of a case: from its opening to the survey after it, written in advance.

The whole course of a case is drawn on the day it opens; its later rows wait in the agenda, and
each moves the customer's mood on the day it happens.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data_samples import settings as laws
from data_samples.draws import Draws, Floats
from data_samples.people import People
from data_samples.rows import FEELING, REPEAT, ROW, Rows, rows_of
from data_samples.service import Service
from data_samples.settings import WorldSettings
from models.contracts import CHANNEL_CODE, CHANNELS, DAY, SCORE_KIND_CODE

HOUR = 3_600.0
CASE_CHANNELS = ("email", "phone", "chat", "web", "social")
CASE_CHANNEL_SHARES = (0.42, 0.25, 0.16, 0.13, 0.04)  # assumed
LIVE = ("phone", "chat")  # both sides are there at once

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Opening:
    """n cases that open on one day, at most one a customer."""

    customer: NDArray[np.int64]
    at: NDArray[np.int64]  # seconds since 1970 UTC
    topic: NDArray[np.int64]
    channel: NDArray[np.int8]
    repeated: Flags  # the trouble was there before

    def __len__(self) -> int:
        return len(self.customer)


def _by_channel(values: dict[str, float]) -> Floats:
    return np.array([values.get(channel, values["email"]) for channel in CHANNELS])


PROMISES, WAITS = _by_channel(laws.PROMISE), _by_channel(laws.MEDIAN_WAIT)
IS_LIVE = np.isin(CHANNELS, LIVE)
PHONE = CHANNEL_CODE["phone"]


class CaseDesk:
    """Turns openings into all rows that follow from them."""

    def __init__(
        self, settings: WorldSettings, people: People, service: Service, draws: Draws
    ) -> None:
        self._settings = settings
        self._people = people
        self._service = service
        self._draws = draws
        self.opened = 0  # cases so far; numbers them

    def course(self, day: int, opening: Opening, mood: Floats) -> list[Rows]:
        """All rows of the cases that open today, n cases; `mood` (n,) is the customers' today."""
        return _Course(self, day, opening, mood).rows() if len(opening) else []


class _Course:
    """The cases of one day. Each step adds rows and moves `clock`, the time they have reached."""

    def __init__(self, desk: CaseDesk, day: int, opening: Opening, mood: Floats) -> None:
        self.day, self.opening, self.mood = day, opening, mood
        self.settings, self.draws = desk._settings, desk._draws
        self.service, self.people = desk._service, desk._people
        n = len(opening)
        self.case = np.arange(desk.opened, desk.opened + n)
        desk.opened += n
        self.blocks: list[Rows] = []
        self.clock = opening.at.astype(np.float64)
        self.channel = opening.channel.copy()
        self.agent = self.service.agent_for("agent", day, opening.customer, opening.topic)
        factor = self.service.take_on(opening.topic) * self.service.speed[self.agent]
        spread = np.exp(0.9 * self._normal("wait"))
        self.wait = np.minimum(WAITS[self.channel] * factor * spread, 15 * DAY)
        self.late = self.wait > PROMISES[self.channel]
        # How well it goes: the agent, the case's own luck, and haste where the queue is long.
        self.quality = 0.55 * self.service.skill_now[self.agent] + self._normal("quality")
        self.quality -= 0.15 * (factor - 1.0) - 0.2
        self.feeling = np.zeros(n)  # what the survey will hear, beside the mood of the day

    def _normal(self, purpose: str) -> Floats:
        return self.draws.normal("case " + purpose, self.day, self.opening.customer)

    def _wait(self, purpose: str, mean: Floats | float) -> Floats:
        waits = self.draws.exponential("case " + purpose, self.day, self.opening.customer)
        passed: Floats = np.maximum(waits * mean, 60.0)
        return passed

    def _chance(self, purpose: str, probability: Floats | float) -> Flags:
        return self.draws.chance("case " + purpose, self.day, self.opening.customer, probability)

    def _add(self, kind: str, where: Flags, **columns: object) -> None:
        """Rows of one kind for the cases of `where`, at their clock."""
        if not where.any():
            return
        block = rows_of(kind, self.opening.customer[where], self.clock[where].astype(np.int64))
        block["case"] = self.case[where]
        block["topic"] = self.opening.topic[where]
        block["channel"] = self.channel[where]
        for name, values in columns.items():
            block[name] = values[where] if isinstance(values, np.ndarray) else values
        self.blocks.append(block)
        if "mood" in columns:
            self.feeling[where] += block["mood"]

    def rows(self) -> list[Rows]:
        """All rows, in the order of the steps."""
        everyone = np.ones(len(self.opening), bool)
        mood = np.where(self.opening.repeated, laws.REPEAT, 0.0)
        self._add("case_opened", everyone, mood=mood)
        self._first_reply(everyone)
        self._rounds()
        self._handed_on()
        solved = self._solved()
        self._complaint(solved)
        self._survey(solved)
        return [np.concatenate(self.blocks) if self.blocks else np.empty(0, ROW)]

    def _first_reply(self, everyone: Flags) -> None:
        opened = self.clock.copy()
        if self.late.any():  # felt when the promise runs out, not when the reply comes
            self.clock = opened + PROMISES[self.channel]
            self._add(FEELING, self.late, mood=laws.LATE_REPLY)
        self.clock = opened + self.wait
        self._reply("reply", everyone, self.wait)

    def _reply(self, purpose: str, where: Flags, wait: Floats) -> None:
        handled = np.exp(5.9 + 0.6 * self._normal(purpose + " handled"))
        by_phone = self.channel == PHONE
        facts = {"agent": self.agent, "wait": wait, "seconds": handled}
        self._add("call_out", where & by_phone, **facts)
        self._add("message_out", where & ~by_phone, **facts)
        self.clock = np.where(where, self.clock + handled, self.clock)

    def _rounds(self) -> None:
        """Questions back, and customers who must ask again, some on another channel."""
        pending = self._chance("pending", 0.15)
        self._add("case_pending", pending, agent=self.agent)
        for number, below in enumerate((0.2, -0.9)):
            again = (self.quality < below) | (pending if number == 0 else False)
            mean = np.where(IS_LIVE[self.channel], 0.3 * HOUR, 18 * HOUR)
            thought = self._wait(f"customer {number}", mean)
            self.clock = np.where(again, self.clock + thought, self.clock)
            moved = again & self._chance(f"moved {number}", 0.15)
            self.channel = np.where(moved, self._other_channel(), self.channel)
            by_phone = self.channel == PHONE
            self._add("call_in", again & by_phone)
            self._add("message_in", again & ~by_phone)
            wait = self._wait(f"answer {number}", 0.8 * WAITS[self.channel])
            self.clock = np.where(again, self.clock + wait, self.clock)
            self._reply(f"answer {number}", again, wait)

    def _other_channel(self) -> NDArray[np.int8]:
        other = np.where(self.channel == PHONE, CHANNEL_CODE["email"], PHONE)
        return np.where(self.quality < -1.2, CHANNEL_CODE["social"], other).astype(np.int8)

    def _handed_on(self) -> None:
        passed_on = ((self.quality < -0.5) & self._chance("transfer", 0.5)) | self._chance(
            "wrong desk", 0.06
        )
        other = self.service.agent_for(
            "next agent", self.day, self.opening.customer, self.opening.topic
        )
        self.agent = np.where(passed_on, other, self.agent)
        self._add("case_transferred", passed_on, agent=self.agent, mood=laws.TRANSFER)
        wait = self._wait("transferred", 0.8 * WAITS[self.channel])
        self.clock = np.where(passed_on, self.clock + wait, self.clock)
        self._reply("transferred", passed_on, wait)
        raised = (self.quality < -1.0) & self._chance("escalated", 0.4)
        self._add("case_escalated", raised, agent=self.agent)
        self.clock = np.where(raised, self.clock + self._wait("escalated", 20 * HOUR), self.clock)

    def _solved(self) -> Flags:
        """Solved, and for some not really: reopened, or back as a new case."""
        solved = self.quality > -1.7
        mean = np.where(IS_LIVE[self.channel], 0.2 * HOUR, 8 * HOUR)
        self.clock += self._wait("solving", mean)
        slow = solved & (self.clock - self.opening.at > 4 * DAY)
        well = solved & (self.quality > 0.2) & ~self.late & ~slow
        mood = laws.SOLVED_WELL * well + laws.SLOW_SOLUTION * slow
        self._add("case_solved", solved, agent=self.agent, mood=mood)
        reopened = solved & (self.quality < -0.5) & self._chance("reopened", 0.45)
        self.clock = np.where(reopened, self.clock + self._wait("back", 1.5 * DAY), self.clock)
        self._add("case_reopened", reopened, mood=laws.REOPENED)
        wait = self._wait("reopened", 0.8 * WAITS[self.channel])
        self.clock = np.where(reopened, self.clock + wait, self.clock)
        self._reply("reopened", reopened, wait)
        self._add("case_solved", reopened, agent=self.agent)
        self._refund(solved & ~well)
        self._later(REPEAT, solved & (self.quality < 0.1) & self._chance("repeat", 0.35), 1.0, 6.0)
        self._later(FEELING, ~solved, 2.0, 6.0, mood=laws.UNSOLVED)
        self._later(
            "case_closed", solved & self._chance("closed", 0.5), 7.0, 7.01, agent=self.agent
        )
        return solved

    def _later(self, kind: str, where: Flags, least: float, most: float, **columns: object) -> None:
        """Rows some days after the clock, which stays."""
        now = self.clock
        luck = self.draws.uniform("case later " + kind, self.day, self.opening.customer)
        self.clock = now + DAY * (least + (most - least) * luck)
        self._add(kind, where, **columns)
        self.clock = now

    def _refund(self, where: Flags) -> None:
        given = where & (self.opening.topic % 3 == 0) & self._chance("refund", 0.3)
        value = np.round(0.5 * self.people.value[self.opening.customer], 2)
        self._add("refund", given, value=value, agent=self.agent, mood=laws.REFUND)

    def _complaint(self, solved: Flags) -> None:
        failed = self.late | ~solved | (self.quality < -1.0)
        bold = np.clip(1.0 - 0.4 * self.mood, 0.5, 2.0)
        made = failed & self._chance("complaint", self.settings.complains_when_failed * bold)
        self._later("complaint", made, 0.1, 0.8)
        public = made & self._chance("public", 0.15)
        self._later("public_mention", public, 0.5, 2.0, channel=CHANNEL_CODE["social"])
        ignored = made & self._chance("ignored", self.settings.complaints_unanswered)
        self._later(FEELING, ignored, 3.0, 5.0, mood=laws.UNANSWERED_COMPLAINT)
        self._later(
            "message_out", made & ~ignored, 1.0, 2.5, agent=self.agent, mood=laws.ANSWERED_COMPLAINT
        )

    def _survey(self, solved: Flags) -> None:
        asked = solved & self._chance("survey", 0.65)
        effort = self._chance("effort survey", 0.3)
        kind = np.where(effort, SCORE_KIND_CODE["ces"], SCORE_KIND_CODE["csat"]).astype(np.int8)
        email = CHANNEL_CODE["email"]
        self._later("survey_sent", asked, 0.04, 0.05, channel=email, score_kind=kind)
        felt = (
            0.7 * self.mood + 0.9 * self.feeling + 0.35 * self.quality + 0.5 * self._normal("felt")
        )
        loud = self.settings.survey_answers * (0.8 + 0.3 * np.abs(felt))
        answered = asked & self._chance("answer", loud)
        score = np.where(effort, np.clip(5.4 + 1.3 * felt, 1, 7), np.clip(4.1 + felt, 1, 5))
        score = np.rint(score).astype(np.int8)
        self._later(
            "survey_answered", answered, 0.06, 3.0, channel=email, score=score, score_kind=kind
        )
