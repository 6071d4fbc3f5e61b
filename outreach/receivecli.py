"""`warmline receive`: answers, bounces, complaints and unsubscribes out of the mailbox; and what of
them waits for a person."""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from models.command import Run, command, user
from outreach.opened import opened
from outreach.staying import beating, rest, until_told_to_end

if TYPE_CHECKING:
    from outreach.inbound.poller import Poller
    from outreach.store.database import Store

_FIRST_WAIT, _LONGEST_WAIT = 15.0, 3600.0  # seconds, after a connection that failed
_TOLD = {
    "answered": "answered", "bounced": "came back", "complained": "reported as spam",
    "unsubscribed": "unsubscribed", "automatic": "automatic answers", "noted": "for a person",
    "unreadable": "could not be read", "erased": "of somebody erased", "again": "known already",
    "unknown": "about nothing of ours",
}  # fmt: skip


@command("receive")
@click.option("--watch", is_flag=True, help="Stay, and read what comes.")
def receive(run: Run, watch: bool) -> None:
    """Read the mailbox: answers, bounces, complaints, unsubscribes."""
    from models.erasure import refuse_unfinished
    from models.errors import WrongUsage

    refuse_unfinished(run.home)
    if not run.settings.inbound.imap.host:
        raise WrongUsage("[inbound.imap] host is not set (docs/guides/inbound.md).")
    store = opened(run)
    count: Counter[str] = Counter()
    with until_told_to_end() as told:
        going = beating(run, store, told)
        count = _watched(run, store, going) if watch else _once(_poller(run, store, going))
    lines = [f"{count[name]:,} {words}" for name, words in _TOLD.items() if count[name]]
    lines = ["; ".join(lines) or "Nothing new.", *_waiting(store)]
    run.result({name: count[name] for name in _TOLD}, lines)


def receive_night(run: Run) -> dict[str, Any]:
    """What has come in counts in the night's plan. A mailbox that cannot be read does not hold the
    night back: that is told, on stderr too. Nothing where no mailbox is set."""
    from outreach.inbound.imap import Unreachable

    if not run.settings.inbound.imap.host:
        return {}
    try:
        return {"received": dict(_read(_poller(run, opened(run), lambda: True)))}
    except Unreachable as error:
        click.echo(f"warmline: the mailbox was not read: {error}", err=True)
        return {"not_received": str(error)}


def _poller(run: Run, store: Store, going: Callable[[], bool]) -> Poller:
    from models.settings import load
    from outreach.inbound.imap import Mailbox
    from outreach.inbound.poller import Poller

    ours = load(run.home.root, os.environ).inbound  # as it is set now
    return Poller(
        store, Mailbox(ours.imap), run.home.secret_key(), run.home.root,
        clock=lambda: datetime.now(UTC), keep_text=ours.keep_text, going=going,
    )  # fmt: skip


def _read(poller: Poller) -> Counter[str]:
    try:
        return poller.round()
    finally:
        poller.mailbox.close()


def _once(poller: Poller) -> Counter[str]:
    from models.errors import WarmlineError
    from outreach.inbound.imap import Unreachable

    try:
        return _read(poller)
    except Unreachable as error:
        raise WarmlineError(
            f"The mailbox cannot be read: {error}. Look at [inbound.imap] and at the server. "
            "Nothing was lost: the next round begins where this one ended."
        ) from None


def _watched(run: Run, store: Store, going: Callable[[], bool]) -> Counter[str]:
    """Round after round until told to end; where there is no connection, longer and longer apart,
    with jitter, and as it is set by then."""
    from outreach.inbound.imap import Unreachable

    count: Counter[str] = Counter()
    failed = 0
    while going():
        poller = _poller(run, store, going)
        try:
            while going():
                count += poller.round()
                failed = 0
                poller.mailbox.wait(going)
        except Unreachable as error:
            wait = min(_FIRST_WAIT * 2 ** min(failed, 10), _LONGEST_WAIT)
            wait *= 0.5 + random.random() / 2  # noqa: S311
            failed += 1
            click.echo(f"warmline: {error}; again in {wait:.0f} s", err=True)
            rest(wait, going)
        finally:
            poller.mailbox.close()
    return count


@command("received")
@click.option("--most", type=click.IntRange(min=1), default=50, show_default=True)
def received(run: Run, most: int) -> None:
    """What came in and waits for a person; the mail itself lies in the mailbox."""
    from outreach.store.received import for_a_person

    rows = for_a_person(opened(run), most)
    run.result({"received": rows}, [_line(row) for row in rows] or ["There is none."])


@command("seen")
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
def seen(run: Run, ids: tuple[str, ...]) -> None:
    """You have looked at each ID of what was received."""
    from outreach.store.received import seen as verb

    store = opened(run)
    done = [verb(store, by=user(), now=run.now, received=each) for each in ids]
    run.result({"seen": done}, [f"{each[:12]} is done with." for each in done])


def _line(row: dict[str, Any]) -> str:
    of = f"  {row['customer_id']}" if row["customer_id"] else ""
    about = f", message {row['message_id'][:12]}" if row["message_id"] else ""
    where = f" ({row['mailbox']}, UID {row['uid']})" if row["mailbox"] else ""
    return f"{row['id'][:12]}  {row['at']:%Y-%m-%d}{of}  {row['kind']}{about}: {row['why']}{where}"


def _waiting(store: Store) -> list[str]:
    from outreach.store.received import for_a_person

    many = len(for_a_person(store, 1000))
    return [f"{many:,} wait for a person: `warmline outreach received`."] if many else []
