"""The world: customers, their service and their feelings, moved on day by day.

    world = World(WorldSettings(customers=500, seed=3))
    first_half = world.advance(30)
    contacts = pd.DataFrame({"customer_id": ["C00017"], "at": [...], "kind": ["check_in"]})
    second_half = world.advance(30, contacts)

Everything is drawn from (seed, purpose, day, customer): `advance(30)` gives the same rows as
thirty times `advance(1)`, and a contact changes what follows for that customer, and for others
only through the queues they share.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from data_samples import tables, words
from data_samples.cases import CASE_CHANNEL_SHARES, CASE_CHANNELS, CaseDesk, Opening
from data_samples.draws import Clock, Draws, Floats
from data_samples.feelings import Feelings, State, hazard
from data_samples.outreach import Outreach
from data_samples.people import People, make_people
from data_samples.routine import Routine, Today
from data_samples.rows import (
    CASE_TOPICS,
    CODE,
    NONE,
    REPEAT,
    Agenda,
    Naming,
    Rows,
    interactions_table,
)
from data_samples.service import TOPIC_SHARES, Service
from data_samples.settings import WorldSettings
from data_samples.terms import FAR, NEVER, Terms
from data_samples.truth import truth_table
from models.contracts import CHANNEL_CODE, DAY

SMALL = 10_000  # customers of a world whose row ids have six digits rather than nine
# Shares of the ends that are not the customer's wish: non_payment, deceased, moved, company.
OTHER_ENDS = (2, 3, 4, 5)  # positions in END_KINDS
OTHER_END_SHARES = (0.4, 0.1, 0.4, 0.1)  # assumed


@dataclass(frozen=True)
class Hidden:
    """The parts of a world as they stand; they move on with it. Nothing else may change them."""

    midnight: int  # seconds since 1970 UTC of day 0
    people: People
    terms: Terms
    feelings: Feelings
    service: Service
    draws: Draws
    naming: Naming


class World:
    """A service organisation and its customers, seeded and steppable.

    `day` is the number of days lived; `today` the date that comes next.
    """

    def __init__(self, settings: WorldSettings) -> None:
        self.settings = settings
        self.day = 0
        self._midnight = int(datetime.combine(settings.start, datetime.min.time(), UTC).timestamp())
        draws = self._draws = Draws(settings.seed)
        people = self._people = make_people(settings, draws)
        n = len(people)
        everyone = np.arange(n)
        self._service = Service(settings, draws)
        self._feelings = Feelings(settings, people, draws)
        self._terms = Terms(people, self._midnight)
        self._routine = Routine(settings, people, draws)
        self._desk = CaseDesk(settings, people, self._service, draws)
        self._troubles = Clock(draws, "troubles", n)
        self._outreach = Outreach(settings, people, draws)
        self._agenda = Agenda(self._midnight)
        # A customer leaves when the hazard lived through exceeds this (inverse transform).
        self._endurance = draws.exponential("endurance", -1, everyone)
        self._other_end = draws.exponential("other end", -1, everyone)
        self._back = np.full(n, FAR)  # the day on which one who left comes back
        self._rows = 0
        width = max(5, len(str(n)))
        agents = max(3, len(str(self._service.people)))
        self._naming = Naming(6 if n < SMALL else 9, width, agents, self._outreach.messages)
        self._states: list[State] = []

    @property
    def today(self) -> date:
        """The date that the next `advance` begins with."""
        return self.settings.start + timedelta(days=self.day)

    @property
    def hidden(self) -> Hidden:
        """What drives the world, for what is built around it in this package; not for models."""
        return Hidden(
            self._midnight, self._people, self._terms, self._feelings, self._service, self._draws,
            self._naming,
        )  # fmt: skip

    def advance(self, days: int, contacts: pd.DataFrame | None = None) -> pd.DataFrame:
        """Live through some days; returns their interactions (contract columns), sorted by time.

        `contacts`: customer_id, at (timestamp within these days; naive is UTC), kind (playbook),
        optionally channel and message_id. Each becomes an `outreach_sent` and has its true
        effect. ValueError for an unknown customer or a time outside these days.
        """
        frame: pd.DataFrame = self.advance_table(days, contacts).to_pandas()
        return frame

    def advance_table(self, days: int, contacts: pd.DataFrame | None = None) -> pa.Table:
        """As `advance`, as an Arrow table: quicker for large worlds."""
        begin = self._midnight + self.day * DAY
        self._outreach.plan(contacts, begin, begin + days * DAY, self._naming.customer_width)
        blocks, texts = [], []
        for _ in range(days):
            blocks.append(self._live_one_day())
            texts.append(self._words(blocks[-1]))
        rows = np.concatenate(blocks) if blocks else self._agenda.take(-1)
        table = interactions_table(rows, self._rows + 1, self._naming)
        self._rows += len(rows)
        if self.settings.words > 0.0:
            table = table.append_column("text", pa.chunked_array(texts, pa.string()))
        return table

    def _words(self, rows: Rows) -> pa.Array:
        """What was said on the day that is over."""
        if self.settings.words <= 0.0:
            return pa.nulls(len(rows), pa.string())
        return words.texts(
            self._draws, self._people, rows, self._feelings.mood, self._feelings.felt(),
            self.settings.words,
        )  # fmt: skip

    def customers(self) -> pd.DataFrame:
        """The contract's `customers`: all who have joined so far."""
        return tables.customers(
            self._draws, self._people, self._joined(), self._midnight, self._naming
        )

    def consents(self) -> pd.DataFrame:
        """The contract's `consents` of all who have joined so far."""
        return tables.consents(
            self._draws, self._people, self._joined(), self._midnight, self._naming
        )

    def terms(self) -> pd.DataFrame:
        """The contract's `terms` as known today: a renewed yearly term ends and another begins."""
        return self._terms.table(self._midnight + self.day * DAY, self._naming)

    def agents(self) -> pd.DataFrame:
        """The contract's `agents`: all who had begun by today."""
        return tables.agents(self._service, self.day, self._midnight, self._naming)

    def owners(self) -> pd.DataFrame:
        """The contract's `owners`."""
        return tables.owners(self._people)

    def truth(self, horizons: tuple[int, ...] = (30, 60, 90)) -> pd.DataFrame:
        """What nobody can know: one row a customer and truth date, for tests alone.

        Columns in data_samples/README.md. The state as of today is the last of the dates.
        """
        now = self._state()
        known = [state for state in self._states if state.day != now.day]
        return truth_table(
            self.settings,
            self._people,
            self._terms,
            [*known, now],
            horizons,
            self._midnight,
            self._naming,
        )

    def _joined(self) -> NDArray[np.int64]:
        return np.flatnonzero(self._people.joined_day < self.day)

    def _state(self) -> State:
        """Hidden state this midnight of all who are customers and not under notice."""
        midnight = self._midnight + self.day * DAY
        here = (self._people.joined_day < self.day) & (self._terms.decided() >= midnight)
        return self._feelings.state(np.flatnonzero(here), self.day, self._terms.ends_day)

    def _is_truth_date(self) -> bool:
        dates = self.settings.truth_dates
        return self.today.day == 1 if dates is None else self.today in dates

    def _live_one_day(self) -> Rows:
        if self._is_truth_date():
            self._states.append(self._state())
        day, midnight = self.day, self._midnight + self.day * DAY
        sent = self._outreach.send(midnight, self._feelings, self._terms)
        self._feelings.step(day)
        self._terms.renew(day)
        self._come_back(day)
        felt = self._feelings.felt()
        self._leave(day, midnight, felt)
        today = Today(day, midnight, self._here(midnight), felt, self._feelings.mood)
        self._service.open_day(day, self.today.weekday())
        blocks, struck, handed = self._routine.rows(today)
        # Trouble on the platform brings tomorrow's cases forward.
        struck = struck[~self._people.silent[struck]]
        self._troubles.hasten(struck, 0.6 * self._draws.exponential("hasten", day, struck))
        due = self._agenda.take(day)
        opening = self._opening(today, due[due["kind"] == CODE[REPEAT]], handed)
        cases = self._desk.course(day, opening, self._feelings.mood[opening.customer])
        self._agenda.put([due, *sent, *blocks, *cases])
        self.day += 1
        return self._happened(self._agenda.take(day))

    def _here(self, midnight: int) -> Floats:
        """1 with a running relationship, less under notice, 0 before and after."""
        begun = self._people.joined_day <= self.day
        here = np.where(self._terms.notice < midnight, 0.3, 1.0)
        here *= begun & (self._terms.ended > midnight)
        return here

    def _leave(self, day: int, midnight: int, felt: Floats) -> None:
        """Some decide to leave today; a few end for reasons of their own."""
        people, terms, draws = self._people, self._terms, self._draws
        staying = (people.joined_day <= day) & (terms.decided() == NEVER)
        tenure = day - people.joined_day
        daily = hazard(self.settings, felt, terms.ends_day - day, people.yearly, tenure)
        self._endurance -= daily * staying
        self._other_end -= staying * (self.settings.other_ends_per_year / 365.0)
        other = np.flatnonzero(staying & (self._other_end <= 0.0))
        kind = np.array(OTHER_ENDS)[draws.pick("end", day, other, OTHER_END_SHARES)]
        terms.end(other, midnight + 79_200 + other % 3_600, kind)
        who = np.flatnonzero(staying & (self._endurance <= 0.0) & (self._other_end > 0.0))
        second = 28_800 + (43_200 * draws.uniform("leaves", day, who)).astype(np.int64)
        terms.leave(
            who, midnight + second, draws.chance("notice", day, who, self.settings.gives_notice)
        )
        returns = who[draws.chance("win-back", day, who, self.settings.win_backs)]
        away = 45 + self.settings.win_back_days * draws.exponential("away for", day, returns)
        self._back[returns] = (terms.ended[returns] - self._midnight) // DAY + away.astype(np.int64)

    def _come_back(self, day: int) -> None:
        """Some who left begin anew, with new luck."""
        who = np.flatnonzero(self._back == day)
        self._back[who] = FAR
        self._terms.begin_anew(who, day)
        self._feelings.begin_anew(who)
        self._endurance[who] = self._draws.exponential("endurance", day, who)

    def _opening(self, today: Today, repeats: Rows, handed: NDArray[np.int64]) -> Opening:
        """Today's cases: fresh troubles, troubles that came back, and what the bot handed on."""
        draws, day, people = self._draws, today.day, self._people
        asks = np.clip(1.0 - 0.25 * today.mood, 0.6, 2.0)  # the unhappy ask more
        asks *= np.where(day - people.joined_day < 60, 2.0, 1.0)  # as newcomers do
        fresh = self._troubles.step(day, people.case_rate * asks * (today.here > 0))
        back = repeats[today.here[repeats["customer"]] > 0]
        who, first = np.unique(
            np.concatenate([back["customer"].astype(np.int64), handed, fresh]), return_index=True
        )
        source = np.searchsorted([len(back), len(back) + len(handed)], first, side="right")
        topic = draws.pick("topic", day, who, TOPIC_SHARES)
        # Before they go, some ask about their contract.
        going = 0.35 / (1.0 + np.exp(3.0 + 2.5 * today.felt[who]))
        topic[draws.chance("asks to go", day, who, going)] = CASE_TOPICS.index("contract")
        topic[source == 0] = back["topic"][first[source == 0]]
        topic[source == 1] = 4  # how_to, as the bot understood it
        codes = np.array([CHANNEL_CODE[name] for name in CASE_CHANNELS], np.int8)
        channel = codes[draws.pick("channel", day, who, CASE_CHANNEL_SHARES)]
        channel[source == 1] = CHANNEL_CODE["chat"]
        return Opening(who, self._routine.moment("case", today, who), topic, channel, source == 0)

    def _happened(self, rows: Rows) -> Rows:
        """The rows of the day that is over, in time, without those of customers who had gone."""
        rows = rows[rows["at"] < self._terms.ended[rows["customer"]]]
        moving = rows[rows["mood"] != 0.0]
        self._feelings.shake(moving["customer"], moving["mood"])
        rows = rows[rows["kind"] > NONE]
        ordered: Rows = rows[np.argsort(rows["at"], kind="stable")]
        return ordered
