"""A small company to plan for: scores in real files, the book and the timeline in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from models.batch import BatchWriter, ScoreBatch, publish
from models.contracts import score_schema
from models.settings import Plan
from outreach.plan import PlanResult, plan

NIGHT = date(2026, 7, 1)  # a Wednesday
MORNING = datetime(2026, 7, 1, 6, tzinfo=UTC)
KEY = b"k" * 32
EVERYONE_TREATED = Plan(control_share=0)


def score(customer_id: str, probability: float = 0.8, **others: Any) -> dict[str, Any]:
    """One row of a ScoreBatch."""
    return {
        "customer_id": customer_id,
        "as_of": datetime(2026, 7, 1, tzinfo=UTC),
        "horizon_days": 90,
        "churn_probability": probability,
        "band": "high",
        "value_at_risk": 1000 * probability,
        "silent": False,
        "expires_at": datetime(2026, 7, 3, tzinfo=UTC),
    } | others


def reason(words: str, direction: str = "raises") -> dict[str, Any]:
    return {"feature": "f", "system": "S2", "words": words, "direction": direction, "weight": 1.0}


@dataclass
class Company:
    """A book and a timeline as `models/contracts.py` wants them; who is not named has no trait."""

    known: Sequence[str] = ()
    parents: dict[str, str] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)
    prefers: dict[str, str] = field(default_factory=dict)
    objectors: frozenset[str] = frozenset()
    refused: list[tuple[str, str | None, str | None, datetime]] = field(default_factory=list)
    cases: list[tuple[str, datetime]] = field(default_factory=list)
    complaints: list[tuple[str, datetime]] = field(default_factory=list)
    contacts: list[tuple[str, datetime]] = field(default_factory=list)

    def customers(self, customer_ids: Sequence[str]) -> pd.DataFrame:
        columns = (
            "customer_id", "parent_id", "owner_id", "preferred_channel", "profiling_objection",
        )  # fmt: skip
        rows = [
            (each, self.parents.get(each), self.owners.get(each), self.prefers.get(each),
             each in self.objectors)
            for each in customer_ids
            if each in set(self.known)
        ]  # fmt: skip
        return pd.DataFrame(rows, columns=columns)

    def refusals(self, as_of: datetime) -> pd.DataFrame:
        rows = [row for row in self.refused if row[3] < as_of]
        return pd.DataFrame(rows, columns=["customer_id", "channel", "purpose", "at"])

    def open_cases(self, as_of: datetime) -> pd.DataFrame:
        rows = [(who, f"case of {at}", at, at) for who, at in self.cases if at < as_of]
        return pd.DataFrame(rows, columns=["customer_id", "case_id", "opened_at", "last_at"])

    def unanswered_complaints(self, as_of: datetime) -> pd.DataFrame:
        rows = [row for row in self.complaints if row[1] < as_of]
        return pd.DataFrame(rows, columns=["customer_id", "at"])

    def last_contacts(self, as_of: datetime) -> pd.DataFrame:
        rows = [(who, at, "outreach_sent") for who, at in self.contacts if at < as_of]
        return pd.DataFrame(rows, columns=["customer_id", "at", "kind"])


def batch_of(scores: Path, rows: Sequence[dict[str, Any]], run: str = "a") -> ScoreBatch:
    """`rows` published as the night's scores."""
    facts = {"feature_names": [], "code_version": "", "model_version": "1", "watermarks": {}}
    with BatchWriter(scores, NIGHT, run) as writer:
        writer.add(pa.Table.from_pylist(list(rows), schema=score_schema()))
        writer.finish(facts | {"checks": []})
    return publish(scores, NIGHT, run)


def planned(
    scores: Path,
    rows: Sequence[dict[str, Any]],
    company: Company | None = None,
    settings: Plan = EVERYONE_TREATED,
    *,
    run: str = "a",
    now: datetime = MORNING,
    **options: Any,
) -> PlanResult:
    """The plan for `rows`; without a company everyone is known and nothing ever happened."""
    company = company or Company(known=[row["customer_id"] for row in rows])
    batch = batch_of(scores, rows, run)
    return plan(batch, company, company, settings, key=KEY, now=now, **options)


def decisions(result: PlanResult) -> dict[str, str]:
    """Customer to decision, in the order of the list."""
    return dict(
        zip(result.rows["customer_id"].to_pylist(), result.rows["decision"].to_pylist(),
            strict=True)
    )  # fmt: skip


def row(result: PlanResult, customer_id: str) -> dict[str, Any]:
    """The customer's row of the list."""
    return next(each for each in result.rows.to_pylist() if each["customer_id"] == customer_id)
