"""Who signs what has not gone yet: letters of an item that was handed over are signed anew."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from outreach.store.audit import audit
from outreach.store.database import Store
from outreach.store.drafts import gap, gaps
from outreach.store.messages import EDITABLE
from outreach.store.tables import audit as trail
from outreach.store.tables import messages

GAP = gap("sender")  # where nobody knew who signs
# What a person did last to a letter's words: they stay, whoever signed them.
SEEN_TO = {"edit": "edited by hand", "approve": "approved already"}
UNCLEAR = "left as it was, since its signature cannot be told from its words"


@dataclass(frozen=True)
class Signed:
    """Ids of letters: those signed anew, and why each of the others was left as it is."""

    anew: list[str]
    left: Mapping[str, str]


def are_signed(store: Store, item: int) -> bool:
    """Whether the item has letters that have not gone yet, and that Warmline signed or would."""
    with store.read() as tx:
        return any(_is_ours(row) for row in tx.execute(_letters(item)))


def sign(tx: sa.Connection, item: int, sender: str | None, *, by: str, now: datetime) -> Signed:
    """The item's letters that have not gone yet are signed by `sender`; None: by a gap, so that
    none of them goes. What a person edited or approved stays as it is."""
    anew, left = [], {}
    for row in tx.execute(_letters(item).with_for_update()).all():
        if row.from_name is not None and row.from_name == sender:
            continue
        if why := SEEN_TO.get(_seen_to(tx, row.id) or ""):
            left[row.id] = why
        elif not _is_ours(row):
            continue
        elif (words := _signed_by(row, sender)) is None:
            left[row.id] = UNCLEAR
        else:
            tx.execute(
                messages.update().where(messages.c.id == row.id).values(updated_at=now, **words)
            )
            audit(
                tx, by=by, now=now, verb="sign", subject=f"message {row.id}",
                customer_id=row.customer_id, before=row.state,
            )  # fmt: skip
            anew.append(row.id)
    return Signed(anew, left)


def _letters(item: int) -> sa.Select[Any]:
    row = messages.c
    return (
        sa.select(messages)
        .where(row.item_id == item, row.state.in_((*EDITABLE, "queued")), row.text.is_not(None))
        .order_by(row.created_at, row.id)
    )


def _is_ours(row: Any) -> bool:
    return row.from_name is not None or GAP in row.text


def _seen_to(tx: sa.Connection, message: str) -> str | None:
    done = trail.c
    query = sa.select(done.verb).where(
        done.subject == f"message {message}", done.verb.in_(list(SEEN_TO))
    )
    verb: str | None = tx.scalar(query.order_by(done.id.desc()).limit(1))
    return verb


def _signed_by(row: Any, sender: str | None) -> dict[str, Any] | None:
    """The columns that change; None where the signature cannot be told. A letter that nobody edited
    names who signs it: a name that stands there once is the signature."""
    before, after = _on_one_line(row.from_name) or GAP, _on_one_line(sender) or GAP
    stands = re.compile(rf"(?<!\w){re.escape(before)}(?!\w)")
    texts = {name: getattr(row, name) for name in ("text", "drafted_text") if getattr(row, name)}
    if stands.search(row.subject or "") or any(
        len(stands.findall(text)) != 1 for text in texts.values()
    ):
        return None
    words = {name: stands.sub(lambda _: after, text) for name, text in texts.items()}
    values: dict[str, Any] = {**words, "from_name": sender}
    if missing := gaps(row.subject, words["text"]):
        values |= {"state": "draft", "why": f"gaps: {', '.join(missing)}", "queued_at": None}
    elif before == GAP:
        values |= {"state": "awaiting_approval", "why": None}
    return values


def _on_one_line(name: str | None) -> str:
    """As a letter says it."""
    return " ".join((name or "").split())
