"""What happens to customers by itself: use, orders, payments, surveys, bots, outages, meetings."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from data_samples import settings as laws
from data_samples.draws import Clock, Draws, Floats
from data_samples.people import REGION_SHARES, People
from data_samples.rows import ORDER_TOPICS, TOPIC_CODE, USE_TOPICS, Rows, rows_of
from data_samples.settings import WorldSettings
from models.contracts import CHANNEL_CODE, DAY, SCORE_KIND_CODE

Who = NDArray[np.int64]
Flags = NDArray[np.bool_]
NIGHT, MORNING, EVENING = 3 * 3_600, 7 * 3_600, 20 * 3_600
QUARTER = 91  # days


@dataclass(frozen=True)
class Today:
    """What a day knows of the customers; arrays are (customers,)."""

    day: int
    midnight: int  # seconds since 1970 UTC
    here: Floats  # 1 for a customer with a running relationship, 0.3 under notice, else 0
    felt: Floats  # attachment with lift
    mood: Floats


class Routine:
    """The recurring happenings of all customers."""

    def __init__(self, settings: WorldSettings, people: People, draws: Draws) -> None:
        n = len(people)
        everyone = np.arange(n)
        self._settings, self._people, self._draws = settings, people, draws
        self._use = Clock(draws, "use", n, people.use_shape)
        self._orders = Clock(draws, "orders", n, np.maximum(people.use_shape // 2, 1))
        self._bots = Clock(draws, "bots", n)
        self._referrals = Clock(draws, "referrals", n)
        # Surveys, payments and meetings come round on each customer's own day of the cycle.
        self._survey_cycle = max(1, round(365.0 / settings.surveys_per_year))
        turn = draws.uniform("turn", -1, everyone)
        self._survey_turn = _by_turn(turn, self._survey_cycle)
        self._quarter_turn = _by_turn(draws.uniform("quarter", -1, everyone), QUARTER)

    def rows(self, today: Today) -> tuple[list[Rows], Who, Who]:
        """All rows that begin today, whom an outage struck, and whom a bot handed to a person."""
        struck, outage = self._outage(today)
        handed, bots = self._bot_sessions(today)
        quarter = self._quarter_turn[today.day % QUARTER]
        quarter = quarter[
            (today.here[quarter] > 0) & (self._people.joined_day[quarter] < today.day)
        ]
        blocks = [
            *self._used(today), *self._ordered(today), *bots, *outage, *self._paid(today, quarter),
            *self._met(today, quarter), *self._asked(today), *self._referred(today),
        ]  # fmt: skip
        return blocks, struck, handed

    def moment(self, purpose: str, today: Today, who: Who) -> NDArray[np.int64]:
        """A second of the day for each, most in its middle."""
        luck = self._draws.uniform(purpose + "/time", today.day, who)
        twice = (luck + (luck * 1e6) % 1.0) / 2.0
        return today.midnight + MORNING + ((EVENING - MORNING) * twice).astype(np.int64)

    def _used(self, today: Today) -> list[Rows]:
        people = self._people
        # Above a point nobody uses more for being happier.
        pace = np.exp(people.fade * np.minimum(today.felt, 0.6))
        pace *= today.here
        self._pace = pace
        who = self._use.step(today.day, pace * people.use_rate)
        value = np.exp(1.1 + 0.55 * self._draws.normal("use", today.day, who)) * pace[who] ** 0.6
        topic = self._draws.pick("use topic", today.day, who, (0.4, 0.3, 0.2, 0.1))
        app = self._draws.chance("app", today.day, who, 0.55)
        return [
            rows_of(
                "usage", who, self.moment("use", today, who),
                channel=np.where(app, CHANNEL_CODE["app"], CHANNEL_CODE["web"]),
                topic=topic + TOPIC_CODE[USE_TOPICS[0]], value=np.maximum(np.rint(value), 1.0),
            )
        ]  # fmt: skip

    def _ordered(self, today: Today) -> list[Rows]:
        people, draws, day = self._people, self._draws, today.day
        who = self._orders.step(day, self._pace * people.order_rate)
        at = self.moment("order", today, who)
        amount = people.value[who] * np.exp(0.5 * draws.normal("amount", day, who)) * 1.5
        topic = draws.pick("item", day, who, (1.0,) * len(ORDER_TOPICS)) + TOPIC_CODE["basic_kit"]
        order = rows_of("order", who, at, channel="web", topic=topic, value=np.round(amount, 2))
        promised = draws.chance("promised", day, who, self._settings.promised_orders)
        due = at + (DAY * (2 + 6 * draws.uniform("due", day, who))).astype(np.int64)
        broken = draws.chance("broken", day, who, self._settings.promises_broken)
        kept, failed = promised & ~broken, promised & broken
        delivery = TOPIC_CODE["delivery"]
        return [
            order,
            rows_of("promise_made", who[promised], at[promised] + 60, topic=delivery),
            rows_of("promise_kept", who[kept], due[kept], topic=delivery, mood=laws.KEPT_PROMISE),
            rows_of(
                "promise_broken", who[failed], due[failed], topic=delivery, mood=laws.BROKEN_PROMISE
            ),
        ]

    def _bot_sessions(self, today: Today) -> tuple[Who, list[Rows]]:
        draws, day = self._draws, today.day
        rate = self._settings.bot_sessions_per_year / 365.0
        who = self._bots.step(day, rate * today.here)
        failed = draws.chance("bot fails", day, who, self._settings.bot_fails)
        at = self.moment("bot", today, who)
        length = np.exp(5.0 + 0.5 * draws.normal("bot", day, who)) * np.where(failed, 1.8, 1.0)
        mood = np.where(failed, laws.BOT_FAILED, 0.0)
        session = rows_of(
            "bot_session", who, at, channel="bot", agent=who % 2, value=np.where(failed, 0.0, 1.0),
            seconds=length, mood=mood, topic="how_to",
        )  # fmt: skip
        # The silent give up where others ask for a person.
        asks = failed & ~self._people.silent[who] & draws.chance("handoff", day, who, 0.6)
        handoff = rows_of(
            "bot_handoff", who[asks], at[asks] + length[asks].astype(np.int64), channel="bot",
            agent=who[asks] % 2, topic="how_to",
        )  # fmt: skip
        return who[asks], [session, handoff]

    def _outage(self, today: Today) -> tuple[Who, list[Rows]]:
        draws, day = self._draws, today.day
        world = np.zeros(1, np.int64)
        nobody = np.empty(0, np.int64)
        if not draws.chance("outage", day, world, self._settings.outages_per_year / 365.0)[0]:
            return nobody, []
        region = int(draws.pick("outage region", day, world, REGION_SHARES)[0])
        there = np.flatnonzero((self._people.region == region) & (today.here > 0))
        struck = there[draws.chance("struck", day, there, 0.5)]
        hours = 1.0 + 7.0 * float(draws.uniform("outage length", day, world)[0])
        at = np.full(len(struck), today.midnight + 8 * 3_600)
        size = laws.OUTAGE * (0.5 + hours / 8.0)
        row = rows_of(
            "outage", struck, at, topic="platform", seconds=round(hours * 3_600), mood=size
        )
        return struck, [row]

    def _paid(self, today: Today, quarter: Who) -> list[Rows]:
        who = quarter[self._people.payer[quarter]]
        failed = self._draws.chance("payment", today.day, who, self._settings.payment_fails)
        due = np.full(len(who), today.midnight + NIGHT)
        paid = due + 3 * DAY * failed
        amount = np.round(3.0 * self._people.value[who], 2)
        facts = {"topic": TOPIC_CODE["invoice"]}
        return [
            rows_of(
                "payment_failed", who[failed], due[failed], value=amount[failed],
                mood=laws.PAYMENT_FAILED, **facts,
            ),
            rows_of("payment", who, paid, value=amount, **facts),
        ]  # fmt: skip

    def _met(self, today: Today, quarter: Who) -> list[Rows]:
        """Quarterly meetings with the bigger accounts; the silent have stopped coming."""
        who = quarter[self._people.segment[quarter] >= 2]
        keen = 1.0 / (1.0 + np.exp(-1.6 - 1.2 * today.felt[who]))
        held = self._draws.chance("meeting", today.day, who, keen) & ~self._people.silent[who]
        # Nobody goes on inviting the silent each time.
        missed = ~held & (~self._people.silent[who] | (who % 4 == today.day % 4))
        at = self.moment("meeting", today, who)
        return [
            rows_of("meeting_held", who[held], at[held], channel="in_person", seconds=2_700),
            rows_of("meeting_missed", who[missed], at[missed], channel="in_person"),
        ]

    def _asked(self, today: Today) -> list[Rows]:
        """The relationship survey, to everyone in turn."""
        draws, day, people = self._draws, today.day, self._people
        who = self._survey_turn[day % self._survey_cycle]
        who = who[(today.here[who] > 0) & (people.joined_day[who] + 30 < day)]
        sent = np.full(len(who), today.midnight + 9 * 3_600)
        facts = {"channel": CHANNEL_CODE["email"], "topic": TOPIC_CODE["relationship"]}
        facts["score_kind"] = SCORE_KIND_CODE["nps"]
        # The indifferent answer least.
        eager = self._settings.survey_answers * (0.7 + 0.35 * np.abs(today.felt[who]))
        answers = draws.chance("nps answers", day, who, eager) & ~people.silent[who]
        noise = draws.normal("nps", day, who)
        score = np.rint(np.clip(7.9 + 1.6 * today.felt[who] + 1.1 * noise, 0, 10))
        later = sent + (2.5 * DAY * draws.uniform("nps later", day, who)).astype(np.int64)
        return [
            rows_of("survey_sent", who, sent, **facts),
            rows_of("survey_answered", who[answers], later[answers], score=score[answers], **facts),
        ]

    def _referred(self, today: Today) -> list[Rows]:
        rate = 0.03 / 365.0 * np.minimum(self._pace, 2.0)
        who = self._referrals.step(today.day, rate)
        return [rows_of("referral", who, self.moment("referral", today, who), channel="web")]


def _by_turn(luck: Floats, cycle: int) -> list[Who]:
    """For each day of a cycle, whose turn it is."""
    turn = (luck * cycle).astype(np.int64)
    order = np.argsort(turn, kind="stable")
    bounds = np.searchsorted(turn[order], np.arange(cycle + 1))
    return [np.sort(order[start:end]) for start, end in pairwise(bounds)]
