"""The chance of leaving if left alone, from past nights on which some were contacted.

Of whoever was contacted it is not known whether they would have left. They teach who is at risk as
all others do, but how likely leaving is is told by those left alone: each counts by one over the
chance of being left alone for so long, as learned from the features (inverse probability of
censoring: Robins, Finkelstein, Biometrics 2000). Just to leave the others out would say that people
leave more often than they do: who leaves early is never contacted, and so never left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from models.contracts import DAY
from models.dataset import Dataset, FitSettings, group_folds
from models.metrics import Ranking

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

# A row counts for ten at most: one that is hardly ever left alone must not decide by itself.
LEAST_CHANCE = 0.1
FEWEST = 20  # customers who were contacted: from fewer nothing is learned of who is
FOLDS, ROUNDS = 3, 120
LEAST_DAYS, SOON = 0.5, 30.0  # days of exposure by which a rate is learned
TREES = {
    "objective": "poisson", "num_leaves": 15, "max_depth": 6, "learning_rate": 0.1,
    "feature_fraction": 0.4, "lambda_l2": 1.0, "min_data_in_leaf": 60, "max_bin": 63,
    "force_col_wise": True, "num_threads": 1, "deterministic": True, "verbosity": -1,
}  # fmt: skip


@dataclass(frozen=True)
class Treated:
    """How many of the rows learned from were contacted, and what was done with them."""

    rows: int
    within: int  # in the horizon, before they left
    lately: int  # in the 90 days before the night
    most: float  # how often a row that was left alone counts at most

    @classmethod
    def of(cls, data: Dataset) -> Treated:
        """Of what `left_alone` gave."""
        within, lately = (
            (int(data.contacts.within.sum()), int(data.contacts.lately.sum()))
            if data.contacts
            else (0, 0)
        )
        return cls(len(data), within, lately, float(data.alone.max()))

    @property
    def words(self) -> str:
        """For people."""
        if not self.within + self.lately:
            return "Nobody was contacted."
        return (
            f"{self.within:,} of {self.rows:,} rows ({self.within / self.rows:.1%}) were contacted "
            "within the horizon: they teach who is at risk, and probabilities are those of rows "
            f"left alone, which count for them up to {self.most:.1f} times. {self.lately:,} were "
            "contacted in the 90 days before their night, which the features tell."
        )


def left_alone(data: Dataset, settings: FitSettings) -> Dataset:
    """`data` with how often each row counts: 0 for the contacted, for the others so often that they
    sum to the number of all rows. As it was where nobody was contacted."""
    if data.contacts is None or not data.contacts.within.any():
        return data
    after, treated = data.contacts.after, data.contacts.within
    ends = [after, np.full(len(data), float(settings.horizon_days))]
    # Days from the night to contact, leaving or the horizon's end, whichever came first.
    exposure = np.fmin.reduce([*ends, *([] if data.leaves_in is None else [data.leaves_in])])
    rate = _contacts_a_day(data, after, exposure, settings.seed)
    chance = np.exp(-_expected_contacts(data, rate, exposure))
    weight = ~treated / np.maximum(chance, LEAST_CHANCE)
    return replace(data, weight=weight * len(data) / weight.sum())


@dataclass(frozen=True)
class LeftAlone:
    """How true probabilities are of leaving if left alone: of the rows that were, weighted."""

    rows: int
    said: float  # mean probability
    left: float  # share that left
    auc: float
    brier: float

    def lines(self) -> Iterator[str]:
        """In words, for the report."""
        yield (
            f"if nobody were contacted, by {self.rows:,} rows left alone that count for those who "
            f"were: {self.said:.1%} said on average, {self.left:.1%} left; AUC {self.auc:.3f}, "
            f"Brier {self.brier:.3f}"
        )


def judge_alone(data: Dataset, p: Floats, settings: FitSettings) -> LeftAlone | None:
    """Of probabilities `p` [n] of rows that were not learned from; None where nobody was contacted,
    or all who were left alone left or stayed."""
    told = left_alone(data, settings)
    some = told.alone > 0
    if some.all() or data.y[some].all() or not data.y[some].any():
        return None
    p, y, weight = p[some], data.y[some], told.alone[some]
    return LeftAlone(
        rows=len(y),
        said=float(np.average(p, weights=weight)),
        left=told.base_rate,
        auc=Ranking(y, p).auc(weight),
        brier=float(np.average((p - y) ** 2, weights=weight)),
    )


def _contacts_a_day(data: Dataset, after: Floats, exposure: Floats, seed: int) -> Floats:
    """To be expected in the `SOON` after each night, out of fold over customers, [n].

    Only what comes soon, since what is known by the next night is in that night's features.
    """
    import lightgbm

    days = np.clip(exposure, LEAST_DAYS, SOON)
    soon = after <= days
    if len(np.unique(data.customer[soon])) < FEWEST:
        return np.full(len(data), soon.sum() / days.sum())
    out, scale = np.empty(len(data)), float(days.mean())
    fold = group_folds(data.customer, soon, FOLDS, seed)
    parameters = {**TREES, "seed": seed % 2**31}
    for number in range(FOLDS):
        held = fold == number
        often = soon[~held] / days[~held] * scale
        table = lightgbm.Dataset(data.X[~held], often, weight=days[~held], params=parameters)
        out[held] = lightgbm.train(parameters, table, ROUNDS).predict(data.X[held])
    return out / scale


def _expected_contacts(data: Dataset, rate: Floats, exposure: Floats) -> Floats:
    """Of each row until the end of its exposure, [n], at the rate of each of the customer's nights
    until the next: who gets worse after a night is contacted for what that night did not know."""
    order = np.lexsort((data.as_of, data.customer))
    who, day = data.customer[order], data.as_of[order] / DAY
    follows = np.append(who[1:] == who[:-1], False)
    until = np.where(follows, np.append(day[1:], np.inf), np.inf)
    total, at = np.zeros(len(data)), np.arange(len(data))
    end, there = day + exposure[order], np.ones(len(data), np.bool_)
    while there.any():
        span = np.minimum(until[at], end) - day[at]
        total[there] += (rate[order][at] * span)[there]
        there &= follows[at] & (until[at] < end)
        at = np.where(there, at + 1, at)
    out = np.empty(len(data))
    out[order] = total
    return out
