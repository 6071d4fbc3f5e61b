"""What knowing the people who serve adds: quality with and without their figures, side by side.

`python -m benchmarks.agents_signal HOME HORIZON` learns from the training nights of four fifths of
the customers and judges on the later nights of the others, as benchmarks/folds.py does, once with
all features and once without those of stream `served`. Prints one JSON object.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import roc_auc_score

from benchmarks.folds import FOLDS
from models.churn import FitSettings, cross_predict
from models.dataset import Dataset
from models.home import Home
from models.settings import load
from pipelines import train
from pipelines.history.store import History
from pipelines.trainingset import assemble

DRAWS = 500  # of customers, for the interval


def main(home: Path, horizon: int) -> None:
    settings = load(home, os.environ)
    history = History.open(Home(home).history)
    plan = train.plan_snapshots(history, settings, None, horizon)
    rows = assemble(history, settings, [*plan.training, *plan.judging], horizon)
    learned = rows.at(plan.training, settings)
    how = FitSettings(
        horizon_days=horizon, seed=settings.training.seed, threads=settings.performance.threads
    )
    mine = np.array([feature.group == "agents" for feature in rows.data.features])
    found = [
        cross_predict(data, how, FOLDS, learn=learned)[~learned]
        for data in (rows.data, _without(rows.data, mine))
    ]
    judged = rows.data.take(~learned)
    told = ~np.isnan(judged.X[:, mine]).all(axis=1)
    facts = {
        "rows": len(judged),
        "leavers": int(judged.y.sum()),
        "all": _compared(judged, found, np.ones(len(judged), bool)),
        "of whom something is known": _compared(judged, found, told),
        "single": _single(judged, mine),
    }
    print(json.dumps(facts, indent=1))


def _without(data: Dataset, columns: np.ndarray[Any, np.dtype[np.bool_]]) -> Dataset:
    kept = tuple(f for f, gone in zip(data.features, columns, strict=True) if not gone)
    return replace(data, X=np.ascontiguousarray(data.X[:, ~columns]), features=kept)


def _compared(data: Dataset, found: list[Any], some: Any) -> dict[str, float]:
    """AUC with and without, and the 95% interval of their difference, customers drawn again."""
    y, customer = data.y[some], data.customer[some]
    given, taken = (probability[some] for probability in found)
    rng = np.random.default_rng(1)
    number = np.unique(customer, return_inverse=True)[1]
    apart = []
    for _ in range(DRAWS):
        many = np.bincount(rng.integers(number.max() + 1, size=number.max() + 1))
        weight = np.append(many, np.zeros(number.max() + 1 - len(many), int))[number]
        apart.append(
            roc_auc_score(y, given, sample_weight=weight)
            - roc_auc_score(y, taken, sample_weight=weight)
        )
    low, high = np.quantile(apart, [0.025, 0.975])
    with_them, without = float(roc_auc_score(y, given)), float(roc_auc_score(y, taken))
    return {
        "rows": int(some.sum()),
        "with": round(with_them, 4),
        "without": round(without, 4),
        "difference": round(with_them - without, 4),
        "low": round(float(low), 4),
        "high": round(float(high), 4),
    }


def _single(data: Dataset, columns: Any) -> dict[str, float]:
    """The AUC of each figure alone where it is known: how far from .5."""
    found = {}
    for place in np.flatnonzero(columns):
        known = ~np.isnan(data.X[:, place])
        if data.y[known].any() and not data.y[known].all():
            auc = roc_auc_score(data.y[known], data.X[known, place])
            found[data.features[place].name] = round(float(auc), 3)
    return found


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
