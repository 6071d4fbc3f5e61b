"""Commands of the pipelines: init, ingest, train, score, publish, nightly, explain, model,
forget, doctor."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from models.command import Run, as_of_option, command, day, horizon_option
from models.errors import WrongUsage
from pipelines.modelcli import model

if TYPE_CHECKING:
    from models.erasure import Place
    from pipelines.doctor import Look
    from pipelines.nightsteps import Following


engine_option = click.option(
    "--engine",
    type=click.Choice(["local", "spark"]),
    default="local",
    show_default=True,
    help="This machine, or Spark as [spark] says (docs/guides/spark.md).",
)


via_option = click.option(
    "--via",
    metavar="URL",
    help="Have the endpoint there do it, with its own home, and wait (docs/guides/nightly.md).",
)
key_file_option = click.option(
    "--key-file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="With --via: holds the endpoint's key; else WARMLINE_KEY does.",
)


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
@click.option("--source", "called", metavar="NAME", help="What a database's feed is called.")
@click.option("--full", is_flag=True, help="Read a database whole, not only what is newer.")
@click.option("--dry-run", is_flag=True, help="Report what would happen; change nothing.")
def ingest(
    run: Run, source: str, mapping: str | None, called: str | None, full: bool, dry_run: bool
) -> None:
    """Validate and add history from SOURCE, a folder or a database's URL. Safe to repeat."""
    from pipelines.inbox import take_up_inbox
    from pipelines.intake import take_up

    with run.progress() as advance:
        report = take_up(
            run, source, mapping, name=called, full=full, dry_run=dry_run, advance=advance
        )
        brought = None if dry_run else take_up_inbox(run)
    inbox = {"inbox": brought.to_dict()} if brought else {}
    lines = [*report.lines(), *(brought.lines() if brought else ())]
    run.result({**report.to_dict(), **inbox}, lines)


@command("train")
@as_of_option
@horizon_option
@engine_option
def train(run: Run, as_of: date | None, horizon: int | None, engine: str) -> None:
    """Train, judge on later dates, and make it champion only if it passes."""
    from models.command import user
    from models.erasure import refuse_unfinished
    from pipelines import storage
    from pipelines.engines import running
    from pipelines.train import train as training

    refuse_unfinished(run.home)
    with run.progress() as advance, running(engine, run.settings, run.now) as where:
        storage.pull(run)
        trained = training(
            run.home,
            run.settings,
            as_of=as_of,
            horizon=horizon,
            now=run.now,
            advance=advance,
            engine=where,
            by=user(),
        )
        storage.push(run)
    run.result(trained.to_dict(), trained.lines())


@command("score")
@as_of_option
@engine_option
@via_option
@key_file_option
def score(
    run: Run, as_of: date | None, engine: str, via: str | None, key_file: Path | None
) -> None:
    """Score every customer with the champion and publish one batch."""
    if via is not None:
        if engine != "local":
            raise WrongUsage("--engine is the endpoint's own: leave it out with --via.")
        from pipelines.via import Endpoint, work_there

        with run.progress() as advance:
            there = Endpoint.of(via, key_file)
            facts = work_there(there, "score_batch", as_of, wait=0.0, advance=advance)
        run.result(facts, [f"Scored {facts['rows']:,} customers as of {facts['as_of']}, at {via}."])
        return
    from models.erasure import refuse_unfinished
    from pipelines import storage
    from pipelines.engines import running
    from pipelines.lock import exclusive
    from pipelines.nightly import run_name
    from pipelines.score import score as scoring

    night = as_of or run.today()
    with (
        run.progress() as advance,
        exclusive(run.home.lock, "run"),
        running(engine, run.settings, run.now) as where,
    ):
        refuse_unfinished(run.home)
        storage.pull(run, as_of=night)
        scored = scoring(
            run.home,
            run.settings,
            as_of=night,
            run=run_name(run.now),
            started=run.now,
            advance=advance,
            engine=where,
        )
        storage.push(run, as_of=night)
    run.result(scored.to_dict(), scored.lines())


@command("explain")
@click.argument("customer_id")
def explain(run: Run, customer_id: str) -> None:
    """Say why CUSTOMER_ID is at risk, in words."""
    from pipelines import storage
    from pipelines.explaining import explain as explaining

    storage.pull(run)
    story = explaining(run.home, run.settings, customer_id)
    run.result(story.to_dict(), story.lines())


def doctor_command(further: tuple[Look, ...] = ()) -> click.Command:
    """`warmline doctor`; `further`: what other packages look at."""

    @command("doctor")
    def doctor(run: Run) -> None:
        """Check the home, its stores, its model and its channels, and say what to do."""
        from models.errors import WarmlineError
        from pipelines.doctor import examine

        findings = examine(run.root, run.now, further)
        lines = [f"{'ok  ' if finding.ok else 'FAIL'} {finding.words}" for finding in findings]
        facts = {"findings": [vars(finding) for finding in findings]}
        wrong = sum(not finding.ok for finding in findings)
        if wrong:
            run.say(*lines)
            raise WarmlineError(f"{wrong} of {len(findings)} checks need attention.", **facts)
        run.result(facts, lines)

    return doctor


@command("publish")
@click.argument("as_of", callback=day, metavar="DATE")
@click.option("--accept", "checks", multiple=True, required=True, metavar="CHECK", help="Its name.")
@click.option("--reason", required=True, metavar="TEXT", help="Why the batch may go out; kept.")
@click.option(
    "--until",
    callback=day,
    metavar="DATE",
    help="Accept halved, doubled and label_drift for later nights too.",
)
def publish(
    run: Run, as_of: date, checks: tuple[str, ...], reason: str, until: date | None
) -> None:
    """Publish the batch of DATE that a check held back. Name every check that failed."""
    from models.erasure import refuse_unfinished
    from pipelines.publishing import publish as publishing

    refuse_unfinished(run.home)
    given = publishing(run, as_of=as_of, checks=checks, reason=reason, until=until)
    run.result(
        given.to_dict(),
        [
            f"Published the batch of {as_of} (run {given.run}) in spite of "
            f"{', '.join(given.checks)}: {given.reason}",
            *(
                [f"Until {given.until} {', '.join(given.lasting)} will hold nothing back."]
                if given.until
                else []
            ),
            f"`warmline nightly --as-of {as_of}` goes on with what follows the scoring.",
        ],
    )


def forget_command(places: tuple[Place, ...]) -> click.Command:
    """`warmline forget`: out of all that the pipelines keep, and out of `places`."""

    @command("forget")
    @click.argument("customer_id")
    @click.option("--dry-run", is_flag=True, help="Say what would go; change nothing.")
    def forget(run: Run, customer_id: str, dry_run: bool) -> None:
        """Erase CUSTOMER_ID everywhere, keeping a proof without personal data."""
        from pipelines.erasure.forget import forget as forgetting

        with run.progress() as advance:
            done = forgetting(run, customer_id, places, dry_run=dry_run, advance=advance)
        run.result(done.to_dict(), done.lines())

    return forget


def nightly_command(
    following: tuple[Following, ...], places: tuple[Place, ...] = ()
) -> click.Command:
    """`warmline nightly`: ingest the configured sources, score, and then what `following` does.

    An erasure that was cut off is completed first, `places` included.
    """

    @command("nightly")
    @as_of_option
    @click.option(
        "--from", "first", callback=day, metavar="DATE", help="With --to: night by night."
    )
    @click.option("--to", "last", callback=day, metavar="DATE", help="The last one, included.")
    @click.option(
        "--wait", type=click.FloatRange(min=0), default=0.0, metavar="SECONDS",
        help="So long for another run to end; then leave with 75.",
    )  # fmt: skip
    @via_option
    @key_file_option
    def nightly(
        run: Run, as_of: date | None, first: date | None, last: date | None, wait: float,
        via: str | None, key_file: Path | None,
    ) -> None:  # fmt: skip
        """Ingest the configured sources, score, plan: resumable, one at a time."""
        if via is not None:
            if first or last:
                raise WrongUsage("--via takes one night at a time: name it with --as-of.")
            _night_there(run, as_of, wait, via, key_file)
            return
        from pipelines import backfill
        from pipelines.erasure.forget import complete
        from pipelines.nightsteps import steps

        complete(run, places, wait)
        dates = backfill.dates(as_of, first, last, run.today())
        with run.progress() as advance:
            nights = backfill.run_nights(run, steps(run, following), dates, wait, advance)
        run.result(backfill.facts(nights), backfill.lines(nights))

    return nightly


def _night_there(
    run: Run, as_of: date | None, wait: float, via: str, key_file: Path | None
) -> None:
    from pipelines.via import Endpoint, work_there

    with run.progress() as advance:
        there = Endpoint.of(via, key_file)
        facts = work_there(there, "nightly", as_of, wait=wait, advance=advance)
    steps: dict[str, dict[str, Any]] = facts["steps"]
    notes = [note for done in steps.values() for note in done.get("notes", [])]
    run.result(
        facts,
        [f"The night of {facts['as_of']} is done at {via}: {', '.join(steps)}.",
         *(f"Note: {note.rstrip('.')}." for note in notes)],
    )  # fmt: skip


COMMANDS = (init, ingest, train, score, publish, explain, model)
