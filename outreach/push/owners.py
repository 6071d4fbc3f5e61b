"""Owners are told in chat: of their list, once a night, and of what is urgent and came since.

At most once: a webhook cannot be asked whether it has had a message, and two of the same are worse
than none, since the list itself is there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from models.settings_outreach import Chat as Settings
from outreach.channels import Refused, Sent, Unknown
from outreach.channels.chat import Chat, Note, escaped
from outreach.store.audit import audit
from outreach.store.database import Store
from outreach.store.tables import chat_told, decisions, work_items
from outreach.words import day

_TO_DO = ("open", "in_progress")
URGENT = ":rotating_light: "
QUEUE = ""  # of items that have no owner
_item = work_items.c


@dataclass(frozen=True)
class Teller:
    """Tells each owner who has something to do and a webhook, their own or the common one."""

    store: Store
    chat: Chat
    settings: Settings
    zone: ZoneInfo

    def tell(self, *, by: str, now: datetime) -> tuple[Counter[str], list[str]]:
        """Tells whoever was not told yet; what became of the messages, and why some did not go.

        Raises `WrongUsage` for a URL that is none; nobody is told then.
        """
        self.chat.check()
        count: Counter[str] = Counter()
        why: list[str] = []
        if now.astimezone(self.zone).time() < self.settings.not_before:
            return count, why
        night = self._night()
        for owner in self._owners() if night else ():
            url = self.settings.owners.get(owner) or self.settings.url
            if not url:
                continue
            urgent = self._urgent(owner)
            subjects = [f"night {night}", *urgent]
            new = self._claim(owner, subjects, now)
            if not new:
                continue
            whose = "" if owner in self.settings.owners else f"{owner or 'no owner'}: "
            note = self._list(owner) if subjects[0] in new else _urgent_note(urgent, new)
            note = replace(note, title=whose + note.title)
            result = self.chat.post(url, note)
            count[type(result).__name__.lower()] += 1
            if not isinstance(result, Sent):
                why.append(f"chat message to {owner or 'the queue'}: {result.why}")
            self._settle(owner, new, by=by, now=now, stays=isinstance(result, Sent | Unknown),
                         refused=isinstance(result, Refused))  # fmt: skip
        return count, why

    def _night(self) -> str | None:
        with self.store.read() as tx:
            night = tx.scalar(sa.select(sa.func.max(decisions.c.as_of)))
        return None if night is None else str(night)

    def _owners(self) -> list[str]:
        query = sa.select(_item.owner_id).where(_item.state.in_(_TO_DO)).distinct()
        with self.store.read() as tx:
            return sorted(owner or QUEUE for owner in tx.scalars(query))

    def _urgent(self, owner: str) -> dict[str, Any]:
        """Items that wait for an answer, by what they are called in `chat_told`."""
        query = sa.select(_item.id, _item.customer_id, _item.reasons, _item.due_at).where(
            _is_theirs(owner), _item.state == "open", _item.decision == "refer"
        )
        with self.store.read() as tx:
            return {f"item {row.id}": row for row in tx.execute(query.order_by(_item.id))}

    def _claim(self, owner: str, subjects: Sequence[str], now: datetime) -> list[str]:
        """Of `subjects` those that nobody told the owner before: they are ours now."""
        told = chat_told.c
        with self.store.begin() as tx:
            query = sa.select(told.subject).where(told.owner_id == owner)
            known = set(tx.scalars(query.where(told.subject.in_(subjects))))
            new = [subject for subject in subjects if subject not in known]
            if new:
                rows = [{"owner_id": owner, "subject": one, "at": now} for one in new]
                tx.execute(chat_told.insert(), rows)
        return new

    def _settle(
        self, owner: str, subjects: Sequence[str], *, by: str, now: datetime, stays: bool,
        refused: bool,
    ) -> None:  # fmt: skip
        """On record; what has not arrived is told by the next push."""
        told = chat_told.c
        with self.store.begin() as tx:
            if not stays:
                theirs = chat_told.delete().where(told.owner_id == owner)
                tx.execute(theirs.where(told.subject.in_(subjects)))
            verb = "tell" if stays else "refuse" if refused else "delay"
            audit(tx, by=by, now=now, verb=verb, subject="chat", about=list(subjects))

    def _list(self, owner: str) -> Note:
        """What the owner has to do, in the plan's order."""
        theirs = sa.and_(_is_theirs(owner), _item.state.in_(_TO_DO))
        count = sa.select(sa.func.count()).select_from(work_items).where(theirs)
        query = sa.select(work_items).where(theirs).order_by(_item.seen_at.desc(), _item.rank)
        with self.store.read() as tx:
            many = tx.scalar(count) or 0
            urgent = tx.scalar(count.where(_item.decision == "refer")) or 0
            shown = tx.execute(query.limit(self.settings.items)).all()
        lines = [self._line(row) for row in shown]
        if many > len(shown):
            lines.append(f"... and {many - len(shown):,} more.")
        wait = f", of which {urgent:,} wait for an answer" if urgent else ""
        return Note(f"{many:,} to do{wait}", lines)

    def _line(self, row: Any) -> str:
        due = f" (by {day(row.due_at, self.zone)})" if row.due_at else ""
        return (URGENT if row.decision == "refer" else "") + _words(row, due)


def _urgent_note(urgent: dict[str, Any], new: Sequence[str]) -> Note:
    rows = [urgent[subject] for subject in new if subject in urgent]
    return Note(f"{len(rows):,} more wait for an answer", [URGENT + _words(row) for row in rows])


def _words(row: Any, due: str = "") -> str:
    why = "; ".join(escaped(reason) for reason in row.reasons)
    return f"*{escaped(row.customer_id)}*{due}: {why}"


def _is_theirs(owner: str) -> sa.ColumnElement[bool]:
    return _item.owner_id.is_(None) if owner == QUEUE else _item.owner_id == owner
