"""What history is told of outreach: written with the change itself, told after it, never lost.

A crash between the inbox and the store tells it twice: its id is the same, so history has it once.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from models import inbox
from outreach.store.audit import insert_new
from outreach.store.database import Store
from outreach.store.tables import interactions

SOURCE = "outreach"
_AT_ONCE = 1_000


def happened(tx: sa.Connection, kind: str, message: Any, *, now: datetime) -> None:
    """An interaction of that kind (`OUTREACH_KINDS`) about a message (a row of `messages`)."""
    name = f"{message.id}-{kind.removeprefix('outreach_')}"
    row = {
        "interaction_id": name,
        "source": SOURCE,
        "customer_id": message.customer_id,
        "contact_id": message.contact_id,
        "occurred_at": now.isoformat(),
        "kind": kind,
        "channel": message.channel,
        "topic": message.playbook,
        "caused_by": None if kind == "outreach_sent" else message.id,
    }
    one = {"id": name, "customer_id": message.customer_id, "row": row}
    insert_new(tx, interactions, [one])


def tell(store: Store, home: Path, *, now: datetime) -> int:
    """Everything that history has not been told yet goes to its inbox; how much that was."""
    many = 0
    while True:
        with store.begin() as tx:
            query = sa.select(interactions).order_by(interactions.c.id).limit(_AT_ONCE)
            rows = tx.execute(query.with_for_update(skip_locked=True)).all()
            if not rows:
                return many
            many += inbox.add(home, SOURCE, [row.row for row in rows], now=now)
            ids = [row.id for row in rows]
            tx.execute(interactions.delete().where(interactions.c.id.in_(ids)))
