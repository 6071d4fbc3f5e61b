"""What lies around the customers of a company: agents, opening hours, holidays, rates, gaps."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd

from data_samples import tables
from data_samples.company.contracts import PER_EURO
from data_samples.company.luck import Luck
from data_samples.company.mail import Mail
from data_samples.company.settings import CompanySettings, Gap
from data_samples.service import TEAMS
from data_samples.terms import NEVER, instants
from data_samples.world import Hidden
from models.contracts import DAY

ZONE = "Europe/Berlin"  # where the service teams sit
OPENS, CLOSES, SATURDAY_CLOSES = "08:00", "18:00", "13:00"  # assumed
# Public holidays of Germany with a fixed date, and Easter's for the years that worlds live in.
FIXED_HOLIDAYS = ((1, 1), (5, 1), (10, 3), (12, 25), (12, 26))
EASTER_SUNDAY = {
    2023: date(2023, 4, 9), 2024: date(2024, 3, 31), 2025: date(2025, 4, 20),
    2026: date(2026, 4, 5), 2027: date(2027, 3, 28), 2028: date(2028, 4, 16),
}  # fmt: skip
AFTER_EASTER = (-2, 1, 39, 50)  # Good Friday, Easter Monday, Ascension, Whit Monday
# A year's volatility of the pound against the euro, about 5% in recent years (assumed).
VOLATILITY = 0.05
RATES_BEFORE = 14  # days of rates before the world's first, so that every date has one


def post_agents(hidden: Hidden, mail: Mail) -> None:
    """A row when an agent begins, and a newer one when they have left."""
    service = hidden.service
    agents = tables.agents(service, NEVER // DAY // 2, hidden.midnight, hidden.naming)
    agents["updated_at"] = agents["started_at"]
    begins = np.maximum(hidden.midnight + service.starts * DAY, hidden.midnight)
    left = hidden.midnight + service.ends * DAY + 61_200
    gone = agents.assign(left_at=instants(left), updated_at=instants(left))
    stay = agents.assign(left_at=instants(np.full(len(agents), NEVER)))
    mail.post("agents", "helpdesk", stay, begins)
    leavers = service.ends < NEVER // DAY // 2
    mail.post("agents", "helpdesk", gone[leavers], left[leavers])


def post_hours(hidden: Hidden, mail: Mail, first: date, last: date) -> None:
    """Opening hours of each team and the holidays of the years from `first` to `last`."""
    rows = [
        (team, weekday, OPENS, CLOSES if weekday < 5 else SATURDAY_CLOSES, ZONE)
        for team in TEAMS
        for weekday in range(6 if team == "technical" else 5)
    ]
    hours = pd.DataFrame(rows, columns=["team", "weekday", "opens", "closes", "timezone"])
    days = sorted(
        day for year in range(first.year, last.year + 1) for day in _holidays(year)
    )  # fmt: skip
    closed = [(team, str(day)) for day in days for team in TEAMS]
    holidays = pd.DataFrame(closed, columns=["team", "date"])
    for name, table in (("calendars", hours), ("holidays", holidays)):
        mail.post(name, "helpdesk", table, np.full(len(table), hidden.midnight))


def _holidays(year: int) -> list[date]:
    fixed = [date(year, month, day) for month, day in FIXED_HOLIDAYS]
    easter = EASTER_SUNDAY.get(year)
    return fixed + [easter + timedelta(days=n) for n in AFTER_EASTER if easter is not None]


def post_gaps(hidden: Hidden, mail: Mail, gaps: tuple[Gap, ...]) -> None:
    """Declared gaps, a day after they are over."""
    told = [gap for gap in gaps if gap.declared]
    begin = np.array([hidden.midnight + gap.day * DAY for gap in told], np.int64)
    end = begin + np.array([gap.days * DAY for gap in told], np.int64)
    rows = pd.DataFrame(
        {
            "source": [gap.source for gap in told],
            "kind": pd.Series([None] * len(told), dtype=object),
            "from": instants(begin),
            "to": instants(end),
            "recorded_at": instants(end + DAY),
        }
    )
    mail.post("feed_gaps", "crm", rows, end + DAY)


class Rates:
    """A rate to the euro a day for each foreign currency: a random walk, seeded."""

    def __init__(self, settings: CompanySettings, hidden: Hidden, luck: Luck, mail: Mail) -> None:
        self._luck, self._mail, self._midnight = luck, mail, hidden.midnight
        self._level = dict.fromkeys(sorted(set(settings.foreign.values()) - {"EUR"}), 0.0)
        self._rows: list[tuple[str, str, float, int]] = []
        for day in range(-RATES_BEFORE, 0):
            self.day(day)

    def day(self, day: int) -> None:
        """The rates of one day, known in its evening."""
        at = self._midnight + day * DAY
        for number, name in enumerate(self._level):
            step = self._luck.draws.normal("rate", day, np.array([number]))[0]
            self._level[name] += VOLATILITY / np.sqrt(365.0) * float(step)
            rate = round(float(np.exp(self._level[name])) / PER_EURO[name], 5)
            when = str(date(1970, 1, 1) + timedelta(seconds=at))
            self._rows.append((name, when, rate, at + 64_800))

    def post(self) -> None:
        """Hand over the rates since the last time."""
        if self._rows:
            rows = pd.DataFrame(self._rows, columns=["currency", "date", "rate", "known"])
            self._mail.post("rates", "crm", rows.drop(columns="known"), rows["known"].to_numpy())
            self._rows = []
