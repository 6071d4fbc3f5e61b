"""Stores for tests: SQLite in a folder, Postgres on the tests' own server."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from outreach.planned import Planned
from outreach.store import tables
from outreach.store.database import Store
from outreach.store.drafts import Draft
from outreach.store.recording import record

NOW = datetime(2026, 7, 1, 8, tzinfo=UTC)
NIGHT = date(2026, 7, 1)
KEY = b"k" * 32


def later(**how_much: float) -> datetime:
    return NOW + timedelta(**how_much)


def planned(customer_id: str = "acme", **others: Any) -> Planned:
    """A decision of the night to check in with a customer by e-mail."""
    as_of = others.get("as_of", NIGHT)
    facts: dict[str, Any] = {
        "decision_id": f"{as_of:%y%m%d}{customer_id.encode().hex()}".ljust(32, "0"),
        "as_of": as_of, "customer_id": customer_id, "unit": customer_id, "contact_id": None,
        "decision": "contact", "playbook": "check-in", "mode": "auto", "channel": "email",
        "purpose": "service", "transactional": False, "arm": "treat", "propensity": 0.9,
        "stratum": "high", "not_before": None, "due_at": NOW, "owner_id": "ines",
        "reasons": ["no word for 200 days"], "reason_key": "silent", "evidence_at": NOW,
        "gates": {"opted_out": None}, "inputs_fingerprint": "f" * 64, "churn_probability": 0.7,
        "model_version": "1", "run": "a", "policy_version": "1-a",
    }  # fmt: skip
    return Planned(**(facts | others))


def words(planned: Planned) -> Draft:
    """Words to the customer, at an address of their own."""
    return draft(f"{planned.customer_id}@example.org", subject=f"Hello {planned.customer_id}")


def draft(address: str = "acme@example.org", **words: Any) -> Draft:
    facts = {"subject": "Hello", "text": "How is it going?\n"} | words
    return Draft.to(KEY, "email", address, **facts)


def filled(store: Store, *customers: str, **others: Any) -> list[str]:
    """The ids of queued messages, one a customer."""
    each = [planned(customer, **others) for customer in customers or ("acme",)]
    record(store, by="plan", now=NOW, decisions=each, drafts=words)
    return [one.decision_id for one in each]


def rows(store: Store, table: sa.Table) -> list[Any]:
    """All rows, in the order of the first column."""
    with store.read() as tx:
        return list(tx.execute(sa.select(table).order_by(*table.primary_key.columns)))


def states(store: Store) -> dict[str, str]:
    """Customer to the state of their message."""
    return {row.customer_id: row.state for row in rows(store, tables.messages)}


def trail(store: Store) -> list[str]:
    """What was done, in order."""
    return [row.verb for row in rows(store, tables.audit)]
