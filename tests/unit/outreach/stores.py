"""Stores for tests: SQLite in a folder, Postgres on the tests' own server."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from outreach.planned import Planned
from outreach.store.database import Store

NOW = datetime(2026, 7, 1, 8, tzinfo=UTC)
NIGHT = date(2026, 7, 1)
KEY = b"k" * 32


def later(**how_much: float) -> datetime:
    return NOW + timedelta(**how_much)


def planned(customer_id: str = "acme", **others: Any) -> Planned:
    """A decision of the night to check in with a customer by e-mail."""
    as_of = others.get("as_of", NIGHT)
    facts: dict[str, Any] = {
        "decision_id": f"{as_of}-{customer_id}-{others.get('playbook', 'check-in')}",
        "as_of": as_of, "customer_id": customer_id, "unit": customer_id, "contact_id": None,
        "decision": "contact", "playbook": "check-in", "mode": "auto", "channel": "email",
        "purpose": "service", "transactional": False, "arm": "treat", "propensity": 0.9,
        "stratum": "high", "not_before": None, "due_at": NOW, "owner_id": "ines",
        "reasons": ["no word for 200 days"], "reason_key": "silent", "evidence_at": NOW,
        "gates": {"opted_out": None}, "inputs_fingerprint": "f" * 64, "churn_probability": 0.7,
        "model_version": "1", "run": "a", "policy_version": "1-a",
    }  # fmt: skip
    return Planned(**(facts | others))


def store_at(url: str, folder: Path) -> Store:
    """The store of a test, made now."""
    return Store.open(url, folder)
