"""Cross-validated figures of one learner on one table, kept so that a run measures what changed.

The cache is a JSON file outside the project (`$XDG_CACHE_HOME/warmline/bench-model.json`). Its
keys name everything that could change a figure: the data's SHA-256, what is read of it, the
learner with its version, the repeat.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.learners import OURS, Learner, tidy
from benchmarks.table_sets import TableSet
from models.files import write_atomically
from models.metrics import Metrics, Ranking, average_precision, brier, top_decile_lift

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

FOLDS = 5
SEED = 1000  # of the first repeat's folds; the defaults were looked for on those of seed 0
FIGURES = ("auc", "average_precision", "top_decile_lift", "brier", "calibration_error")


class Cache:
    """Results by key, written after each."""

    def __init__(self, path: Path | None = None) -> None:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        self._path = path or base / "warmline" / "bench-model.json"

    def get(self, key: str) -> dict[str, Any] | None:
        found = self._read().get(key)
        return found if isinstance(found, dict) else None

    def put(self, key: str, facts: dict[str, Any]) -> None:
        """Keep a result beside those that others may have written meanwhile."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        results = self._read() | {key: facts}
        write_atomically(self._path, json.dumps(results, indent=1, sort_keys=True).encode())

    def _read(self) -> dict[str, Any]:
        if not self._path.exists():
            return {}
        results: dict[str, Any] = json.loads(self._path.read_text(encoding="utf-8"))
        return results


def measure(
    table_set: TableSet, learner: Learner, cache: Cache, repeats: int, fresh: bool = False
) -> dict[str, Any]:
    """Means over the repeats of a learner's figures on a set, and the first repeat's predictions.

    `fresh`: measured although the cache has it.
    """
    data = hashlib.sha256(table_set.path.read_bytes()).hexdigest()[:12]
    results = []
    for repeat in range(min(repeats, learner.repeats)):
        named = (table_set.name, data, table_set.reading, learner.name, learner.version(), repeat)
        key = " | ".join(map(str, named))
        facts = None if fresh else cache.get(key)
        if facts is None:
            facts = cross_validate(table_set, learner, repeat)
            cache.put(key, facts)
        results.append(facts)
    return {
        **{name: float(np.mean([facts[name] for facts in results])) for name in FIGURES},
        "auc_spread": float(np.std([facts["auc"] for facts in results])),
        "seconds": float(np.sum([facts["seconds"] for facts in results])),
        "repeats": len(results),
        "predicted": results[0]["predicted"],
    }


def cross_validate(table_set: TableSet, learner: Learner, repeat: int) -> dict[str, Any]:
    """One repeat: AUC, precision and lift are means of the folds, the others pooled over them."""
    table, y = table_set.read()
    if learner is not OURS:
        table = tidy(table)
    started = time.perf_counter()
    p = np.empty(len(y))
    folds = stratified(y, repeat)
    for held in folds:
        p[held] = learner.predict(table[~held], y[~held], table[held], repeat)
    pooled = Metrics.of(y, p)
    return {
        "auc": _mean([Ranking(y[held], p[held]).auc() for held in folds]),
        "average_precision": _mean([average_precision(y[held], p[held]) for held in folds]),
        "top_decile_lift": _mean([top_decile_lift(y[held], p[held]) for held in folds]),
        "brier": brier(y, p),
        "calibration_error": pooled.calibration_error,
        "seconds": round(time.perf_counter() - started, 1),
        "predicted": [round(float(value), 6) for value in p] if repeat == 0 else [],
    }


def stratified(y: Bools, repeat: int) -> list[Bools]:
    """The held rows of each fold, [n], the same for every learner."""
    from sklearn.model_selection import StratifiedKFold

    splits = StratifiedKFold(FOLDS, shuffle=True, random_state=SEED + repeat).split(np.zeros(len(y)), y)
    return [np.isin(np.arange(len(y)), held) for _, held in splits]


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))
