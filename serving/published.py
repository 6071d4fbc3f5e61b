"""The published scores as a process that serves sees them: a new publication, within a second."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from threading import Lock
from typing import Any

from models.answers import Answers
from models.batch import ScoreBatch, latest
from models.errors import WarmlineError

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
                self._looked_at = clock
                self._look()
        return self._latest

    def of(self, night: date) -> Published | None:
        """That date's; None where it has none."""
        held = self._latest
        try:
            batch = ScoreBatch.open(self._scores, night)
        except WarmlineError:
            return None
        if held is not None and held.batch.path == batch.path:
            return held
        return Published(batch, batch.answers())

    def _look(self) -> None:
        found = latest(self._scores)
        held = self._latest
        if found is None:
            self._latest = None
        elif held is None or held.batch.path != found.path:
            try:
                self._latest = Published(found, found.answers())
            except (WarmlineError, OSError):
                if held is None:
                    raise
