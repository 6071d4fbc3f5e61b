"""How far the event loop is behind: so long has a call waited before anybody saw it."""

from __future__ import annotations

import asyncio
import time

BEAT_SECONDS = 0.05


class Pulse:
    """Beats on the running loop; while that works through what has come, it does not beat.

    What arrives while the loop is busy is only counted as in flight when its turn comes, one at a
    time, so that a count of calls cannot tell how many wait.
    """

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._due = 0.0

    def behind(self) -> float:
        """Seconds since a beat was due; 0 where it is on time."""
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._loop = loop
            self._beat(loop)
        return max(0.0, time.monotonic() - self._due)

    def _beat(self, loop: asyncio.AbstractEventLoop) -> None:
        self._due = time.monotonic() + BEAT_SECONDS
        loop.call_later(BEAT_SECONDS, self._beat, loop)
