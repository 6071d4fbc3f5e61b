"""What a night does, step by step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

from models.batch import ScoreBatch, publish
from models.command import Run
from models.errors import RefusedToPublish, WarmlineError
from pipelines.intake import take_up
from pipelines.nightly import Night, Step
from pipelines.score import score

# What follows scoring: named steps of (run, as_of) that others bring.
Following = tuple[str, Callable[[Run, date], dict[str, Any]]]


def steps(run: Run, following: Sequence[Following]) -> list[Step]:
    """Ingest the configured sources, score, and what others bring to `following`."""
    return [
        Step("ingest", lambda night: _ingest(run)),
        Step("score", lambda night: _score(run, night)),
        *(
            Step(name, lambda night, work=work: work(run, night.as_of))  # type: ignore[misc]
            for name, work in following
        ),
    ]


def _ingest(run: Run) -> dict[str, Any]:
    reports = {}
    for source in run.settings.ingest.sources:
        reports[source.path] = take_up(run, source.path, source.mapping).to_dict()
    return reports


def _score(run: Run, night: Night) -> dict[str, Any]:
    """Score; a batch that the cut-off run had finished already is published as it is."""
    try:
        batch = ScoreBatch.open(run.home.scores, night.as_of, night.run)
    except WarmlineError:
        scored = score(
            run.home, run.settings, as_of=night.as_of, run=night.run, started=night.started
        )
        return scored.to_dict()
    refused = [check["words"] for check in batch.manifest.facts["checks"] if not check["ok"]]
    if refused:
        raise RefusedToPublish(f"the batch of {night.as_of} had failed: {'; '.join(refused)}.")
    publish(run.home.scores, night.as_of, night.run)
    return {"run": batch.run, "rows": batch.manifest.rows, "published": "as it was finished"}
