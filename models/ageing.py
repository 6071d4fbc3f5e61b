"""How quality ages after the last night that was learned from, and how often to train again.

Night by night the quality after the last night learned from is shown, but nothing is concluded from
its slope: nights differ by more than their customers, and on the sample two trainings a month apart
gave +.042 [+.004, +.082] and -.052 [-.085, -.019] a month. What ageing costs is told by the same
nights judged twice: by trees that learned from the later half of the nights, and by trees that
learned from as many earlier ones. Both meet the same customers and the same events, so the
difference is age, and chance in who was learned from: so both are fitted several times, to
customers drawn anew (docs/decisions/0020-judging-and-release.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from models.contracts import DAY
from models.dataset import Dataset, FitSettings
from models.errors import NotEnoughData
from models.groups import FEWEST
from models.metrics import Interval, Ranking, resampled

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

MONTH = 30.0  # days
# What may be lost between two trainings: about what trees and linear model together win over the
# better of the two (docs/decisions/0004: .852 against .845).
TOLERATED = 0.01  # of the AUC
SHORTEST, LONGEST = 30.0, 365.0  # days; the snapshots' step, and a whole round of seasons
NOTICEABLE = 90.0  # days; a loss that takes longer to matter is none to act on
FEWEST_DAYS = 14.0  # models of less difference in age tell nothing of a month
LEAVERS = 50  # customers; half of what a training asks for, as each learns from half of the nights
ROUNDS = 100  # sample: AUC .761 to .769 with 50 to 300
FITS, DRAWS = 10, 20  # of each model, and of the customers judged for each fit
MEANWHILE = "until then every 30 days does no harm, as the gate lets nothing worse through"


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
class Older:
    """A model that had learned less far, beside one that learned from as many later nights."""

    days: float  # by which it had learned less far
    nights: int  # that each learned from
    gain: Interval  # of AUC, of the other over it, on the same rows


@dataclass(frozen=True)
class Ageing:
    """Quality night by night, and what follows for the next training."""

    nights: tuple[Aged, ...]
    loss_a_month: Interval | None  # of AUC, by 30 days more of age; None: nothing to compare with
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
    older: Older | str,
    seed: int = 0,
    draws: int = 200,
) -> Ageing:
    """Of probabilities `p` [n] at the instants `as_of` [n], seconds UTC; `learned_until` is the
    last night's instant that the model has learned from; `older`: how one that learned less far
    does on the same rows, or why there is none."""
    instants = [
        at for at in np.unique(as_of).tolist() if _enough(y[as_of == at], customer[as_of == at])
    ]
    if not instants:
        return Ageing((), *recommended(older))
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
    return Ageing(nights, *recommended(older))


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


def older_beside_newer(learned: Dataset, judged: Dataset, settings: FitSettings) -> Older:
    """How much a model loses by having learned less far, on the rows of `judged`.

    Each learns from half of the nights of `learned`, or from more where those hold too few leavers:
    trees alone, as only their ranking is asked for. Raises `NotEnoughData`, with the reason.
    """
    if not _enough(judged.y, judged.customer):
        raise NotEnoughData(f"fewer than {FEWEST} of those judged left, or stayed")
    windows = _windows(learned)
    rankings = [_Rankings(learned, rows, judged, settings) for rows in windows]
    gains: list[float] = []
    drawn: list[float] = []
    for number, weight in enumerate(resampled(learned.customer, FITS, settings.seed)):
        older, newer = (one.learned_from(weight) for one in rankings)
        gains.append(newer.auc() - older.auc())
        for counts in resampled(judged.customer, DRAWS, settings.seed + number):
            drawn.append(newer.auc(counts) - older.auc(counts))
    ends = [int(learned.as_of[rows].max()) for rows in windows]
    nights = len(np.unique(learned.as_of[windows[1]]))
    return Older(
        (ends[1] - ends[0]) / DAY, nights, Interval.of(float(np.mean(gains)), np.array(drawn))
    )


def _windows(learned: Dataset) -> tuple[Bools, Bools]:
    """Masks [n] of the rows of equally many nights, the earliest and the latest: as far apart as
    there are leavers enough in each."""
    instants = np.unique(learned.as_of)
    for back in range(len(instants) // 2, 0, -1):
        early, late = (
            np.isin(learned.as_of, nights) for nights in (instants[:-back], instants[back:])
        )
        left = [len(np.unique(learned.customer[rows & learned.y])) for rows in (early, late)]
        if min(left) >= LEAVERS and instants[back] - instants[0] >= FEWEST_DAYS * DAY:
            return early, late
    raise NotEnoughData(
        f"the nights learned from ({len(instants)}) are too few, or hold too few leavers, for two "
        f"models of different age: {LEAVERS} each, {FEWEST_DAYS:.0f} days apart"
    )


class _Rankings:
    """Trees of some of the rows learned from, as they rank those judged."""

    def __init__(
        self, learned: Dataset, rows: Bools, judged: Dataset, settings: FitSettings
    ) -> None:
        from models.boosting import parameters, table

        some = learned.X[rows]
        many, columns = some.shape
        self._how = parameters(many, columns, settings.wide, settings)
        self._table = table(some, learned.y[rows], self._how)
        self._rows, self._judged = rows, judged

    def learned_from(self, weight: Floats) -> Ranking:
        """Where each row of all learned from counts `weight` [n] times."""
        import lightgbm

        self._table.set_weight(weight[self._rows])
        booster = lightgbm.train(self._how, self._table, ROUNDS)
        return Ranking(self._judged.y, np.asarray(booster.predict(self._judged.X)))


def recommended(older: Older | str) -> tuple[Interval | None, float | None, str]:
    """What a month of age costs, after how many days to train again, and why, in words."""
    if isinstance(older, str):
        return None, None, f"cannot tell yet: {older}; {MEANWHILE}"
    months = older.days / MONTH
    value, low, high = (figure / months for figure in vars(older.gain).values())
    loss = Interval(value, low, high)
    told = (
        f"of two models from {older.nights} nights each the one that had learned {older.days:.0f} "
        f"days less far loses {older.gain.value:+.3f} [{older.gain.low:+.3f}, "
        f"{older.gain.high:+.3f}] of the AUC on the same nights"
    )
    if low > 0:
        days = float(np.clip(MONTH * TOLERATED / value, SHORTEST, LONGEST))
        return loss, days, f"{told}: train again every {days:.0f} days, to lose {TOLERATED}"
    at_worst = MONTH * TOLERATED / high if high > 0 else LONGEST
    if at_worst >= NOTICEABLE:
        days = min(at_worst, LONGEST)
        return loss, days, f"{told}: no ageing shows; every {days:.0f} days is often enough"
    return loss, None, f"cannot tell yet: {told}, which may be chance; {MEANWHILE}"


def _enough(y: Bools, customer: NDArray[np.int64]) -> bool:
    return min(len(np.unique(customer[y])), len(np.unique(customer[~y]))) >= FEWEST
