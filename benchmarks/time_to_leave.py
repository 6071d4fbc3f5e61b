"""How well the order of leaving is told where most have not left yet: ours against Cox's model.

pysurvival_saas: 2,000 customers with months until they left, or until they were last seen. Ours
learns each customer's months as rows (did they leave in this one?), by `models.churn.fit` and
nothing else; a customer's rows are never on both sides of a fold. Cox's proportional hazards come
from lifelines, the penalty tuned inside each fold. Concordance: Harrell's C, mean of the folds.
Source of the rows: Singer and Willett, "It's about time", J. Educational Statistics 1993.
"""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.learners import Bools, Floats, Learner, our_version, versions
from benchmarks.measured import Cache, folds_of, out_of_fold
from benchmarks.table_sets import TableSet
from models import churn
from models.contracts import Feature
from models.dataset import Dataset
from models.encoding import fit_encoding
from models.tables import SETTINGS

DURATION = "months_active"
PENALTIES = (0.0001, 0.001, 0.01, 0.1, 1.0)
INNER_FOLDS = 3
MONTH = Feature("month", "in month {value}", "table", "month", "count")


def concordance(table_set: TableSet, learner: Learner, cache: Cache, repeats: int) -> Floats:
    """Harrell's C of each fold of each repeat. Needs lifelines (the `bench` extra)."""
    from lifelines.utils import concordance_index

    table, left = table_set.read()
    months, out = _months(table), []
    for repeat in range(repeats):
        lasts, _ = out_of_fold(table_set, learner, cache, repeat)
        out += [
            concordance_index(months[held], lasts[held], left[held])
            for _, held in folds_of(table_set, repeat)
        ]
    return np.array(out)


def _months(table: pd.DataFrame) -> NDArray[np.int64]:
    months = np.maximum(table[DURATION].to_numpy(np.float64), 1.0)
    return np.asarray(months.round(), np.int64)


def by_month(table: pd.DataFrame, left: Bools, others: pd.DataFrame, seed: int) -> Floats:
    """Ours. Minus the mortality, [m]: the cumulative hazards of all months, added up. Who is higher
    stays longer. Source: Ishwaran et al., "Random survival forests", Annals of Applied Statistics
    2008, 4.1."""
    months, numbers = _months(table), np.arange(len(table))
    encoding, matrix = fit_encoding(table.drop(columns=[DURATION]), left, numbers, seed)
    rows = np.repeat(numbers, months)
    month = np.concatenate([np.arange(1, last + 1) for last in months])
    data = Dataset(
        X=np.column_stack([matrix[rows], month]),
        y=left[rows] & (month == months[rows]),
        customer=rows,
        as_of=month,
        silent=np.zeros(len(rows), np.bool_),
        features=(*encoding.features, MONTH),
    )
    model = churn.fit(data, replace(SETTINGS, seed=seed))
    known = encoding.matrix(others)
    hazard, mortality = np.zeros(len(others)), np.zeros(len(others))
    for number in range(1, int(months.max()) + 1):
        column = np.full((len(others), 1), float(number))
        hazard -= np.log1p(-model.predict(np.hstack([known, column])))
        mortality += hazard
    return -mortality


def cox(table: pd.DataFrame, left: Bools, others: pd.DataFrame, seed: int) -> Floats:
    """The peer. Minus the log hazard, [m]: who is higher stays longer."""
    both = pd.concat([table, others], ignore_index=True).drop(columns=[DURATION])
    flags = pd.get_dummies(both, drop_first=True, dtype=float)
    learn = flags.iloc[: len(table)]
    flags = (flags - learn.mean()) / learn.std().replace(0.0, 1.0)
    learned = flags.iloc[: len(table)].assign(_months=_months(table), _left=left)
    fold = np.random.default_rng(seed).permutation(len(learned)) % INNER_FOLDS
    scores = [_inner_score(learned, fold, penalty) for penalty in PENALTIES]
    model = _fit_cox(learned, PENALTIES[int(np.argmax(scores))])
    return -np.asarray(model.predict_log_partial_hazard(flags.iloc[len(table) :]), np.float64)


def _inner_score(learned: pd.DataFrame, fold: NDArray[np.int64], penalty: float) -> float:
    scores = [
        _fit_cox(learned[fold != number], penalty).score(
            learned[fold == number], scoring_method="concordance_index"
        )
        for number in range(INNER_FOLDS)
    ]
    return float(np.mean(scores))


def _fit_cox(frame: pd.DataFrame, penalty: float) -> Any:
    from lifelines import CoxPHFitter

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return CoxPHFitter(penalizer=penalty).fit(frame, "_months", "_left")


OURS_BY_MONTH = Learner("ours, month by month", by_month, our_version)
COX = Learner("Cox, tuned", cox, versions("lifelines"))
