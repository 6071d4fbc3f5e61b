"""The service organisation: agents with skill and tenure, teams, and queues that fill up."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from data_samples.draws import Draws, Floats
from data_samples.settings import WorldSettings

TEAMS = ("accounts", "logistics", "technical")
# The team that answers each topic of rows.CASE_TOPICS, and how often the topic comes up (assumed).
TEAM_OF_TOPIC = np.array([0, 1, 2, 2, 2, 0])
TOPIC_SHARES = (0.24, 0.2, 0.12, 0.22, 0.14, 0.08)
BOTS = 2
WEEKEND_STAFF = 0.5  # of a weekday's (assumed)
MEAN_STAY_DAYS = 500.0  # mean stay of an agent; 30 to 45% leave a year in call centres (assumed)


class Service:
    """Agents and the load of their teams, day by day.

    Agent numbers: the bots first, then the people in the order of their first day.
    """

    def __init__(self, settings: WorldSettings, draws: Draws) -> None:
        self._draws = draws
        seats = settings.agent_count
        self._hire(settings, seats)
        self.people = len(self.team)
        everyone = np.arange(self.people)
        self.skill = draws.normal("skill", -1, everyone)
        self.speed = np.exp(0.3 * draws.normal("speed", -1, everyone))  # factor on waits
        self.backlog = np.zeros(len(TEAMS))
        self._wanted = np.zeros(len(TEAMS))
        share = np.bincount(TEAM_OF_TOPIC, TOPIC_SHARES, len(TEAMS))
        # Square-root staffing (Halfin and Whitt 1981): small teams need a larger reserve.
        expected = settings.customers * 0.7 * settings.cases_per_year * 0.9 / 365.0
        staffed = np.bincount(self.team[BOTS:][self._on_duty(0)[BOTS:]], minlength=len(TEAMS))
        staffing = (5 + 2 * WEEKEND_STAFF) / 7 * np.maximum(staffed, 1)
        load = np.maximum(expected * share, 0.25)
        self._per_agent = (load / settings.agent_utilisation + 0.7 * np.sqrt(load)) / staffing

    def _hire(self, settings: WorldSettings, seats: int) -> None:
        """Fill each seat for the whole time: one agent after another, with a gap between."""
        horizon = settings.days + 3 * 365
        starts, ends, teams = [0] * BOTS, [horizon * 9] * BOTS, [-1] * BOTS
        for seat in range(seats):
            day, turn = -round(900 * self._luck("since", seat)), 0
            while day < horizon:
                wait = -np.log(self._luck(f"stay/{turn}", seat))
                leaves = day + 60 + round(MEAN_STAY_DAYS * wait)
                starts.append(day)
                ends.append(leaves)
                teams.append(int(seat % 5 // 2))  # two fifths, two fifths, one fifth
                day, turn = leaves + 5 + round(60 * self._luck(f"gap/{turn}", seat)), turn + 1
        order = np.r_[:BOTS, BOTS + np.argsort(starts[BOTS:], kind="stable")]
        self.starts: NDArray[np.int64] = np.array(starts)[order]
        self.ends: NDArray[np.int64] = np.array(ends)[order]
        self.team: NDArray[np.int64] = np.array([(0, 2, 1)[t] if t >= 0 else -1 for t in teams])[
            order
        ]

    def _luck(self, purpose: str, seat: int) -> float:
        return float(self._draws.uniform("seat/" + purpose, -1, np.array([seat]))[0])

    def _on_duty(self, day: int) -> NDArray[np.bool_]:
        return (self.starts <= day) & (day < self.ends)

    def open_day(self, day: int, weekday: int) -> None:
        """Work off what had piled up, with the staff of that day."""
        duty = self._on_duty(day)
        duty[:BOTS] = False
        self._desks = [np.flatnonzero(duty & (self.team == team)) for team in range(len(TEAMS))]
        staff = np.array([len(desk) for desk in self._desks])
        # Up to a third is away in a bad week: holidays, illness (assumed).
        away = self._draws.uniform("away", day // 7, np.arange(len(TEAMS))) ** 3 / 3.0
        present = (WEEKEND_STAFF if weekday >= 5 else 1.0) * (1.0 - away)
        self.capacity = np.maximum(staff, 0.5) * self._per_agent * present
        # Never more than a fortnight's work: beyond it, customers give up by themselves.
        left = np.clip(self.backlog + self._wanted - self.capacity, 0.0, 14.0 * self.capacity)
        self.backlog, self._wanted = left, np.zeros(len(TEAMS))
        self.skill_now = self.skill - 0.8 * np.exp(-np.maximum(day - self.starts, 0) / 90.0)

    def take_on(self, topic: NDArray[np.int64]) -> Floats:
        """New cases of the given topics; returns the factor by which each waits longer.

        Waits grow with the work before one, in days of the team's capacity, and steeply near
        full use, as in any queue (Kingman 1961; Gans, Koole and Mandelbaum 2003).
        """
        team = TEAM_OF_TOPIC[topic]
        self._wanted += np.bincount(team, minlength=len(TEAMS))
        busy = self.backlog / self.capacity
        factor: Floats = np.minimum(0.75 + 0.9 * busy, 8.0)[team]
        return factor

    def agent_for(
        self, purpose: str, day: int, customers: NDArray[np.integer], topic: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Someone on duty in the topic's team for each customer."""
        luck = self._draws.uniform(purpose, day, customers)
        team = TEAM_OF_TOPIC[topic]
        chosen = np.zeros(len(customers), np.int64)
        for number, desk in enumerate(self._desks):
            mine = team == number
            # An empty team is helped out by the first bot: nobody else is there.
            if len(desk):
                chosen[mine] = desk[(luck[mine] * len(desk)).astype(np.int64)]
        return chosen
