"""Cross-validated figures of one learner on one table, kept so that a run measures what changed.

The cache is a folder outside the project, `$XDG_CACHE_HOME/warmline/bench-model`. Its keys name
everything that could change a figure: the data's SHA-256, what is read of it, the learner with
its version, the folds' seed and the fold.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd

from benchmarks.learners import OURS, Bools, Floats, Learner, tidy
from models.files import write_atomically
from models.metrics import Ranking, average_precision, brier, calibration_error, top_decile_lift

FOLDS = 5
SEED = 1000  # of the first repeat's folds; the defaults were looked for on those of seed 0


class Data(Protocol):
    """A set to learn from and to judge by."""

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> str:
        """Another one wherever the rows are others."""

    def read(self) -> tuple[pd.DataFrame, Bools]:
        """Columns to learn from, and who left, [n]."""

    def splits(self, folds: int, seed: int) -> list[tuple[Bools, Bools]]:
        """The rows to learn from and those to judge by, [n] each, of each fold."""


class Cache:
    """Out-of-fold predictions by key, one file each."""

    def __init__(self, folder: Path | None = None) -> None:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        self._folder = folder or base / "warmline" / "bench-model"

    def get(self, key: str) -> dict[str, Any] | None:
        path = self._path(key)
        if not path.exists():
            return None
        facts: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return facts

    def put(self, key: str, facts: dict[str, Any]) -> None:
        """Keep `facts`, at once: a run that is stopped goes on where it was."""
        self._folder.mkdir(parents=True, exist_ok=True)
        write_atomically(self._path(key), json.dumps({"key": key, **facts}).encode())

    def _path(self, key: str) -> Path:
        return self._folder / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.json"


def measure(
    data: Data, learner: Learner, cache: Cache, repeats: int, fresh: bool = False
) -> dict[str, Any]:
    """Means over the repeats of a learner's figures on a set, and the first repeat's predictions.

    `fresh`: measured although the cache has it.
    """
    _, y = data.read()
    first, seconds = out_of_fold(data, learner, cache, 0, fresh)
    results = [_figures(data, y, first, 0)]
    for repeat in range(1, min(repeats, learner.repeats)):
        p, more = out_of_fold(data, learner, cache, repeat, fresh)
        results.append(_figures(data, y, p, repeat))
        seconds += more
    return {
        **{name: float(np.mean([figures[name] for figures in results])) for name in results[0]},
        "auc_spread": float(np.std([figures["auc"] for figures in results])),
        "seconds": seconds,
        "repeats": len(results),
        "rows": int((~np.isnan(first)).sum()),
        "predicted": first,
    }


def out_of_fold(
    data: Data, learner: Learner, cache: Cache, repeat: int, fresh: bool = False
) -> tuple[Floats, float]:
    """Out-of-fold probabilities of one repeat, [n], and the seconds that they took.

    NaN of rows by which no fold judges.
    """
    table, y = data.read()
    if learner.name != OURS.name:
        table = tidy(table)
    p, seconds = np.full(len(y), np.nan), 0.0
    for number, (learn, held) in enumerate(folds_of(data, repeat)):
        named = (data.name, data.version, learner.name, learner.version(), SEED + repeat, number)
        key = " | ".join(map(str, named))
        facts = None if fresh else cache.get(key)
        if facts is None:
            started = time.perf_counter()
            told = learner.predict(table[learn], y[learn], table[held], repeat)
            taken = round(time.perf_counter() - started, 2)
            facts = {"seconds": taken, "p": [round(float(value), 9) for value in told]}
            cache.put(key, facts)
        p[held] = facts["p"]
        seconds += facts["seconds"]
    return p, seconds


def folds_of(data: Data, repeat: int) -> list[tuple[Bools, Bools]]:
    """The rows learned from and held, [n] each, of each fold, the same for every learner."""
    return data.splits(FOLDS, SEED + repeat)


def _figures(data: Data, y: Bools, p: Floats, repeat: int) -> dict[str, float]:
    """AUC, precision and lift are means of the folds, the others pooled over them."""
    folds = [held for _, held in folds_of(data, repeat)]
    judged = ~np.isnan(p)
    return {
        "auc": _mean([Ranking(y[held], p[held]).auc() for held in folds]),
        "average_precision": _mean([average_precision(y[held], p[held]) for held in folds]),
        "top_decile_lift": _mean([top_decile_lift(y[held], p[held]) for held in folds]),
        "brier": brier(y[judged], p[judged]),
        "calibration_error": calibration_error(y[judged], p[judged]),
    }


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))
