"""Is the model any good, for whom, and better than what? And may it be used?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.metrics import Metrics, Ranking, resampled

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

DRAWS = 200
LEVEL = (2.5, 97.5)  # percentiles of a 95% interval
# The low end of the interval must be above it. A ranking that may be weaker helps nobody choose
# twenty customers, and the trace of how a table came about easily gives .55 (RavenStack, made
# without signal: .558 [.504, .609] by tenure alone).
LEAST_AUC = 0.55
LONGEST_SILENCE, BASE_RATE, CHAMPION = "longest silence", "base rate", "champion"
# A: the top tenth holds twice the base rate, or nine tenths of what can be reached where more
# than 45% leave. Dynamics 365 grades its churn models against the base rate likewise.
LIFT_OF_A, SHARE_OF_REACHABLE = 2.0, 0.9


@dataclass(frozen=True)
class Interval:
    """A figure with its 95% bootstrap interval over customers."""

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, value: float, draws: Floats) -> Interval:
        low, high = np.percentile(draws, LEVEL)
        return cls(value, float(low), float(high))

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


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
    "longest silence", by "brier" against "base rate", by both against "champion".
    """

    protocol: str  # how the rows were kept apart, in words
    customers: int
    base_rate: float
    model: Quality
    baselines: tuple[Quality, ...]
    gains: dict[str, dict[str, Interval]]
    grade: str  # A, B or C

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return asdict(self)

    def lines(self) -> list[str]:
        """A table for people, and under it the grade and the comparisons."""
        return list(_table(self))


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
    protocol: str = "later in time",
    seed: int = 0,
    draws: int = DRAWS,
) -> Report:
    """Judge probabilities `p` of held-out rows, all arrays [n].

    `longest_silence`: days since the last sign of each customer (NaN: there never was one, which
    is the longest). `base_rate`: the share that left in training. `champion`: the present
    champion's probabilities for the same rows. Raises `ValueError` where there are no rows.
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
    drawn = _draws(y, rankings, customer, seed, draws)
    model, *others = (
        _quality(name, y, score, silent, drawn.get((name, "auc")), believed)
        for name, (score, believed) in rankings.items()
    )
    gains = _gains({quality.name: quality for quality in (model, *others)}, drawn)
    return Report(
        protocol=protocol,
        customers=len(np.unique(customer)),
        base_rate=float(y.mean()),
        model=model,
        baselines=tuple(others),
        gains=gains,
        grade=_grade(model, gains, float(y.mean())),
    )


def judge(report: Report) -> Verdict:
    """May the model become champion?

    The first one must rank better than chance and than longest silence, and its probabilities
    must be nearer the truth than the base rate, chance and Brier beyond noise. Beside a champion
    it must moreover not be worse, by more than noise, in ranking or in probabilities.
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
        return Verdict(False, ("not promoted: the champion is better", *worse))
    return Verdict(True, (f"grade {report.grade}: AUC {report.model.auc}",))


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


def _never_is_longest(days: Floats) -> Floats:
    known = days[~np.isnan(days)]
    return np.where(np.isnan(days), (known.max() if len(known) else 0.0) + 1.0, days)


def _draws(
    y: Bools,
    rankings: dict[str, tuple[Floats, bool]],
    customer: NDArray[np.int64],
    seed: int,
    draws: int,
) -> dict[tuple[str, str], Floats]:
    """Each figure in each draw, by ranking and measure: the same draws for all. {}: one class."""
    if y.all() or not y.any():
        return {}
    sorted_once = {name: Ranking(y, score) for name, (score, _) in rankings.items()}
    squares = {name: (score - y) ** 2 for name, (score, believed) in rankings.items() if believed}
    out: dict[tuple[str, str], list[float]] = {}
    for weight in resampled(customer, draws, seed):
        if (weight @ y) in (0.0, weight.sum()):
            continue  # a draw of one class has no AUC
        for name, ranking in sorted_once.items():
            out.setdefault((name, "auc"), []).append(ranking.auc(weight))
        for name, square in squares.items():
            out.setdefault((name, "brier"), []).append(float(weight @ square / weight.sum()))
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
    qualities: dict[str, Quality], drawn: dict[tuple[str, str], Floats]
) -> dict[str, dict[str, Interval]]:
    model = qualities["model"].all
    measures = {LONGEST_SILENCE: ("auc",), BASE_RATE: ("brier",), CHAMPION: ("auc", "brier")}
    out: dict[str, dict[str, Interval]] = {}
    for name, of_name in measures.items():
        if name not in qualities or not drawn:
            continue
        for measure in of_name:
            # A higher AUC is better, a lower Brier.
            sign = 1.0 if measure == "auc" else -1.0
            value = sign * (getattr(model, measure) - getattr(qualities[name].all, measure))
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


def _table(report: Report) -> Iterator[str]:
    yield (
        f"{report.protocol}: {report.model.all.rows:,} rows of {report.customers:,} customers, "
        f"{report.base_rate:.1%} left; grade {report.grade}"
    )
    # Average precision, lift of the top decile, calibration error: in words in the docs.
    titles = ("rows", "left", "AUC", "precision", "lift", "Brier", "cal.error")
    yield f"{'':24}" + "".join(f"{title:>10}" for title in titles)
    for quality in (report.model, *report.baselines):
        # The base rate ranks nobody: of its parts nothing is to be learned.
        for who in ("all",) if quality.name == BASE_RATE else ("all", "silent", "vocal"):
            yield f"{quality.name + ', ' + who:24}" + _cells(getattr(quality, who))
    if report.model.auc is not None:
        yield f"AUC {report.model.auc}"
    for name, measures in report.gains.items():
        for measure, gain in measures.items():
            yield f"{measure} gain over {name}: {gain}"


def _cells(metrics: Metrics) -> str:
    figures = (
        metrics.auc,
        metrics.average_precision,
        metrics.top_decile_lift,
        metrics.brier,
        metrics.calibration_error,
    )
    counts = f"{metrics.rows:>10,}{metrics.leavers:>10,}"
    return counts + "".join(f"{'-' if f is None else format(f, '.3f'):>10}" for f in figures)
