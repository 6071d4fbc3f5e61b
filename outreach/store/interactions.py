"""What history and the endpoint are told of outreach: written with the change, told after it.

A crash in between tells it twice, which does no harm: an interaction's id is the same, so history
has it once, and what is closed twice is closed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from models import contactability, inbox
from outreach.store.audit import insert_new
from outreach.store.database import Store
from outreach.store.tables import closures, interactions

SOURCE = "outreach"
_AT_ONCE = 1_000


def happened(
    tx: sa.Connection, kind: str, message: Any, *, now: datetime, text: str | None = None
) -> None:
    """An interaction of that kind (`OUTREACH_KINDS`) about a message (a row of `messages`), with
    its words where they are to be kept."""
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
        **({"text": text} if text else {}),
    }
    one = {"id": name, "customer_id": message.customer_id, "row": row}
    insert_new(tx, interactions, [one])


def closed(
    tx: sa.Connection,
    customer_id: str | None,
    why: str,
    *,
    now: datetime,
    channel: str | None = None,
    purpose: str | None = None,
) -> None:
    """Nobody may contact the customer for now, on that channel and purpose or (None) on any."""
    if customer_id is None:
        return  # a contact point of somebody unknown
    row = {
        "customer_id": customer_id, "channel": channel, "purpose": purpose, "may_contact": False,
        "reasons": [why], "at": now.isoformat(),
    }  # fmt: skip
    tx.execute(closures.insert().values(customer_id=customer_id, row=row))


def tell(store: Store, home: Path, *, now: datetime) -> int:
    """All that was not told yet goes to the inbox and to `contactability/`; how much that was."""
    added = _tell(store, closures, lambda rows: contactability.add(home, rows, now=now))
    return added + _tell(store, interactions, lambda rows: inbox.add(home, SOURCE, rows, now=now))


def _tell(
    store: Store, table: sa.Table, add: Callable[[Sequence[Mapping[str, Any]]], object]
) -> int:
    many = 0
    while True:
        with store.begin() as tx:
            query = sa.select(table).order_by(table.c.id).limit(_AT_ONCE)
            rows = tx.execute(query.with_for_update(skip_locked=True)).all()
            if not rows:
                return many
            add([row.row for row in rows])
            many += len(rows)
            tx.execute(table.delete().where(table.c.id.in_([row.id for row in rows])))
