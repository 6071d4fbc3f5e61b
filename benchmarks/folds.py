"""Quality on customers that no fold's model has seen.

`python -m benchmarks.folds HOME HORIZON` learns from the training nights of four fifths of the
customers and judges on the later nights of the others; with a DATE as third argument there is that
one night only, for a history too short to be judged later in time. Prints one JSON object.
"""

from __future__ import annotations

import json
import os
import sys
from datetime import date
from pathlib import Path

import numpy as np

from benchmarks.learners import Bools
from models.churn import FitSettings, cross_predict
from models.evaluate import evaluate, judge
from models.home import Home
from models.settings import load
from pipelines import train
from pipelines.history.store import History
from pipelines.trainingset import TrainingSet, assemble

FOLDS = 5


def assembled(home: Path, horizon: int, day: date | None) -> tuple[TrainingSet, Bools, Bools]:
    """The rows of `day`, or of the nights that `warmline train` takes, and of these the ones to
    learn from and those to judge by, [n] each."""
    settings = load(home, os.environ)
    history = History.open(Home(home).history)
    if day:
        rows = assemble(history, settings, [day], horizon)
        everything = np.ones(len(rows.data), bool)
        return rows, everything, everything
    plan = train.plan_snapshots(history, settings, None, horizon)
    rows = assemble(history, settings, [*plan.training, *plan.judging], horizon)
    learned = rows.at(plan.training, settings)
    return rows, learned, ~learned


def main(home: Path, horizon: int, day: date | None) -> None:
    settings = load(home, os.environ)
    rows, learned, judged = assembled(home, horizon, day)
    data = rows.data
    how = FitSettings(
        horizon_days=horizon, seed=settings.training.seed, threads=settings.performance.threads
    )
    probability = cross_predict(data, how, FOLDS, learn=learned)
    rows, data = rows.take(judged), data.take(judged)
    report = evaluate(
        data.y,
        probability[judged],
        customer=data.customer,
        silent=data.silent,
        longest_silence=rows.silence,
        base_rate=data.base_rate,
        protocol=f"{FOLDS} folds over customers, {'one night' if day else 'later in time'}",
        seed=how.seed,
    )
    facts = {
        "features": len(data.features),
        "report": report.to_dict(),
        "verdict": list(judge(report).reasons),
    }
    print(json.dumps(facts))


if __name__ == "__main__":
    asked = sys.argv[3:]
    main(Path(sys.argv[1]), int(sys.argv[2]), date.fromisoformat(asked[0]) if asked else None)
