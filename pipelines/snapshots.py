"""The dates a model is trained and judged on, and what a night is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from models.errors import NotEnoughData
from pipelines.features.matrix import Night

SNAPSHOT_STEP_DAYS = 30
# Later snapshots to judge on, where enough earlier ones stay for training.
MOST_TESTS = 3
ENOUGH_TRAINING = 3


@dataclass(frozen=True)
class Plan:
    """Dates to train on and, past an embargo of one horizon, dates to judge on. Ascending."""

    training: tuple[date, ...]
    judging: tuple[date, ...]


def midnight(day: date, zone: ZoneInfo) -> int:
    """The start of `day` in `zone`, seconds since 1970 UTC."""
    return int(datetime.combine(day, time.min, zone).timestamp())


def night(day: date, zone: ZoneInfo, usual_hour: int, now: datetime | None = None) -> Night:
    """The night of `day`: what had happened before its midnight and was known at its run.

    The cut-off of tonight is the run's start, `now`; of a past night, the usual hour.
    """
    as_of = midnight(day, zone)
    usual = as_of + usual_hour * 3600
    if now is not None and now.astimezone(zone).date() == day:
        return Night(as_of, int(now.timestamp()))
    return Night(as_of, usual)


def local_date(second: int, zone: ZoneInfo) -> date:
    """The date of an instant in `zone`."""
    return datetime.fromtimestamp(second, UTC).astimezone(zone).date()


def plan(first: date, last: date, horizon: int, wanted: int, min_history: int) -> Plan:
    """Snapshots over a history of whole days `first` to `last`; every label is complete by `last`.

    Training labels end before the first date judged on, so that nothing the judge asks about was
    seen in training. Raises `NotEnoughData` saying by when there would be enough.
    """
    earliest = first + timedelta(days=min_history)
    latest = last - timedelta(days=horizon)
    until = latest - timedelta(days=horizon)
    if until < earliest:
        enough = earliest + timedelta(days=2 * horizon)
        raise NotEnoughData(
            f"The history runs from {first} to {last}, {(last - first).days} days. Training needs "
            f"{min_history} days before the first snapshot and two horizons of {horizon} days, "
            f"one to learn from and one to judge on: that is there by {enough}. "
            "Until then, use a shorter --horizon."
        )
    step = timedelta(days=min(horizon, SNAPSHOT_STEP_DAYS))
    judging = [latest]
    while len(judging) < MOST_TESTS:
        earlier = judging[0] - step
        left = (earlier - timedelta(days=horizon) - earliest).days // step.days + 1
        if left < ENOUGH_TRAINING:
            break
        judging.insert(0, earlier)
    newest = judging[0] - timedelta(days=horizon)
    training = [newest - step * back for back in range(wanted) if newest - step * back >= earliest]
    return Plan(tuple(reversed(training)), tuple(judging))


def whole_days(span: tuple[int, int], zone: ZoneInfo) -> tuple[date, date]:
    """First date of a history and the last whose every hour it may hold."""
    return local_date(span[0], zone), local_date(span[1] + 1, zone)
