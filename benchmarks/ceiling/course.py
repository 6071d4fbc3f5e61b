"""One customer's particles through the days of the log."""

from __future__ import annotations

import math

import numpy as np

from benchmarks.ceiling.clocks import read, strike, wait
from benchmarks.ceiling.laws import (
    ATTACHMENT,
    CASES,
    CLOCK,
    FAILED,
    FIELDS,
    FIRST_MOOD,
    FIT,
    IMPATIENCE,
    IMPATIENCE_SPREAD,
    MOOD,
    MOVED,
    NOT_INVITED,
    OPENED,
    ORDERED,
    ORDERS,
    PER_CLOCK,
    RATE,
    SHAPE,
    SHAPE_SHARES,
    SHAPES,
    SPOKE,
    USED,
    USES,
    Floats,
    Ints,
    Laws,
    compiled,
    usual_mood,
)  # fmt: skip
from benchmarks.ceiling.traits import renew
from benchmarks.ceiling.weights import shake, weigh
from data_samples import feelings

EACH = 3  # drawings between two renewals of traits
LOOK = 5  # days between two looks at the weights where nothing happens


@compiled
def follow(
    laws: Laws, silent: bool, fade: float, joined: int, yearly: bool, days: Ints, codes: Ints,
    values: Floats, flags: Ints, nights: Ints, survival: Floats, density: Floats, out: Floats,
    weights: Floats, seed: int,
) -> Floats:  # fmt: skip
    """One customer, taken for silent or not, through `days`, `codes`, `values`, `flags` [signs] in
    their order. Fills `out` [nights, fields, particles] and log `weights` [nights, particles] with
    what is believed at each midnight of `nights`; returns the log chance of the log up to it."""
    np.random.seed(seed)
    n = out.shape[2]
    s, w = np.empty((FIELDS, n)), np.zeros(n)
    pace, asks = np.ones(n), np.ones(n)
    struck, last = np.zeros(3, np.int64), np.full(3, -9, np.int64)
    risk, evidence, told, sign, drawn = 0.0, 0.0, 0, 0, 0
    chance = np.full(len(nights), -np.inf)
    _begin(s, laws, silent, joined)
    for day in range(nights[-1]):
        _move(s, laws)
        _jumps(s, laws, day, survival)
        if day >= joined:
            risk += _contract(laws, yearly, day - joined)
            _live(s, pace, asks, silent, fade, 2.0 if day - joined < 60 else 1.0)
        before = sign
        sign = _signs(
            s, w, pace, asks, laws, silent, day, sign, days, codes, values, flags, struck, last,
            survival, density,
        )  # fmt: skip
        if sign < 0:
            break
        asked = day + 1 == nights[told]
        if asked or sign > before or day % LOOK == 0:
            _stay(s, w, laws, risk)
            risk = 0.0
            wait(s, w, laws, silent, struck, last == day, survival)
            evidence += _normalised(w)
        if asked:
            out[told], weights[told], chance[told] = s, w, evidence
            told += 1
        if np.exp(2.0 * w).sum() > 2.0 * n:
            s = _resampled(s, w)
            w[:] = 0.0
            drawn += 1
            if drawn % EACH == 0:
                renew(s, laws, silent, struck, last == day, joined, survival, density)
    return chance


@compiled
def _signs(
    s: Floats, w: Floats, pace: Floats, asks: Floats, laws: Laws, silent: bool, day: int, sign: int,
    days: Ints, codes: Ints, values: Floats, flags: Ints, struck: Ints, last: Ints,
    survival: Floats, density: Floats,
) -> int:  # fmt: skip
    """Weigh the day's signs; the position after them, or -1 where they cannot be."""
    while sign < len(days) and days[sign] == day:
        code, value = codes[sign], values[sign]
        if code == (SPOKE if silent else NOT_INVITED):
            return -1
        clock = USES if code == USED else ORDERS if code == ORDERED else CASES
        strikes = code in (USED, ORDERED) or (code == OPENED and not silent)
        if strikes and laws.clocks[clock]:
            strike(
                s, w, clock, struck[clock], last[clock] == day - 1,
                asks if clock == CASES else pace, survival, density, flags[sign] != 0,
            )  # fmt: skip
            struck[clock] += 1
            last[clock] = day
        weigh(s, w, pace, laws, silent, code, value)
        sign += 1
    return sign


@compiled
def _begin(s: Floats, laws: Laws, silent: bool, joined: int) -> None:
    before = min(joined, 0) / 365.0
    survivors = feelings.SURVIVORS * (1.0 - math.exp(before))
    for i in range(s.shape[1]):
        s[:, i] = 0.0
        s[IMPATIENCE, i] = IMPATIENCE_SPREAD * np.random.normal()
        for clock in range(3):
            luck = laws.spreads[clock] * np.random.normal()
            s[RATE + clock, i] = math.exp(laws.log_rates[clock] + luck)
        luck, shape = np.random.random(), 1
        while shape < SHAPES and luck > SHAPE_SHARES[shape - 1]:
            luck -= SHAPE_SHARES[shape - 1]
            shape += 1
        s[SHAPE, i] = shape
        cases = 0.0 if silent else s[RATE + CASES, i]
        usual = usual_mood(laws, math.exp(s[IMPATIENCE, i]), cases)
        s[FIT, i] = 0.4 * np.random.normal() + survivors
        s[FIRST_MOOD, i] = 0.5 * np.random.normal() + usual * (1.0 if joined < 0 else 0.3)
        s[MOOD, i] = s[FIRST_MOOD, i]
        s[ATTACHMENT, i] = s[FIT, i] + s[MOOD, i]


@compiled
def _move(s: Floats, laws: Laws) -> None:
    fit, mood, attachment = s[FIT], s[MOOD], s[ATTACHMENT]
    for i in range(s.shape[1]):
        mood[i] *= laws.mood_stays
        fit[i] *= laws.fit_stays
        attachment[i] += (fit[i] + mood[i] - attachment[i]) / laws.lag


@compiled
def _jumps(s: Floats, laws: Laws, day: int, survival: Floats) -> None:
    """What nobody writes down: private events and quiet failures, of a few particles each day.
    Who has had none yet is nearer to the first, as its clock began at a random point."""
    n = s.shape[1]
    for flag, rate in ((MOVED, laws.private_rate), (FAILED, laws.quiet_rate)):
        later = 1.0 - math.exp(-rate)
        first = 1.0 - math.exp(
            read(survival, SHAPES, rate * (day + 1)) - read(survival, SHAPES, rate * day)
        )
        for _ in range(np.random.poisson(n * first)):
            i = np.random.randint(n)
            if s[flag, i] and np.random.random() > later / first:
                continue
            s[flag, i] = 1.0
            if flag == MOVED:
                s[FIT, i] += laws.private_size * np.random.normal()
            else:
                shake(s, i, -laws.quiet_size * np.random.exponential())


@compiled
def _contract(laws: Laws, yearly: bool, tenure: int) -> float:
    """What multiplies the hazard of all particles alike."""
    daily = laws.hazard
    if yearly:
        daily *= laws.window if 365 - tenure % 365 <= laws.window_days else laws.locked
    return daily * (feelings.NEWCOMER_HAZARD if tenure < feelings.NEWCOMER_DAYS else 1.0)


@compiled
def _live(
    s: Floats, pace: Floats, asks: Floats, silent: bool, fade: float, newcomer: float
) -> None:
    """A day with the company: the clocks go on at each particle's pace."""
    attachment, mood = s[ATTACHMENT], s[MOOD]
    uses, orders = s[CLOCK + USES * PER_CLOCK], s[CLOCK + ORDERS * PER_CLOCK]
    cases = s[CLOCK + CASES * PER_CLOCK]
    for i in range(s.shape[1]):
        pace[i] = math.exp(fade * min(attachment[i], 0.6))
        uses[i] += pace[i]
        orders[i] += pace[i]
    if not silent:
        for i in range(s.shape[1]):
            asks[i] = min(max(1.0 - 0.25 * mood[i], 0.6), 2.0) * newcomer
            cases[i] += asks[i]


@compiled
def _stay(s: Floats, w: Floats, laws: Laws, risk: float) -> None:
    """Weigh that a customer has stayed through days of so much risk, by the last one's feelings."""
    attachment, most = s[ATTACHMENT], 0.08 / laws.hazard
    if not laws.staying:
        return
    for i in range(s.shape[1]):
        w[i] -= risk * min(math.exp(-laws.pull * attachment[i]), most)


@compiled
def _normalised(w: Floats) -> float:
    """Takes the log of the mean weight off and returns it."""
    most = w.max()
    total = 0.0
    for i in range(len(w)):
        total += math.exp(w[i] - most)
    mean: float = most + math.log(total / len(w))
    w -= mean
    return mean


@compiled
def _resampled(s: Floats, w: Floats) -> Floats:
    """As many particles, drawn by their weights."""
    n = len(w)
    chosen = np.full(n, n - 1)
    level, total, taken = np.random.random(), 0.0, 0
    for i in range(n):
        total += math.exp(w[i])
        while taken < n and level + taken < total:
            chosen[taken] = i
            taken += 1
    out = np.empty_like(s)
    for field in range(FIELDS):
        for i in range(n):
            out[field, i] = s[field, chosen[i]]
    return out
