"""`record`: a night's decisions into the store, with the work and the messages that follow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from datetime import date, datetime
from itertools import islice
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa

from outreach.gates import REFUSALS
from outreach.planned import NOT_LOOKED_AT, Planned
from outreach.store import tables
from outreach.store.audit import AT_ONCE, audit, audit_many, insert_new
from outreach.store.database import Store
from outreach.store.drafts import Draft, Drafts, gaps, no_words
from outreach.store.messages import withdraw

SENDS = ("email",)  # channels of which a contact is a message; all others are tasks for a person
_STATE = {"draft": "draft", "approve": "awaiting_approval", "auto": "queued"}
_FIELDS = tuple(field.name for field in fields(Planned))


def record(
    store: Store,
    *,
    by: str,
    now: datetime,
    decisions: Iterable[Planned],
    drafts: Drafts = no_words,
    sends: Collection[str] = SENDS,
    period: str = "",
    remedies: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> dict[str, int]:
    """Writes decisions, arms, work items and messages; counts what is new.

    A decision and what follows from it are one transaction, some thousands of them at a time, so
    that senders need not wait for a large night. Cut off, the same again ends it: a decision that
    is known already changes nothing. They come in the order of the list, which is that of the work.
    A customer has one unfinished item a reason, and an item one unsent message. Without words
    (`drafts` gives None) a message stays a draft, whatever its mode. `period` names the draw of
    the arms; `remedies` tells what would lower the risk, by customer. Of a past night only its
    decisions and arms are kept: nothing is to be done about it.
    """
    count: Counter[str] = Counter(decisions=0, items=0, messages=0)
    night, place, past = None, 0, None
    for some in _some(decisions):
        night = some[0].as_of
        past = is_past(store, night) if past is None else past
        ranks = {one.decision_id: place + n for n, one in enumerate(some)}
        place += len(some)
        with store.begin() as tx:
            new = _unknown(tx, some)
            count["decisions"] += len(new)
            insert_new(tx, tables.decisions, [_columns(one, now) for one in new])
            _assign(tx, new, period)
            if past:
                continue
            _pull_back(tx, new, by=by, now=now)
            to_do = [one for one in new if one.decision != "hold"]
            items, made = _items(tx, to_do, ranks, remedies, by=by, now=now)
            count["items"] += made
            wanted = [one for one in to_do if one.decision == "contact" and one.channel in sends]
            count["messages"] += _messages(tx, wanted, items, drafts, by=by, now=now)
    if count["decisions"]:
        with store.begin() as tx:
            audit(tx, by=by, now=now, verb="record", subject=f"night {night}", new=dict(count))
    return dict(count)


def is_past(store: Store, night: date) -> bool:
    """Whether a later night was planned already."""
    with store.read() as tx:
        newest = tx.scalar(sa.select(sa.func.max(tables.decisions.c.as_of)))
    return newest is not None and night < newest


def _some(decisions: Iterable[Planned]) -> Iterator[list[Planned]]:
    left = iter(decisions)
    while some := list(islice(left, AT_ONCE)):
        yield list({one.decision_id: one for one in some}.values())


def _unknown(tx: sa.Connection, some: Sequence[Planned]) -> list[Planned]:
    column = tables.decisions.c.decision_id
    known = set(tx.scalars(sa.select(column).where(column.in_([one.decision_id for one in some]))))
    return [one for one in some if one.decision_id not in known]


def _columns(planned: Planned, now: datetime) -> dict[str, Any]:
    row = {name: getattr(planned, name) for name in _FIELDS}
    return row | {
        "reasons": list(planned.reasons),
        "gates": dict(planned.gates),
        "recorded_at": now,
    }


def _assign(tx: sa.Connection, new: Sequence[Planned], period: str) -> None:
    insert_new(
        tx,
        tables.assignments,
        [
            {
                "unit": one.unit, "period": period, "arm": one.arm, "propensity": one.propensity,
                "stratum": one.stratum, "as_of": one.as_of, "policy_version": one.policy_version,
            }
            for one in new
            if one.propensity is not None
        ],
    )  # fmt: skip


def _pull_back(tx: sa.Connection, new: Sequence[Planned], *, by: str, now: datetime) -> None:
    """Who has refused since a message was written gets it no more, though nobody told the store."""
    refused: dict[str, set[str]] = {}
    for one in new:
        if one.decision == "hold" and any(
            one.gates.get(gate) not in (None, NOT_LOOKED_AT) for gate in REFUSALS
        ):
            refused.setdefault(one.purpose, set()).add(one.customer_id)
    message = tables.messages.c
    for purpose, customers in refused.items():
        theirs = sa.and_(
            message.customer_id.in_(customers),
            message.purpose == purpose,
            message.transactional.is_(False),
        )
        withdraw(tx, theirs, by=by, now=now, why="the plan holds them back: refused")


Key = tuple[str, str]  # customer and reason


def _items(
    tx: sa.Connection,
    to_do: Sequence[Planned],
    ranks: Mapping[str, int],
    remedies: Mapping[str, Sequence[str]],
    *,
    by: str,
    now: datetime,
) -> tuple[Mapping[Key, int], int]:
    """The unfinished item of each, and how many were made now. Many at a time: a first night
    makes all of them."""
    known = _unfinished(tx, {one.customer_id for one in to_do})
    new: dict[Key, dict[str, Any]] = {}
    again = []
    for one in to_do:
        key = one.customer_id, one.reason_key
        shown = _shown(one, ranks[one.decision_id], now)
        shown["remedies"] = list(remedies.get(one.customer_id, ()))
        if key in known:
            before = known[key]
            if before.handed_over_at is not None:
                shown["owner_id"] = before.owner_id
            again.append((before, one, shown))
        else:
            first = {"customer_id": key[0], "reason_key": key[1], "state": "open"}
            new.setdefault(key, {**first, "since": now, "created_at": now, **shown})
    _see_again(tx, again, by=by, now=now)
    made = _insert(tx, list(new.values()))
    opened = [
        (f"item {number}", key[0], {"decision_id": new[key]["decision_id"]})
        for key, number in made.items()
    ]
    audit_many(tx, by=by, now=now, verb="open", rows=opened)
    return {key: before.id for key, before in known.items()} | made, len(made)


def _insert(tx: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> dict[Key, int]:
    """The numbers of the items made of `rows`."""
    if not rows:
        return {}
    item = tables.work_items.c
    insert = tables.work_items.insert().returning(item.customer_id, item.reason_key, item.id)
    made = tx.execute(insert, rows)
    return {(customer, reason): number for customer, reason, number in made}


def _unfinished(tx: sa.Connection, customers: Collection[str]) -> dict[Key, Any]:
    """`id, state, evidence_at, owner_id, handed_over_at` of each."""
    item = tables.work_items.c
    rows = tx.execute(
        sa.select(
            item.customer_id, item.reason_key, item.id, item.state, item.evidence_at,
            item.owner_id, item.handed_over_at,
        ).where(item.customer_id.in_(customers), tables.unfinished)
    )  # fmt: skip
    return {(row.customer_id, row.reason_key): row for row in rows}


def _shown(one: Planned, rank: int, now: datetime) -> dict[str, Any]:
    same = (
        "contact_id", "decision", "playbook", "channel", "owner_id", "churn_probability", "due_at",
        "evidence_at", "decision_id",
    )  # fmt: skip
    return {name: getattr(one, name) for name in same} | {
        "reasons": list(one.reasons),
        "seen_at": now,
        "rank": rank,
    }


def _see_again(
    tx: sa.Connection,
    again: Sequence[tuple[Any, Planned, Mapping[str, Any]]],
    *,
    by: str,
    now: datetime,
) -> None:
    """The items show tonight's facts; a snoozed one comes back where there is newer evidence."""
    if not again:
        return
    item = tables.work_items
    rows, back = [], []
    for before, one, shown in again:
        rows.append({"number": before.id, **shown})
        seen, at = before.evidence_at, one.evidence_at
        if before.state == "snoozed" and at is not None and (seen is None or at > seen):
            back.append((before.id, one.customer_id))
    tx.execute(item.update().where(item.c.id == sa.bindparam("number")), rows)
    for number, customer in back:
        opened = {"state": "open", "since": now, "snoozed_until": None}
        tx.execute(item.update().where(item.c.id == number).values(opened))
        audit(
            tx, by=by, now=now, verb="reopen", subject=f"item {number}", customer_id=customer,
            why="newer evidence",
        )  # fmt: skip


def _messages(
    tx: sa.Connection,
    wanted: Sequence[Planned],
    items: Mapping[Key, int],
    drafts: Drafts,
    *,
    by: str,
    now: datetime,
) -> int:
    message = tables.messages.c
    asked = {items[one.customer_id, one.reason_key] for one in wanted}
    busy = set(
        tx.scalars(
            sa.select(message.item_id).where(
                message.item_id.in_(asked), message.state.in_(tables.UNSENT)
            )
        )
    )
    rows, made = [], []
    handed_over = _handed_over(tx, asked)
    for one in wanted:
        item = items[one.customer_id, one.reason_key]
        if item in busy:
            continue
        busy.add(item)
        signed = replace(one, owner_id=handed_over.get(item, one.owner_id))
        row = _message(signed, item, drafts, now)
        rows.append(row)
        made.append((f"message {row['id']}", one.customer_id, {"state": row["state"]}))
    if rows:
        tx.execute(tables.messages.insert(), rows)
    audit_many(tx, by=by, now=now, verb="write", rows=made)
    return len(rows)


def _handed_over(tx: sa.Connection, items: Collection[int]) -> Mapping[int, str | None]:
    """The owners of those of `items` that were handed over, who sign whatever the plan says."""
    item = tables.work_items.c
    given = item.id.in_(items) & item.handed_over_at.is_not(None)
    rows = tx.execute(sa.select(item.id, item.owner_id).where(given))
    return {row.id: row.owner_id for row in rows}


def _message(one: Planned, item: int, drafts: Drafts, now: datetime) -> dict[str, Any]:
    draft, due = drafts(one), max(now, one.not_before or now)
    words = draft.columns() if draft else dict.fromkeys(field.name for field in fields(Draft))
    missing = gaps(draft.subject, draft.text, draft.html) if draft else []
    state = _STATE[one.mode] if draft and not missing else "draft"
    why = "no words yet" if draft is None else f"gaps: {', '.join(missing)}" if missing else None
    return words | {
        "id": one.decision_id, "item_id": item, "decision_id": one.decision_id,
        "customer_id": one.customer_id, "unit": one.unit, "contact_id": one.contact_id,
        "channel": one.channel, "playbook": one.playbook, "purpose": one.purpose,
        "transactional": one.transactional,
        "state": state, "why": why,
        "not_before": one.not_before, "queued_at": due if state == "queued" else None,
        "next_try_at": due,
        "created_at": now, "updated_at": now,
    }  # fmt: skip
