"""Commands of the pipelines: init, ingest, train, score, nightly, explain, doctor."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import click

from models.command import Run, command, day

if TYPE_CHECKING:
    from pipelines.nightsteps import Following


as_of_option = click.option("--as-of", callback=day, metavar="DATE", help="Date, as 2026-07-01.")


@command("init")
def init(run: Run) -> None:
    """Make a home: a folder with a commented warmline.toml."""
    from models.home import create

    home, made = create(run.root)
    words = "Made a home" if made else "There is a home already, left as it is,"
    run.result(
        {"home": str(home.root), "created": made},
        [f"{words} at {home.root}. Its configuration: {home.config}"],
    )


@command("ingest")
@click.argument("source")
@click.option("--mapping", help="A shipped mapping's name, or a folder of SQL files.")
@click.option("--dry-run", is_flag=True, help="Report what would happen; change nothing.")
def ingest(run: Run, source: str, mapping: str | None, dry_run: bool) -> None:
    """Validate and add history from the folder SOURCE. Safe to repeat."""
    from pipelines.intake import take_up

    with run.progress() as advance:
        report = take_up(run, source, mapping, dry_run=dry_run, advance=advance)
    run.result(report.to_dict(), list(report.lines()))


@command("train")
@as_of_option
@click.option("--horizon", type=click.IntRange(min=1), metavar="DAYS", help="Churn within so long.")
def train(run: Run, as_of: date | None, horizon: int | None) -> None:
    """Train, judge on later dates, and make it champion only if it passes."""
    from pipelines.train import train as training

    with run.progress() as advance:
        trained = training(
            run.home, run.settings, as_of=as_of, horizon=horizon, now=run.now, advance=advance
        )
    run.result(trained.to_dict(), trained.lines())


@command("score")
@as_of_option
def score(run: Run, as_of: date | None) -> None:
    """Score every customer with the champion and publish one batch."""
    from pipelines.lock import exclusive
    from pipelines.nightly import run_name
    from pipelines.score import score as scoring

    with run.progress() as advance, exclusive(run.home.lock, "run"):
        scored = scoring(
            run.home,
            run.settings,
            as_of=as_of or run.today(),
            run=run_name(run.now),
            started=run.now,
            advance=advance,
        )
    run.result(scored.to_dict(), scored.lines())


@command("explain")
@click.argument("customer_id")
def explain(run: Run, customer_id: str) -> None:
    """Say why CUSTOMER_ID is at risk, in words."""
    from pipelines.explaining import explain as explaining

    story = explaining(run.home, run.settings, customer_id)
    run.result(story.to_dict(), story.lines())


@command("doctor")
def doctor(run: Run) -> None:
    """Check the home, its stores and its model, and say what to do."""
    from models.errors import WarmlineError
    from pipelines.doctor import examine

    findings = examine(run.root, run.now)
    lines = [f"{'ok  ' if finding.ok else 'FAIL'} {finding.words}" for finding in findings]
    run.result({"findings": [vars(finding) for finding in findings]}, lines)
    wrong = sum(not finding.ok for finding in findings)
    if wrong:
        raise WarmlineError(f"{wrong} of {len(findings)} checks need attention, see above.")


def nightly_command(following: tuple[Following, ...]) -> click.Command:
    """`warmline nightly`: ingest the configured sources, score, and then what `following` does."""

    @command("nightly")
    @as_of_option
    def nightly(run: Run, as_of: date | None) -> None:
        """Ingest the configured sources, score, plan: resumable, one at a time."""
        from pipelines.nightly import nightly as run_night
        from pipelines.nightsteps import steps

        with run.progress() as advance:
            night = run_night(
                run.home,
                steps(run, following),
                as_of=as_of or run.today(),
                now=run.now,
                advance=advance,
            )
        run.result(
            {"as_of": str(night.as_of), "run": night.run, "steps": night.done},
            [f"The night of {night.as_of} is done: {', '.join(night.done)}."],
        )

    return nightly


COMMANDS = (init, ingest, train, score, explain, doctor)
