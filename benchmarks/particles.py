"""A particle filter over one simulated customer: what the world's own laws make of the log.

Each particle is one hidden course that could have been: fit, mood, attachment, and the traits that
never change. Every day it moves as `data_samples.feelings` moves the true one and is weighed by how
likely it makes what the log shows, staying included. Systematic resampling (Kitagawa, J. Comp.
Graph. Stat. 1996); rates and regularity are renewed after it by Metropolis steps on the particle's
own gaps (resample-move: Gilks and Berzuini, JRSS B 2001), impatience by a shrinking kernel (Liu and
West 2001), as nothing recurs that would tell it.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from data_samples import feelings
from data_samples.feelings import HALF, LOSS_A_CASE, LOSS_A_YEAR
from data_samples.settings import WorldSettings

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

compiled = numba.njit(nogil=True)

# What a particle carries. Rates and impatience are logarithms; the rates stand in their clocks'
# order.
FIT, MOOD, ATTACHMENT, MOVED, FAILED, FIRST_MOOD, IMPATIENCE, SHAPE, RATE = range(9)
USES, ORDERS, CASES = range(3)
# Of each clock, in time at the customer's pace: since it last struck, with the logarithm of that
# silence's chance where it has been weighed; of the gaps before, the sum, that of their logarithms
# and the first one.
CLOCK, PER_CLOCK = RATE + 3, 5
SINCE, WEIGHED, TOTAL, LOGS, FIRST = range(5)
FIELDS = CLOCK + 3 * PER_CLOCK

# What the log shows of a day, in the order in which it is weighed.
(
    USED, ORDERED, REFERRED, MET, MISSED, ANSWERED, NOT_ANSWERED, NOT_HANDED, NOT_HASTENED, OPENED,
    SPOKE, NOT_INVITED, MARKED,
) = range(13)  # fmt: skip

SHAPES = 6
SHAPE_SHARES = np.array([0.25, 0.2, 0.2, 0.15, 0.1, 0.1])
STEP, LONGEST = 0.01, 16.0  # of the tables of gaps, in mean gaps
IMPATIENCE_SPREAD = 0.35
KEPT = 0.99  # of impatience at each renewal; the rest is the group's mean and spread
STRUCK = 0.625  # chance that an outage does not bring a case at once: 1 / (1 + .6)
INVITED = 0.25  # share of the quarters in which the silent are still invited
LOOK = 5  # days between two looks at the weights where nothing happens


class Laws(NamedTuple):
    """The constants of a world as compiled loops read them."""

    fit_stays: float
    mood_stays: float
    lag: float
    private_rate: float
    private_size: float
    quiet_rate: float
    quiet_size: float
    hazard: float
    pull: float
    locked: float
    window: float
    window_days: int
    answers: float
    log_rates: tuple[float, float, float]
    spreads: tuple[float, float, float]
    usual: tuple[float, float, float]  # of a year, of a yearly case, days that a loss lasts
    use_amounts: bool
    staying: bool
    clocks: tuple[bool, bool, bool]
    marks: bool


def laws_of(settings: WorldSettings, without: str = "") -> Laws:
    """Of a world; `without` leaves one kind of sign unread: amounts, uses, orders, cases, staying
    or marks."""
    return Laws(
        math.exp(-HALF / settings.fit_half_life),
        math.exp(-HALF / settings.mood_half_life),
        settings.attachment_lag,
        settings.private_per_year / 365.0,
        settings.private_size,
        settings.quiet_per_year / 365.0,
        settings.quiet_size,
        settings.leave_per_year / 365.0,
        settings.pull,
        settings.yearly_locked,
        settings.yearly_window,
        settings.window_days,
        settings.survey_answers,
        (
            math.log(settings.uses_per_month / 30.0),
            math.log(settings.orders_per_year / 365.0),
            math.log(settings.cases_per_year / 365.0),
        ),
        (0.7, 0.6, 0.7),
        (
            -settings.quiet_per_year * settings.quiet_size + LOSS_A_YEAR,
            LOSS_A_CASE * 365.0,
            settings.mood_half_life / HALF / 365.0,
        ),
        without != "amounts",
        without != "staying",
        (without != "uses", without != "orders", without != "cases"),
        without != "marks",
    )


def gap_tables() -> tuple[Floats, Floats]:
    """Log survival and log density of gaps of mean 1, [2 x shapes, steps]: first of whole gaps of
    gamma shape 1, 2, ..., then of those begun at a random point, as all clocks begin."""
    from scipy.special import exp1, gammaincc, gammaln

    u = np.arange(0.0, LONGEST + STEP, STEP)
    u[0] = STEP / 100.0  # where a density has no value
    survival, density = [], []
    for m in range(1, SHAPES + 1):
        survival.append(gammaincc(m, m * u))
        density.append(np.exp(m * np.log(m) + (m - 1) * np.log(u) - m * u - gammaln(m)))
    for m in range(1, SHAPES + 1):
        begun = exp1(u) if m == 1 else m / (m - 1) * gammaincc(m - 1, m * u)
        survival.append(survival[m - 1] - u * begun)
        density.append(begun)
    logs = np.log(np.array(survival)), np.log(np.array(density))
    logs[0][:, 0] = 0.0
    return logs


@compiled
def _read(table: Floats, law: int, u: float) -> float:
    place = u / STEP
    i = min(int(place), table.shape[1] - 2)
    return float(table[law, i] + (place - i) * (table[law, i + 1] - table[law, i]))


@compiled
def _shape(clock: int, shape: int) -> int:
    if clock == USES:
        return shape
    return max(shape // 2, 1) if clock == ORDERS else 1


@compiled
def _usual(laws: Laws, impatience: float, case_rate: float) -> float:
    year, case, days = laws.usual
    return max(impatience * (year + case * case_rate) * days, -2.0)


@compiled
def _begin(s: Floats, laws: Laws, silent: bool, joined: int) -> None:
    before = min(joined, 0) / 365.0
    survivors = feelings.SURVIVORS * (1.0 - math.exp(before))
    for i in range(s.shape[1]):
        s[:, i] = 0.0
        s[IMPATIENCE, i] = IMPATIENCE_SPREAD * np.random.normal()
        for clock in range(3):
            s[RATE + clock, i] = (
                laws.log_rates[clock] + laws.spreads[clock] * np.random.normal()
            )
        luck, shape = np.random.random(), 1
        while shape < SHAPES and luck > SHAPE_SHARES[shape - 1]:
            luck -= SHAPE_SHARES[shape - 1]
            shape += 1
        s[SHAPE, i] = shape
        cases = 0.0 if silent else math.exp(s[RATE + CASES, i])
        usual = _usual(laws, math.exp(s[IMPATIENCE, i]), cases)
        s[FIT, i] = 0.4 * np.random.normal() + survivors
        s[FIRST_MOOD, i] = 0.5 * np.random.normal() + usual * (1.0 if joined < 0 else 0.3)
        s[MOOD, i] = s[FIRST_MOOD, i]
        s[ATTACHMENT, i] = s[FIT, i] + s[MOOD, i]


@compiled
def _shake(s: Floats, i: int, by: float) -> None:
    mood = s[MOOD, i] + by * math.exp(s[IMPATIENCE, i])
    s[MOOD, i] = min(max(mood, -3.5), 1.5)


@compiled
def _jumps(s: Floats, laws: Laws, day: int, survival: Floats) -> None:
    """What nobody writes down: private events and quiet failures, of a few particles each day.
    Who has had none yet is nearer to the first, as its clock began at a random point."""
    n = s.shape[1]
    for flag, rate in ((MOVED, laws.private_rate), (FAILED, laws.quiet_rate)):
        later = 1.0 - math.exp(-rate)
        first = 1.0 - math.exp(
            _read(survival, SHAPES, rate * (day + 1)) - _read(survival, SHAPES, rate * day)
        )
        for _ in range(np.random.poisson(n * first)):
            i = np.random.randint(n)
            if s[flag, i] and np.random.random() > later / first:
                continue
            s[flag, i] = 1.0
            if flag == MOVED:
                s[FIT, i] += laws.private_size * np.random.normal()
            else:
                _shake(s, i, -laws.quiet_size * np.random.exponential())


@compiled
def _move(s: Floats, laws: Laws) -> None:
    fit, mood, attachment = s[FIT], s[MOOD], s[ATTACHMENT]
    for i in range(s.shape[1]):
        mood[i] *= laws.mood_stays
        fit[i] *= laws.fit_stays
        attachment[i] += (fit[i] + mood[i] - attachment[i]) / laws.lag


@compiled
def _contract(laws: Laws, yearly: bool, tenure: int) -> float:
    """What multiplies the hazard of all particles alike."""
    daily = laws.hazard
    if yearly:
        daily *= laws.window if 365 - tenure % 365 <= laws.window_days else laws.locked
    return daily * (feelings.NEWCOMER_HAZARD if tenure < feelings.NEWCOMER_DAYS else 1.0)


@compiled
def _live(
    s: Floats, w: Floats, pace: Floats, asks: Floats, laws: Laws, silent: bool, fade: float,
    daily: float, newcomer: float,
) -> None:  # fmt: skip
    """A day with the company: staying is weighed, the clocks go on at each particle's pace."""
    attachment, mood = s[ATTACHMENT], s[MOOD]
    uses, orders = s[CLOCK + USES * PER_CLOCK], s[CLOCK + ORDERS * PER_CLOCK]
    cases = s[CLOCK + CASES * PER_CLOCK]
    for i in range(s.shape[1]):
        pace[i] = math.exp(fade * min(attachment[i], 0.6))
        uses[i] += pace[i]
        orders[i] += pace[i]
    if laws.staying:
        for i in range(s.shape[1]):
            w[i] -= min(daily * math.exp(-laws.pull * attachment[i]), 0.08)
    if not silent:
        for i in range(s.shape[1]):
            asks[i] = min(max(1.0 - 0.25 * mood[i], 0.6), 2.0) * newcomer
            cases[i] += asks[i]


@compiled
def _wait(s: Floats, w: Floats, clock: int, struck: int, survival: Floats) -> None:
    """Weigh that a clock has not struck since it was last looked at."""
    at = CLOCK + clock * PER_CLOCK
    for i in range(s.shape[1]):
        law = _shape(clock, int(s[SHAPE, i])) - 1 + (0 if struck else SHAPES)
        quiet = _read(survival, law, math.exp(s[RATE + clock, i]) * s[at + SINCE, i])
        w[i] += quiet - s[at + WEIGHED, i]
        s[at + WEIGHED, i] = quiet


@compiled
def _wait_all(
    s: Floats, w: Floats, laws: Laws, silent: bool, struck: Ints, today: Bools, survival: Floats
) -> None:
    """Likewise all clocks, but for those that have struck `today`."""
    for clock in range(3):
        if laws.clocks[clock] and not today[clock] and not (silent and clock == CASES):
            _wait(s, w, clock, struck[clock], survival)


@compiled
def _strike(
    s: Floats, w: Floats, clock: int, struck: int, yesterday: bool, pace: Floats,
    survival: Floats, density: Floats, hastened: bool,
) -> None:  # fmt: skip
    """Weigh that a clock has struck within this day, at a point drawn for each particle."""
    at = CLOCK + clock * PER_CLOCK
    for i in range(s.shape[1]):
        law = _shape(clock, int(s[SHAPE, i])) - 1 + (0 if struck else SHAPES)
        rate = math.exp(s[RATE + clock, i])
        since = s[at + SINCE, i]
        # The day after it struck, the gap may have ended yesterday: one happening a day.
        least = 0.0 if yesterday else since - pace[i]
        gap = max(least + (since - least) * np.random.random(), 1e-6)
        if hastened:
            before, now = _read(survival, law, rate * least), _read(survival, law, rate * since)
            w[i] += before + math.log(1.0 - STRUCK * math.exp(now - before))
        else:
            w[i] += _read(density, law, rate * gap) + math.log(rate * (since - least))
        w[i] -= s[at + WEIGHED, i]
        s[at + WEIGHED, i] = 0.0
        s[at + SINCE, i] = min(since - gap, pace[i])
        if struck:
            s[at + TOTAL, i] += gap
            s[at + LOGS, i] += math.log(gap)
        else:
            s[at + FIRST, i] = gap


@compiled
def _normal_below(x: float) -> float:
    return 0.5 * math.erfc(-x / math.sqrt(2.0))


@compiled
def _within(low: float, high: float) -> float:
    """Log chance of a standard normal between the two."""
    return math.log(max(_normal_below(high) - _normal_below(low), 1e-12))


@compiled
def _used(w: Floats, pace: Floats, value: float) -> None:
    low = math.log(value - 0.5) if value > 1.0 else -50.0
    high = math.log(value + 0.5)
    for i in range(len(w)):
        middle = 1.1 + 0.6 * math.log(pace[i])
        w[i] += _within((low - middle) / 0.55, (high - middle) / 0.55)


@compiled
def _answered(s: Floats, w: Floats, laws: Laws, score: float) -> None:
    low = (score - 0.5) if score > 0.0 else -99.0
    high = (score + 0.5) if score < 10.0 else 99.0
    for i in range(len(w)):
        felt = s[ATTACHMENT, i]
        middle = 7.9 + 1.6 * felt
        w[i] += math.log(min(laws.answers * (0.7 + 0.35 * abs(felt)), 1.0))
        w[i] += _within((low - middle) / 1.1, (high - middle) / 1.1)


@compiled
def _weigh(
    s: Floats, w: Floats, pace: Floats, asks: Floats, laws: Laws, silent: bool, code: int,
    value: float,
) -> None:  # fmt: skip
    """What happened today and is no clock's striking."""
    n = len(w)
    if code == USED and laws.use_amounts:
        _used(w, pace, value)
    elif code == REFERRED:
        for i in range(n):
            w[i] += math.log(min(pace[i], 2.0))
    elif code == MARKED and laws.marks:
        for i in range(n):
            _shake(s, i, value)
    if silent:
        if code == MISSED:
            w += math.log(INVITED)
        return
    if code == ANSWERED:
        _answered(s, w, laws, value)
    for i in range(n):
        felt = s[ATTACHMENT, i]
        if code == NOT_ANSWERED:
            w[i] += math.log(max(1.0 - laws.answers * (0.7 + 0.35 * abs(felt)), 1e-3))
        elif code == MET or code == MISSED:
            held = 1.0 / (1.0 + math.exp(-1.6 - 1.2 * felt))
            w[i] += math.log(held if code == MET else 1.0 - held)
        elif code == NOT_HANDED:
            w[i] += math.log(0.4)
        elif code == NOT_HASTENED:
            w[i] += math.log(STRUCK)
        elif code == OPENED:  # about the contract, or about something else
            going = 0.35 / (1.0 + math.exp(3.0 + 2.5 * felt))
            contract = going + (1.0 - going) * 0.08
            w[i] += math.log(contract if value else 1.0 - contract)


@compiled
def _gaps(
    log_rate: float, m: int, struck: int, s: Floats, i: int, at: int, survival: Floats,
    density: Floats,
) -> float:  # fmt: skip
    """Log chance of all that a clock has shown, given its rate and shape."""
    rate = math.exp(log_rate)
    since = rate * s[at + SINCE, i]
    if struck == 0:
        return _read(survival, SHAPES + m - 1, since)
    more = struck - 1
    each = m * math.log(m) - math.lgamma(m) + m * log_rate
    return (
        _read(density, SHAPES + m - 1, rate * s[at + FIRST, i])
        + log_rate
        + more * each
        + (m - 1) * s[at + LOGS, i]
        - m * rate * s[at + TOTAL, i]
        + _read(survival, m - 1, since)
    )


@compiled
def _renew_rate(
    s: Floats, laws: Laws, clock: int, struck: int, survival: Floats, density: Floats, joined: int
) -> None:
    at, spread, middle = CLOCK + clock * PER_CLOCK, laws.spreads[clock], laws.log_rates[clock]
    step = 1.2 / math.sqrt(1.0 / spread**2 + 2.0 * struck)
    share = 1.0 if joined < 0 else 0.3
    for i in range(s.shape[1]):
        m = _shape(clock, int(s[SHAPE, i]))
        now = s[RATE + clock, i]
        then = now + step * np.random.normal()
        gain = ((now - middle) ** 2 - (then - middle) ** 2) / (2.0 * spread**2)
        gain += _gaps(then, m, struck, s, i, at, survival, density)
        gain -= _gaps(now, m, struck, s, i, at, survival, density)
        if clock == CASES:
            mood, impatience = s[FIRST_MOOD, i], math.exp(s[IMPATIENCE, i])
            old = mood - share * _usual(laws, impatience, math.exp(now))
            new = mood - share * _usual(laws, impatience, math.exp(then))
            gain += 2.0 * (old**2 - new**2)
        if math.log(np.random.random()) < gain:
            s[RATE + clock, i] = then


@compiled
def _renew_shape(s: Floats, laws: Laws, struck: Ints, survival: Floats, density: Floats) -> None:
    for i in range(s.shape[1]):
        now, then = int(s[SHAPE, i]), 1 + np.random.randint(SHAPES)
        gain = math.log(SHAPE_SHARES[then - 1] / SHAPE_SHARES[now - 1])
        for clock in (USES, ORDERS):
            if laws.clocks[clock]:
                at, rate = CLOCK + clock * PER_CLOCK, s[RATE + clock, i]
                new, old = _shape(clock, then), _shape(clock, now)
                if new != old:
                    gain += _gaps(rate, new, struck[clock], s, i, at, survival, density)
                    gain -= _gaps(rate, old, struck[clock], s, i, at, survival, density)
        if math.log(np.random.random()) < gain:
            s[SHAPE, i] = then


@compiled
def _renew(
    s: Floats, laws: Laws, silent: bool, struck: Ints, today: Bools, joined: int,
    survival: Floats, density: Floats,
) -> None:  # fmt: skip
    """Traits anew, given each particle's course, so that copies part."""
    for clock in range(3):
        if laws.clocks[clock] and not (silent and clock == CASES):
            _renew_rate(s, laws, clock, struck[clock], survival, density, joined)
    _renew_shape(s, laws, struck, survival, density)
    middle, spread = s[IMPATIENCE].mean(), s[IMPATIENCE].std()
    width = spread * math.sqrt(1.0 - KEPT**2)
    for i in range(s.shape[1]):
        s[IMPATIENCE, i] = (
            KEPT * s[IMPATIENCE, i] + (1.0 - KEPT) * middle + width * np.random.normal()
        )
    # What has been weighed of the silences is what the new traits make of them.
    _wait_all(s, np.zeros(s.shape[1]), laws, silent, struck, today, survival)


@compiled
def _normalised(w: Floats) -> float:
    """Takes the log of the mean weight off and returns it."""
    most = w.max()
    total = 0.0
    for i in range(len(w)):
        total += math.exp(w[i] - most)
    mean = most + math.log(total / len(w))
    w -= mean
    return mean


@compiled
def _resampled(s: Floats, w: Floats) -> Floats:
    """As many particles, drawn by their weights."""
    n = len(w)
    out = np.empty_like(s)
    level, total, taken = np.random.random(), 0.0, 0
    for i in range(n):
        total += math.exp(w[i])
        while taken < n and level + taken < total:
            out[:, taken] = s[:, i]
            taken += 1
    while taken < n:
        out[:, taken] = s[:, n - 1]
        taken += 1
    return out


@compiled
def follow(
    laws: Laws, silent: bool, fade: float, joined: int, yearly: bool, days: Ints, codes: Ints,
    values: Floats, flags: Ints, nights: Ints, survival: Floats, density: Floats, out: Floats,
    weights: Floats, seed: int,
) -> Floats:  # fmt: skip
    """One customer, taken for silent or not, through `days`, `codes`, `values`, `flags` [events] in
    their order. Fills `out` [nights, fields, particles] and log `weights` [nights, particles] with
    what is believed at each midnight of `nights`; returns the log chance of the log up to it."""
    np.random.seed(seed)
    n = out.shape[2]
    s, w = np.empty((FIELDS, n)), np.zeros(n)
    pace, asks = np.ones(n), np.ones(n)
    struck, last = np.zeros(3, np.int64), np.full(3, -9, np.int64)
    evidence, told, event, chance = 0.0, 0, 0, np.full(len(nights), -np.inf)
    _begin(s, laws, silent, joined)
    for day in range(nights[-1] + 1):
        looked = day % LOOK == 0 or (event < len(days) and days[event] == day)
        if day == nights[told]:
            _wait_all(s, w, laws, silent, struck, last == day - 1, survival)
            evidence += _normalised(w)
            out[told], weights[told], chance[told] = s, w, evidence
            told += 1
            if told == len(nights):
                break
        _move(s, laws)
        _jumps(s, laws, day, survival)
        if day < joined:
            continue
        daily = _contract(laws, yearly, day - joined)
        newcomer = 2.0 if day - joined < 60 else 1.0
        _live(s, w, pace, asks, laws, silent, fade, daily, newcomer)
        while event < len(days) and days[event] == day:
            code, value = codes[event], values[event]
            if code == (SPOKE if silent else NOT_INVITED):
                return chance
            clock = USES if code == USED else ORDERS if code == ORDERED else CASES
            strikes = code == USED or code == ORDERED or (code == OPENED and not silent)
            if strikes and laws.clocks[clock]:
                _strike(
                    s, w, clock, struck[clock], last[clock] == day - 1,
                    asks if clock == CASES else pace, survival, density, flags[event] != 0,
                )  # fmt: skip
                struck[clock] += 1
                last[clock] = day
            _weigh(s, w, pace, asks, laws, silent, code, value)
            event += 1
        if not looked:
            continue
        _wait_all(s, w, laws, silent, struck, last == day, survival)
        evidence += _normalised(w)
        if np.exp(2.0 * w).sum() > 2.0 * n:
            s = _resampled(s, w)
            w[:] = 0.0
            _renew(s, laws, silent, struck, last == day, joined, survival, density)
    return chance
