"""Commands of outreach: plan, send, push, and the work with its store."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import click

from models.command import Run, as_of_option, command
from models.contracts import Correspondence, CustomerBook, Timeline
from models.memory import keep_little
from outreach.opened import opened
from outreach.pushcli import push, push_night
from outreach.receivecli import receive, receive_night
from outreach.sendcli import send, send_night
from outreach.storecli import group
from outreach.workcli import hand_over_command

if TYPE_CHECKING:
    from models.batch import ScoreBatch
    from models.settings import Settings
    from outreach.drafting.writer import Writer
    from outreach.ledger import Ledger
    from outreach.plan import PlanResult
    from outreach.store.database import Store


WIDTH_IN_A_PIPE = 110
# Customers; of each it takes 2 ms to find what would lower the risk (decision 0026).
MOST_TOLD = 1_000
PAST = "a later night was planned already: of this one the list is kept, and nothing is to be done"


class Book(CustomerBook, Timeline, Correspondence, Protocol):
    """Customers, what happened to them and how they are written to, in one."""

    @property
    def generation(self) -> int:
        """Which state of the history this is."""
        ...


def plan_and_publish(run: Run, as_of: date | None, book: Book) -> PlanResult:
    """Plan the published scores of `as_of` (None: the newest), publish the list and record what
    was decided, with drafts for what is to be written."""
    from models.memory import give_back
    from outreach.plan import write
    from outreach.store.items import close_passed
    from outreach.store.reading import StoreLedger, waiting
    from outreach.store.recording import is_past, record

    store = opened(run)
    ledger = StoreLedger(store)
    result = plan_only(run, as_of, book, ledger)
    origin = replace(result.origin, history_generation=book.generation)
    result = replace(result, origin=origin)
    write(result, run.home.root)
    remedies: Mapping[str, Sequence[str]] = {}
    if is_past(store, result.as_of):
        result = replace(result, notes=(*result.notes, PAST))
    else:
        _tell_others(run, store, result, book, ledger)
        remedies = book.remedies(result.to_do(MOST_TOLD), result.night(run.settings.zone))
    give_back()
    decisions = result.planned(waiting(store))
    recorded = record(
        store, by="plan", now=run.now, decisions=decisions, period=result.period,
        drafts=_writer(run, result, book), remedies=remedies,
    )  # fmt: skip
    ended = close_passed(
        store, by="plan", now=run.now, as_of=result.as_of, passed=result.passed,
        barred=result.barred,
    )  # fmt: skip
    return replace(result, recorded={**recorded, "passed": ended})


def _tell_others(run: Run, store: Store, result: PlanResult, book: Book, ledger: Ledger) -> None:
    """Publish whom nobody may contact, as it was when the run began: for the endpoint, and for
    tools that claim contacts."""
    from models import contactability
    from models.batch import ScoreBatch
    from models.memory import give_back
    from outreach.closures import closed_to, closures, of_everybody
    from outreach.store.booked import Rules
    from outreach.store.claims import tell_claims

    give_back()
    everybody = of_everybody(book, ledger, run.home.secret_key(), run.now)
    rows = closures(
        ScoreBatch.open(run.home.scores, result.as_of), result.rows, result.record, everybody,
        now=run.now, zone=run.settings.zone,
    )  # fmt: skip
    contactability.publish(run.home.root, rows, taken_at=run.now, now=run.now)
    if run.settings.outreach.claims:
        tell_claims(
            store, by="plan", now=run.now, rules=Rules.of(run.settings.plan, run.settings.zone),
            units=zip(*book.parents().to_pydict().values(), strict=True), closed=closed_to(rows),
            granted=everybody.agreed(),
        )  # fmt: skip


def _writer(run: Run, result: PlanResult, book: Book) -> Writer:
    """Who writes the letters of the night."""
    from outreach.drafting.library import Library
    from outreach.drafting.writer import Style, writer
    from outreach.playbooks import Playbooks

    settings, night = run.settings, result.night(run.settings.zone)
    return writer(
        Library.of(run.home.root),
        Playbooks.load(run.home.root).plays,
        book,
        book.latest(night),
        result.to_write(),
        style=Style(settings.outreach.company, settings.outreach.language, settings.zone),
        key=run.home.secret_key(),
        night=night,
    )


def plan_only(run: Run, as_of: date | None, book: Book, ledger: Ledger) -> PlanResult:
    """Plan the published scores of `as_of` (None: the newest); publish nothing."""
    from models.storage import pull_scores
    from outreach.plan import preview

    pull_scores(run.home, run.settings, as_of=as_of)
    return preview(
        run.home.root,
        run.home.scores,
        book,
        book,
        run.settings.plan,
        key=run.home.secret_key(),
        now=run.now,
        as_of=as_of,
        zone=run.settings.zone,
        ledger=ledger,
    )


def _ledger(run: Run) -> Ledger:
    """What outreach remembers, where it has a store."""
    from outreach.ledger import Empty
    from outreach.store.database import Store
    from outreach.store.reading import StoreLedger

    store = Store.find(run.settings.outreach.database, run.home.root)
    return StoreLedger(store) if store else Empty()


def plan_again(
    run: Run, batch: ScoreBatch, settings: Settings, book: Callable[[int | None], Book]
) -> tuple[PlanResult, bool | None, list[str]]:
    """The plan of a past night's batch as it was made then, whether it is the published list
    (None: none was published), and that in words. Publishes nothing.

    `book` gives a state of the history, None for that of the batch.
    """
    from outreach import worklist
    from outreach.plan import plan
    from outreach.playbooks import Playbooks

    origin = worklist.Origin.read(run.home.root, batch.as_of)
    if origin is None or origin.run != batch.run:
        origin = None
    then = book(origin.history_generation if origin else None)
    started = datetime.fromisoformat(batch.manifest.facts["scored_at"])
    result = plan(
        batch,
        then,
        then,
        settings.plan,
        key=run.home.secret_key(),
        now=origin.planned_at if origin else started,
        zone=settings.zone,
        playbooks=Playbooks.load(run.home.root),
        home=run.home.root,
        ledger=_ledger(run),
    )
    if origin is None:
        return result, None, []
    if result.rows.equals(worklist.read(run.home.root, batch.as_of)):
        return result, True, ["The list is the one that was published."]
    return result, False, ["The list differs from the one that was published."]


def facts(run: Run, result: PlanResult) -> dict[str, Any]:
    """What a plan did, for machines."""
    from outreach.compare import tonight

    folder = run.home.worklists / f"as_of={result.as_of}"
    return {
        "as_of": str(result.as_of),
        "run": result.run,
        "policy_version": result.policy_version,
        "worklist": str(folder / "worklist.csv"),
        "tonight": tonight(result),
        "recorded": dict(result.recorded),
        **result.counts,
        "notes": list(result.notes),
    }


def show(run: Run, result: PlanResult, top: int) -> None:
    """The top of the list, for people."""
    if run.json:
        return
    from rich.console import Console

    from outreach.show import render

    console = Console(width=None if sys.stdout.isatty() else WIDTH_IN_A_PIPE)
    console.print(render(result, top=top, currency=run.settings.currency))


def night(
    book: Callable[[Run, date | None], Book],
) -> tuple[tuple[str, Callable[[Run, date], dict[str, Any]]], ...]:
    """What a night does once it has scores: plan, after what has come in, send what is due, and
    tell the CRM."""

    def plan(run: Run, as_of: date) -> dict[str, Any]:
        keep_little()
        received = receive_night(run)
        return facts(run, plan_and_publish(run, as_of, book(run, as_of))) | received

    return ("plan", plan), ("send", send_night), ("push", push_night)


def commands(book: Callable[[Run, date | None], Book]) -> tuple[click.Command, ...]:
    """The commands, which read customers and their history from `book`."""

    @command("plan")
    @as_of_option
    @click.option(
        "--csv", type=click.Path(path_type=Path, dir_okay=False), help="Write the list there too."
    )
    @click.option("--top", type=click.IntRange(min=0), default=10, show_default=True)
    @click.option(
        "--compare",
        is_flag=True,
        help="Publish nothing: say who would come and go against the published list.",
    )
    def plan(run: Run, as_of: date | None, csv: Path | None, top: int, compare: bool) -> None:
        """Decide who to contact, hold or refer, and publish tomorrow's list."""
        keep_little()
        if compare:
            from outreach.compare import compare as against

            found = against(run.home.root, plan_only(run, as_of, book(run, as_of), _ledger(run)))
            run.result(found.facts(), list(found.lines()))
            return
        result = plan_and_publish(run, as_of, book(run, as_of))
        if csv is not None:
            from outreach.worklist import to_csv

            to_csv(result.rows, csv)
        run.result(facts(run, result))
        show(run, result, top)

    group.add_command(hand_over_command(book))
    return (plan, send, receive, push, group)
