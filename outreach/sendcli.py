"""`warmline send`: what is due, approved and allowed leaves."""

from __future__ import annotations

import os
import random
import socket
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from models.command import Run, command
from outreach.opened import opened
from outreach.staying import beating, rest, until_told_to_end

if TYPE_CHECKING:
    from models.settings import Settings
    from outreach.outbox.sender import Sender
    from outreach.store.database import Store

ROUND = 50  # messages between two looks at the settings
NOT_LIVE = (
    "Nothing is sent: set live = true under [send] (docs/guides/send.md says what to look at)."
)


@command("send")
@click.option("--watch", is_flag=True, help="Stay, and send through the day.")
@click.option("--most", type=click.IntRange(min=1), metavar="N", help="N messages, then end.")
def send(run: Run, watch: bool, most: int | None) -> None:
    """Send what is due, approved and allowed; nothing unless [send] live is true."""
    from models.erasure import refuse_unfinished

    refuse_unfinished(run.home)
    store = opened(run)
    count = _send(run, store, watch=watch, most=most)
    live = _now_set(run).send.live
    run.result({"live": live, "queued": _queued(store), **count}, _lines(store, count, live))


def send_night(run: Run, as_of: date) -> dict[str, Any]:
    """What is due leaves, as a step of the night; nothing is looked at unless [send] live is true.
    An earlier night's run sends what is due now, too."""

    if not _now_set(run).send.live:
        return {"live": False}
    store = opened(run)
    count = _send(run, store, watch=False, most=None)
    return {"live": True, "queued": _queued(store), **count}


def _send(run: Run, store: Store, *, watch: bool, most: int | None) -> Counter[str]:
    """Round after round, until there is no more or, with `watch`, until told to end."""
    count: Counter[str] = Counter()
    with until_told_to_end() as told:
        going = beating(run, store, told)
        while going():
            settings = _now_set(run)  # anew each round: `live = false` counts soon
            left = ROUND if most is None else min(ROUND, most - count.total())
            became = _round(run, store, settings, going, left)
            count += became
            if most is not None and count.total() >= most:
                break
            if became.total() < ROUND:  # there was no more
                if not watch:
                    break
                rest(settings.send.poll_seconds, going)
    return count


def _now_set(run: Run) -> Settings:
    from models.settings import load

    return load(run.home.root, os.environ)


def _round(
    run: Run, store: Store, settings: Settings, going: Callable[[], bool], most: int
) -> Counter[str]:
    from outreach.store.interactions import tell
    from outreach.store.messages import clear_words

    sender = sender_of(run, store, settings, going)
    now = sender.clock()
    old = now - timedelta(days=settings.send.keep_days)
    clear_words(store, by=sender.name, now=now, before=old)
    try:
        return sender.send_due(most)
    finally:
        tell(store, run.home.root, now=sender.clock())
        for lane in sender.lanes.values():
            lane.transport.close()


def sender_of(
    run: Run, store: Store, settings: Settings, going: Callable[[], bool] = lambda: True
) -> Sender:
    """A sender of this process, as the home is set."""
    from outreach.outbox.lanes import lanes
    from outreach.outbox.sender import Sender
    from outreach.outbox.settle import Retries
    from outreach.unsubscribe import link

    ours, base, key = settings.send, settings.outreach.base_url, run.home.secret_key()
    waits = timedelta(seconds=ours.first_wait_seconds)
    return Sender(
        store,
        name=f"{socket.gethostname()}-{os.getpid()}-{run.now:%H%M%S%f}",
        lanes=lanes(settings, run.home.root),
        retries=Retries(ours.max_attempts, waits, draw=random.random),
        clock=lambda: datetime.now(UTC),
        sleep=lambda seconds: rest(seconds, going),
        redirect_to=ours.redirect_to,
        unsubscribe=lambda message: link(base, key, message.id) if base else None,
        going=going,
    )


def _queued(store: Store) -> int:
    from outreach.store.listing import by_state

    return by_state(store).get("queued", 0)


def _lines(store: Store, count: Counter[str], live: bool) -> list[str]:
    from outreach.store.listing import by_state, stop_words

    waiting = by_state(store)
    told = {
        "sent": "sent", "later": "to be tried again", "refused": "parked, refused for good",
        "unknown": "in doubt", "orphaned": "left by a sender that died",
    }  # fmt: skip
    lines = [f"{count[name]:,} {words}" for name, words in told.items() if count[name]]
    lines = ["; ".join(lines) or "Nothing was due.", f"{waiting.get('queued', 0):,} queued."]
    lines += [] if live else [NOT_LIVE]
    lines += stop_words(store)
    if waiting.get("in_doubt"):
        lines.append(
            f"{waiting['in_doubt']:,} in doubt: `warmline outreach list --in-doubt` shows them."
        )
    return lines
