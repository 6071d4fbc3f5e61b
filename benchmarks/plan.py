"""Planning a million scored customers, from the history and the scores on disk to the list.

`make bench-plan`: 1 million customers with 10 million interactions and scores made up at random;
`warmline plan` as a process of its own, a first night and the same night again. `ARGS=--quick`: a
twentieth.
"""

from __future__ import annotations

import argparse
import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.fast_history import write_history
from benchmarks.harness import Bar, Measured, Report, must, warmline, workplace
from data_samples.fastpath import FastSettings
from models.batch import BatchWriter, publish
from models.contracts import score_schema
from models.home import Home
from pipelines.history.store import History

NIGHT = date(2026, 7, 1)
WHOLE = FastSettings(customers=1_000_000, interactions=10_000_000)
QUICK = FastSettings(customers=50_000, interactions=500_000)
MOST_SECONDS, MOST_MB = 30, 1_000  # issue 7
EXPLAINED = 0.05  # of the customers, as `[scoring] explain_share`
ROWS_A_PART = 250_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="50,000 customers")
    parser.add_argument("--keep", type=Path, help="a folder to make the company in, or find it")
    asked = parser.parse_args()
    settings = QUICK if asked.quick else WHOLE
    with workplace(asked.keep) as place:
        home = Home(place / "home")
        if not (home.scores / f"as_of={NIGHT}" / "current").exists():
            history = write_history(home, settings, whole=False)
            _score(home, history)
        for former in ("worklists", "assignments", "contactability"):
            shutil.rmtree(home.root / former, ignore_errors=True)
        for made in home.root.glob("outreach.db*"):
            made.unlink()
        _report(asked.quick, settings, [_planned(home) for _ in range(2)])


def _report(quick: bool, settings: FastSettings, nights: list[Measured]) -> None:
    slowest = max(night.seconds for night in nights)
    peak = max(night.peak_mb for night in nights)
    first, again = (_without_times(night.facts) for night in nights)
    report = Report("plan", quick)
    report.bars = [
        Bar("seconds for the plan", slowest, f"<= {MOST_SECONDS}", slowest <= MOST_SECONDS),
        Bar("peak MB", peak, f"<= {MOST_MB}", peak <= MOST_MB),
        Bar("the same again", float(first == again), "= 1", first == again),
    ]
    report.figures = {"customers": settings.customers, "plan": first}
    rows = [
        [name, night.seconds, night.peak_mb]
        for name, night in zip(("the night", "the same again"), nights, strict=True)
    ]
    report.print(("what", "seconds", "peak MB"), rows)


def _without_times(facts: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value for name, value in facts.items() if name not in ("seconds", "notes", "recorded")
    }


def _planned(home: Home) -> Measured:
    return must(warmline(home.root, "plan", "--as-of", str(NIGHT)))


def _score(home: Home, history: History) -> None:
    """Scores drawn at random: a third at risk, a fifth silent, values like those of a shop."""
    rng = np.random.default_rng(1)
    ids = history.words("customer")
    midnight = datetime(NIGHT.year, NIGHT.month, NIGHT.day, tzinfo=UTC)
    facts: dict[str, Any] = {
        "feature_names": [], "code_version": "", "model_version": "1", "watermarks": {},
        "checks": [], "cut_off": midnight.isoformat(), "scored_at": midnight.isoformat(),
        "precedence": [],
    }  # fmt: skip
    with BatchWriter(home.scores, NIGHT, "made-up") as writer:
        for start in range(0, len(ids), ROWS_A_PART):
            writer.add(_part(ids[start : start + ROWS_A_PART], rng, midnight))
        writer.finish(facts)
    publish(home.scores, NIGHT, "made-up")


def _part(ids: list[str], rng: np.random.Generator, midnight: datetime) -> pa.Table:
    many = len(ids)
    probability = rng.beta(1, 6, many)
    band = np.where(probability > 0.3, "high", np.where(probability > 0.165, "medium", "low"))
    why = [_reason("no order for 90 days", "S2"), _reason("late first replies", "S15")]
    columns = {
        "customer_id": ids,
        "churn_probability": probability,
        "band": band,
        "value_at_risk": probability * rng.lognormal(5, 1, many),
        "silent": rng.random(many) < 0.2,
        "fading": rng.lognormal(0, 1, many),
        "reasons": [why if told else None for told in rng.random(many) < EXPLAINED],
        "as_of": [midnight] * many,
        "horizon_days": np.full(many, 90, np.int32),
        "expires_at": [midnight + timedelta(days=2)] * many,
        "model_version": ["1"] * many,
        "scored_at": [midnight] * many,
    }
    schema = score_schema()
    arrays = [
        pa.array(columns[field.name], field.type)
        if field.name in columns
        else pa.nulls(many, field.type)
        for field in schema
    ]
    return pa.table(arrays, schema=schema)


def _reason(words: str, system: str) -> dict[str, Any]:
    return {
        "feature": "made_up", "system": system, "words": words, "direction": "raises", "weight": 0.5
    }  # fmt: skip


if __name__ == "__main__":
    main()
