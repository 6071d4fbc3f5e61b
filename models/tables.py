"""Plain tables through the churn model: one row a customer, categories and gaps, no dates.

`fit(table, label)` encodes the columns, looks for leaks and then learns as `models.churn.fit` does
from a history's features: the same blend, the same calibration, the same exact contributions.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models import churn, leaks, protected
from models.churn import ChurnModel
from models.dataset import Dataset, FitSettings, group_folds
from models.encoding import Encoding, fit_encoding, texts
from models.errors import NotEnoughData, WarmlineError

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

LEAST_ROWS = 100  # below, a fifth held out holds twenty rows and tells nothing
SETTINGS = FitSettings(horizon_days=0)  # a table says nothing of when
_YES = frozenset({"1", "1.0", "true", "yes", "y"})
_NO = frozenset({"0", "0.0", "false", "no", "n"})


@dataclass(frozen=True)
class TableModel:
    """A churn model that reads tables."""

    encoding: Encoding
    churn: ChurnModel
    findings: tuple[leaks.Finding, ...]  # columns that tell a lot by themselves

    def predict(self, table: pd.DataFrame, threads: int = 1) -> Floats:
        """Probability of leaving, [n]. Values that training did not see count as not known.

        Raises `WarmlineError` naming the columns that `table` lacks.
        """
        return self.churn.predict(self.encoding.matrix(table), threads)

    def contributions(self, table: pd.DataFrame, threads: int = 1) -> tuple[Floats, float]:
        """Log-odds that each of `churn.features` adds, [n, f], and the average's, the bias."""
        return self.churn.contributions(self.encoding.matrix(table), threads)


def fit(
    table: pd.DataFrame,
    label: str,
    settings: FitSettings = SETTINGS,
    *,
    leaves: object = None,
    customer: str | None = None,
    taken: date | None = None,
    limit: float = leaks.LIMIT,
    accept: Collection[str] = (),
    learn_protected: bool = False,
) -> TableModel:
    """Learn who leaves from a table of one row a customer, [n].

    `label`: the column that says who left; `leaves`: the value that says so, where it is not
    yes, true or 1. `customer`: the column that names them, where one may have several rows.
    `taken`: the day on which the rows were taken; what is dated later lies in their future.
    `limit`: how much of the label a column may tell by itself, 0 to 1 (`models.leaks`); `accept`:
    columns that may tell more. `learn_protected`: learn from personal data and protected
    attributes, too, as published benchmarks do. The same table and settings give the same model,
    to the byte.

    Raises `WarmlineError` for a table that cannot be learned from, `NotEnoughData` for too few
    rows or leavers, `leaks.Leak` for a column that gives the label away, and
    `protected.ProtectedFeature` for one that `models/protected.py` names.
    """
    y = _labels(table, label, leaves)
    numbers = _customers(table, customer)
    columns = table.drop(columns=[label, *([customer] if customer else [])])
    if not learn_protected:
        found = protected.held(map(str, columns.columns))
        instead = "Drop it, or pass `learn_protected=True` to compare with published figures."
        protected.refuse(found, "the table", instead)
    ends = np.inf if taken is None else _last_second(taken)
    looked_at = leaks.columns_of(columns, ends)
    findings = leaks.inspect(looked_at, y, limit=limit, seed=settings.seed)
    leaks.refuse(findings, accept)
    encoding, matrix = fit_encoding(columns, y, numbers, settings.seed)
    data = Dataset(
        X=matrix,
        y=y,
        customer=numbers,
        as_of=np.zeros(len(y), np.int64),
        silent=np.zeros(len(y), np.bool_),
        features=encoding.features,
    )
    return TableModel(encoding, churn.fit(data, settings), findings)


def cross_predict(
    table: pd.DataFrame,
    label: str,
    settings: FitSettings = SETTINGS,
    *,
    folds: int = 5,
    leaves: object = None,
    customer: str | None = None,
    accept: Collection[str] = (),
    learn_protected: bool = False,
) -> tuple[Floats, NDArray[np.int64]]:
    """Out-of-fold probabilities, [n], and the fold of each row, [n].

    Encoding, choices and calibration are made anew within each fold. Raises as `fit`.
    """
    y = _labels(table, label, leaves)
    fold = group_folds(_customers(table, customer), y, folds, settings.seed + 1)
    out = np.empty(len(y))
    for number in range(folds):
        held = fold == number
        learn = replace(settings, seed=settings.seed + number)
        model = fit(
            table[~held], label, learn, leaves=leaves, customer=customer, accept=accept,
            learn_protected=learn_protected,
        )  # fmt: skip
        out[held] = model.predict(table[held], settings.threads)
    return out, fold


def _last_second(day: date) -> float:
    return datetime.combine(day, time.max, UTC).timestamp()


def _labels(table: pd.DataFrame, label: str, leaves: object) -> Bools:
    """Who left, [n]. Raises for what cannot be read as that."""
    import difflib

    if label not in table.columns:
        near = difflib.get_close_matches(label, map(str, table.columns), 1)
        hint = f" Did you mean `{near[0]}`?" if near else ""
        raise WarmlineError(f"the table has no column `{label}` to learn from.{hint}")
    if len(table) < LEAST_ROWS:
        raise NotEnoughData(
            f"the table has {len(table)} rows: a model needs at least {LEAST_ROWS}. Add customers."
        )
    words = texts(table[label])
    missing = sum(word is None for word in words)
    if missing:
        raise WarmlineError(
            f"`{label}` is missing in {missing} of {len(words)} rows: whoever is not known to have "
            "left or stayed cannot be learned from. Drop these rows, or fill them."
        )
    if leaves is not None:
        y = np.array([word == str(leaves) for word in words], np.bool_)
    else:
        y = _yes_or_no(label, words)
    if y.all() or not y.any():
        whoever = "everyone left" if y.all() else "nobody left"
        raise NotEnoughData(
            f"by `{label}` {whoever}: a model needs both those who left and those who stayed. "
            "Check the column, and the value that `leaves` names."
        )
    return y


def _yes_or_no(label: str, words: NDArray[np.object_]) -> Bools:
    lower = np.char.lower(words.astype(str))
    other = sorted(set(lower.tolist()) - _YES - _NO)
    if other:
        shown = ", ".join(repr(word) for word in other[:3])
        raise WarmlineError(
            f"`{label}` holds {shown}, which is neither yes nor no: name the value of those who "
            "left with `leaves`."
        )
    return np.isin(lower, sorted(_YES))


def _customers(table: pd.DataFrame, customer: str | None) -> NDArray[np.int64]:
    if customer is None:
        return np.arange(len(table), dtype=np.int64)
    if customer not in table.columns:
        raise WarmlineError(f"the table has no column `{customer}` that names its customers.")
    _, numbers = np.unique(texts(table[customer]).astype(str), return_inverse=True)
    return np.asarray(numbers, np.int64)
