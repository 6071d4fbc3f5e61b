"""The night: its steps in order, one run at a time, taken up again after a crash."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.errors import RefusedToPublish
from models.files import write_atomically
from models.home import Home
from pipelines.lock import exclusive

if TYPE_CHECKING:
    from models.command import Advance


@dataclass(frozen=True)
class Step:
    """One step: what it is called, and what it does. It can be run again at any time.

    `work` gets the night and returns facts for the report.
    """

    name: str
    work: Callable[[Night], dict[str, Any]]


@dataclass(frozen=True)
class Night:
    """One date's run. `started` stays that of the first attempt, so that a resumed night knows
    no more than the one that was cut off, and gives the same batch."""

    as_of: date
    run: str
    started: datetime
    done: dict[str, dict[str, Any]] = field(default_factory=dict)
    finished: bool = False

    def to_json(self) -> bytes:
        facts = {**vars(self), "as_of": str(self.as_of), "started": self.started.isoformat()}
        return json.dumps(facts, indent=2, default=str).encode()

    @classmethod
    def of_json(cls, text: bytes) -> Night:
        facts = json.loads(text)
        return cls(
            as_of=date.fromisoformat(facts["as_of"]),
            run=facts["run"],
            started=datetime.fromisoformat(facts["started"]),
            done=facts["done"],
            finished=facts["finished"],
        )


def run_name(started: datetime) -> str:
    """Names a run after its start (UTC), so that runs sort by time."""
    return started.astimezone(UTC).strftime("%Y%m%dT%H%M%S.%fZ")


def nightly(
    home: Home,
    steps: Sequence[Step],
    *,
    as_of: date,
    now: datetime,
    advance: Advance = lambda what, share: None,
) -> Night:
    """Run the steps of `as_of` that are not done yet; each is recorded once it is.

    A night that has finished is not run again. Raises `Busy` where another run holds the lock, and
    whatever a step raises: the steps before it stay done, and the next call goes on from there;
    after a `RefusedToPublish` it begins anew.
    """
    with exclusive(home.lock, "run"):
        night = _begin(home, as_of, now)
        for position, step in enumerate(steps):
            if night.finished or step.name in night.done:
                continue
            advance(step.name, position / len(steps))
            try:
                facts = step.work(night)
            except RefusedToPublish:
                # Its data must be mended first: the next call begins anew, from the ingest on.
                _path(home, as_of).unlink()
                raise
            night = _record(home, night, {**night.done, step.name: facts})
        if not night.finished:
            night = _record(home, night, night.done, finished=True)
        return night


def _path(home: Home, as_of: date) -> Path:
    return home.nights / f"as_of={as_of}.json"


def _begin(home: Home, as_of: date, now: datetime) -> Night:
    """The night of this date as far as it got, or a new one."""
    path = _path(home, as_of)
    if path.exists():
        return Night.of_json(path.read_bytes())
    home.nights.mkdir(exist_ok=True)
    return _record(home, Night(as_of, run_name(now), now), {})


def _record(
    home: Home, night: Night, done: dict[str, dict[str, Any]], *, finished: bool = False
) -> Night:
    night = Night(night.as_of, night.run, night.started, done, finished)
    write_atomically(_path(home, night.as_of), night.to_json())
    return night
