"""The chance that a yearly contract is not renewed when its term ends, however far that end is.

The horizon's probability says little of a contract that runs on for months. So a second, small
model stands on the first one's log-odds and a few figures of the contract: a ridge logistic one,
kept only where it is better than one share for all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models.calibration import probability
from models.dataset import FitSettings, group_folds
from models.groups import FEWEST
from models.linear import Linear
from models.metrics import Interval, Metrics, Ranking, resampled
from models.ridge import fit_or_share

if TYPE_CHECKING:
    from models.contracts import Feature

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

# How far the end is, how long and how faithful the customer was, and what the price did. A feature
# that the matrix does not have is left out.
FEATURES = ("days_to_term_end", "relationship_days", "renewals", "price_change_180")
DRAWS = 200


@dataclass(frozen=True)
class Renewal:
    """A second head: log-odds that the term ending next is not renewed."""

    lapse: Linear  # of [the churn model's log-odds, *columns]
    columns: tuple[int, ...]  # of the matrix
    base_rate: float  # share of the terms learned from that were not renewed

    def probability(self, log_odds: Floats, matrix: Floats) -> Floats:
        """Of not being renewed, [n], from log-odds of leaving [n] and the features [n, f]."""
        return probability(self.lapse.log_odds(_design(log_odds, matrix, self.columns)))


@dataclass(frozen=True)
class Terms:
    """Yearly terms past the horizon, each at a night, [n]: all that the second head learns from."""

    log_odds: Floats  # of leaving within the horizon, by a model that has not seen the customer
    matrix: Floats  # [n, f]
    lapses: Bools  # not renewed
    customer: NDArray[np.int64]

    def take(self, rows: Bools) -> Terms:
        """Those chosen by mask."""
        return Terms(*(column[rows] for column in vars(self).values()))


def fit_renewal(terms: Terms, features: Sequence[Feature], settings: FitSettings) -> Renewal | None:
    """Learn which terms are not renewed; None where fewer than `FEWEST` were, or were not."""
    if too_few(terms.lapses, terms.customer):
        return None
    place = {feature.name: at for at, feature in enumerate(features)}
    columns = tuple(place[name] for name in FEATURES if name in place)
    design = _design(terms.log_odds, terms.matrix, columns)
    lapse = fit_or_share(design, terms.lapses, terms.customer, settings)
    return Renewal(lapse, columns, float(terms.lapses.mean()))


def too_few(lapses: Bools, customer: NDArray[np.int64]) -> str:
    """Why nothing can be learned from, or judged by, these terms, in words; empty where it can."""
    lapsed, renewed = len(np.unique(customer[lapses])), len(np.unique(customer[~lapses]))
    if min(lapsed, renewed) >= FEWEST:
        return ""
    what = f"{lapsed} not renewed" if lapsed <= renewed else f"{renewed} renewed"
    return f"{what} among yearly contracts, {FEWEST} are needed"


def cross_renewal(terms: Terms, features: Sequence[Feature], settings: FitSettings) -> Floats:
    """Out-of-fold chances of the terms, [n]: each by a head that has not seen the customer."""
    out = np.empty(len(terms.lapses))
    fold = group_folds(terms.customer, terms.lapses, settings.folds, settings.seed + 1)
    for number in range(settings.folds):
        held = fold == number
        head = fit_renewal(terms.take(~held), features, settings)
        if head is None:
            out[held] = terms.lapses[~held].mean()
        else:
            out[held] = head.probability(terms.log_odds[held], terms.matrix[held])
    return out


@dataclass(frozen=True)
class Renewing:
    """How true the chances came out. `why` there are no figures, where none."""

    protocol: str  # how the terms were kept apart, in words
    terms: int
    customers: int
    said: float | None = None  # mean probability
    metrics: Metrics | None = None
    auc: Interval | None = None
    gain: Interval | None = None  # in Brier, over the base rate of training
    why: str = ""

    def lines(self) -> Iterator[str]:
        """In words, for the report."""
        if self.metrics is None or self.said is None:
            yield f"chance that a yearly contract is not renewed: not told, {self.why}"
            return
        came = self.metrics.leavers / self.metrics.rows
        yield (
            f"not renewed, yearly contracts that end past the horizon: {self.said:.1%} said on "
            f"average, {came:.1%} were ({self.terms:,} rows of {self.customers:,} customers, "
            f"{self.protocol}); AUC {self.auc}, calibration error "
            f"{self.metrics.calibration_error:.3f}, Brier gain over base rate {self.gain}"
        )


def judge_renewal(p: Floats, base_rate: float, terms: Terms, protocol: str, seed: int) -> Renewing:
    """Chances `p` [n] of terms that were not learned from, beside the share of those that were;
    intervals over customers."""
    rows, customers = len(terms.lapses), len(np.unique(terms.customer))
    why = too_few(terms.lapses, terms.customer)
    if why:
        return Renewing(protocol, rows, customers, why=why)
    y, ranking = terms.lapses, Ranking(terms.lapses, p)
    better = (base_rate - y) ** 2 - (p - y) ** 2
    drawn = [
        (ranking.auc(weight), weight @ better / weight.sum())
        for weight in resampled(terms.customer, DRAWS, seed)
        if 0 < weight @ y < weight.sum()
    ]
    aucs, gains = np.array(drawn).T
    return Renewing(
        protocol,
        rows,
        customers,
        float(p.mean()),
        Metrics.of(y, p),
        Interval.of(ranking.auc(), aucs),
        Interval.of(float(better.mean()), gains),
    )


def _design(log_odds: Floats, matrix: Floats, columns: Sequence[int]) -> Floats:
    return np.column_stack([log_odds, matrix[:, list(columns)]])
