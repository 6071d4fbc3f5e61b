"""The command `warmline`: composes what the packages bring. Nothing else wires them together."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # before it is imported: no telemetry
os.environ.setdefault("DO_NOT_TRACK", "true")
os.environ.setdefault("BENTOML_DO_NOT_TRACK", "True")

import click

import outreach.cli
import outreach.erasing
import outreach.storecli
import pipelines.cli
import serving.cli
from models.command import Run, command, day

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.contracts import Feature
    from models.home import Home
    from pipelines.nightbook import NightBook

SAMPLE = Path(__file__).parent / "data_samples" / "sample"
SAMPLE_NIGHT = date(2026, 7, 1)  # the day after the sample's last


def book(run: Run, as_of: date | None = None) -> NightBook:
    """Customers and what happened to them as the scores of `as_of` (the newest by default) knew
    it, for outreach, which may not import pipelines."""
    from models.erasure import refuse_unfinished
    from pipelines.nightbook import NightBook
    from pipelines.storage import pull_history

    refuse_unfinished(run.home)
    pull_history(run)
    return NightBook.of_night(run.home, run.settings, as_of)


def features(home: Home) -> Sequence[Feature]:
    """All that a home's playbooks may ask for."""
    from models.settings import load
    from pipelines.features import matrix

    return matrix.features(load(home.root, os.environ).features)


@command("demo")
def demo(run: Run) -> None:
    """On an empty home: load the sample, train, score, plan, and show the top of the list."""
    from models.errors import WarmlineError
    from models.home import create

    if not SAMPLE.exists():
        raise WarmlineError(f"The sample is not at {SAMPLE}: run the demo from a clone.")
    home, made = create(run.root)
    if not made:
        raise WarmlineError(f"{home.root} is in use already: name an empty one with --home.")
    from pipelines.demo import demonstrate
    from pipelines.storage import refuse_urls

    refuse_urls(run)
    facts = demonstrate(run, SAMPLE, SAMPLE_NIGHT)
    planned = outreach.cli.plan_and_publish(run, SAMPLE_NIGHT, book(run))
    run.result(facts | {"plan": outreach.cli.facts(run, planned)})
    outreach.cli.show(run, planned, top=10)


@command("replay")
@click.argument("as_of", callback=day, metavar="DATE")
@click.option("--top", type=click.IntRange(min=0), default=10, show_default=True)
def replay(run: Run, as_of: date, top: int) -> None:
    """The list of DATE as it was known that night, worked out again and compared."""
    from pipelines.replay import replaying
    from pipelines.storage import pull

    pull(run, as_of=as_of)
    with run.progress() as advance, replaying(run.home, run.settings, as_of, advance) as again:
        listed = outreach.cli.plan_again(run, again.batch, again.settings, again.book)
    planned, equal, words = listed
    run.result({**again.to_dict(), "list_equal": equal}, [*again.lines(), *words])
    outreach.cli.show(run, planned, top)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="warmline")
def main() -> None:
    """Learns who is about to leave, and puts a short, explained list in front of a person."""


for each in (
    *pipelines.cli.COMMANDS,
    pipelines.cli.nightly_command(outreach.cli.night(book), outreach.erasing.places()),
    pipelines.cli.doctor_command(outreach.storecli.looks(features)),
    pipelines.cli.forget_command(outreach.erasing.places()),
    *serving.cli.COMMANDS,
    *outreach.cli.commands(book),
    replay,
    demo,
):
    main.add_command(each)
if __name__ == "__main__":
    main()
