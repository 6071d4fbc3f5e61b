"""The demonstration: the shipped sample from raw files to a scored night."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

from models.command import Run
from pipelines.intake import take_up
from pipelines.nightly import run_name
from pipelines.score import score
from pipelines.train import train


def demonstrate(run: Run, sample: Path, as_of: date) -> dict[str, Any]:
    """Ingest `sample`, train on it and score `as_of`, saying what each step found."""
    run.say(f"1 of 4  ingest   {sample}")
    with run.progress() as advance:
        taken = take_up(run, str(sample), None, advance=advance)
    run.say(*_indented(taken.lines()))
    run.say("2 of 4  train    on past nights, judged on later ones")
    with run.progress(told=True) as advance:
        trained = train(
            run.home, run.settings, as_of=as_of, horizon=None, now=run.now, advance=advance
        )
    run.say(*_indented(trained.lines()))
    run.say(f"3 of 4  score    everyone as of {as_of}")
    with run.progress(told=True) as advance:
        scored = score(
            run.home,
            run.settings,
            as_of=as_of,
            run=run_name(run.now),
            started=run.now,
            advance=advance,
        )
    run.say(*_indented(scored.lines()))
    run.say("4 of 4  plan     tomorrow's list")
    return {"ingest": taken.to_dict(), "train": trained.to_dict(), "score": scored.to_dict()}


def _indented(lines: Iterable[str]) -> list[str]:
    return [f"        {line}" for line in lines]
