"""The contract book of a company: the terms as its CRM has them, version by version.

The world says who joins, renews, gives notice, leaves and comes back. The book adds what changes
nothing of that: tiers, add-ons, pauses, prices. A renewal rolls `ends_at` on in place.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data_samples.company.luck import Luck
from data_samples.company.mail import Mail
from data_samples.company.settings import CompanySettings
from data_samples.people import REGIONS
from data_samples.terms import NEVER, YEAR, instants
from data_samples.world import Hidden
from models.contracts import DAY, END_KINDS

TIERS, TIER_PRICES = ("basic", "standard", "premium"), (0.7, 1.0, 1.4)
ADD_ON, ADD_ON_PRICE = "care_plan", 0.25
# Pounds to the euro at the list price; the day's rate moves around it (surroundings.py).
PER_EURO = {"EUR": 1.0, "GBP": 0.86, "CHF": 0.95}
NOON = 43_200
UNHAPPY = -0.5  # attachment below which a customer may be offered a lower price (assumed)
COLUMNS = (
    "customer_id", "term_id", "product", "value_per_month", "currency", "started_at", "ends_at",
    "notice_at", "ended_at", "end_kind", "paused_from", "paused_to", "recorded_at", "updated_at",
)  # fmt: skip

Ids = NDArray[np.int64]


@dataclass
class Term:
    """One term as the CRM has it now. Times are seconds since 1970 UTC, NEVER if not come."""

    customer: int
    term_id: str
    product: str
    value_per_month: float
    currency: str
    started_at: int
    ends_at: int
    notice_at: int = NEVER
    ended_at: int = NEVER
    end_kind: str | None = None
    paused_from: int = NEVER
    paused_to: int = NEVER
    recorded_at: int = 0  # of the newest version


class ContractBook:
    """The running terms of all customers; `day` follows the world."""

    def __init__(self, settings: CompanySettings, hidden: Hidden, luck: Luck, mail: Mail) -> None:
        self._settings, self._hidden, self._luck, self._mail = settings, hidden, luck, mail
        n = len(hidden.people)
        self._running: dict[int, list[Term]] = {}  # by customer: the main term, then the add-on
        self._opened = np.zeros(n, np.int64)  # main terms so far; numbers them
        self._tier = luck.draws.pick("tier", -1, np.arange(n), (0.3, 0.5, 0.2))
        self._ends_day = hidden.terms.ends_day.copy()
        self._notice = np.full(n, NEVER)
        self._ended = np.full(n, NEVER)  # as the book has it
        self._pause = np.full((2, n), NEVER)  # first and last second of the latest pause
        self._discounted = np.zeros(n, bool)
        self._versions: list[Term] = []

    def paused(self, customer: Ids, at: Ids) -> NDArray[np.bool_]:
        """Whether customers are in a pause at second `at`, (n,)."""
        inside: NDArray[np.bool_] = (self._pause[0, customer] <= at) & (
            at < self._pause[1, customer]
        )
        return inside

    def day(self, day: int, *, first: bool) -> None:
        """Enter what the world did on `day`; `first`: all who were there before, too."""
        people, terms = self._hidden.people, self._hidden.terms
        begun = people.joined_day <= day if first else people.joined_day == day
        came_back = (self._ended != NEVER) & (terms.ended == NEVER)
        for customer in np.flatnonzero(begun | came_back):
            self._open(int(customer))
        for customer in np.flatnonzero(terms.ends_day > self._ends_day):
            self._renew(int(customer))
        self._ends_day = terms.ends_day.copy()
        for customer in np.flatnonzero((terms.notice != NEVER) & (self._notice == NEVER)):
            self._give_notice(int(customer))
        self._notice = terms.notice.copy()
        tomorrow = self._hidden.midnight + (day + 1) * DAY
        for customer in np.flatnonzero((terms.ended < tomorrow) & (self._ended == NEVER)):
            self._end(int(customer))
        if not first:
            self._change(day)

    def post(self) -> None:
        """Hand over the versions since the last time."""
        if self._versions:
            known = np.array([term.recorded_at for term in self._versions])
            self._mail.post("terms", "crm", self._rows(self._versions), known)
            self._versions = []

    def _change(self, day: int) -> None:
        """What moves within contracts that go on, each thing for some customers."""
        settings, daily = self._settings, self._luck.daily
        terms, felt = self._hidden.terms, self._hidden.feelings.felt()
        now = self._hidden.midnight + day * DAY + NOON
        staying = (terms.decided() == NEVER) & (self._opened > 0) & (terms.started < now - DAY)
        staying &= (self._pause[1] == NEVER) | (self._pause[1] < now)
        who = np.flatnonzero(staying)
        struck = {}
        for plant, a_year in (
            ("pauses", settings.pauses), ("plan_changes", settings.plan_changes),
            ("discounts", np.where(felt[who] < UNHAPPY, settings.discounts, 0.0)),
            ("add_ons_lost", settings.add_ons_lost),
        ):  # fmt: skip
            struck[plant] = daily(plant, day, who, a_year)
        for customer in struck["pauses"]:
            self._start_pause(int(customer), day)
        for customer in np.setdiff1d(struck["plan_changes"], struck["pauses"]):
            self._change_plan(int(customer), day, now, float(felt[customer]))
        for customer in struck["discounts"][~self._discounted[struck["discounts"]]]:
            self._discounted[customer] = True
            main = self._running[int(customer)][0]
            main.value_per_month = round(main.value_per_month * (1.0 - settings.discount), 2)
            self._write([main], now)
        for customer in struck["add_ons_lost"]:
            for term in self._running[int(customer)][1:]:
                term.ended_at, term.end_kind = now, "cancelled"
                self._write([term], now)
            del self._running[int(customer)][1:]
        for customer in np.flatnonzero(self._pause[1] // DAY == now // DAY):
            self._end_pause(int(customer))

    def _open(self, customer: int) -> None:
        people, terms = self._hidden.people, self._hidden.terms
        back = self._opened[customer] > 0
        # Before the world began, the term had begun with the relationship and been renewed since.
        joined = self._hidden.midnight + int(people.joined_day[customer]) * DAY
        started = joined + int(people.joined_second[customer])
        if back:
            started = int(terms.started[customer])
        self._ended[customer] = NEVER
        self._ends_day[customer] = terms.ends_day[customer]
        yearly = bool(people.yearly[customer])
        ends = self._last_end(customer) if back else started + YEAR * DAY
        main = self._new_main(customer, started, ends if yearly else NEVER)
        self._running[customer] = [main]
        extra = self._luck.draws.chance(
            "add-on", -1, np.array([customer]), self._settings.add_ons
        )[0]  # fmt: skip
        if extra and not back:
            value = round(main.value_per_month * ADD_ON_PRICE, 2)
            name = main.term_id.rpartition("-")[0] + "-A"
            self._running[customer].append(
                Term(customer, name, ADD_ON, value, main.currency, started, main.ends_at)
            )
        self._write(self._running[customer], started)
        self._disagree(main)
        if yearly and not back:
            self._renew(customer)

    def _new_main(self, customer: int, started: int, ends: int) -> Term:
        people = self._hidden.people
        self._opened[customer] += 1
        region = REGIONS[int(people.region[customer])][0]
        currency = self._settings.foreign.get(region, "EUR")
        value = float(people.value[customer]) * PER_EURO[currency]
        width = self._hidden.naming.customer_width
        return Term(
            customer, f"T{customer:0{width}d}-{self._opened[customer]}",
            TIERS[self._tier[customer]], round(value, 2), currency, started, ends,
        )  # fmt: skip

    def _renew(self, customer: int) -> None:
        """Roll `ends_at` on to the world's, a version a year, each known at its renewal."""
        last = self._last_end(customer)
        terms = self._running[customer]
        while terms[0].ends_at < last:
            renewed = terms[0].ends_at
            for term in terms:
                term.ends_at = renewed + YEAR * DAY
            self._write(terms, renewed)

    def _last_end(self, customer: int) -> int:
        """The planned end of the world's present term."""
        day = int(self._hidden.terms.ends_day[customer])
        second = int(self._hidden.people.joined_second[customer])
        return self._hidden.midnight + day * DAY + second

    def _give_notice(self, customer: int) -> None:
        notice = int(self._hidden.terms.notice[customer])
        for term in self._running[customer]:
            term.notice_at = notice
        self._write(self._running[customer], notice)

    def _end(self, customer: int) -> None:
        world = self._hidden.terms
        self._ended[customer] = ended = int(world.ended[customer])
        for term in self._running[customer]:
            term.ended_at, term.end_kind = ended, END_KINDS[world.end_kind[customer]]
        self._write(self._running.pop(customer), ended)
        self._pause[:, customer] = NEVER

    def _start_pause(self, customer: int, day: int) -> None:
        """From tomorrow on; known some days before or after, its end only for half of them."""
        least, most = self._settings.pause_days
        luck = self._luck.draws.uniform("pause", day, np.array([customer]))[0]
        length = least + int((most - least) * luck)
        begin = self._hidden.midnight + (day + 1) * DAY
        self._pause[:, customer] = begin, begin + length * DAY
        for term in self._running[customer]:
            term.paused_from = begin
            term.paused_to = begin + length * DAY if luck < 0.5 else NEVER
        self._write(self._running[customer], begin - NOON)

    def _end_pause(self, customer: int) -> None:
        over = int(self._pause[1, customer])
        running = self._running.get(customer, [])
        for term in running:
            term.paused_to = over
        self._write(running, over)

    def _change_plan(self, customer: int, day: int, now: int, felt: float) -> None:
        """A tier up, or down for those who are less attached; a new term follows at once."""
        noise = self._luck.draws.normal("tier change", day, np.array([customer]))[0]
        tier = int(self._tier[customer])
        new = tier + 1 if felt + 0.5 * noise > 0.0 else tier - 1
        if not 0 <= new < len(TIERS):
            return
        old = self._running[customer][0]
        self._tier[customer] = new
        old.ended_at = now
        term = self._new_main(customer, now, old.ends_at)
        price = old.value_per_month * TIER_PRICES[new] / TIER_PRICES[tier]
        term.value_per_month = round(price, 2)
        self._running[customer][0] = term
        # Written as one: no night sees the one ended and not the other begun.
        self._write([old, term], now)

    def _write(self, terms: list[Term], at: int) -> None:
        """New versions of one customer's terms, known together some time after `at`."""
        if not terms:
            return
        who = np.array([terms[0].customer])
        lag = int(self._luck.lag("crm", "terms", at // DAY, who)[0])
        newest = max(term.recorded_at for term in terms)
        for term in terms:
            term.recorded_at = max(at + lag, newest + 60)
            self._versions.append(Term(**asdict(term)))

    def _disagree(self, main: Term) -> None:
        """The shop bills some at another value, and said so before the CRM did."""
        who = np.array([main.customer])
        if self._luck.draws.chance("value differs", -1, who, self._settings.disagreeing)[0]:
            said = Term(**asdict(main))
            said.value_per_month = round(1.1 * main.value_per_month, 2)
            said.recorded_at = said.started_at
            rows = self._rows([said])
            self._mail.post("terms", "shop", rows, np.array([said.recorded_at]))

    def _rows(self, versions: list[Term]) -> pd.DataFrame:
        rows = pd.DataFrame([asdict(term) for term in versions])
        ids = self._hidden.naming.customers(rows.pop("customer").to_numpy())
        rows["customer_id"] = ids.to_pandas()
        rows["updated_at"] = rows["recorded_at"]
        for column in COLUMNS:
            if column.endswith("_at") or column.startswith("paused"):
                rows[column] = instants(rows[column].to_numpy(np.int64))
        return rows[list(COLUMNS)]
