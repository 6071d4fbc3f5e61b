"""The hidden part of customers: mood, attachment, the hazard of leaving, what a contact does.

    fit         how well the product suits; moved by private events, drifts back over months
    mood        what service does to the customer; drifts back to 0 over months
    attachment  follows fit + mood with a lag; use and the hazard of leaving follow attachment
    lift        what contacts added to attachment; wears off

So use thins out before a customer leaves, and a bad experience costs customers weeks later.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data_samples.draws import Clock, Draws, Floats
from data_samples.people import PERSUADABLE, SLEEPING_DOG, People
from data_samples.settings import WorldSettings

HALF = np.log(2.0)
TRUTH_STEP = 5  # days between the points at which the hazard ahead is worked out
NEWCOMER_DAYS = 120  # the hazard is higher at first and falls (Fader and Hardie 2007, assumed size)
NEWCOMER_HAZARD = 1.5
SURVIVORS = 0.4  # in fit, after some years (assumed)
# What the happenings of a year and the average case do to mood, all told: measured on the world.
LOSS_A_YEAR, LOSS_A_CASE = -0.6, -1.4
# Variance that what may still happen adds to attachment, in the end: measured on the world
# itself; tests hold the mean of the true probabilities to the share that leaves.
SPREAD_AHEAD = 0.28


@dataclass(frozen=True)
class State:
    """Hidden state of n customers at one midnight, enough to work out what lies ahead."""

    who: NDArray[np.int64]
    day: int
    fit: Floats
    mood: Floats
    usual_mood: Floats
    attachment: Floats
    lift: Floats
    fresh: Floats  # factor on the effect of a contact today: 1, or less soon after another
    term_ends: NDArray[np.int64]  # day of the next yearly end; far away for month contracts


class Feelings:
    """State of all customers, moved by `step`; arrays are (customers,) float64."""

    def __init__(self, settings: WorldSettings, people: People, draws: Draws) -> None:
        n = len(people)
        everyone = np.arange(n)
        self._settings = settings
        self._people = people
        self._draws = draws
        self.fit = 0.4 * draws.normal("fit", -1, everyone)
        self.mood = 0.5 * draws.normal("mood", -1, everyone)
        # The company has lost most of those whom it never suited: survivors suit it better.
        self.fit += SURVIVORS * (1.0 - np.exp(np.minimum(people.joined_day, 0) / 365.0))
        self.usual_mood = usual_mood(settings, people)
        self.mood += self.usual_mood * np.where(people.joined_day < 0, 1.0, 0.3)
        self.attachment = self.fit + self.mood
        self.lift = np.zeros(n)
        self.last_contact = np.full(n, -10_000)
        self._private = Clock(draws, "private", n)
        self._quiet = Clock(draws, "quiet", n)
        self._private_rate = np.full(n, settings.private_per_year / 365.0)
        self._quiet_rate = np.full(n, settings.quiet_per_year / 365.0)

    def step(self, day: int) -> None:
        """One day passes, and with it what nobody writes down."""
        settings = self._settings
        self.mood *= np.exp(-HALF / settings.mood_half_life)
        self.fit *= np.exp(-HALF / settings.fit_half_life)
        self.lift *= np.exp(-HALF / settings.lift_half_life)
        self.attachment += (self.fit + self.mood - self.attachment) / settings.attachment_lag
        moved = self._private.step(day, self._private_rate)
        self.fit[moved] += settings.private_size * self._draws.normal("private", day, moved)
        failed = self._quiet.step(day, self._quiet_rate)
        size = settings.quiet_size * self._draws.exponential("quiet size", day, failed)
        self.shake(failed, -size)

    def shake(self, who: NDArray[np.integer], by: Floats) -> None:
        """Move the mood of some (one may appear twice), each after their own impatience."""
        np.add.at(self.mood, who, by * self._people.impatience[who])
        # Beyond this nobody gets angrier: the hazard stays a hazard.
        self.mood[who] = np.clip(self.mood[who], -3.5, 1.5)

    def felt(self) -> Floats:
        """Attachment with what contacts added."""
        felt: Floats = self.attachment + self.lift
        return felt

    def contact(self, who: NDArray[np.int64], day: int, strength: Floats) -> None:
        """Contacts take effect: `strength` (n,) is that of the playbook."""
        gain = contact_gain(self._settings, self._people.response[who], self.felt()[who])
        np.add.at(self.lift, who, gain * self._fresh(who, day) * strength)
        self.last_contact[who] = day

    def begin_anew(self, who: NDArray[np.int64]) -> None:
        """Who comes back has forgiven: mood, contacts and a bad fit are forgotten."""
        self.mood[who] = self.lift[who] = 0.0
        self.fit[who] = np.maximum(self.fit[who], 0.0)
        self.attachment[who] = self.fit[who]

    def _fresh(self, who: NDArray[np.int64], day: int) -> Floats:
        again = day - self.last_contact[who] < self._settings.fatigue_days
        return np.where(again, 1.0 / 3.0, 1.0)

    def state(self, who: NDArray[np.int64], day: int, term_ends: NDArray[np.int64]) -> State:
        """A copy of what is true of some customers now."""
        return State(
            who, day, self.fit[who], self.mood[who], self.usual_mood[who], self.attachment[who],
            self.lift[who], self._fresh(who, day), term_ends[who],
        )  # fmt: skip


def usual_mood(settings: WorldSettings, people: People) -> Floats:
    """The mood at which failures and forgetting balance for each customer, n float64."""
    quiet = -settings.quiet_per_year * settings.quiet_size
    yearly = quiet + LOSS_A_YEAR + LOSS_A_CASE * 365.0 * people.case_rate
    level: Floats = people.impatience * yearly / 365.0 * settings.mood_half_life / HALF
    return np.maximum(level, -2.0)


def contact_gain(settings: WorldSettings, response: NDArray[np.int64], felt: Floats) -> Floats:
    """What a contact adds to attachment now, n float64: most for the moderately unhappy."""
    moderately = np.exp(-0.5 * ((felt + 1.1) / 0.8) ** 2)
    asleep = 1.0 / (1.0 + np.exp(3.0 * (felt - 0.5)))  # the truly attached cannot be woken
    gain: Floats = np.where(response == PERSUADABLE, settings.contact_lift * moderately, 0.0)
    gain[response == SLEEPING_DOG] = -settings.contact_harm * asleep[response == SLEEPING_DOG]
    return gain


def hazard(
    settings: WorldSettings,
    felt: Floats,
    until_term_end: NDArray[np.int64],
    yearly: NDArray[np.bool_],
    tenure: NDArray[np.int64],
) -> Floats:
    """Chance of deciding to leave within a day, n float64."""
    window = until_term_end <= settings.window_days
    contract = np.where(window, settings.yearly_window, settings.yearly_locked)
    daily = np.exp(-settings.pull * felt)
    daily *= np.where(yearly, contract, 1.0)
    daily *= np.where(tenure < NEWCOMER_DAYS, NEWCOMER_HAZARD, 1.0)
    daily *= settings.leave_per_year / 365.0
    return np.minimum(daily, 0.08)  # even the angriest take some days to act


def leave_probability(
    settings: WorldSettings,
    people: People,
    state: State,
    horizon: int,
    extra_lift: Floats | float = 0.0,
) -> Floats:
    """True probability of deciding to leave in `[day, day + horizon)`, n float64.

    The expected path of the state is followed and its spread allowed for, which is exact but
    for the shape of what may still happen. `extra_lift`: as if a contact had added that.
    """
    total = np.zeros(len(state.who))
    lag = settings.attachment_lag
    mood_decay, fit_decay = HALF / settings.mood_half_life, HALF / settings.fit_half_life
    yearly, joined = people.yearly[state.who], people.joined_day[state.who]
    usual = state.usual_mood
    excess = _follow(state.mood - usual, mood_decay, lag)
    fit = _follow(state.fit, fit_decay, lag)
    behind = state.attachment - usual - excess - fit
    for start in range(0, horizon, TRUTH_STEP):
        days = min(TRUTH_STEP, horizon - start)
        middle = start + days / 2.0
        path = (
            behind * np.exp(-middle / lag)
            + usual
            + excess * np.exp(-mood_decay * middle)
            + fit * np.exp(-fit_decay * middle)
            + (state.lift + extra_lift) * np.exp(-HALF / settings.lift_half_life * middle)
        )
        ahead = 1.0 - np.exp(-2.0 * mood_decay * middle)
        path -= settings.pull / 2.0 * SPREAD_AHEAD * ahead
        date = state.day + int(middle)
        until = np.where(state.term_ends > date, state.term_ends, state.term_ends + 365) - date
        total += days * hazard(settings, path, until, yearly, date - joined)
    return 1.0 - np.exp(-total)


def _follow(level: Floats, decay: float, lag: float) -> Floats:
    """Where attachment settles behind a level that falls at `decay` a day."""
    return level / (1.0 - decay * lag)
