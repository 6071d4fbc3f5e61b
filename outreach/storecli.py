"""`warmline outreach`: look at the store, and work it by hand."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from models.command import Run, command
from outreach.lookcli import item, list_, preview, show
from outreach.opened import opened
from outreach.receivecli import received, seen
from outreach.rewritecli import rewrite
from outreach.workcli import VERBS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from models.contracts import Feature
    from models.home import Home
    from models.settings import Settings
    from models.settings_outreach import Rewriting
    from outreach.store.database import Store


@click.group("outreach")
def group() -> None:
    """Look at what outreach has to do and to send, and work it by hand."""


@command("migrate")
def migrate(run: Run) -> None:
    """Bring the outreach store to this version's schema; make it where there is none."""
    from outreach.store.database import Store
    from outreach.store.tables import SCHEMA

    store = Store.at(run.settings.outreach.database, run.home.root)
    before = store.migrate()
    facts = {"store": store.place, "before": before, "schema": SCHEMA}
    words = "was up to date" if before == SCHEMA else f"migrated from {before or 'nothing'}"
    run.result(facts, [f"{store.place}: {words} (schema {SCHEMA})."])


@command("check")
def check(run: Run) -> None:
    """Whether the store and the channels can be used, and what to do where not."""
    from outreach.inbound.ways import ways
    from outreach.outbox.lanes import lanes
    from outreach.store.listing import by_state, stop_words

    store = opened(run)
    answers = ways(run.settings.inbound)
    found = sorted(lanes(run.settings, run.home.root))
    waiting = by_state(store)
    live = run.settings.send.live
    where = run.settings.send.redirect_to
    run.result(
        {
            "store": store.place,
            "channels": found,
            "live": live,
            "messages": waiting,
            "answers": answers,
        },
        [
            f"store: {store.place}, {sum(waiting.values()):,} messages",
            f"channels: {', '.join(found) or 'none: set one up under [channels]'}",
            f"sending: {'live' if live else 'off (send.live = false)'}"
            + (f", all of it to {where}" if where else ""),
            f"answers: {', '.join(answers) or 'none are read (docs/guides/inbound.md)'}",
            *stop_words(store),
        ],
    )


def looks(
    features: Callable[[Home], Sequence[Feature]],
) -> tuple[tuple[str, Callable[[Home, datetime], str]], ...]:
    """What `warmline doctor` looks at. `features`: all that a trigger may ask for."""

    def playbooks(home: Home, now: datetime) -> str:
        from outreach.drafting.library import Library
        from outreach.playbooks import Playbooks

        books = Playbooks.load(home.root)
        books.refuse_unwritten(Library.of(home.root).names())
        if books.features:
            books.refuse_unknown(features(home))
        return f"playbooks: {len(books.plays)} are enabled"

    return ("playbooks", playbooks), ("outreach", look)


def look(home: Home, now: datetime) -> str:
    """What `warmline doctor` says of outreach. Raises `WarmlineError` for what needs somebody."""
    from models.errors import WarmlineError
    from models.settings import load
    from outreach.drafting.library import Library
    from outreach.drafting.twin import Twin
    from outreach.inbound.ways import ways
    from outreach.outbox.lanes import lanes
    from outreach.store.database import Store
    from outreach.store.listing import by_state, stop_words

    settings = load(home.root, os.environ)
    letters = len(list(Library.of(home.root).all()))
    Twin.of(home.root)
    channels = sorted(lanes(settings, home.root))
    ours = settings.outreach
    if settings.send.live and "email" in channels:
        needed = {"company": ours.company, "postal_address": ours.postal_address,
                  "base_url or mailto": ours.base_url or ours.mailto}  # fmt: skip
        if missing := [name for name, value in needed.items() if not value]:
            raise WarmlineError(f"mail is live without [outreach] {' and '.join(missing)}: set it")
    store = Store.find(ours.database, home.root)
    waiting = by_state(store) if store else {}
    if doubtful := waiting.get("in_doubt"):
        raise WarmlineError(
            f"{doubtful:,} messages are in doubt: `warmline outreach list --in-doubt` names them, "
            "`warmline outreach resolve` settles each"
        )
    words = f"outreach: {sum(waiting.values()):,} messages, {letters} letters, channels: "
    stopped = "".join(f"; {line}" for line in (stop_words(store) if store else ()))
    model = _model_words(ours.rewriting)
    answers = f", answers by {' and '.join(found)}" if (found := ways(settings.inbound)) else ""
    crm = _crm_words(settings, store)
    return words + (", ".join(channels) or "none") + answers + crm + model + stopped


def _model_words(settings: Rewriting) -> str:
    """Which model may rewrite drafts, where one may. Raises `WrongUsage` where it is not set up
    whole."""
    from outreach.drafting.rewriter import Rewriter

    if not settings.url:
        return ""
    return f"; drafts may be rewritten by {Rewriter(settings).model}"


def _crm_words(settings: Settings, store: Store | None) -> str:
    """How the CRM stands, where there is one. Raises `WrongUsage` where it is not set up whole."""
    from outreach.push import memory
    from outreach.push.target import target

    if not settings.crm.kind:
        return ""
    target(settings.crm, clock=lambda: datetime.now(UTC))
    count = memory.count(store) if store else {"known": 0, "refused": 0}
    refused = f", {count['refused']:,} refused" if count["refused"] else ""
    return f"; CRM: {settings.crm.kind}, told of {count['known']:,}{refused}"


@command("serve")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(1, 65535), default=3001, show_default=True)
def serve(run: Run, host: str, port: int) -> None:
    """Serve the unsubscribe page, behind the HTTPS proxy that [outreach] base_url names; with
    [inbound] webhook_secret a webhook for answers and bounces, with [outreach] claims what other
    tools ask before they contact somebody."""
    import uvicorn

    from models.contactability import beating
    from outreach.claimsweb import claim_routes
    from outreach.inbound.webhook import routes
    from outreach.unsubscribe import app

    here = opened(run), run.home.secret_key(), run.home.root, lambda: datetime.now(UTC)
    page = app(*here, *routes(*here, run.settings.inbound), *claim_routes(*here, run.settings))
    # No access log: each path in it would unsubscribe somebody.
    with beating(run.home.root, lambda: datetime.now(UTC)):
        uvicorn.run(page, host=host, port=port, log_level="warning", access_log=False)


for each in (
    migrate, check, list_, item, show, preview, serve, received, seen, rewrite, *VERBS,
):  # fmt: skip
    group.add_command(each)
