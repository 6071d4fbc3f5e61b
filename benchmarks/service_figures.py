"""Service figures of a ticket log through our features, beside a count over the raw file.

`python -m benchmarks.service_figures HOME` prints one JSON object. The log (italian_helpdesk) has
no messages: volume, waits, resolution, reopened and repeated cases can be told of it, first
replies and satisfaction cannot.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from benchmarks.harness import SHARED_DATA
from models.contracts import DAY
from models.home import Home
from models.settings import load
from pipelines import snapshots
from pipelines.features import matrix
from pipelines.history.store import History

LOG = SHARED_DATA / "italian_helpdesk" / "helpdesk.csv.gz"
# Over the raw file, in the words of CONTRACTS.md: a case opens with its first event. Seven cases
# name two customers: each customer's part is a case of its own.
BY_HAND = """
WITH stamped AS (
    SELECT (customer, "Case ID") AS case_id, Activity AS activity,
        "Complete Timestamp"::TIMESTAMP AS moment
    FROM read_csv('{log}')
), events AS (
    SELECT *, min(moment) OVER (PARTITION BY case_id) AS opened FROM stamped
), solved AS (
    SELECT moment, opened FROM events
    WHERE activity IN ('Resolve ticket', 'Resolve SW anomaly', 'RESOLVED')
        AND moment >= '{start}' AND moment < '{end}'
)
SELECT
    (SELECT count(DISTINCT case_id) FROM events WHERE opened >= '{start}' AND opened < '{end}'),
    (SELECT count(*) FROM solved),
    (SELECT avg(epoch(moment - opened)) / 3600 FROM solved)
"""


def main(home: Path) -> None:
    settings = load(home, os.environ)
    history = History.open(Home(home).history)
    assert history.span is not None
    last = snapshots.local_date(history.span[1] + DAY, settings.zone)
    night = snapshots.night(last, settings.zone, settings.training.usual_hour)
    blocks = matrix.stream(history, [night], matrix.context(history, settings, [night]))
    rows = np.concatenate([block.values[0] for block in blocks])
    facts = {"features": rows.shape[1], "service": _figures(rows) | _by_hand(night.as_of)}
    print(json.dumps(facts))


def _figures(rows: np.ndarray[Any, np.dtype[np.float64]]) -> dict[str, float]:
    """Of the last year, over all customers."""

    def total(name: str) -> float:
        return float(np.nansum(rows[:, matrix.column(name)]))

    solved = rows[:, matrix.column("resolved_count_365")]
    hours = np.nan_to_num(rows[:, matrix.column("resolved_mean_365")])
    return {
        "cases": total("case_count_365"),
        "solutions": float(solved.sum()),
        "hours to a solution, mean": float((solved * hours).sum() / solved.sum()),
        "hours waited by requesters": total("requester_wait_sum_365"),
        "repeat contacts": total("repeat_contact_count_365"),
        "reopened": total("reopened_count_365"),
        "open at the end": total("open_cases"),
    }


def _by_hand(as_of: int) -> dict[str, float]:
    """The first three again, counted over the raw file."""
    from datetime import UTC, datetime, timedelta

    end = datetime.fromtimestamp(as_of, UTC).replace(tzinfo=None)
    query = BY_HAND.format(log=LOG, start=end - timedelta(days=365), end=end)
    cases, solutions, hours = duckdb.connect().execute(query).fetchone() or (0, 0, 0.0)
    return {
        "cases, by hand": cases,
        "solutions, by hand": solutions,
        "hours to a solution, by hand": hours,
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]))
