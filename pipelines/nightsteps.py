"""What a night does, step by step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from models.batch import ScoreBatch, publish
from models.command import Run
from models.errors import RefusedToPublish, WarmlineError
from models.settings import Retention
from pipelines import context, storage
from pipelines.acceptance import failed_checks, let_through
from pipelines.brought import customers_brought
from pipelines.inbox import NAME as INBOX
from pipelines.inbox import take_up_inbox
from pipelines.intake import shown, take_up
from pipelines.nightly import Night, Step
from pipelines.retention import keep_no_longer
from pipelines.score import score

# What follows scoring: named steps of (run, as_of) that others bring.
Following = tuple[str, Callable[[Run, date], dict[str, Any]]]


def steps(run: Run, following: Sequence[Following]) -> list[Step]:
    """Ingest the configured sources and the inbox, score, what others bring to `following`, look
    at what became of earlier scores, train again where that is due, and at last remove what is
    older than is kept."""
    return [
        Step("ingest", lambda night: _ingest(run)),
        Step("score", lambda night: _score(run, night)),
        *(
            Step(name, lambda night, work=work: work(_at(run, night), night.as_of))  # type: ignore[misc]
            for name, work in following
        ),
        Step("outcomes", lambda night: _in_nobodys_way("looking back", _look_back, run, night)),
        *(
            [Step("retrain", lambda night: _in_nobodys_way("training again", _retrain, run, night))]
            if run.settings.nightly.retrain != "never"
            else []
        ),
        *(
            [Step("retention", lambda night: keep_no_longer(_at(run, night)))]
            if run.settings.retention != Retention()
            else []
        ),
    ]


def _at(run: Run, night: Night) -> Run:
    """The run as of the night's first start: a night that is resumed says what it would have."""
    return replace(run, now=night.started)


def _in_nobodys_way(
    name: str, work: Callable[[Run, Night], dict[str, Any]], run: Run, night: Night
) -> dict[str, Any]:
    """What is done after the list is published must not fail the night: it is said instead, and
    tried again in the next one."""
    try:
        return work(run, night)
    except Exception as error:
        return {"failed": True, "notes": [f"{name} failed: {error or type(error).__name__}"]}


def _look_back(run: Run, night: Night) -> dict[str, Any]:
    """Batches whose horizon has passed, against what happened."""
    from models.outcome import words
    from pipelines.outcomes import look_back

    found = look_back(run.home, run.settings, as_of=night.as_of, now=night.started)
    return {
        "batches": len(found),
        "notes": [words(outcome.to_dict()) for outcome in found[-1:]],
    }


def _retrain(run: Run, night: Night) -> dict[str, Any]:
    from pipelines.retraining import retrain

    return retrain(_at(run, night))


def _ingest(run: Run) -> dict[str, Any]:
    reports = {}
    for source in run.settings.ingest.sources:
        report = take_up(run, source.path, source.mapping, name=source.name)
        reports[shown(source)] = report.to_dict()
    brought = take_up_inbox(run)
    if brought is not None:
        reports[INBOX] = brought.to_dict()
    return reports


def _score(run: Run, night: Night) -> dict[str, Any]:
    """Score, between bringing what lies at URLs here and publishing it there."""
    storage.pull(run, as_of=night.as_of)
    facts = _scored(run, night)
    storage.push(run, as_of=night.as_of)
    return facts


def _scored(run: Run, night: Night) -> dict[str, Any]:
    """Score; a batch that the cut-off run had finished already is published as it is."""
    try:
        batch = ScoreBatch.open(run.home.scores, night.as_of, night.run)
    except WarmlineError:
        scored = score(
            run.home,
            run.settings,
            as_of=night.as_of,
            run=night.run,
            started=night.started,
            further=customers_brought(run.home, night, run.settings.checks),
        )
        return scored.to_dict()
    refused = failed_checks(batch)
    spite = let_through(run.home, batch, night.started) if refused else None
    if refused and not spite:
        words = "\n".join(f"  {name}: {said}" for name, said in refused.items())
        raise RefusedToPublish(f"the batch of {night.as_of} had failed:\n{words}")
    context.publish(run.home.context, night.as_of, night.run)
    publish(run.home.scores, night.as_of, night.run)
    return {
        "run": batch.run,
        "rows": batch.manifest.rows,
        "published": "as it was finished",
        "notes": [spite.note] if spite else [],
    }
