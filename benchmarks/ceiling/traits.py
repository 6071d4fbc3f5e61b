"""Traits that never change, drawn anew for each particle so that copies part."""

from __future__ import annotations

import math

import numpy as np

from benchmarks.ceiling.clocks import log_chance, shape_of, wait
from benchmarks.ceiling.laws import (
    CASES,
    CLOCK,
    FIRST_MOOD,
    IMPATIENCE,
    ORDERS,
    PER_CLOCK,
    RATE,
    SHAPE,
    SHAPE_SHARES,
    SHAPES,
    USES,
    Bools,
    Floats,
    Ints,
    Laws,
    compiled,
    usual_mood,
)  # fmt: skip

KEPT = 0.99  # of impatience at each renewal; the rest is the group's mean and spread


@compiled
def renew(
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
    wait(s, np.zeros(s.shape[1]), laws, silent, struck, today, survival)


@compiled
def _renew_rate(
    s: Floats, laws: Laws, clock: int, struck: int, survival: Floats, density: Floats, joined: int
) -> None:
    at, spread, middle = CLOCK + clock * PER_CLOCK, laws.spreads[clock], laws.log_rates[clock]
    step = 1.2 / math.sqrt(1.0 / spread**2 + 2.0 * struck)
    share = 1.0 if joined < 0 else 0.3
    for i in range(s.shape[1]):
        m = shape_of(clock, int(s[SHAPE, i]))
        now, move = s[RATE + clock, i], step * np.random.normal()
        then, off = now * math.exp(move), math.log(now) - middle
        gain = (off**2 - (off + move) ** 2) / (2.0 * spread**2)
        gain += log_chance(then, m, struck, s, i, at, survival, density)
        gain -= log_chance(now, m, struck, s, i, at, survival, density)
        if clock == CASES:
            mood, impatience = s[FIRST_MOOD, i], math.exp(s[IMPATIENCE, i])
            old = mood - share * usual_mood(laws, impatience, now)
            new = mood - share * usual_mood(laws, impatience, then)
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
                new, old = shape_of(clock, then), shape_of(clock, now)
                if new != old:
                    gain += log_chance(rate, new, struck[clock], s, i, at, survival, density)
                    gain -= log_chance(rate, old, struck[clock], s, i, at, survival, density)
        if math.log(np.random.random()) < gain:
            s[SHAPE, i] = then
