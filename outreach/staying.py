"""Commands that stay: they say that they run, rest between rounds, and end when told to."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from models.command import Run
    from outreach.store.database import Store


def beating(run: Run, store: Store, going: Callable[[], bool]) -> Callable[[], bool]:
    """`going`, which now and then says that outreach runs, and tells what it did."""
    from models import contactability
    from outreach.store.interactions import tell

    heart = contactability.Heart(run.home.root)

    def still() -> bool:
        now = datetime.now(UTC)
        if heart.beat(now):
            tell(store, run.home.root, now=now)
        return going()

    return still


@contextmanager
def until_told_to_end() -> Iterator[Callable[[], bool]]:
    """True until SIGTERM or SIGINT: then the message at hand is finished, and no other begun."""
    told: list[int] = []

    def end(number: int, frame: FrameType | None) -> None:
        told.append(number)

    before = {}
    if threading.current_thread() is threading.main_thread():
        before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield lambda: not told
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def rest(seconds: float, going: Callable[[], bool]) -> None:
    """Sleeps, and ends early when told to end."""
    until = time.monotonic() + seconds
    while going() and (left := until - time.monotonic()) > 0:
        time.sleep(min(left, 0.5))
