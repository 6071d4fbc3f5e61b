"""One night or many, each as if it were the only one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from models.errors import RefusedToPublish, WrongUsage
from pipelines.nightlog import NightLog
from pipelines.nightly import Night, Step, nightly
from pipelines.nightwatch import NightWatch
from pipelines.pings import Pings

if TYPE_CHECKING:
    from models.command import Advance, Run


def dates(as_of: date | None, first: date | None, last: date | None, today: date) -> list[date]:
    """The nights asked for, ascending. Raises `WrongUsage` where the options contradict."""
    if first is None and last is None:
        return [as_of or today]
    if as_of is not None or first is None or last is None or last < first:
        raise WrongUsage(
            "give --as-of for one night, or --from and --to, the earlier date first, for several. "
            "Nothing was changed."
        )
    return [first + timedelta(days=step) for step in range((last - first).days + 1)]


def run_nights(
    run: Run, steps: Sequence[Step], nights: Sequence[date], wait: float, advance: Advance
) -> list[Night]:
    """Runs each night. One that is held back does not stop the others.

    Raises `RefusedToPublish` at the end if any was, and whatever else a night raises at once. Only
    a single night pings: a health check waits for one a day.
    """
    url = run.settings.nightly.ping_url if len(nights) == 1 else ""
    watch = NightWatch(NightLog(run.home.root / "logs"), Pings(url, run.note), _clock)
    done: list[Night] = []
    held: list[RefusedToPublish] = []
    for position, as_of in enumerate(nights):
        try:
            night = nightly(
                run.home, steps, as_of=as_of, now=run.now, wait=wait, watch=watch,
                advance=_part(advance, position, len(nights)),
            )  # fmt: skip
            done.append(night)
        except RefusedToPublish as refused:
            held.append(refused)
    if held and len(nights) > 1:
        words = "\n".join(str(one) for one in held)
        raise RefusedToPublish(f"{len(held)} of {len(nights)} nights were held back:\n{words}")
    if held:
        raise held[0]
    return done


def facts(nights: Sequence[Night]) -> dict[str, Any]:
    """What one night did, or what many did, for machines."""
    told = [
        {"as_of": str(night.as_of), "run": night.run, "steps": night.done, "took": night.took}
        for night in nights
    ]
    return told[0] if len(told) == 1 else {"nights": told}


def lines(nights: Sequence[Night]) -> list[str]:
    """The same for people, with what its steps note for them."""
    told = []
    for night in nights:
        told.append(f"The night of {night.as_of} is done: {', '.join(night.done)}.")
        for done in night.done.values():
            if "tonight" in done:
                told.append(f"{done['tonight']}. The list: {done['worklist']}")
            told += [f"Note: {note.rstrip('.')}." for note in done.get("notes", [])]
    return told


def _clock() -> datetime:
    """The time of a log line: the one thing of a night that is not as of its start."""
    return datetime.now(UTC)


def _part(advance: Advance, position: int, many: int) -> Advance:
    """Progress of one night as part of the progress of all."""
    return lambda what, share: advance(what, (position + share) / many)
