"""The published scores as a process that serves sees them: a new publication, within a second."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from threading import Lock
from typing import Any

from models.answers import Answers
from models.batch import CURRENT, ScoreBatch, latest
from models.errors import SchemaTooNew, WarmlineError

CHECK_SECONDS = 0.5


@dataclass(frozen=True)
class Published:
    """One batch that counts, and its answers."""

    batch: ScoreBatch
    answers: Answers

    @property
    def facts(self) -> dict[str, Any]:
        """What the scoring told of itself."""
        return dict(self.batch.manifest.facts)


class Publications:
    """Follows `scores/`. Who got an older batch goes on with it; its files stay mapped."""

    def __init__(self, scores: Path) -> None:
        self._scores = scores
        self._lock = Lock()
        self._looked_at = float("-inf")
        self._seen: _Seen | None = None
        self._latest: Published | None = None

    def latest(self, clock: float) -> Published | None:
        """The newest that counts; None where nothing is published.

        `clock`: seconds of a clock that only goes forward. Raises `WarmlineError` where the newest
        cannot be served: the one before goes on being served where there is one.
        """
        if clock - self._looked_at < CHECK_SECONDS:
            return self._latest
        with self._lock:
            if clock - self._looked_at >= CHECK_SECONDS:
                self._look()
                self._looked_at = clock
        return self._latest

    def of(self, night: date) -> Published | None:
        """That date's; None where it has none. Raises `WarmlineError` where it cannot be served."""
        held = self._latest
        try:
            batch = ScoreBatch.open(self._scores, night)
        except SchemaTooNew:
            raise
        except WarmlineError:
            return None
        if held is not None and held.batch.path == batch.path:
            return held
        return Published(batch, batch.answers())

    def _look(self) -> None:
        """Reads all nights only where one may have been published since."""
        seen = self._seen
        if seen is not None and seen == _Seen.now(self._scores, seen.nights):
            return
        held = self._latest
        found = latest(self._scores)
        if found is None:
            self._latest = None
        elif held is None or held.batch.path != found.path:
            try:
                self._latest = Published(found, found.answers())
            except (WarmlineError, OSError):
                if held is None:
                    raise
        newest = found.path.parent.name if found else ""
        nights = sorted(folder.name for folder in self._scores.glob("as_of=*"))
        self._seen = _Seen.now(self._scores, [night for night in nights if night >= newest])


@dataclass(frozen=True)
class _Seen:
    """What would be otherwise if a newer batch had been published: the folder of the nights, and
    `current` in the newest that counts and in those after it, which have none."""

    nights: list[str]
    folder: int | None  # nanoseconds of its last change
    current: list[int | None]

    @classmethod
    def now(cls, scores: Path, nights: list[str]) -> _Seen:
        current = [_changed(scores / night / CURRENT) for night in nights]
        return cls(nights, _changed(scores), current)


def nobody(customer_id: str) -> bytes:
    """The answer for an id that no customer has."""
    why = "no customer has this id"
    told = {"customer_id": customer_id, "status": "not_scored", "why": why}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()


def _changed(path: Path) -> int | None:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return None
