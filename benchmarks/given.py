"""How long it takes to score a history that is given, not stored: rows in, features out.

`make bench-given`: one customer of 200 interactions, call by call, and 1,000 customers of 100,000
interactions in one call, on one core, after a warm-up. `ARGS=--quick`: fewer calls.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa

from benchmarks.harness import Bar, Report
from models.contracts import CHANNELS, DAY
from models.settings import Promises
from pipelines.features import matrix
from pipelines.features.warming import warm_up
from pipelines.history.given import Given, given

AS_OF = 1_782_864_000  # 2026-07-01
NIGHT = matrix.Night(AS_OF, AS_OF + 6 * 3_600)
ZONE = ZoneInfo("Europe/Rome")
KINDS = ("case_opened", "message_in", "message_out", "case_solved", "usage", "order", "complaint")
MOST_ONE_MS, MOST_MANY_S = 100.0, 1.5
STEPS = ("rows to codes", "customers", "contracts", "features")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer calls")
    quick = parser.parse_args().quick
    warmth = warm_up()
    one = measured(company(1, 200), calls=20 if quick else 200)
    many = measured(company(1_000, 100), calls=2 if quick else 5)
    report = Report("given", quick)
    half, late = (float(np.percentile(one["whole"], q)) * 1e3 for q in (50, 99))
    seconds = float(np.median(many["whole"]))
    report.bars = [
        Bar(
            "one customer, half of the calls, ms", half, f"<= {MOST_ONE_MS:g}", half <= MOST_ONE_MS
        ),
        Bar("1,000 customers, seconds", seconds, f"<= {MOST_MANY_S:g}", seconds <= MOST_MANY_S),
    ]
    report.figures = {
        "events": 100_000,
        "customers": 1_000,
        "features": len(matrix.features()),
        "ready_seconds": warmth.seconds,
        "one_ms": {step: float(np.median(took)) * 1e3 for step, took in one.items()},
        "one_p99_ms": late,
        "many_ms": {step: float(np.median(took)) * 1e3 for step, took in many.items()},
    }
    rows = [
        [step, *(float(np.median(found[step])) * 1e3 for found in (one, many))]
        for step in (*STEPS, "whole", "whole, CPU")
    ]
    report.print(("step", "1 customer, 200 rows: ms", "1,000 customers, 100,000 rows: ms"), rows)


def measured(tables: Mapping[str, pa.Table], calls: int) -> dict[str, list[float]]:
    """Seconds of each step of each call, after three that are not counted."""
    found: dict[str, list[float]] = {}
    for call in range(calls + 3):
        took = _call(tables)
        if call >= 3:
            for step, seconds in took.items():
                found.setdefault(step, []).append(seconds)
    return found


def _call(tables: Mapping[str, pa.Table]) -> dict[str, float]:
    took: dict[str, float] = {}
    cpu, began = time.process_time(), time.perf_counter()

    def step(name: str, do: Callable[[], Any]) -> Any:
        start = time.perf_counter()
        answer = do()
        took[name] = time.perf_counter() - start
        return answer

    def read() -> Given:
        history = given(tables, zone=ZONE, seen=AS_OF)
        history.versions(0)
        return history

    history = step("rows to codes", read)
    people = step("customers", history.people)
    terms = step("contracts", history.terms)
    where = matrix.Context(history.bots(), matrix.promise_seconds(Promises()))
    numbers = np.arange(len(people), dtype=np.int32)
    step("features", lambda: matrix.compute(
        history.versions(0), numbers, people.joined, [NIGHT], where, terms
    ))  # fmt: skip
    took["whole"] = time.perf_counter() - began
    took["whole, CPU"] = time.process_time() - cpu
    return took


def company(customers: int, each: int, seed: int = 1) -> dict[str, pa.Table]:
    """Contract rows as JSON brings them: every cell a text or a number."""
    rng = np.random.default_rng(seed)
    rows = customers * each
    ids = [f"C{number:06}" for number in range(customers)]
    at = AS_OF - rng.integers(1, 700 * DAY, rows)
    kind = rng.integers(0, len(KINDS), rows)
    joined = _times(np.full(customers, AS_OF - 800 * DAY))
    return {
        "customers": pa.table({"customer_id": ids, "joined_at": joined}),
        "interactions": pa.table({
            "interaction_id": [f"i{number}" for number in range(rows)],
            "customer_id": np.repeat(ids, each),
            "occurred_at": _times(at),
            "kind": np.array(KINDS)[kind],
            "channel": np.array(CHANNELS)[rng.integers(0, 4, rows)],
            "case_id": [f"c{number}" for number in rng.integers(0, max(1, each // 8), rows)],
            "agent_id": [f"a{number}" for number in rng.integers(0, 30, rows)],
            "topic": [f"t{number}" for number in rng.integers(0, 20, rows)],
            "value": rng.normal(50, 10, rows).round(2),
        }),
        "terms": pa.table({
            "customer_id": ids,
            "term_id": [f"t{number}" for number in range(customers)],
            "started_at": joined,
            "value_per_month": np.full(customers, 30.0),
        }),
    }  # fmt: skip


def _times(seconds: np.ndarray) -> list[str]:
    return [datetime.fromtimestamp(second, UTC).isoformat() for second in seconds.tolist()]


if __name__ == "__main__":
    main()
