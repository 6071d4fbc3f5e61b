"""Pace, compiled: what `pace.py` believes of a stream, for all nights in one walk."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.compiling import in_place
from models.contracts import DAY
from pipelines.features.elapsed import live_days
from pipelines.features.stream import (
    PACE_HALF_LIFE,
    PACE_NOISE,
    PACE_OUTLIER,
    PACE_SHOWN,
    PACE_SPREAD,
    PACE_USUAL,
)

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

# A belief: means of the deviation, the usual rate and the usual amount; their (co)variances.
DEVIATION, RATE, AMOUNT, DD, DR, DA, RR, RA, AA = range(9)
BELIEF_COLUMNS = 9
USUAL, UNSURE = PACE_USUAL
MONTH = 30.0  # days
MOST = 1e300  # an amount of a day
LEFT = np.exp2(-np.arange(4096) / PACE_HALF_LIFE)  # of a deviation after so many days


@in_place
def _begin(belief: Floats) -> None:
    belief[:] = 0.0
    belief[RATE], belief[DD], belief[RR] = USUAL, PACE_SPREAD, UNSURE
    belief[AMOUNT] = np.nan


@in_place
def _learn(belief: Floats, d: float, r: float, a: float, step: float, shrink: float) -> None:
    """What was observed has covariances `d`, `r` and `a` with what is believed."""
    belief[DEVIATION] += d * step
    belief[RATE] += r * step
    belief[AMOUNT] += a * step
    belief[DD] -= d * d * shrink
    belief[DR] -= d * r * shrink
    belief[DA] -= d * a * shrink
    belief[RR] -= r * r * shrink
    belief[RA] -= r * a * shrink
    belief[AA] -= a * a * shrink


@in_place
def _forget(belief: Floats, days: int) -> None:
    left = LEFT[min(days, len(LEFT) - 1)]
    belief[DEVIATION] *= left
    belief[DD] = PACE_SPREAD + left * left * (belief[DD] - PACE_SPREAD)
    belief[DR] *= left
    belief[DA] *= left


@in_place
def _count(belief: Floats, days: int, many: float) -> None:
    """`many` active days, of `days` in which one could have been."""
    d, r, a = belief[DD] + belief[DR], belief[DR] + belief[RR], belief[DA] + belief[RA]
    variance = d + r
    held = 1.0 + variance * many
    expected = days * np.exp(belief[DEVIATION] + belief[RATE])
    step = np.log(held / (1.0 + variance * expected)) / variance
    _learn(belief, d, r, a, step, many / held)


@in_place
def _measure(belief: Floats, total: float) -> None:
    """What an active day came to, where known."""
    if not total > 0.0:
        return
    measured = np.log(min(total, MOST))
    if np.isnan(belief[AMOUNT]):
        belief[AMOUNT] = measured - PACE_SHOWN * belief[DEVIATION]
        belief[DA], belief[RA] = -PACE_SHOWN * belief[DD], -PACE_SHOWN * belief[DR]
        belief[AA] = PACE_SHOWN * PACE_SHOWN * belief[DD] + PACE_NOISE
        return
    d = PACE_SHOWN * belief[DD] + belief[DA]
    r = PACE_SHOWN * belief[DR] + belief[RA]
    a = PACE_SHOWN * belief[DA] + belief[AA]
    variance = PACE_SHOWN * d + a + PACE_NOISE
    off = measured - belief[AMOUNT] - PACE_SHOWN * belief[DEVIATION]
    if off * off > PACE_OUTLIER * PACE_OUTLIER * variance:
        off = np.copysign(PACE_OUTLIER * np.sqrt(variance), off)
    _learn(belief, d, r, a, off / variance, 1.0 / variance)


@in_place
def paces(
    day: Ints, value: Floats, is_measured: bool, start: int, dead: Ints, dead_start: int,
    dead_end: int, as_of: Ints, ends: Ints, which: Ints, asked: int, room: Floats, out: Floats,
) -> None:  # fmt: skip
    """Figures (`stream.PACED`) of the nights `which[:asked]`, which ascend.

    A night sees the entries from `start` to its place in `ends`. The last day is measured when the
    next begins: until then more of it may come. `room` [2, BELIEF_COLUMNS] is scratch.
    """
    place, last, total = start, 0, 0.0
    belief, now = room[0], room[1]
    _begin(belief)
    for a in range(asked):
        k = which[a]
        for p in range(place, ends[k]):
            today = int(day[p])
            if p == start:
                last = today
            elif today != last:
                _measure(belief, total)
                _forget(belief, today - last)
                _count(belief, live_days(last, today, dead, dead_start, dead_end), 1.0)
                last, total = today, 0.0
            if is_measured and value[p] > 0.0:
                total += value[p]
        place = ends[k]
        if place == start:
            continue
        for column in range(BELIEF_COLUMNS):
            now[column] = belief[column]
        _measure(now, total)
        today = int(as_of[k] // DAY)
        if today > last:
            _forget(now, today - last)
            _count(now, live_days(last, today, dead, dead_start, dead_end) - 1, 0.0)
        out[k, 0] = np.exp(now[DEVIATION])
        out[k, 1] = np.exp(np.sqrt(now[DD]))
        out[k, 2] = MONTH * np.exp(now[RATE])
        out[k, 3] = np.exp(now[AMOUNT])
