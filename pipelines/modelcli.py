"""`warmline model`: which models there are, what each is worth, and which one counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from models.command import Run, as_of_option, command, horizon_option

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from models.catalogue import Known
    from models.release import Change

reason_option = click.option(
    "--reason", required=True, metavar="TEXT", help="Why; kept for ever, so name no customer."
)


@click.group("model")
def model() -> None:
    """List, show, promote and roll back models."""


@command("list")
def list_models(run: Run) -> None:
    """Every model ever trained here, which one is the champion, and who made it so."""
    from models import catalogue, release

    known, current = catalogue.known(run.home), release.current(run.home)
    changes = release.changes(run.home)
    facts = [{**vars(one), "champion": one.version == current} for one in known]
    lines = [_line(one, one.version == current) for one in known]
    if not known:
        lines = [f"{run.home.root} has no model yet: run `warmline train`."]
    if changes:
        lines += ["", *(change.words for change in changes)]
    run.result({"models": facts, "changes": [change.to_dict() for change in changes]}, lines)


@command("show")
@click.argument("version", required=False)
def show(run: Run, version: str | None) -> None:
    """The model card of VERSION, or of the champion."""
    from models import bundle, catalogue

    version = version or bundle.champion(run.home).facts.model_version
    card, report = catalogue.described(run.home, version)
    run.result({"version": version, "card": card, "report": report}, card.splitlines())


@command("promote")
@click.argument("version")
@reason_option
def promote(run: Run, version: str, reason: str) -> None:
    """Make VERSION the champion, whatever its gate said."""
    from models import catalogue, registry, release
    from models.command import user
    from pipelines.features import matrix

    def change() -> Change:
        catalogue.described(run.home, version)  # an unknown one is refused with those there are
        expect = matrix.fingerprint(run.settings.features)
        bundle = registry.registered(run.home, version, expect=expect)
        return release.release(run.home, bundle, by=user(), at=run.now, why=reason)

    _changed(run, change)


@command("rollback")
@reason_option
def rollback(run: Run, reason: str) -> None:
    """Go back to the champion before the present one."""
    from models import release
    from models.command import user
    from pipelines.features import matrix

    def change() -> Change:
        expect = matrix.fingerprint(run.settings.features)
        return release.rollback(run.home, by=user(), at=run.now, why=reason, expect=expect)

    _changed(run, change)


@command("outcomes")
def outcomes(run: Run) -> None:
    """How true published scores were, once their horizon had passed; the night looks at it."""
    from models.outcome import read, words

    known = read(run.home)
    lines = [words(facts) for facts in known] or [
        "No published scores are old enough yet: `warmline nightly` looks at each batch once its "
        "horizon, and a week for late labels, have passed."
    ]
    run.result({"outcomes": known}, lines)


@command("feeds")
@click.option(
    "--by",
    type=click.Choice(["source", "kind"]),
    help="Feeds by the source that brought them (default where there are several), or by kind.",
)
@as_of_option
@horizon_option
def feeds(run: Run, by: str | None, as_of: date | None, horizon: int | None) -> None:
    """What each feed is worth: quality on later nights without it. One training for each."""
    from pipelines.feedworth import worth_of_feeds

    with run.progress() as advance:
        found = worth_of_feeds(
            run.home, run.settings, by=by, as_of=as_of, horizon=horizon, advance=advance
        )
    run.result(found.to_dict(), found.lines())


def _changed(run: Run, change: Callable[[], Change]) -> None:
    """A change of champion under the training's lock, published where others read it."""
    from models import catalogue
    from models.erasure import refuse_unfinished
    from pipelines import storage
    from pipelines.lock import exclusive

    refuse_unfinished(run.home)
    with exclusive(run.home.root / ".train.lock", "training"):
        storage.pull(run)
        made = change()
        storage.push(run)
    facts: dict[str, Any] = made.to_dict()
    said = [one.verdict for one in catalogue.known(run.home) if one.version == made.version]
    lines = [
        f"Model {made.version} is the champion now"
        + (f", instead of {made.before}: {made.why}" if made.before else f": {made.why}"),
        *(f"Its gate had said: {verdict}." for verdict in said),
        "The next scoring uses it; what is published stays as it is.",
    ]
    run.result(facts, lines)


def _line(one: Known, champion: bool) -> str:
    auc = "no AUC" if one.auc is None else f"AUC {one.auc:.3f}"
    return (
        f"{'*' if champion else ' '} {one.version:>4}  {one.created_at[:16]}  churn within "
        f"{one.horizon_days} days, nights {one.trained_from} to {one.trained_to}  grade "
        f"{one.grade}, {auc}  {one.verdict if not champion else 'champion'}"
    )


for each in (list_models, show, promote, rollback, outcomes, feeds):
    model.add_command(each)
