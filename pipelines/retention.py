"""`[retention]`: what a home keeps for so many days, and no longer. The last step of a night."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.batch import CURRENT, latest
from models.erasure import refuse_unfinished
from models.storage import CONTEXT
from models.suppression import Suppression
from pipelines import context, storage
from pipelines.history.leaving_out import Omit
from pipelines.lock import exclusive

if TYPE_CHECKING:
    from models.command import Run
    from models.home import Home
    from models.settings import Retention

MONTH = re.compile(r"nightly-(\d{4})-(\d{2})")


def omitted(home: Home, retention: Retention, now: datetime) -> Omit:
    """What an ingest leaves out. Raises `WarmlineError` while an erasure is not finished."""
    refuse_unfinished(home)
    return Omit(Suppression.of(home), _seconds(now, retention.interactions_days))


def keep_no_longer(run: Run) -> dict[str, Any]:
    """Removes what is older than it may be kept; what went, by kind. The caller holds the night's
    lock."""
    retention, home = run.settings.retention, run.home
    counts = _age_history(run, retention)
    scores = list(_nights(home.scores, run, retention.scores_days))
    newest = latest(home.scores)
    old = [path for path in scores if newest is None or path.name != f"as_of={newest.as_of}"]
    lists = [home.worklists / path.name for path in old]
    for path in (*old, *(path for path in lists if path.exists())):
        (path / CURRENT).unlink(missing_ok=True)  # first: without it, nothing counts
        shutil.rmtree(path)
    for path in old:
        context.remove(home.context, path.name)
        # Why each was decided on goes with the scores; who was in which arm stays.
        for decided in (home.root / "assignments" / path.name).glob("decisions-*.parquet"):
            decided.unlink()
    if old:
        _remove_by_url(run, [path.name for path in old])
    logs = list(_logs(run, retention.logs_days))
    for path in logs:
        path.unlink()
    return {**counts, "nights_of_scores": len(old), "logs": len(logs)}


def _age_history(run: Run, retention: Retention) -> dict[str, int]:
    days = (retention.text_days, retention.interactions_days, retention.contacts_days)
    if not any(days):
        return {}
    from pipelines.history.ageing import Limits, age

    limits = Limits(*(_seconds(run.now, each) for each in days))
    with exclusive(run.home.history / ".lock", "ingest"):
        counts = age(run.home.history, limits, run.now)
    storage.push_history(run, keep_former=not any(counts.values()))
    return counts


def _remove_by_url(run: Run, nights: list[str]) -> None:
    url = run.settings.storage.scores
    if not url:
        return
    from models.remote import Remote

    remote = Remote.open(url)
    for place in (remote, remote.under(CONTEXT)):
        for night in set(place.folders()) & set(nights):
            place.remove_folder(night)


def _nights(folder: Path, run: Run, days: int) -> Iterator[Path]:
    """Entries of `folder` for nights that lie longer back than `days`."""
    if not days:
        return
    limit = run.today() - timedelta(days=days)
    for path in sorted(folder.glob("as_of=????-??-??*")):
        if date.fromisoformat(path.name[6:16]) < limit:
            yield path


def _logs(run: Run, days: int) -> Iterator[Path]:
    """Logs, records of nights and rejected rows that are older than `days`."""
    limit = _seconds(run.now, days)
    if limit is None:
        return
    yield from _nights(run.home.nights, run, days)
    for path in sorted((run.home.root / "logs").glob("nightly-*.jsonl")):
        month = MONTH.match(path.stem)
        if month and _month_ends(int(month[1]), int(month[2])) < limit:
            yield path
    for path in sorted((run.home.history / "rejects").glob("*.csv")):
        if path.stat().st_mtime < limit:
            yield path


def _month_ends(year: int, month: int) -> float:
    following = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)
    return following.timestamp()


def _seconds(now: datetime, days: int) -> int | None:
    """The moment `days` before, seconds since 1970 UTC; None for no limit."""
    return int((now - timedelta(days=days)).timestamp()) if days else None
