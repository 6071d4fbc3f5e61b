"""Ingest by the settings of a home: what the command and the night both do."""

from __future__ import annotations

from pathlib import Path

from models.command import Advance, Run
from pipelines.history.ingest import ingest
from pipelines.history.report import IngestReport

# Steps of an ingest that report progress; the bar is a guess of how far one of about so many is.
STEPS = 14


def take_up(
    run: Run,
    source: str,
    mapping: str | None,
    *,
    dry_run: bool = False,
    advance: Advance = lambda what, share: None,
) -> IngestReport:
    """Ingest one source into the home of `run`."""
    settings = run.settings
    done = 0

    def progress(step: str) -> None:
        nonlocal done
        done += 1
        advance(step, min(done / STEPS, 1.0))

    return ingest(
        run.home.history,
        Path(source),
        mapping=None if mapping is None else Path(mapping),
        dry_run=dry_run,
        max_reject_share=settings.ingest.max_reject_share,
        timezone=settings.timezone,
        now=run.now,
        progress=progress,
        memory_gb=settings.performance.memory_gb,
        threads=settings.performance.threads,
    )
