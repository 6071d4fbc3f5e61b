"""Learning who leaves if left alone, from past nights on which some were contacted.

Of whoever was contacted it is not known whether they would have left. They are left out, and those
who were left alone count for them: each by one over the chance of being left alone for so long, as
learned from the features (inverse probability of censoring: Robins, Finkelstein, Biometrics 2000).
Just to leave them out would teach that people leave more often than they do: who leaves early is
never contacted, and so never left out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from models.dataset import Dataset, FitSettings, group_folds

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

# A row counts for ten at most: one that is hardly ever left alone must not decide by itself.
LEAST_CHANCE = 0.1
FEWEST = 20  # customers who were contacted: from fewer nothing is learned of who is
FOLDS, ROUNDS = 3, 60
LEAST_DAYS = 0.5  # of exposure
TREES = {
    "objective": "poisson", "num_leaves": 15, "max_depth": 6, "learning_rate": 0.07,
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
    def of(cls, data: Dataset, learned: Dataset) -> Treated:
        """`learned`: what `left_alone` made of `data`."""
        within, lately = (
            (int(data.contacts.within.sum()), int(data.contacts.lately.sum()))
            if data.contacts
            else (0, 0)
        )
        most = 1.0 if learned.weight is None else float(learned.weight.max())
        return cls(len(data), within, lately, most)

    @property
    def words(self) -> str:
        """For people."""
        if not self.within + self.lately:
            return "Nobody was contacted."
        return (
            f"{self.within:,} of {self.rows:,} rows ({self.within / self.rows:.1%}) were contacted "
            "within the horizon: they are left out, and rows like them that were left alone count "
            f"for them, up to {self.most:.1f} times. {self.lately:,} were contacted in the 90 days "
            "before their night, which the features tell."
        )


def left_alone(data: Dataset, settings: FitSettings) -> Dataset:
    """The rows that were left alone, with how often each counts; all of `data` where nobody was
    contacted. Weights sum to the number of all rows."""
    if data.contacts is None or not data.contacts.within.any():
        return data
    treated = data.contacts.within
    exposure = _exposure(data, settings.horizon_days)
    chance = np.exp(-_contacts_a_day(data, treated, exposure, settings.seed) * exposure)
    weight = 1 / np.maximum(chance, LEAST_CHANCE)[~treated]
    return replace(data.take(~treated), weight=weight * len(data) / weight.sum())


def _exposure(data: Dataset, horizon: int) -> Floats:
    """Days from the night to contact, leaving or the horizon's end, whichever came first, [n]."""
    assert data.contacts is not None  # noqa: S101
    days = np.fmin(data.contacts.after, float(horizon))
    return days if data.leaves_in is None else np.fmin(days, data.leaves_in)


def _contacts_a_day(data: Dataset, treated: Bools, exposure: Floats, seed: int) -> Floats:
    """To be expected of each row, out of fold over customers, [n]."""
    import lightgbm

    days = np.maximum(exposure, LEAST_DAYS)
    if len(np.unique(data.customer[treated])) < FEWEST:
        return np.full(len(data), treated.sum() / days.sum())
    out, scale = np.empty(len(data)), float(days.mean())
    fold = group_folds(data.customer, treated, FOLDS, seed)
    parameters = {**TREES, "seed": seed % 2**31}
    for number in range(FOLDS):
        held = fold == number
        often = treated[~held] / days[~held] * scale
        table = lightgbm.Dataset(data.X[~held], often, weight=days[~held], params=parameters)
        out[held] = lightgbm.train(parameters, table, ROUNDS).predict(data.X[held])
    return out / scale
