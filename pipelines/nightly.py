"""The night: its steps in order, one run at a time, taken up again after a crash."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.errors import RefusedToPublish
from models.files import write_atomically
from models.home import Home
from pipelines.lock import exclusive
from pipelines.nightwatch import Unwatched, Watch, measured

if TYPE_CHECKING:
    from models.command import Advance

Facts = dict[str, dict[str, Any]]  # by step


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
    done: Facts = field(default_factory=dict)
    finished: bool = False
    held: bool = False  # a check failed: begins anew, unless a person lets it through
    took: Facts = field(default_factory=dict)  # seconds, rows and peak memory of each step

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
            held=facts.get("held", False),
            took=facts.get("took", {}),
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
    wait: float = 0.0,
    watch: Watch | None = None,
    advance: Advance = lambda what, share: None,
) -> Night:
    """Run the steps of `as_of` that are not done yet; each is recorded once it is.

    A night that has finished is not run again. Raises `Busy` where another run holds the lock for
    longer than `wait` seconds, and whatever a step raises: the steps before it stay done, and the
    next call goes on from there; after a `RefusedToPublish` it begins anew, unless a person let
    the batch through (`go_on`). `watch` is told of the start, each step and the end.
    """
    watch = watch or Unwatched()
    with exclusive(home.lock, "run", wait):
        night = _begin(home, as_of, now)
        watch.began(night)
        for position, step in enumerate(steps):
            if night.finished or step.name in night.done:
                continue
            advance(step.name, position / len(steps))
            night = _take(home, night, step, watch)
        if not night.finished:
            night = _record(home, replace(night, finished=True))
        watch.ended(night)
        return night


def _take(home: Home, night: Night, step: Step, watch: Watch) -> Night:
    """One step, done and recorded."""
    try:
        with measured() as took:
            facts = step.work(night)
    except RefusedToPublish as refused:
        # Its data must be mended first: the next call begins anew, from the ingest on.
        _record(home, replace(night, held=True))
        watch.failed(night, step.name, refused)
        raise
    except Exception as error:
        watch.failed(night, step.name, error)
        raise
    night = replace(
        night,
        done={**night.done, step.name: facts},
        took={**night.took, step.name: took.to_dict(facts)},
    )
    watch.stepped(night, step.name)
    return _record(home, night)


def go_on(home: Home, *, as_of: date, run: str, started: datetime, facts: dict[str, Any]) -> None:
    """Has the night of `as_of` go on behind its scoring with `run`, which a person let through.

    Its ingest stays done if it was; what followed another run's scores is done again. The caller
    holds the lock.
    """
    known = record_of(home, as_of)
    if known and known.run == run and not known.held:
        return  # let through before
    home.nights.mkdir(exist_ok=True)
    night = Night(as_of, run, started, {"score": facts})
    if known and "ingest" in known.done:
        kept = {"ingest": known.done["ingest"]}
        took = {step: facts for step, facts in known.took.items() if step == "ingest"}
        night = replace(night, done={**kept, **night.done}, took=took)
    _record(home, night)


def record_of(home: Home, as_of: date) -> Night | None:
    """What is on record of a night; None where it never began."""
    path = _path(home, as_of)
    return Night.of_json(path.read_bytes()) if path.exists() else None


def _path(home: Home, as_of: date) -> Path:
    return home.nights / f"as_of={as_of}.json"


def _begin(home: Home, as_of: date, now: datetime) -> Night:
    """The night of this date as far as it got, or a new one."""
    known = record_of(home, as_of)
    if known is not None and not known.held:
        return known
    home.nights.mkdir(exist_ok=True)
    return _record(home, Night(as_of, run_name(now), now))


def _record(home: Home, night: Night) -> Night:
    write_atomically(_path(home, night.as_of), night.to_json())
    return night
