"""Ingest by the settings of a home: what the command and the night both do."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

from models.command import Advance, Run
from models.errors import WrongUsage
from models.settings import Source
from pipelines import storage
from pipelines.history.addresses import Address, is_url, parse
from pipelines.history.ingest import ingest
from pipelines.history.report import IngestReport
from pipelines.history.words import lexicon
from pipelines.retention import omitted

# Steps of an ingest that report progress; the bar is a guess of how far one of about so many is.
STEPS = 15


def take_up(
    run: Run,
    source: str,
    mapping: str | None,
    *,
    name: str | None = None,
    full: bool = False,
    dry_run: bool = False,
    max_reject_share: float | None = None,
    advance: Advance = lambda what, share: None,
) -> IngestReport:
    """Ingest one source, a folder or a database's URL, into the home of `run`.

    `name` is what a database's feed is called; with `full` all of it is read again.
    `max_reject_share`: instead of the home's.
    A history by URL is brought here before and published there after.
    """
    settings = run.settings
    place = _place(source, name)
    storage.pull_history(run)
    done = 0

    def progress(step: str) -> None:
        nonlocal done
        done += 1
        advance(step, min(done / STEPS, 1.0))

    report = ingest(
        run.home.history,
        place,
        mapping=None if mapping is None else Path(mapping),
        dry_run=dry_run,
        max_reject_share=(
            settings.ingest.max_reject_share if max_reject_share is None else max_reject_share
        ),
        timezone=settings.timezone,
        now=run.now,
        progress=progress,
        memory_gb=settings.performance.memory_gb,
        threads=settings.performance.threads,
        lag=timedelta(days=settings.ingest.lag_window_days),
        full=full,
        omit=lambda: omitted(run.home, settings.retention, run.now),
        precedence=settings.ingest.precedence,
        lexicon=lexicon(settings.features.words),
    )
    if not dry_run:
        storage.push_history(run)
    return report


def shown(source: Source) -> str:
    """What a configured source is called in reports: never with a password."""
    place = _place(source.path, source.name)
    return place.name if isinstance(place, Address) else source.path


def _place(source: str, name: str | None) -> Path | Address:
    """A folder, or a database with its password from the environment: this is the edge."""
    if is_url(source):
        return parse(source, os.environ, name=name)
    if name:
        raise WrongUsage(
            f"A folder's feed is called after the folder: leave out the name {name!r}, or rename"
            f" {source}. Nothing was changed."
        )
    return Path(source)
