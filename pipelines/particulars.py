"""What one customer's interactions tell beside the features: what waits, the topic that keeps
coming back, and how late replies were against what was promised."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from models.contracts import DAY
from models.words import on, written
from pipelines.features.facts import first_replies
from pipelines.recurring import RECENT_DAYS, most_often
from pipelines.snapshots import local_date

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from pipelines.features.facts import Case
    from pipelines.mending import Seen

HOUR = 3_600


def particulars(seen: Seen, topics: Sequence[str], zone: ZoneInfo) -> Iterator[str]:
    """Sentences of what a night saw; `topics`: names by code. Dates are those of `zone`."""
    yield from _waiting(seen, topics, zone)
    yield from most_often(seen.events, seen.night.as_of).sentences(topics).values()
    since = seen.night.as_of - RECENT_DAYS * DAY
    yield from _late(seen, [case for case in seen.late_cases if _asked_at(case) >= since])


def _waiting(seen: Seen, topics: Sequence[str], zone: ZoneInfo) -> Iterator[str]:
    """Complaints without an answer and open cases, the newest of each, and how many more."""
    complaints = [row.at for row in seen.waiting_complaints]
    if complaints:
        day = on(local_date(complaints[-1], zone))
        yield f"the complaint of {day} has had no answer{_more(complaints)}"
    openings = [case.opening for case in seen.open_cases if case.opening is not None]
    if openings:
        newest = max(openings, key=lambda row: row.at)
        about = "" if newest.topic is None else f" about {topics[newest.topic]}"
        yield f"a case{about} is open since {on(local_date(newest.at, zone))}{_more(openings)}"


def _more(some: Sequence[object]) -> str:
    return f", and {len(some) - 1} more" if len(some) > 1 else ""


def _late(seen: Seen, cases: Sequence[Case]) -> Iterator[str]:
    """How long late first replies took on average, beside the promise, by promise; and how many
    never came."""
    hours: dict[int, list[float]] = {}
    for case in cases:
        asked = case.clock
        assert asked is not None  # noqa: S101 - else no promise was missed
        took = [f.value for f in first_replies(case, seen.promises) if f.name == "first_reply"]
        hours.setdefault(seen.promises[asked.channel], []).extend(took)
    for promise, took in sorted(hours.items()):
        if took:
            mean = written("mean", sum(took) / len(took) / HOUR)
            late = f"{len(took)} late first replies" if len(took) > 1 else "a late first reply"
            yield f"{late} took {mean} hours, promised in {written('mean', promise / HOUR)}"
    never = sum(case.first_reply is None for case in cases)
    if never:
        yield f"{never} case{'s' * (never != 1)} never had a reply"


def _asked_at(case: Case) -> int:
    return case.clock.at if case.clock is not None else 0
