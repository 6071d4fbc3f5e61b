"""What people do with messages: write, approve, discard, settle what became of one."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from models.errors import WarmlineError
from outreach.store.audit import AT_ONCE, audit, audit_many
from outreach.store.database import Store
from outreach.store.drafts import Draft, gaps
from outreach.store.interactions import happened
from outreach.store.tables import messages

EDITABLE = ("draft", "awaiting_approval", "parked")
_SHORTEST = 6  # characters that name a message
# What a person says became of a message that nobody knows of, and the state it then has.
FATES = {"sent": "sent", "resend": "queued", "give_up": "discarded"}


def approve(store: Store, *, by: str, now: datetime, message: str) -> str:
    """It may go; gives its whole id. Raises `WarmlineError` where it lacks address or words, or is
    in no state to be approved."""
    with store.begin() as tx:
        row = one(tx, message, EDITABLE, verb="approved")
        lacks = [name for name in ("address", "text") if not getattr(row, name)]
        if row.channel == "email" and not row.subject:
            lacks.append("subject")
        if lacks:
            raise WarmlineError(
                f"Message {row.id} has no {' and no '.join(lacks)} yet: "
                f"`warmline outreach edit {row.id}` writes it. Nothing was changed."
            )
        if missing := gaps(row.subject, row.text, row.html):
            raise WarmlineError(
                f"Message {row.id} still has gaps ({', '.join(missing)}): "
                f"`warmline outreach edit {row.id}` fills them. Nothing was changed."
            )
        due = max(now, row.not_before or now)
        _move(
            tx,
            row,
            "queued",
            by=by,
            now=now,
            verb="approve",
            next_try_at=due,
            queued_at=due,
            attempts=0,
        )
        return str(row.id)


def edit(store: Store, *, by: str, now: datetime, message: str, draft: Draft) -> str:
    """Its address and words from now on; it waits for approval. Raises as `approve`."""
    with store.begin() as tx:
        row = one(tx, message, EDITABLE, verb="edited")
        changed = {name: new for name, new in draft.columns().items() if new != getattr(row, name)}
        _move(
            tx, row, "awaiting_approval", by=by, now=now, verb="edit",
            told={"changed": sorted(changed)}, drafted_text=None, **changed,
        )  # fmt: skip
        return str(row.id)


def discard(store: Store, *, by: str, now: datetime, message: str, why: str) -> str:
    """It will not go. Raises as `approve`."""
    with store.begin() as tx:
        row = one(tx, message, (*EDITABLE, "queued"), verb="discarded")
        _move(tx, row, "discarded", by=by, now=now, verb="discard", why=why, told={"why": why})
        return str(row.id)


def resolve(store: Store, *, by: str, now: datetime, message: str, fate: str) -> str:
    """A person knows what became of a message in doubt: `sent`, `resend` or `give_up`.

    Raises as `approve`.
    """
    if fate not in FATES:
        raise WarmlineError(f"{fate!r} is no fate of a message: use {', '.join(FATES)}.")
    with store.begin() as tx:
        row = one(tx, message, ("in_doubt",), verb="resolved")
        if fate == "sent":
            sent_after_all(tx, row, by=by, now=now)
            return str(row.id)
        again = {"next_try_at": now, "queued_at": now, "claimed_by": None, "why": None}
        values = again if fate == "resend" else {"why": "given up"}
        _move(tx, row, FATES[fate], by=by, now=now, verb="resolve", told={"fate": fate}, **values)
        return str(row.id)


def sent_after_all(tx: sa.Connection, row: Any, *, by: str, now: datetime) -> None:
    """A message in doubt (a row of `messages`) did go, when that doubt began."""
    _move(
        tx, row, "sent", by=by, now=now, verb="resolve", told={"fate": "sent"},
        sent_at=row.updated_at, why=None,
    )  # fmt: skip
    happened(tx, "outreach_sent", row, now=row.updated_at)


def withdraw(
    tx: sa.Connection, which: sa.ColumnElement[bool], *, by: str, now: datetime, why: str
) -> None:
    """What of `which` has not gone yet will not go."""
    row = messages.c
    query = sa.select(row.id, row.customer_id, row.state).where(
        which, row.state.in_((*EDITABLE, "queued"))
    )
    found = tx.execute(query.with_for_update()).all()
    for first in range(0, len(found), AT_ONCE):
        some = found[first : first + AT_ONCE]
        tx.execute(
            messages.update()
            .where(row.id.in_([each.id for each in some]))
            .values(state="withdrawn", updated_at=now, why=why)
        )
        told = [
            (f"message {each.id}", each.customer_id, {"before": each.state, "why": why})
            for each in some
        ]
        audit_many(tx, by=by, now=now, verb="withdraw", rows=told)


def clear_words(store: Store, *, by: str, now: datetime, before: datetime) -> int:
    """Addresses, names and words of messages finished before that moment go; how many had some."""
    finished = ("sent", "discarded", "withdrawn")
    personal = ("address", "name", "subject", "text", "html", "domain", "drafted_text")
    with store.begin() as tx:
        done = tx.execute(
            messages.update()
            .where(
                messages.c.state.in_(finished),
                messages.c.updated_at < before,
                sa.or_(messages.c.address.is_not(None), messages.c.text.is_not(None)),
            )
            .values(dict.fromkeys(personal))
        )
        if done.rowcount:
            audit(
                tx, by=by, now=now, verb="clear_words", subject="messages",
                before=before.isoformat(), messages=done.rowcount,
            )  # fmt: skip
        return done.rowcount


def one(tx: sa.Connection, message: str, states: tuple[str, ...], *, verb: str) -> Any:
    """The message whose id begins so, locked. Raises `WarmlineError` where there is not exactly
    one, or it is in none of `states`."""
    row = found(tx, message, lock=True)
    if row.state not in states:
        raise WarmlineError(
            f"Message {row.id} is {row.state.replace('_', ' ')}: only what is "
            f"{' or '.join(states).replace('_', ' ')} can be {verb}. Nothing was changed."
        )
    return row


def found(tx: sa.Connection, message: str, *, lock: bool = False) -> Any:
    """The message whose id begins so. Raises `WarmlineError` where there is not exactly one."""
    query = sa.select(messages).where(messages.c.id.startswith(message, autoescape=True)).limit(2)
    rows = tx.execute(query.with_for_update() if lock else query).all()
    exact = [row for row in rows if row.id == message]
    if exact or (len(rows) == 1 and len(message) >= _SHORTEST):
        return (exact or rows)[0]
    if len(message) < _SHORTEST:
        wrong = f"{message!r} is too short for a message's id"
    else:
        wrong = f"{'Several messages begin' if rows else 'No message begins'} with {message!r}"
    raise WarmlineError(
        f"{wrong}: `warmline outreach list` shows their ids; the first {_SHORTEST} characters or "
        "more do."
    )


def _move(
    tx: sa.Connection,
    row: Any,
    to: str,
    *,
    by: str,
    now: datetime,
    verb: str,
    told: dict[str, Any] | None = None,
    **values: Any,
) -> None:
    tx.execute(
        messages.update().where(messages.c.id == row.id).values(state=to, updated_at=now, **values)
    )
    audit(
        tx, by=by, now=now, verb=verb, subject=f"message {row.id}", customer_id=row.customer_id,
        before=row.state, **(told or {}),
    )  # fmt: skip
