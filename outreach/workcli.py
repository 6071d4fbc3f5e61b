"""The verbs of `warmline outreach`: each changes one thing, in the name of who gives it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from models.command import Run, command, day, user
from models.contracts import CHANNELS
from outreach.opened import opened

if TYPE_CHECKING:
    from models.contracts import Correspondence
    from outreach.store.database import Store

why_option = click.option(
    "--why", required=True, metavar="TEXT", help="Kept for ever, so name no customer."
)
until_option = click.option("--until", callback=day, required=True, metavar="DATE")
channel_option = click.option(
    "--channel", type=click.Choice(CHANNELS), default="email", show_default=True
)
text_file = click.Path(path_type=Path, exists=True, dir_okay=False)


def _who(run: Run) -> dict[str, Any]:
    return {"by": user(), "now": run.now}


def _tell(run: Run, store: Store) -> None:
    """The endpoint hears of it at once."""
    from outreach.store.interactions import tell

    tell(store, run.home.root, now=run.now)


def _doubt(run: Run, customer_id: str) -> list[str]:
    """That the newest scores know nobody of that id, who may yet have come since."""
    from models.batch import latest
    from models.errors import WarmlineError

    batch = latest(run.home.scores)
    if batch is None:
        return []
    try:
        answers = batch.answers()
    except (WarmlineError, OSError):
        return []
    if answers.find([customer_id])[0] is not None:
        return []
    meant = answers.whose(customer_id)
    ask = "is it spelled right?" if meant == customer_id else f"did you mean {meant}?"
    return [f"The scores of {batch.as_of} know no customer {customer_id}: {ask}"]


def _midnight(run: Run, on: date) -> datetime:
    return datetime.combine(on, time(), run.settings.zone)


@command("approve")
@click.argument("message_ids", metavar="MESSAGE...", nargs=-1, required=True)
def approve(run: Run, message_ids: tuple[str, ...]) -> None:
    """Let each MESSAGE go, once it is due."""
    from outreach.store.messages import approve as verb

    store = opened(run)
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

    store = opened(run)
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

    done = verb(opened(run), **_who(run), message=message, why=why)
    run.result({"discarded": done}, [f"{done} is discarded."])


@command("resolve")
@click.argument("message")
@click.argument("fate", type=click.Choice(["sent", "resend", "give_up"]))
def resolve(run: Run, message: str, fate: str) -> None:
    """Say what became of a MESSAGE in doubt: it was sent, it is to be sent again, or given up."""
    from outreach.store.messages import resolve as verb

    done = verb(opened(run), **_who(run), message=message, fate=fate)
    run.result({"resolved": done, "fate": fate}, [f"{done}: {fate.replace('_', ' ')}."])


@command("stop")
@why_option
def stop(run: Run, why: str) -> None:
    """Stop all sending, from the next message on."""
    from outreach.store.permissions import stop as verb

    new = verb(opened(run), **_who(run), why=why)
    run.result({"stopped": True, "new": new}, ["Sending is stopped: `warmline outreach go`."])


@command("go")
def go(run: Run) -> None:
    """Let sending go on after a stop."""
    from outreach.store.permissions import go as verb

    was = verb(opened(run), **_who(run))
    run.result(
        {"stopped": False, "new": was}, ["Sending goes on." if was else "It was not stopped."]
    )


@command("start")
@click.argument("item", type=int)
def start(run: Run, item: int) -> None:
    """Somebody is at work on ITEM."""
    from outreach.store.items import start as verb

    verb(opened(run), **_who(run), item=item)
    run.result({"item": item, "state": "in_progress"}, [f"{item} is in progress."])


@command("wait")
@click.argument("item", type=int)
@why_option
def wait(run: Run, item: int, why: str) -> None:
    """ITEM waits for the customer, or for somebody else."""
    from outreach.store.items import wait as verb

    verb(opened(run), **_who(run), item=item, why=why)
    run.result({"item": item, "state": "waiting"}, [f"{item} waits."])


def hand_over_command(book: Callable[[Run, date | None], Correspondence]) -> click.Command:
    """`hand-over`, which asks `book` what the new owner is called."""

    @command("hand-over")
    @click.argument("item", type=int)
    @click.argument("owner_id", required=False)
    def hand_over(run: Run, item: int, owner_id: str | None) -> None:
        """Give ITEM to OWNER_ID, or without one to the queue; later plans leave it there. Its
        letters that have not gone yet are signed anew."""
        from outreach.store.items import hand_over as verb
        from outreach.store.signing import are_signed

        store, sender = opened(run), None
        if owner_id is not None and are_signed(store, item):
            names = book(run, None).senders().to_pylist()
            sender = {row["owner_id"]: row["name"] or None for row in names}.get(owner_id)
        known, letters = verb(store, **_who(run), item=item, owner_id=owner_id, sender=sender)
        lines = [f"{item} is {owner_id or 'the queue'}'s."]
        lines += [] if known else [f"Nothing else is {owner_id}'s: is that the owner's id?"]
        signed = f"is signed by {sender} now" if sender else "waits for a signature: `edit` it"
        lines += [f"{each} {signed}." for each in letters.anew]
        lines += [f"{each} is {why}: check who signs it." for each, why in letters.left.items()]
        told = {"signed": letters.anew, "sender": sender, "check_signature": letters.left}
        run.result({"item": item, "owner_id": owner_id, "known": known, **told}, lines)

    return hand_over


@command("snooze")
@click.argument("item", type=int)
@until_option
@why_option
def snooze(run: Run, item: int, until: date, why: str) -> None:
    """Leave ITEM until that day, and then until there is newer evidence."""
    from outreach.store.items import snooze as verb

    verb(opened(run), **_who(run), item=item, until=_midnight(run, until), why=why)
    run.result({"item": item, "state": "snoozed"}, [f"{item} is snoozed until {until}."])


@command("close")
@click.argument("item", type=int)
@click.option("--as", "closed_as", required=True, metavar="REASON", help="saved, lost, ...")
@why_option
def close(run: Run, item: int, closed_as: str, why: str) -> None:
    """ITEM is finished; what was not sent yet is withdrawn."""
    from outreach.store.items import close as verb

    verb(opened(run), **_who(run), item=item, closed_as=closed_as, why=why)
    run.result({"item": item, "state": "closed"}, [f"{item} is closed as {closed_as}."])


@command("override")
@click.argument("customer_id")
@until_option
@click.option("--playbook", help="Of this one only.")
@why_option
def override(run: Run, customer_id: str, until: date, playbook: str | None, why: str) -> None:
    """You know better: by plan nobody contacts CUSTOMER_ID before that day."""
    from outreach.store.permissions import override as verb

    store = opened(run)
    verb(
        store, **_who(run), customer_id=customer_id, until=_midnight(run, until), why=why,
        playbook=playbook,
    )  # fmt: skip
    _tell(run, store)
    doubt = _doubt(run, customer_id)
    run.result(
        {"customer_id": customer_id, "until": str(until), "doubt": doubt},
        [f"Noted, until {until}.", *doubt],
    )


@command("consent")
@click.argument("customer_id")
@click.argument("state", type=click.Choice(["granted", "refused", "unknown"]))
@click.option("--channel", type=click.Choice(CHANNELS), help="Of this one only.")
@click.option("--purpose", help="Of this one only, such as service.")
def consent(
    run: Run, customer_id: str, state: str, channel: str | None, purpose: str | None
) -> None:
    """What CUSTOMER_ID told you of being contacted; a refusal counts at once."""
    from outreach.store.permissions import consent as verb

    store = opened(run)
    verb(store, **_who(run), customer_id=customer_id, state=state, channel=channel, purpose=purpose)
    _tell(run, store)
    doubt = _doubt(run, customer_id)
    said = {"customer_id": customer_id, "state": state, "channel": channel, "purpose": purpose}
    ways = f"for {channel or 'every channel'}" + (f" and {purpose}" if purpose else "")
    run.result({**said, "doubt": doubt}, [f"{customer_id}: {state}, {ways}.", *doubt])


@command("suppress")
@click.argument("address")
@channel_option
@click.option("--reason", type=click.Choice(["bounce", "complaint", "unsubscribe", "manual"]),
              default="manual", show_default=True)  # fmt: skip
def suppress(run: Run, address: str, channel: str, reason: str) -> None:
    """Nobody writes to ADDRESS any more. Only a keyed hash of it is kept."""
    from outreach.store.permissions import suppress as verb

    point, store = _point(run, channel, address), opened(run)
    new = verb(store, **_who(run), contact_point=point, reason=reason)
    _tell(run, store)
    run.result({"suppressed": point, "new": new}, ["Nobody writes there any more."])


@command("lift")
@click.argument("address")
@channel_option
@why_option
def lift(run: Run, address: str, channel: str, why: str) -> None:
    """ADDRESS was suppressed by mistake: it may be written to again. What its owner refused stays
    refused, and so does an erased person's."""
    from outreach.store.permissions import lift as verb

    many = verb(opened(run), **_who(run), contact_point=_point(run, channel, address), why=why)
    said = "It may be written to again." if many else "It was not suppressed."
    run.result({"lifted": many}, [said])


def _point(run: Run, channel: str, address: str) -> str:
    """What is kept of an address. Raises `WrongUsage` for what is none."""
    from models.errors import WrongUsage
    from outreach.contact_point import NotAnAddress, keyed

    try:
        return keyed(run.home.secret_key(), channel, address)
    except NotAnAddress as error:
        raise WrongUsage(f"{error}. Nothing was changed.") from None


@command("add-close-reason")
@click.argument("name")
@click.argument("words")
def add_close_reason(run: Run, name: str, words: str) -> None:
    """A further way in which an item may end: NAME for `close --as`, and WORDS that explain it."""
    from outreach.store.items import add_close_reason as verb

    verb(opened(run), **_who(run), name=name, words=words)
    run.result({"name": name, "words": words}, [f"Items may be closed as {name}."])


VERBS = (
    approve, edit, discard, resolve, stop, go, start, wait, snooze, close, override,
    consent, suppress, lift, add_close_reason,
)  # fmt: skip
