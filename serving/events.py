"""`POST /events`: interactions that a system tells as they happen. They wait in `inbox/`."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from models import inbox
from models.contracts import CHANNELS, COMPANY_KINDS, CUSTOMER_KINDS, SCORE_KINDS
from models.files import make_folder
from models.problems import Problem, Wrong
from serving.schemas import Body, Id, Instant, parse

SOURCE = "endpoint"  # of rows that name none
CALLS = "calls.db"  # which Idempotency-Key had which answer
KEPT = timedelta(days=7)  # of those; CRMs repeat a call for some days
MOST = 10_000  # interactions a call
AHEAD = timedelta(hours=1)  # so far may the caller's clock be
SCALES = {"csat": (1.0, 5.0), "nps": (0.0, 10.0), "ces": (1.0, 7.0)}
WAIT_SECONDS = 10.0  # for another call with a key to end


class Interaction(Body):
    """One row of the contract's `interactions`. Source: CONTRACTS.md."""

    interaction_id: Id
    customer_id: Id
    occurred_at: Instant
    kind: Literal[*CUSTOMER_KINDS, *COMPANY_KINDS]  # type: ignore[valid-type]
    source: Id = SOURCE
    contact_id: Id | None = None
    channel: Literal[*CHANNELS] | None = None  # type: ignore[valid-type]
    case_id: Id | None = None
    agent_id: Id | None = None
    topic: Id | None = None
    value: float | None = None
    seconds: float | None = Field(None, ge=0)
    wait_seconds: float | None = Field(None, ge=0)
    score: float | None = Field(None, ge=0, le=10)
    score_kind: Literal[*SCORE_KINDS] | None = None  # type: ignore[valid-type]
    caused_by: Id | None = None
    text: str | None = Field(None, max_length=100_000)
    recorded_at: Instant | None = None
    updated_at: Instant | None = None
    deleted_at: Instant | None = None

    @field_validator("occurred_at", "recorded_at")
    @classmethod
    def _has_happened(cls, at: datetime | None, info: ValidationInfo) -> datetime | None:
        latest = (info.context or {}).get("latest")
        if at is not None and latest is not None and at > latest:
            raise ValueError("this lies in the future")
        return at

    @model_validator(mode="after")
    def _within_its_scale(self) -> Self:
        low, high = SCALES.get(self.score_kind or "", (0.0, 10.0))
        if self.score is not None and not low <= self.score <= high:
            raise ValueError(f"a {self.score_kind} score lies between {low:g} and {high:g}")
        return self


class EventsRequest(Body):
    """What happened."""

    interactions: Annotated[list[Interaction], Field(min_length=1, max_length=MOST)]


class EventsAnswer(Body):
    """They are on disk; the next ingest takes them up."""

    accepted: int


class Brought(NamedTuple):
    """The rows of a call, which may be asked for again, and the SHA-256 of its body."""

    rows: Callable[[], Iterable[Sequence[Interaction]]]
    digest: str

    @classmethod
    def of(cls, body: bytes, now: datetime) -> Self:
        """Of a JSON body. Raises `Problem`."""
        rows = parse(EventsRequest, body, not_after(now)).interactions
        return cls(lambda: [rows], hashlib.sha256(body).hexdigest())


def not_after(now: datetime) -> dict[str, datetime]:
    """What rows are held against as they are read: what has not happened yet is not taken."""
    return {"latest": now + AHEAD}


def accept(home: Path, brought: Brought, *, caller: str, key: str | None, now: datetime) -> int:
    """Writes the rows, and how many they are; with a `key` (the caller's own) once, however often
    it is asked.

    `caller`: the API key's id, within which `key` is unique. Raises `Problem` 422 for a key that
    came with another body.
    """
    if key is None:
        return _write(home, brought, now)
    name = hashlib.sha256(f"{caller}\x1f{key}".encode()).hexdigest()
    with _calls(home) as calls:
        calls.execute("DELETE FROM calls WHERE at < ?", [(now - KEPT).isoformat()])
        known = calls.execute("SELECT body, answer FROM calls WHERE name = ?", [name]).fetchone()
        if known is None:
            kept = _write(home, brought, now)
            answer = json.dumps({"accepted": kept}).encode()
            calls.execute(
                "INSERT INTO calls VALUES (?, ?, ?, ?)",
                [name, brought.digest, answer, now.isoformat()],
            )
            return kept
    if known[0] != brought.digest:
        wrong = Wrong("Idempotency-Key", "It came with another body before.")
        raise Problem(422, "This Idempotency-Key belongs to another call.", (wrong,))
    return int(json.loads(known[1])["accepted"])


def _write(home: Path, brought: Brought, now: datetime) -> int:
    def rows() -> Iterator[dict[str, Any]]:
        for one in chain.from_iterable(brought.rows()):
            row = one.model_dump(mode="json", exclude_none=True)
            # When we were told is when it was known, where the caller does not say.
            yield {"recorded_at": max(now, one.occurred_at).isoformat(), **row}

    # Each process writes a file of its own; threads take turns at its lock.
    return inbox.add(home, f"{SOURCE}-{os.getpid()}", rows(), now=now)


@contextmanager
def _calls(home: Path) -> Iterator[sqlite3.Connection]:
    """The record of calls, which nobody else changes meanwhile; on disk at the end."""
    folder = home / inbox.FOLDER
    make_folder(folder)
    path = folder / CALLS
    with closing(sqlite3.connect(path, timeout=WAIT_SECONDS, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("BEGIN IMMEDIATE")
        try:
            connection.execute(
                "CREATE TABLE IF NOT EXISTS calls (name TEXT PRIMARY KEY, body TEXT NOT NULL, "
                "answer BLOB NOT NULL, at TEXT NOT NULL) STRICT"
            )
            yield connection
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            raise
