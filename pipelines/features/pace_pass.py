"""Pace, compiled: what `pace.py` believes of a stream, for all nights in one walk."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.compiling import in_place
from models.contracts import DAY
from pipelines.features.elapsed import within
from pipelines.features.records import ONE, Indices, Records
from pipelines.features.stream import (
    PACE_HALF_LIFE,
    PACE_NOISE,
    PACE_OUTLIER,
    PACE_SHOWN,
    PACE_SPREAD,
    PACE_STEP,
    PACE_USUAL,
)

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

NEVER = np.iinfo(np.int64).min
USUAL, UNSURE = PACE_USUAL
MONTH = 30.0  # days
MOST = 1e300  # an amount
LEFT = np.exp2(-np.arange(4096) / PACE_HALF_LIFE)  # of a deviation after so many days


class Belief(NamedTuple):
    """Means of the deviation, the usual rate and the usual amount; their (co)variances."""

    deviation: float
    rate: float
    amount: float  # NaN where none is known
    dd: float
    dr: float
    da: float
    rr: float
    ra: float
    aa: float


@in_place
def _learned(of: Belief, d: float, r: float, a: float, step: float, shrink: float) -> Belief:
    """After what was observed, whose covariances with what was believed are `d`, `r` and `a`."""
    return Belief(
        of.deviation + d * step, of.rate + r * step, of.amount + a * step,
        of.dd - d * d * shrink, of.dr - d * r * shrink, of.da - d * a * shrink,
        of.rr - r * r * shrink, of.ra - r * a * shrink, of.aa - a * a * shrink,
    )  # fmt: skip


@in_place
def _forgotten(of: Belief, days: int) -> Belief:
    left = LEFT[min(days, len(LEFT) - 1)]
    spread = PACE_SPREAD + left * left * (of.dd - PACE_SPREAD)
    return Belief(
        left * of.deviation, of.rate, of.amount, spread, left * of.dr, left * of.da, of.rr, of.ra,
        of.aa,
    )  # fmt: skip


@in_place
def _counted(of: Belief, days: int, many: int) -> Belief:
    """After `many` active days, of `days` in which one could have been."""
    d, r, a = of.dd + of.dr, of.dr + of.rr, of.da + of.ra
    variance = d + r
    expected = days * np.exp(of.deviation + of.rate)
    step = 2.0 * (many - expected) / (2.0 + variance * (many + expected))
    return _learned(of, d, r, a, step, many / (1.0 + variance * many))


@in_place
def _measured(of: Belief, total: float, days: int) -> Belief:
    """After so many active days of a known amount, which they came to together."""
    measured, noise = np.log(min(total, MOST) / days), PACE_NOISE / days
    d = PACE_SHOWN * of.dd + of.da
    r = PACE_SHOWN * of.dr + of.ra
    if np.isnan(of.amount):
        return Belief(
            of.deviation, of.rate, measured - PACE_SHOWN * of.deviation, of.dd, of.dr, -d, of.rr,
            -r, PACE_SHOWN * d + noise,
        )  # fmt: skip
    a = PACE_SHOWN * of.da + of.aa
    variance = PACE_SHOWN * d + a + noise
    off = measured - of.amount - PACE_SHOWN * of.deviation
    if off * off > PACE_OUTLIER * PACE_OUTLIER * variance:
        off = np.copysign(PACE_OUTLIER * np.sqrt(variance), off)
    shrink = 1.0 / variance
    return _learned(of, d, r, a, off * shrink, shrink)


@in_place
def _lived(
    of: Belief, known: int, until: int, active: int, measured: int, total: float, dead: Ints,
    start: int, end: int,
) -> Belief:  # fmt: skip
    """After the days from `known` to `until`, of which some were active, and some of a known
    amount. Whole days' worth of dead time does not count."""
    lost = within(dead, start, end, known * DAY, until * DAY) // DAY
    now = _counted(_forgotten(of, until - known), until - known - lost, active)
    return _measured(now, total, measured) if measured else now


@in_place
def paces(
    day: Ints, value: Floats, is_measured: bool, start: np.uint64, dead: Ints, dead_start: int,
    dead_end: int, night: Records, ends: Indices, which: Indices, asked: int, out: Records,
) -> None:  # fmt: skip
    """Figures (`stream.PACED`) of the nights `which[:asked]`, which ascend.

    A night sees the entries from `start` to its place in `ends`. A step is learned from when the
    next begins: until then more of it may come.
    """
    p, known, until, last, counted = start, 0, 0, 0, NEVER
    active, measured, total = 0, 0, 0.0
    belief = Belief(0.0, USUAL, np.nan, PACE_SPREAD, 0.0, 0.0, UNSURE, 0.0, 0.0)
    for a in range(asked):
        k = which[a]
        while p < ends[k]:
            today = int(day[p])
            if p == start:
                known, until, last = today + 1, _step_after(today), today
            elif today >= until:
                belief = _lived(
                    belief, known, until, active, measured, total, dead, dead_start, dead_end
                )
                known, until = until, _step_after(today)
                active, measured, total = 0, 0, 0.0
            while p < ends[k] and day[p] < until:
                today = int(day[p])
                active += today != last
                last = today
                if is_measured and value[p] > 0.0:
                    total += value[p]
                    measured += today != counted
                    counted = today
                p += ONE
        if p == start:
            continue
        today = int(night[k].as_of // DAY)
        through = min(until, max(today, last + 1))
        now = _lived(belief, known, through, active, measured, total, dead, dead_start, dead_end)
        if today > through:
            now = _lived(now, through, today, 0, 0, 0.0, dead, dead_start, dead_end)
        pace = out[k].pace
        pace[0] = np.exp(now.deviation)
        pace[1] = np.exp(np.sqrt(now.dd))
        pace[2] = MONTH * np.exp(now.rate)


@in_place
def _step_after(day: int) -> int:
    """The day on which the next step begins."""
    return (day // PACE_STEP + 1) * PACE_STEP
