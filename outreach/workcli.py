"""The verbs of `warmline outreach`: each changes one thing, in the name of who gives it."""

from __future__ import annotations

from datetime import date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from models.command import Run, command, day, user

if TYPE_CHECKING:
    from outreach.store.database import Store

why_option = click.option(
    "--why", required=True, metavar="TEXT", help="Kept for ever, so name no customer."
)
until_option = click.option("--until", callback=day, required=True, metavar="DATE")
text_file = click.Path(path_type=Path, exists=True, dir_okay=False)


def _store(run: Run) -> Store:
    from outreach.storecli import opened

    return opened(run)


def _who(run: Run) -> dict[str, Any]:
    return {"by": user(), "now": run.now}


def _tell(run: Run, store: Store) -> None:
    """The endpoint hears of it at once."""
    from outreach.store.interactions import tell

    tell(store, run.home.root, now=run.now)


def _midnight(run: Run, on: date) -> datetime:
    return datetime.combine(on, time(), run.settings.zone)


@command("approve")
@click.argument("message_ids", metavar="MESSAGE...", nargs=-1, required=True)
def approve(run: Run, message_ids: tuple[str, ...]) -> None:
    """Let each MESSAGE go, once it is due."""
    from outreach.store.messages import approve as verb

    store = _store(run)
    done = [verb(store, **_who(run), message=each) for each in message_ids]
    run.result({"approved": done}, [f"{each} is queued." for each in done])


@command("edit")
@click.argument("message")
@click.option("--to", "address", required=True, metavar="ADDRESS")
@click.option("--subject", default="")
@click.option("--text", required=True, type=text_file, help="A file with its words.")
@click.option("--html", type=text_file, help="A file with the same as HTML; else it is made.")
@click.option("--name", help="Of the recipient.")
@click.option("--from-name", help="Of the person who writes.")
def edit(
    run: Run, message: str, address: str, subject: str, text: Path, html: Path | None,
    name: str | None, from_name: str | None,
) -> None:  # fmt: skip
    """Give MESSAGE its address and words; it then waits for approval."""
    from models.errors import WrongUsage
    from outreach.contact_point import NotAnAddress
    from outreach.store.drafts import Draft
    from outreach.store.listing import one_message
    from outreach.store.messages import edit as verb

    store = _store(run)
    channel = one_message(store, message)["channel"]
    words = {
        "subject": subject, "text": text.read_text(encoding="utf-8"),
        "html": _page(html) if html else None,
        "name": name, "from_name": from_name,
    }  # fmt: skip
    try:
        draft = Draft.to(run.home.secret_key(), channel, address, **words)
    except NotAnAddress as error:
        raise WrongUsage(f"--to: {error}. Nothing was changed.") from None
    done = verb(store, **_who(run), message=message, draft=draft)
    run.result({"edited": done}, [f"{done} waits for approval."])


def _page(path: Path) -> str:
    """A file of HTML. Raises `WrongUsage` where it has what no letter may have."""
    from models.errors import WrongUsage
    from outreach.drafting.twin_lint import looked_at

    page = path.read_text(encoding="utf-8")
    if wrong := list(dict.fromkeys(looked_at(page).wrong)):
        raise WrongUsage(f"{path} must not be sent: {'; '.join(wrong)}. Nothing was changed.")
    return page


@command("discard")
@click.argument("message")
@why_option
def discard(run: Run, message: str, why: str) -> None:
    """MESSAGE will not go."""
    from outreach.store.messages import discard as verb

    done = verb(_store(run), **_who(run), message=message, why=why)
    run.result({"discarded": done}, [f"{done} is discarded."])


@command("resolve")
@click.argument("message")
@click.argument("fate", type=click.Choice(["sent", "resend", "give_up"]))
def resolve(run: Run, message: str, fate: str) -> None:
    """Say what became of a MESSAGE in doubt: it was sent, it is to be sent again, or given up."""
    from outreach.store.messages import resolve as verb

    done = verb(_store(run), **_who(run), message=message, fate=fate)
    run.result({"resolved": done, "fate": fate}, [f"{done}: {fate.replace('_', ' ')}."])


@command("stop")
@why_option
def stop(run: Run, why: str) -> None:
    """Stop all sending, from the next message on."""
    from outreach.store.permissions import stop as verb

    new = verb(_store(run), **_who(run), why=why)
    run.result({"stopped": True, "new": new}, ["Sending is stopped: `warmline outreach go`."])


@command("go")
def go(run: Run) -> None:
    """Let sending go on after a stop."""
    from outreach.store.permissions import go as verb

    was = verb(_store(run), **_who(run))
    run.result(
        {"stopped": False, "new": was}, ["Sending goes on." if was else "It was not stopped."]
    )


@command("start")
@click.argument("item", type=int)
def start(run: Run, item: int) -> None:
    """Somebody is at work on ITEM."""
    from outreach.store.items import start as verb

    verb(_store(run), **_who(run), item=item)
    run.result({"item": item, "state": "in_progress"}, [f"{item} is in progress."])


@command("snooze")
@click.argument("item", type=int)
@until_option
@why_option
def snooze(run: Run, item: int, until: date, why: str) -> None:
    """Leave ITEM until that day, and then until there is newer evidence."""
    from outreach.store.items import snooze as verb

    verb(_store(run), **_who(run), item=item, until=_midnight(run, until), why=why)
    run.result({"item": item, "state": "snoozed"}, [f"{item} is snoozed until {until}."])


@command("close")
@click.argument("item", type=int)
@click.option("--as", "closed_as", required=True, metavar="REASON", help="saved, lost, ...")
@why_option
def close(run: Run, item: int, closed_as: str, why: str) -> None:
    """ITEM is finished; what was not sent yet is withdrawn."""
    from outreach.store.items import close as verb

    verb(_store(run), **_who(run), item=item, closed_as=closed_as, why=why)
    run.result({"item": item, "state": "closed"}, [f"{item} is closed as {closed_as}."])


@command("override")
@click.argument("customer_id")
@until_option
@click.option("--playbook", help="Of this one only.")
@why_option
def override(run: Run, customer_id: str, until: date, playbook: str | None, why: str) -> None:
    """You know better: by plan nobody contacts CUSTOMER_ID before that day."""
    from outreach.store.permissions import override as verb

    store = _store(run)
    verb(
        store, **_who(run), customer_id=customer_id, until=_midnight(run, until), why=why,
        playbook=playbook,
    )  # fmt: skip
    _tell(run, store)
    run.result({"customer_id": customer_id, "until": str(until)}, [f"Noted, until {until}."])


@command("suppress")
@click.argument("address")
@click.option("--channel", default="email", show_default=True)
@click.option("--reason", type=click.Choice(["bounce", "complaint", "unsubscribe", "manual"]),
              default="manual", show_default=True)  # fmt: skip
def suppress(run: Run, address: str, channel: str, reason: str) -> None:
    """Nobody writes to ADDRESS any more. Only a keyed hash of it is kept."""
    from models.errors import WrongUsage
    from outreach.contact_point import NotAnAddress, keyed
    from outreach.store.permissions import suppress as verb

    try:
        point = keyed(run.home.secret_key(), channel, address)
    except NotAnAddress as error:
        raise WrongUsage(f"{error}. Nothing was changed.") from None
    store = _store(run)
    new = verb(store, **_who(run), contact_point=point, reason=reason)
    _tell(run, store)
    run.result({"suppressed": point, "new": new}, ["Nobody writes there any more."])


VERBS = (
    approve, edit, discard, resolve, stop, go, start, snooze, close, override, suppress,
)  # fmt: skip
