"""The trace that every change leaves, in the transaction that makes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from outreach.store.tables import audit as table

AT_ONCE = 5_000  # rows a statement names: SQLite takes 32,766 values


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
    if rows:
        tx.execute(_insert(tx)(target).on_conflict_do_nothing(), [dict(row) for row in rows])


def replace_rows(tx: sa.Connection, target: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Inserts the rows, or changes those of their key; each row gives the same columns."""
    if not rows:
        return
    keys = [column.name for column in target.primary_key.columns]
    insert = _insert(tx)(target)
    new = {name: insert.excluded[name] for name in rows[0] if name not in keys}
    upsert = insert.on_conflict_do_update(index_elements=keys, set_=new)
    tx.execute(upsert, [dict(row) for row in rows])


def _insert(tx: sa.Connection) -> Any:
    """The INSERT of this database, which knows what to do about a key that is there."""
    from sqlalchemy.dialects import postgresql, sqlite

    return (postgresql if tx.dialect.name == "postgresql" else sqlite).insert
