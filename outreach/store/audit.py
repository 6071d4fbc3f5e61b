"""The trace that every change leaves, in the transaction that makes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from outreach.store.tables import audit as table


def audit(
    tx: sa.Connection,
    *,
    by: str,
    now: datetime,
    verb: str,
    subject: str,
    customer_id: str | None = None,
    **details: Any,
) -> None:
    """`by` did `verb` to `subject` ("item 17"). `details` hold no address, name or words."""
    audit_many(tx, by=by, now=now, verb=verb, rows=[(subject, customer_id, details)])


def audit_many(
    tx: sa.Connection,
    *,
    by: str,
    now: datetime,
    verb: str,
    rows: Sequence[tuple[str, str | None, Mapping[str, Any]]],
) -> None:
    """The same of many: subject, customer and details of each."""
    if rows:
        shared = {"at": now, "by": by, "verb": verb}
        tx.execute(
            table.insert(),
            [
                {**shared, "subject": subject, "customer_id": customer, "details": dict(details)}
                for subject, customer, details in rows
            ],
        )


def insert_new(tx: sa.Connection, target: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Inserts the rows whose key is not there yet."""
    if not rows:
        return
    from sqlalchemy.dialects import postgresql, sqlite

    insert = (postgresql if tx.dialect.name == "postgresql" else sqlite).insert
    tx.execute(insert(target).on_conflict_do_nothing(), [dict(row) for row in rows])
