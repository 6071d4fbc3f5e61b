"""Is the model any good, for whom, and better than what? And may it be used?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.ageing import Ageing
from models.alone import LeftAlone
from models.drivers import Drivers
from models.effects import Effect
from models.groups import FEWEST, Group, Grouping, of_groups
from models.metrics import Calibrated, Interval, Metrics, Ranking, Reached, reached, resampled
from models.profit import Profit
from models.proxies import Proxy
from models.renewal import Renewing
from models.timing import Timing

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

DRAWS = 200
# The low end of the interval must be above it. A ranking that may be weaker helps nobody choose
# twenty customers, and the trace of how a table came about easily gives .55 (RavenStack, made
# without signal: .558 [.504, .609] by tenure alone).
LEAST_AUC = 0.55
LONGEST_SILENCE, BASE_RATE, CHAMPION = "longest silence", "base rate", "champion"
SILENT_AUC = "silent auc"
MEASURES = ("auc", "brier", "calibration", SILENT_AUC, "silent brier")  # beside a champion
# A: the top tenth holds twice the base rate, or nine tenths of what can be reached where more
# than 45% leave. Dynamics 365 grades its churn models against the base rate likewise.
LIFT_OF_A, SHARE_OF_REACHABLE = 2.0, 0.9


@dataclass(frozen=True)
class Quality:
    """One ranking, judged over everybody, the silent and the vocal."""

    name: str
    all: Metrics
    silent: Metrics
    vocal: Metrics
    auc: Interval | None  # None: one class only


@dataclass(frozen=True)
class Report:
    """The model beside its baselines, on rows it has not learned from.

    `gains` compare draw by draw; positive means that the model is better: by "auc" against
    "longest silence", by "brier" against "base rate", against "champion" by both, by
    "calibration" (error), and by "silent auc" and "silent brier" where the silent are enough.
    """

    protocol: str  # how the rows were kept apart, in words
    customers: int
    base_rate: float
    model: Quality
    baselines: tuple[Quality, ...]
    gains: dict[str, dict[str, Interval]]
    grade: str  # A, B or C
    groups: tuple[Group, ...] = ()  # all, silent, vocal, and each group of customers
    gain: tuple[Reached, ...] = ()  # of the leavers, how many are reached by contacting how many
    profit: Profit | None = None
    ageing: Ageing | None = None
    timing: Timing | None = None
    renewing: Renewing | None = None  # yearly contracts past the horizon; None: there are none
    alone: LeftAlone | None = None  # None: nobody was contacted
    proxies: tuple[Proxy, ...] = ()  # protected attributes that the features tell
    drivers: Drivers | None = None
    effects: tuple[Effect, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return asdict(self)

    def lines(self) -> list[str]:
        """A table for people, and under it the grade and the comparisons."""
        from models import reporting

        return list(reporting.lines(self))


@dataclass(frozen=True)
class Verdict:
    """May the model be used? With the reasons, in words."""

    promote: bool
    reasons: tuple[str, ...]


def evaluate(
    y: Bools,
    p: Floats,
    *,
    customer: NDArray[np.int64],
    silent: Bools,
    longest_silence: Floats,
    base_rate: float,
    champion: Floats | None = None,
    groupings: Sequence[Grouping] = (),
    protocol: str = "later in time",
    seed: int = 0,
    draws: int = DRAWS,
) -> Report:
    """Judge probabilities `p` of held-out rows, all arrays [n].

    `longest_silence`: days since the last sign of each customer (NaN: there never was one, which
    is the longest). `base_rate`: the share that left in training. `champion`: the present
    champion's probabilities for the same rows. `groupings`: how the rows are parted for the report.
    Raises `ValueError` where there are no rows.
    """
    if len(y) == 0:
        raise ValueError("there is no held-out row to judge by")
    rankings: dict[str, tuple[Floats, bool]] = {
        "model": (p, True),
        LONGEST_SILENCE: (_never_is_longest(longest_silence), False),
        BASE_RATE: (np.full(len(y), base_rate), True),
    }
    if champion is not None:
        rankings[CHAMPION] = (champion, True)
    measured = {
        name: _Measured(y, score, silent, customer, believed, champion is not None)
        for name, (score, believed) in rankings.items()
    }
    drawn = _draws(y, silent, measured, customer, seed, draws)
    model, *others = (
        _quality(name, y, score, silent, drawn.get((name, "auc")), believed)
        for name, (score, believed) in rankings.items()
    )
    gains = _gains(measured, drawn)
    return Report(
        protocol=protocol,
        customers=len(np.unique(customer)),
        base_rate=float(y.mean()),
        model=model,
        baselines=tuple(others),
        gains=gains,
        grade=_grade(model, gains, float(y.mean())),
        gain=reached(y, p),
        groups=of_groups(
            y, p, customer=customer, silent=silent, groupings=groupings, seed=seed, draws=draws
        ),
    )


def judge(report: Report) -> Verdict:
    """May the model become champion?

    The first one must rank better than chance and than longest silence, and its probabilities
    must be nearer the truth than the base rate, chance and Brier beyond noise. Beside a champion
    it must moreover not be worse, by more than noise, for all, for the silent, or in calibration,
    on the same later rows.
    """
    if report.model.auc is None:
        return Verdict(
            False,
            ("cannot be judged: in the held-out rows everybody left or everybody stayed",),
        )
    lacks = tuple(_lacks(report, report.model.auc))
    if lacks:
        return Verdict(False, ("no skill found: not promoted", *lacks))
    worse = tuple(_worse(report))
    if worse:
        return Verdict(False, ("the champion is better", *worse))
    return Verdict(True, (f"grade {report.grade}: AUC {report.model.auc}", *_untold(report)))


def _lacks(report: Report, auc: Interval) -> Iterator[str]:
    if auc.low <= LEAST_AUC:
        yield f"its ranking is too near chance: AUC {auc}, to be above {LEAST_AUC} for certain"
    silence = report.gains[LONGEST_SILENCE]["auc"]
    if silence.value <= 0:
        yield f"ranking by longest silence is as good: AUC gain {silence}"
    truth = report.gains[BASE_RATE]["brier"]
    if truth.low <= 0:
        yield f"its probabilities are no nearer the truth than the base rate: Brier gain {truth}"


def _worse(report: Report) -> Iterator[str]:
    for measure, gain in report.gains.get(CHAMPION, {}).items():
        if gain.high < 0:
            yield f"{measure} gain over the champion on the same rows: {gain}"


def _untold(report: Report) -> Iterator[str]:
    compared = report.gains.get(CHAMPION)
    if compared and SILENT_AUC not in compared:
        yield "the silent are too few to compare it with the champion on them"


def _never_is_longest(days: Floats) -> Floats:
    known = days[~np.isnan(days)]
    return np.where(np.isnan(days), (known.max() if len(known) else 0.0) + 1.0, days)


class _Measured:
    """One ranking's figures where each row counts `weight` times."""

    def __init__(
        self,
        y: Bools,
        score: Floats,
        silent: Bools,
        customer: NDArray[np.int64],
        believed: bool,
        in_full: bool,
    ) -> None:
        self.ones = np.ones(len(y))
        self._ranking = Ranking(y, score)
        self._square = (score - y) ** 2 if believed else None
        self._bins = Calibrated(y, score) if believed and in_full else None
        self._silent = np.flatnonzero(silent)
        told = [len(np.unique(customer[silent & one])) for one in (y, ~y)]
        self._parted = Ranking(y[silent], score[silent]) if min(told) >= FEWEST else None

    def figures(self, weight: Floats) -> dict[str, float]:
        """By measure; what cannot be told is left out."""
        found = {"auc": self._ranking.auc(weight)}
        if self._square is not None:
            found["brier"] = float(weight @ self._square / weight.sum())
        if self._bins is None or self._square is None:
            return found
        found["calibration"] = self._bins.error(weight)
        if self._parted is not None:
            of_silent = weight[self._silent]
            found[SILENT_AUC] = self._parted.auc(of_silent)
            found["silent brier"] = float(of_silent @ self._square[self._silent] / of_silent.sum())
        return found


def _draws(
    y: Bools,
    silent: Bools,
    measured: dict[str, _Measured],
    customer: NDArray[np.int64],
    seed: int,
    draws: int,
) -> dict[tuple[str, str], Floats]:
    """Each figure in each draw, by ranking and measure: the same draws for all. {}: one class."""
    if y.all() or not y.any():
        return {}
    parts = [y, ~y, *(part for part in (y & silent, ~y & silent) if part.any())]
    out: dict[tuple[str, str], list[float]] = {}
    for weight in resampled(customer, draws, seed):
        if not all(weight @ part for part in parts):
            continue  # a draw of one class has no AUC
        for name, one in measured.items():
            for measure, value in one.figures(weight).items():
                out.setdefault((name, measure), []).append(value)
    return {key: np.array(values) for key, values in out.items()}


def _quality(
    name: str, y: Bools, score: Floats, silent: Bools, drawn: Floats | None, believed: bool
) -> Quality:
    whole = Metrics.of(y, score, probability=believed)
    return Quality(
        name,
        whole,
        Metrics.of(y[silent], score[silent], probability=believed),
        Metrics.of(y[~silent], score[~silent], probability=believed),
        None if drawn is None or whole.auc is None else Interval.of(whole.auc, drawn),
    )


def _gains(
    measured: dict[str, _Measured], drawn: dict[tuple[str, str], Floats]
) -> dict[str, dict[str, Interval]]:
    if not drawn:
        return {}
    once = {name: one.figures(one.ones) for name, one in measured.items()}
    asked = {LONGEST_SILENCE: ("auc",), BASE_RATE: ("brier",), CHAMPION: MEASURES}
    out: dict[str, dict[str, Interval]] = {}
    for name, measures in asked.items():
        for measure in measures:
            if measure not in once.get(name, {}):
                continue
            # A higher AUC is better; of an error the lower one.
            sign = 1.0 if measure.endswith("auc") else -1.0
            value = sign * (once["model"][measure] - once[name][measure])
            paired = sign * (drawn["model", measure] - drawn[name, measure])
            out.setdefault(name, {})[measure] = Interval.of(value, paired)
    return out


def _grade(model: Quality, gains: dict[str, dict[str, Interval]], base_rate: float) -> str:
    lift = model.all.top_decile_lift
    if model.auc is None or lift is None:
        return "C"
    if model.auc.low <= LEAST_AUC or gains[BASE_RATE]["brier"].low <= 0:
        return "C"
    return "A" if lift >= min(LIFT_OF_A, SHARE_OF_REACHABLE / base_rate) else "B"
