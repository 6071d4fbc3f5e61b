"""How far each mailbox was read, and what in it is still to be moved or marked."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from outreach.store.audit import insert_new
from outreach.store.database import Store
from outreach.store.tables import mailboxes, received


def read_to(store: Store, name: str) -> Any:
    """How far it was read (validity, uid, read_at); None where it never was."""
    with store.read() as tx:
        return tx.execute(sa.select(mailboxes).where(mailboxes.c.name == name)).one_or_none()


def move_on(store: Store, name: str, validity: int, uid: int, *, now: datetime) -> None:
    """It was read up to that UID; under the same UIDVALIDITY never back."""
    row = mailboxes.c
    to = {"validity": validity, "uid": uid, "read_at": now}
    with store.begin() as tx:
        insert_new(tx, mailboxes, [{"name": name, **to}])
        further = sa.or_(row.validity != validity, row.uid <= uid)
        tx.execute(mailboxes.update().where(row.name == name, further).values(to))


def to_file(store: Store, name: str, validity: int, most: int) -> list[int]:
    """UIDs of what was dealt with and lies there still, lowest first."""
    row = received.c
    query = sa.select(row.uid).where(
        row.mailbox == name, row.to_file.is_(True), row.validity == validity
    )
    with store.read() as tx:
        return list(tx.scalars(query.order_by(row.uid).limit(most)))


def filed(store: Store, name: str, validity: int, uids: Collection[int]) -> None:
    """They lie where they belong."""
    row = received.c
    these = sa.and_(row.mailbox == name, row.validity == validity, row.uid.in_(uids))
    with store.begin() as tx:
        tx.execute(received.update().where(these).values(to_file=False))
