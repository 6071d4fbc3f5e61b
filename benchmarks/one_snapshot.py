"""One date, five folds over customers: for a history too short to be judged later in time.

`python -m benchmarks.one_snapshot HOME DATE HORIZON` prints one JSON object. Nobody is judged by a
model that saw them, and every choice of training is made anew within each fold.
"""

from __future__ import annotations

import json
import os
import sys
from datetime import date
from pathlib import Path

from models.churn import FitSettings, cross_predict
from models.evaluate import evaluate, judge
from models.home import Home
from models.settings import load
from pipelines.history.store import History
from pipelines.trainingset import assemble

FOLDS = 5


def main(home: Path, day: date, horizon: int) -> None:
    settings = load(home, os.environ)
    rows = assemble(History.open(Home(home).history), settings, [day], horizon)
    how = FitSettings(
        horizon_days=horizon, seed=settings.training.seed, threads=settings.performance.threads
    )
    data = rows.data
    report = evaluate(
        data.y,
        cross_predict(data, how, FOLDS),
        customer=data.customer,
        silent=data.silent,
        longest_silence=rows.silence,
        base_rate=data.base_rate,
        protocol=f"one snapshot, {FOLDS} folds over customers",
        seed=how.seed,
    )
    verdict = judge(report)
    facts = {
        "features": len(data.features),
        "report": report.to_dict(),
        "promoted": False,  # nothing is released from one date
        "verdict": list(verdict.reasons),
    }
    print(json.dumps(facts))


if __name__ == "__main__":
    main(Path(sys.argv[1]), date.fromisoformat(sys.argv[2]), int(sys.argv[3]))
