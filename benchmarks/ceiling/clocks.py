"""Clocks whose happenings the log shows: how likely their gaps and silences are to a particle."""

from __future__ import annotations

import math

import numpy as np

from benchmarks.ceiling.laws import (
    CASES,
    CLOCK,
    FIRST,
    LOGS,
    ORDERS,
    PER_CLOCK,
    RATE,
    SHAPE,
    SHAPES,
    SINCE,
    TOTAL,
    USES,
    WEIGHED,
    Bools,
    Floats,
    Ints,
    Laws,
    compiled,
)  # fmt: skip

STEP, LONGEST = 0.01, 16.0  # of the tables of gaps, in mean gaps
STRUCK = 0.625  # chance that an outage does not bring a case at once: 1 / (1 + .6)


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
def read(table: Floats, law: int, u: float) -> float:
    place = u / STEP
    i = min(int(place), table.shape[1] - 2)
    return float(table[law, i] + (place - i) * (table[law, i + 1] - table[law, i]))


@compiled
def shape_of(clock: int, shape: int) -> int:
    if clock == USES:
        return shape
    return max(shape // 2, 1) if clock == ORDERS else 1


@compiled
def _silence(s: Floats, w: Floats, clock: int, struck: int, survival: Floats) -> None:
    """Weigh that a clock has not struck since it was last looked at."""
    at = CLOCK + clock * PER_CLOCK
    for i in range(s.shape[1]):
        law = shape_of(clock, int(s[SHAPE, i])) - 1 + (0 if struck else SHAPES)
        quiet = read(survival, law, s[RATE + clock, i] * s[at + SINCE, i])
        w[i] += quiet - s[at + WEIGHED, i]
        s[at + WEIGHED, i] = quiet


@compiled
def wait(
    s: Floats, w: Floats, laws: Laws, silent: bool, struck: Ints, today: Bools, survival: Floats
) -> None:
    """Weigh that the clocks have not struck since, but for those that have struck `today`."""
    for clock in range(3):
        if laws.clocks[clock] and not today[clock] and not (silent and clock == CASES):
            _silence(s, w, clock, struck[clock], survival)


@compiled
def strike(
    s: Floats, w: Floats, clock: int, struck: int, yesterday: bool, pace: Floats,
    survival: Floats, density: Floats, hastened: bool,
) -> None:  # fmt: skip
    """Weigh that a clock has struck within this day, at a point drawn for each particle."""
    at = CLOCK + clock * PER_CLOCK
    for i in range(s.shape[1]):
        law = shape_of(clock, int(s[SHAPE, i])) - 1 + (0 if struck else SHAPES)
        rate, since = s[RATE + clock, i], s[at + SINCE, i]
        # The day after it struck, the gap may have ended yesterday: one happening a day.
        least = 0.0 if yesterday else since - pace[i]
        gap = max(least + (since - least) * np.random.random(), 1e-6)
        if hastened:
            before, now = read(survival, law, rate * least), read(survival, law, rate * since)
            w[i] += before + math.log(1.0 - STRUCK * math.exp(now - before))
        else:
            w[i] += read(density, law, rate * gap) + math.log(rate * (since - least))
        w[i] -= s[at + WEIGHED, i]
        s[at + WEIGHED, i] = 0.0
        s[at + SINCE, i] = min(since - gap, pace[i])
        if struck:
            s[at + TOTAL, i] += gap
            s[at + LOGS, i] += math.log(gap)
        else:
            s[at + FIRST, i] = gap


@compiled
def log_chance(
    rate: float, m: int, struck: int, s: Floats, i: int, at: int, survival: Floats,
    density: Floats,
) -> float:  # fmt: skip
    """Log chance of all that a clock has shown, given its rate and shape."""
    log_rate = math.log(rate)
    since = rate * s[at + SINCE, i]
    if struck == 0:
        return read(survival, SHAPES + m - 1, since)
    more = struck - 1
    each = m * math.log(m) - math.lgamma(m) + m * log_rate
    chance: float = (
        read(density, SHAPES + m - 1, rate * s[at + FIRST, i])
        + log_rate
        + more * each
        + (m - 1) * s[at + LOGS, i]
        - m * rate * s[at + TOTAL, i]
        + read(survival, m - 1, since)
    )
    return chance
