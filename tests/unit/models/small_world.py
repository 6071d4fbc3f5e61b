"""A world of two snapshots a customer in which some things tell who leaves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from models.churn import Dataset, FitSettings
from models.contracts import Feature
from models.dataset import CAREFUL, DEEP

FEATURES = (
    Feature("complaints_30", "{value} complaint{s} in {window}|no complaint in {window}",
            "S12", "complaints", "count", 30),
    Feature("complaints_365", "{value} complaint{s} in {window}", "S12", "complaints", "count",
            365),
    Feature("silence", "{value} day{s} without a sign||never a sign of life", "S2", "silence",
            "days"),
    Feature("late_share", "{value} of replies came late", "S15", "waits", "share", 90),
    Feature("use_trend", "use at {value} times the usual", "S2", "use", "trend"),
    Feature("spend", "pays {value} a month", "S8", "spend", "last"),
    Feature("never_varies", "always {value}", "S1", "constant", "count"),
    Feature("never_known", "{value} of something", "S1", "unknown", "count"),
)  # fmt: skip
QUICK = FitSettings(
    horizon_days=90,
    max_rounds=80,
    patience=10,
    shapes=tuple(replace(shape, learning_rate=0.1) for shape in (CAREFUL, DEEP)),
)


def world(rows: int = 1500, seed: int = 0, signal: float = 1.0) -> Dataset:
    """Two snapshots of each customer; `signal` 0 is a world in which nothing can be learned."""
    rng = np.random.default_rng(seed)
    month = rng.poisson(0.3, rows).astype(float)
    silence = rng.exponential(60, rows)
    late = rng.random(rows)
    late[rng.random(rows) < 0.4] = np.nan
    columns = [
        month,
        month + rng.poisson(2, rows),
        np.where(rng.random(rows) < 0.05, np.nan, silence),
        late,
        rng.lognormal(0, 0.5, rows),
        rng.lognormal(3, 1, rows),
        np.full(rows, 3.0),
        np.full(rows, np.nan),
    ]
    mood = 0.9 * month + silence / 60 + np.nan_to_num(late) - columns[4]
    y = signal * mood + rng.logistic(0, 1, rows) > 2.2
    return Dataset(
        X=np.column_stack(columns),
        y=y,
        customer=np.repeat(np.arange(rows // 2), 2),
        as_of=np.tile(np.array([1_700_000_000, 1_707_776_000]), rows // 2),
        silent=silence > 90,
        features=FEATURES,
    )
