"""`may_contact` of the answers, from what outreach publishes (`models/contactability.py`).

What is new is looked for twice a second and not by each call: a refusal counts for the endpoint
within a second, and a call of a thousand ids costs no more than one of one.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from starlette.concurrency import run_in_threadpool

from models.contactability import SILENT, Closure, Contactability

EVERY = 0.5  # seconds after a look, the next one is due
OLDEST = 1.0  # seconds; a call waits for the next look where the last one is longer ago
_OPEN = b',"may_contact":{"state":"yes","reasons":[],"blocked":[]}}'


@dataclass
class Contacts:
    """Whom outreach may contact, as the end of a JSON answer."""

    root: Path
    _published: Contactability = field(init=False)
    _looked: float = float("-inf")
    _reading: asyncio.Future[None] | None = None
    _is_waited_for: bool = False
    _unknown: bytes = b""  # why nobody knows; empty where it is known

    def __post_init__(self) -> None:
        self._published = Contactability(self.root)

    async def keep_up(self, now: datetime, monotonic: float) -> None:
        """Takes up what is new. A snapshot, which may take seconds, is read in a thread; only after
        a pause do calls wait for it. All else is a look at three files: in a thread, beside a busy
        loop, those who wait for it would wait for rounds of it."""
        if self._reading is None or self._reading.done():
            age = monotonic - self._looked
            if age < EVERY:
                return
            if not self._published.has_new_snapshot():
                self.look(now, monotonic)
                return
            self._is_waited_for = age > OLDEST
            self._reading = asyncio.ensure_future(run_in_threadpool(self.look, now, monotonic))
            # What failed is tried again, and waited for once the last look is too long ago.
            self._reading.add_done_callback(lambda one: one.cancelled() or one.exception())
        if self._is_waited_for:
            await asyncio.shield(self._reading)

    def look(self, now: datetime, monotonic: float) -> None:
        """Takes up what is new."""
        self._published.refresh()
        self._unknown = self._why_unknown(now)
        self._looked = monotonic

    def told(self, customer_id: str) -> bytes:
        """What ends the answer of that customer: of all channels and purposes."""
        if self._unknown:
            return self._unknown
        closures = self._published.closures(customer_id)
        return _closed(closures) if closures else _OPEN

    def _why_unknown(self, now: datetime) -> bytes:
        if not self._published.is_known:
            return _ended("unknown", ["outreach has published nothing yet"], [])
        age = self._published.age(now)
        if age is not None and age <= SILENT:
            return b""
        heard = "never" if age is None else f"{int(age.total_seconds())} s ago"
        return _ended("unknown", [f"outreach was last heard of: {heard}"], [])


def _closed(closures: Sequence[Closure]) -> bytes:
    """`no` where nothing is left, `some` where one channel or purpose alone is closed."""
    reasons = list(dict.fromkeys(reason for one in closures for reason in one.reasons))
    whole = any(one.channel is None and one.purpose is None for one in closures)
    blocked = [
        {"channel": one.channel, "purpose": one.purpose, "reasons": list(one.reasons)}
        for one in closures
    ]
    return _ended("no" if whole else "some", reasons, blocked)


def _ended(state: str, reasons: Sequence[str], blocked: Sequence[object]) -> bytes:
    told = {"state": state, "reasons": reasons, "blocked": blocked}
    return b',"may_contact":' + json.dumps(told, ensure_ascii=False).encode() + b"}"
