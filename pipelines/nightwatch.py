"""Who is told how a night goes: the log of the home, and a health-check service."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from models.errors import WarmlineError
from pipelines.nightlog import NightLog, numbers
from pipelines.pings import Pings

if TYPE_CHECKING:
    from pipelines.nightly import Night


class Watch(Protocol):
    """Is told of a night; never fails it."""

    def began(self, night: Night) -> None: ...
    def stepped(self, night: Night, step: str) -> None: ...
    def ended(self, night: Night) -> None: ...
    def failed(self, night: Night, step: str, error: Exception) -> None: ...


class Unwatched:
    """Tells nobody."""

    def began(self, night: Night) -> None:
        """Nothing."""

    def stepped(self, night: Night, step: str) -> None:
        """Nothing."""

    def ended(self, night: Night) -> None:
        """Nothing."""

    def failed(self, night: Night, step: str, error: Exception) -> None:
        """Nothing."""


@dataclass(frozen=True)
class NightWatch:
    """Logs every event, pings at the start and the end. `clock` gives the time in UTC."""

    log: NightLog
    pings: Pings
    clock: Callable[[], datetime]

    def began(self, night: Night) -> None:
        """A night begins, or goes on behind what is `done`."""
        self._write(night, "began", done=list(night.done), finished=night.finished)
        self._ping(night, self.pings.start, _summary(night))

    def stepped(self, night: Night, step: str) -> None:
        """A step is done."""
        facts = numbers(night.done[step])
        self._write(night, "step", step=step, **night.took[step], facts=facts)

    def ended(self, night: Night) -> None:
        """All is done."""
        self._write(night, "done", seconds=_seconds(night))
        self._ping(night, self.pings.done, _summary(night))

    def failed(self, night: Night, step: str, error: Exception) -> None:
        """A step failed. Its words stay on the terminal: they may name a row or a customer."""
        code = error.exit_code if isinstance(error, WarmlineError) else 1
        facts = {"step": step, "error": type(error).__name__, "exit_code": code}
        self._write(night, "failed", **facts)
        self._ping(night, self.pings.failed, {**_summary(night), **facts})

    def _ping(
        self, night: Night, send: Callable[[Mapping[str, Any]], bool], facts: Mapping[str, Any]
    ) -> None:
        if self.pings.url and not send(facts):
            self._write(night, "ping_failed")

    def _write(self, night: Night, event: str, **facts: object) -> None:
        self.log.write(self.clock(), event, run=night.run, as_of=str(night.as_of), **facts)


def _summary(night: Night) -> dict[str, Any]:
    return {"as_of": str(night.as_of), "run": night.run, "took": night.took}


def _seconds(night: Night) -> float:
    return round(sum(float(took["seconds"]) for took in night.took.values()), 3)


@dataclass
class Took:
    """What a step took."""

    seconds: float = 0.0
    peak_memory_mb: int = 0  # of the process until then

    def to_dict(self, facts: Mapping[str, Any]) -> dict[str, Any]:
        """With the rows that the step tells of, null where it tells of none."""
        return {**vars(self), "rows": _rows(facts) or None}


@contextmanager
def measured() -> Iterator[Took]:
    """Measures the block."""
    took, start = Took(), time.perf_counter()
    yield took
    took.seconds = round(time.perf_counter() - start, 3)
    # Kilobytes on Linux (getrusage(2)).
    took.peak_memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def _rows(facts: Mapping[str, Any]) -> int:
    """All `rows` that a step tells of, its tables' and sources' together."""
    if isinstance(facts.get("rows"), int):
        return int(facts["rows"])
    return sum(_rows(inner) for inner in facts.values() if isinstance(inner, Mapping))
