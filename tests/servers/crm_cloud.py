"""What the local CRM holds, and a call to it."""

from __future__ import annotations

import json
import threading
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any

Said = tuple[int, Any, dict[str, str]]  # status, body, headers


@dataclass(frozen=True)
class Call:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body) if self.body else None


@dataclass
class Cloud:
    """What the server holds. `records`: fields by object and key. `unknown_fields`: that the CRM
    does not have. `wrong`: keys whose values it does not take. `next`: what it says instead, once
    each: a status, (status, headers, body) or one of the words above."""

    port: int = 0
    records: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    unknown_fields: set[str] = field(default_factory=set)
    wrong: set[str] = field(default_factory=set)
    busy: Counter[str] = field(default_factory=Counter)  # Salesforce: rows locked so many times
    next: deque[Any] = field(default_factory=deque)
    token: str = "right"  # noqa: S105
    per_ten_seconds: int = 0
    secret: str = ""
    calls: list[tuple[str, str, int]] = field(default_factory=list)  # method, path, records in it
    linked: set[tuple[str, str]] = field(default_factory=set)  # HubSpot's task and record
    ended: dict[str, str | None] = field(default_factory=dict)  # generic: tasks, and how
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)  # webhook ids
    latency: float = 0.0  # seconds before each answer
    times: deque[float] = field(default_factory=deque)
    lock: threading.RLock = field(default_factory=threading.RLock)
    _number: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def of(self, object_: str) -> dict[str, dict[str, Any]]:
        """The records of an object, by key."""
        return self.records.setdefault(object_, {})

    def number(self) -> int:
        self._number += 1
        return self._number
