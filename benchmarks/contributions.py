"""Exact contributions of trees: ours against LightGBM's `pred_contrib`, by the same trees.

Part of `make bench-model` (alone: `--only contributions`). One thread each, the fastest of three
runs; what both say must be equal to 1e-9.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import lightgbm
import numpy as np
from numpy.typing import NDArray

from benchmarks.harness import Bar
from models.dataset import CAREFUL, DEEP, FAINT, Shape
from models.forest import Forest

NAME = "contributions"
ROWS, FEATURES, TREES = 10_000, 300, 300
RUNS = 3
TIMES_FASTER = 10.0  # issue 5, "Explaining"
SHAPES = {"careful": CAREFUL, "deep": DEEP, "faint": FAINT}

Floats = NDArray[np.float64]


def measured(quick: bool) -> tuple[list[Bar], dict[str, Any]]:
    """A bar for each shape that training chooses among, and the figures behind it."""
    rows = ROWS // 5 if quick else ROWS
    matrix, y = _table(rows)
    bars, figures = [], {}
    for name, shape in SHAPES.items():
        found = _compared(matrix, y, shape)
        label = f"{NAME}, {name} trees ({shape.num_leaves} leaves): times pred_contrib"
        ok = found["times"] >= TIMES_FASTER and found["apart"] <= 1e-9
        bars.append(Bar(label, found["times"], f">= {TIMES_FASTER:.0f}, equal to 1e-9", ok))
        figures[name] = {**found, "rows": rows, "features": FEATURES, "trees": TREES}
    return bars, {NAME: figures}


def _table(rows: int) -> tuple[Floats, NDArray[np.bool_]]:
    """Counts and numbers as features are: skewed, with many zeros, a third not known."""
    rng = np.random.default_rng(1)
    matrix = rng.lognormal(0, 1, (rows, FEATURES))
    matrix[:, ::2] = rng.poisson(1.5, (rows, FEATURES // 2))
    matrix[:, ::3][rng.random((rows, FEATURES // 3)) < 1 / 3] = np.nan
    weights = rng.normal(size=FEATURES) * (rng.random(FEATURES) < 0.2)
    score = np.nan_to_num(matrix) @ weights
    return matrix, score + rng.logistic(0, 3, rows) > np.quantile(score, 0.8)


def _compared(matrix: Floats, y: NDArray[np.bool_], shape: Shape) -> dict[str, float]:
    parameters = {
        "objective": "binary", "num_leaves": shape.num_leaves, "max_depth": shape.max_depth,
        "learning_rate": shape.learning_rate, "feature_fraction": shape.of_features,
        "num_threads": 1, "verbosity": -1, "seed": 1,
    }  # fmt: skip
    booster = lightgbm.train(parameters, lightgbm.Dataset(matrix, y), TREES)
    started = time.perf_counter()
    forest = Forest.from_text(booster.model_to_string())
    made = time.perf_counter() - started
    forest.contributions(matrix[:10])  # loads the compiled loop
    ours, own = _fastest(lambda: forest.contributions(matrix))
    theirs, all_of_them = _fastest(
        lambda: np.asarray(booster.predict(matrix, pred_contrib=True, num_threads=1))
    )
    return {
        "seconds": ours,
        "pred_contrib_seconds": theirs,
        "times": theirs / ours,
        "apart": float(np.abs(own - all_of_them[:, :-1]).max()),
        "tables_seconds": made,
    }


def _fastest(call: Callable[[], Floats]) -> tuple[float, Floats]:
    best, found = np.inf, np.empty(0)
    for _ in range(RUNS):
        started = time.perf_counter()
        found = call()
        best = min(best, time.perf_counter() - started)
    return best, found
