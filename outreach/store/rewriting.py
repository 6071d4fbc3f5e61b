"""Drafts that a language model rewrote: marked, with their words before, for a person to see."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from models.errors import WarmlineError
from outreach.store.audit import audit
from outreach.store.database import Store
from outreach.store.drafts import gaps
from outreach.store.messages import one
from outreach.store.tables import messages

# Nothing that may go by itself: a person has still to approve these.
REWRITABLE = ("draft", "awaiting_approval")
KEPT = "not rewritten: "  # begins the `why` of one that stayed as it was


def untried(store: Store, most: int) -> list[str]:
    """Ids of drafts by e-mail that have words and no gaps, and that no model has gone over; oldest
    first."""
    row = messages.c
    query = (
        sa.select(row.id)
        .where(
            row.state.in_(REWRITABLE), row.channel == "email", row.text.is_not(None),
            row.rewritten_by.is_(None), row.why.is_(None),
        )
        .order_by(row.created_at, row.id)
        .limit(most)
    )  # fmt: skip
    with store.read() as tx:
        return list(tx.scalars(query))


def words_of(store: Store, message: str) -> Any:
    """The row of a draft that may be rewritten. Raises `WarmlineError` where it may not."""
    with store.begin() as tx:
        row = one(tx, message, REWRITABLE, verb="rewritten")
    if row.channel != "email" or not row.text or not row.language or row.html:
        raise WarmlineError(
            f"Message {row.id} is no draft of a letter that Warmline wrote. Nothing was changed."
        )
    if missing := gaps(row.subject, row.text):
        raise WarmlineError(
            f"Message {row.id} still has gaps ({', '.join(missing)}): "
            f"`warmline outreach edit {row.id}` fills them. Nothing was changed."
        )
    return row


def rewrite(
    store: Store, *, by: str, now: datetime, message: str, model: str, before: str, after: str
) -> None:
    """Other words take the place of `before`, which is kept beside them. It waits for approval.
    Raises `WarmlineError` where the message was changed meanwhile."""
    with store.begin() as tx:
        row = _same(tx, message, before)
        drafted = row.drafted_text or before
        values = {"text": after, "drafted_text": drafted, "rewritten_by": model, "why": None}
        _change(tx, row, by=by, now=now, verb="rewrite", model=model, **values)


def keep(
    store: Store, *, by: str, now: datetime, message: str, model: str, before: str, why: str
) -> None:
    """It stays as it was, and says why. Raises as `rewrite`."""
    with store.begin() as tx:
        row = _same(tx, message, before)
        _change(tx, row, by=by, now=now, verb="keep_words", model=model, why=KEPT + why)


def restore(store: Store, *, by: str, now: datetime, message: str) -> str:
    """The words from before the model take their place again; gives the whole id. Raises
    `WarmlineError` where none are kept."""
    with store.begin() as tx:
        row = one(tx, message, REWRITABLE, verb="given its words back")
        if row.drafted_text is None:
            raise WarmlineError(f"No model has rewritten message {row.id}. Nothing was changed.")
        values = {"text": row.drafted_text, "drafted_text": None, "rewritten_by": None}
        _change(tx, row, by=by, now=now, verb="restore_words", why=KEPT + "undone", **values)
        return str(row.id)


def _same(tx: sa.Connection, message: str, before: str) -> Any:
    row = one(tx, message, REWRITABLE, verb="rewritten")
    if row.text != before:
        raise WarmlineError(f"Message {row.id} was changed meanwhile: it was left as it is.")
    return row


def _change(
    tx: sa.Connection, row: Any, *, by: str, now: datetime, verb: str, model: str | None = None,
    **values: Any,
) -> None:  # fmt: skip
    update = messages.update().where(messages.c.id == row.id)
    tx.execute(update.values(updated_at=now, **values))
    audit(
        tx, by=by, now=now, verb=verb, subject=f"message {row.id}", customer_id=row.customer_id,
        **({"model": model} if model else {}),
    )  # fmt: skip
