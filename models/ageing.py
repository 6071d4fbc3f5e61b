"""How quality ages after the last night that was learned from, and how often to train again.

Each night judged lies so many days after the last one learned from. The slope of the AUC over
those days tells what a month costs; where noise hides it, nothing is recommended. Two kinds of
noise: which customers there are (bootstrap), and that nights differ by more than their customers
(how far they lie from the line, by Student's t; Draper, Smith, Applied Regression Analysis, 1.4).
The wider interval counts, so that three nights rarely tell anything. A slope mixes ageing with
whatever else changed meanwhile: it says how fast to look again, not why.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from models.contracts import DAY
from models.groups import FEWEST
from models.metrics import Interval, Ranking, resampled

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

MONTH = 30.0  # days
# What may be lost between two trainings: about what trees and linear model together win over the
# better of the two (docs/decisions/0004: .852 against .845).
TOLERATED = 0.01  # of the AUC
FEWEST_NIGHTS = 3  # two always lie on a line
SHORTEST, LONGEST = 30.0, 365.0  # days; the snapshots' step, and a whole round of seasons
NOTICEABLE = 90.0  # days; a loss that takes longer to matter is none to act on


@dataclass(frozen=True)
class Aged:
    """Quality at one night."""

    as_of: int  # the night's instant, seconds UTC
    days: float  # since the last night learned from
    rows: int
    leavers: int
    auc: Interval
    calibration: Interval  # mean probability less the share that left


@dataclass(frozen=True)
class Ageing:
    """Quality night by night, and what follows for the next training."""

    nights: tuple[Aged, ...]
    auc_a_month: Interval | None  # change in 30 days; None: too few nights
    retrain_days: float | None  # None: cannot tell yet
    words: str

    def lines(self) -> Iterator[str]:
        """For people."""
        for night in self.nights:
            day = datetime.fromtimestamp(night.as_of, UTC).date()
            off = night.calibration
            yield (
                f"about {day}, {night.days:.0f} days after the last night learned from: AUC "
                f"{night.auc}, off {off.value:+.3f} [{off.low:+.3f}, {off.high:+.3f}], "
                f"{night.leavers:,} of {night.rows:,} left"
            )
        yield f"ageing: {self.words}"


def ageing(
    y: Bools,
    p: Floats,
    *,
    customer: NDArray[np.int64],
    as_of: NDArray[np.int64],
    learned_until: int,
    seed: int = 0,
    draws: int = 200,
) -> Ageing:
    """Of probabilities `p` [n] at the instants `as_of` [n], seconds UTC; `learned_until` is the
    last night's instant that the model has learned from."""
    instants = [
        at for at in np.unique(as_of).tolist() if _enough(y[as_of == at], customer[as_of == at])
    ]
    if not instants:
        return Ageing((), None, None, "cannot tell yet: too few left at each night judged")
    days = np.array([(at - learned_until) / DAY for at in instants])
    parts = [np.flatnonzero(as_of == at) for at in instants]
    plain, drawn, off, drawn_off = _figures(y, p, parts, customer, seed, draws)
    nights = tuple(
        Aged(
            as_of=at,
            days=float(days[place]),
            rows=len(parts[place]),
            leavers=int(y[parts[place]].sum()),
            auc=Interval.of(float(plain[place]), drawn[:, place]),
            calibration=Interval.of(float(off[place]), drawn_off[:, place]),
        )
        for place, at in enumerate(instants)
    )
    if len(nights) < FEWEST_NIGHTS:
        few = f"cannot tell yet: {len(nights)} nights judged, {FEWEST_NIGHTS} are needed"
        return Ageing(nights, None, None, few)
    slope = _slope(days, plain, drawn)
    return Ageing(nights, slope, *rhythm(slope))


def _figures(
    y: Bools,
    p: Floats,
    parts: Sequence[NDArray[np.intp]],
    customer: NDArray[np.int64],
    seed: int,
    draws: int,
) -> tuple[Floats, Floats, Floats, Floats]:
    """AUC of each night, [nights], and in each draw, [draws, nights]; calibration likewise."""
    rankings = [Ranking(y[rows], p[rows]) for rows in parts]
    auc, off = [], []
    for weight in resampled(customer, draws, seed):
        w = [weight[rows] for rows in parts]
        if not all(0 < one @ y[rows] < one.sum() for one, rows in zip(w, parts, strict=True)):
            continue  # a draw of one class
        auc.append([ranking.auc(one) for ranking, one in zip(rankings, w, strict=True)])
        off.append([one @ (p - y)[rows] / one.sum() for one, rows in zip(w, parts, strict=True)])
    plain = np.array([ranking.auc() for ranking in rankings])
    return plain, np.array(auc), np.array([(p - y)[rows].mean() for rows in parts]), np.array(off)


def rhythm(a_month: Interval) -> tuple[float | None, str]:
    """After how many days to train again for a change in AUC `a_month`, and why, in words."""
    told = f"the AUC changes by {a_month.value:+.3f} [{a_month.low:+.3f}, {a_month.high:+.3f}]"
    told += " in a month"
    if a_month.high < 0:
        days = float(np.clip(MONTH * TOLERATED / -a_month.value, SHORTEST, LONGEST))
        return days, f"{told}: train again every {days:.0f} days, so that it loses {TOLERATED}"
    at_worst = LONGEST if a_month.low >= 0 else MONTH * TOLERATED / -a_month.low
    if at_worst >= NOTICEABLE:
        days = min(at_worst, LONGEST)
        return days, f"{told}: no ageing shows; every {days:.0f} days is often enough"
    return None, f"cannot tell yet: {told}, which may be chance"


def _slope(days: Floats, auc: Floats, drawn: Floats) -> Interval:
    """The change in a month, with the wider of its two intervals."""
    from scipy.special import stdtrit

    of_customers = Interval.of(float(_slopes(days, auc[None])[0]), _slopes(days, drawn))
    value, months = of_customers.value, (days - days.mean()) / MONTH
    apart = auc - auc.mean() - value * months
    free = len(auc) - 2
    error = np.sqrt(apart @ apart / free / (months @ months))
    reach = float(stdtrit(free, 0.975) * error)
    low, high = min(of_customers.low, value - reach), max(of_customers.high, value + reach)
    return Interval(value, low, high)


def _slopes(days: Floats, auc: Floats) -> Floats:
    """Change in 30 days by least squares, for each row of `auc` [draws, nights]."""
    apart = days - days.mean()
    slope: Floats = MONTH * (auc - auc.mean(axis=1, keepdims=True)) @ apart / (apart @ apart)
    return slope


def _enough(y: Bools, customer: NDArray[np.int64]) -> bool:
    return min(len(np.unique(customer[y])), len(np.unique(customer[~y]))) >= FEWEST
