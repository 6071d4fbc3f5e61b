"""What the store shows a person: lists, one message whole, tonight in numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from models.errors import WarmlineError
from outreach.store.database import Store
from outreach.store.messages import found
from outreach.store.permissions import stopped
from outreach.store.tables import audit, messages, unfinished, work_items

# States in which a message waits for a person.
FOR_A_PERSON = ("draft", "awaiting_approval", "in_doubt", "parked")
MESSAGE_STATES = (*FOR_A_PERSON, "queued", "sending", "sent", "discarded", "withdrawn")


def by_state(store: Store) -> dict[str, int]:
    """How many messages are in which state."""
    query = sa.select(messages.c.state, sa.func.count()).group_by(messages.c.state)
    with store.read() as tx:
        return {row[0]: row[1] for row in tx.execute(query)}


def stop_words(store: Store) -> list[str]:
    """That sending is stopped, by whom and why; nothing where it is not."""
    with store.read() as tx:
        stop = stopped(tx)
    if stop is None:
        return []
    return [f"Sending is stopped by {stop.by} since {stop.at:%Y-%m-%d %H:%M} UTC: {stop.why}"]


def list_messages(store: Store, states: Sequence[str], most: int) -> list[dict[str, Any]]:
    """The messages in those states, oldest first and those of one night in its plan's order,
    without address and words."""
    row = messages.c
    query = (
        sa.select(row.id, row.customer_id, row.channel, row.playbook, row.state, row.why,
                  row.attempts, row.next_try_at, row.sent_at, row.updated_at, row.rewritten_by)
        .select_from(messages.outerjoin(work_items, work_items.c.id == row.item_id))
        .where(row.state.in_(states))
        .order_by(row.updated_at, work_items.c.rank, row.id)
        .limit(most)
    )  # fmt: skip
    with store.read() as tx:
        return [dict(each._mapping) for each in tx.execute(query)]


def list_items(store: Store, most: int, *, owner_id: str | None = None) -> list[dict[str, Any]]:
    """The unfinished work items: those of which something came back, longest ago first; those of
    the newest plan in its order; then those of the plans before."""
    row = work_items.c
    theirs = [unfinished]
    theirs += [] if owner_id is None else [row.owner_id == owner_id]
    columns = (
        row.id, row.customer_id, row.contact_id, row.decision, row.playbook, row.channel,
        row.owner_id, row.state, row.closed_as, row.why, row.reasons, row.remedies, row.due_at,
        row.snoozed_until, row.churn_probability,
    )  # fmt: skip
    listed = sa.select(*columns).where(*theirs)
    with store.read() as tx:
        back = listed.where(row.came_back_at.is_not(None)).order_by(row.came_back_at, row.id)
        found = [dict(each._mapping) for each in tx.execute(back.limit(most))]
        planned = [*theirs, row.came_back_at.is_(None)]
        seen = tx.scalar(sa.select(sa.func.max(row.seen_at)).where(*planned))
        while seen is not None and len(found) < most:
            of_night = sa.select(*columns).where(*planned, row.seen_at == seen)
            some = tx.execute(of_night.order_by(row.rank).limit(most - len(found)))
            found += [dict(each._mapping) for each in some]
            before = sa.select(sa.func.max(row.seen_at)).where(*planned, row.seen_at < seen)
            seen = tx.scalar(before)
    return found


def one_item(store: Store, number: int) -> dict[str, Any]:
    """All of a work item, with its letters and what was done to it. Raises `WarmlineError` where
    there is none."""
    message = messages.c
    with store.read() as tx:
        row = tx.execute(sa.select(work_items).where(work_items.c.id == number)).one_or_none()
        if row is None:
            raise WarmlineError(
                f"There is no item {number}: `warmline outreach list --items` shows them."
            )
        letters = tx.execute(
            sa.select(message.id, message.state, message.sent_at)
            .where(message.item_id == number)
            .order_by(message.created_at, message.id)
        )
        return {
            **row._mapping,
            "letters": [dict(each._mapping) for each in letters],
            "trail": _trail(tx, f"item {number}"),
        }


def _trail(tx: sa.Connection, subject: str) -> list[dict[str, Any]]:
    done = sa.select(audit.c.at, audit.c.by, audit.c.verb, audit.c.details)
    found = tx.execute(done.where(audit.c.subject == subject).order_by(audit.c.id))
    return [dict(each._mapping) for each in found]


def one_message(store: Store, message: str) -> dict[str, Any]:
    """All of a message, with what was done to it. Raises `WarmlineError` where there is none."""
    with store.read() as tx:
        row = found(tx, message)
        return {**row._mapping, "trail": _trail(tx, f"message {row.id}")}


def preview(store: Store, now: datetime) -> dict[str, Any]:
    """What waits to be done and to be sent: tasks and their owners, messages by state, and how
    many of the queued ones are due at `now`."""
    task, message = work_items.c, messages.c
    with store.read() as tx:
        owners = Counter(
            {
                owner or "": count
                for owner, count in tx.execute(
                    sa.select(task.owner_id, sa.func.count())
                    .where(task.state.in_(("open", "in_progress")))
                    .group_by(task.owner_id)
                )
            }
        )
        due = tx.scalar(
            sa.select(sa.func.count()).where(message.state == "queued", message.next_try_at <= now)
        )
    return {
        "tasks": owners.total(),
        "owners": dict(owners.most_common()),
        "messages": by_state(store),
        "due": due or 0,
    }
