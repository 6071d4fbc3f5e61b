"""What tests of the endpoint share: a small published batch, the application behind its guard."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
from starlette.testclient import TestClient

from models import keys
from models.batch import BatchWriter, publish
from models.contracts import score_schema
from serving.app import application
from serving.guard import Guard
from serving.schemas import ProblemAnswer

NIGHT = date(2026, 7, 1)
NOW = datetime(2026, 7, 1, 2, tzinfo=UTC)
FACTS: dict[str, Any] = {
    "feature_names": [], "code_version": "1", "model_version": "7", "watermarks": {}, "checks": [],
    "scored_at": NOW,
}  # fmt: skip
ALL = {"customer_ids": ["acme"]}


def written(home: Path, night: date, run: str, **probability: float) -> None:
    rows = [
        {"customer_id": one, "as_of": NOW, "churn_probability": chance, "band": "high",
         "scored_at": NOW, "expires_at": NOW, "horizon_days": 90, "silent": False}
        for one, chance in probability.items()
    ]  # fmt: skip
    with BatchWriter(home / "scores", night, run) as writer:
        writer.add(pa.Table.from_pylist(rows, schema=score_schema()))
        writer.not_scored(["gone"], ["the relationship has ended"])
        writer.finish(FACTS)
    publish(home / "scores", night, run)


def served(home: Path, **more: Any) -> TestClient:
    ours = application(home)
    return TestClient(Guard(ours, ours, home, **{"most_in_flight": 8, **more}))


def bearer(home: Path, *scopes: str, **more: Any) -> dict[str, str]:
    _, text = keys.create(home, name="crm", scopes=scopes or ("score",), now=NOW, **more)
    return {"Authorization": f"Bearer {text}"}


def problem(response: Any, status: int) -> ProblemAnswer:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    told = ProblemAnswer.model_validate_json(response.content)
    assert (told.status, told.request_id) == (status, response.headers["x-request-id"])
    return told
