"""Calls of `/score_history` that lie waiting at the same moment are scored as one.

Most of what one customer takes is taken once for a list of customers. A call waits for nobody but
those who come with it: as long as each turn of the loop brings more, it looks once more.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from serving.given import Answered, HistoryRequest, HistoryScorer

AT_ONCE = 300  # rows, some 3 ms; more are read in a thread, so that others are not kept waiting
MOST_ROWS = 1_000  # of calls that are scored together, for the same reason: some 8 ms
MOST_CALLS = 16  # wait for those who come with them


class _Call(NamedTuple):
    asked: HistoryRequest
    rows: int
    # An error is told as a result: one that nobody waits for any more would be logged in full.
    answered: asyncio.Future[Answered | Exception | None]


class Together:
    """Answers small calls; each has the answer, or the error, that it would have alone."""

    def __init__(self, scorer: HistoryScorer) -> None:
        self._scorer = scorer
        self._waiting: deque[_Call] = deque()

    async def answers(self, asked: HistoryRequest) -> Answered | None:
        """As `HistoryScorer.answers`; None for what takes longer."""
        rows = asked.many
        if rows > AT_ONCE:
            return None
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_soon(self._look, 0)
        call = _Call(asked, rows, loop.create_future())
        self._waiting.append(call)
        found = await call.answered
        if isinstance(found, Exception):
            raise found
        return found

    def _look(self, seen: int) -> None:
        """Answers who waits, unless more have come since so many were seen."""
        many, loop = len(self._waiting), asyncio.get_running_loop()
        if seen < many < MOST_CALLS:
            loop.call_soon(self._look, many)
            return
        calls = self._next()
        if self._waiting:
            loop.call_soon(self._look, len(self._waiting))
        found = self._found([call.asked for call in calls])
        for call, answered in zip(calls, found, strict=True):
            call.answered.set_result(answered)

    def _next(self) -> list[_Call]:
        """Who came first, and who asks like them."""
        waiting = [call for call in self._waiting if not call.answered.done()]  # else it was late
        self._waiting.clear()
        calls: list[_Call] = []
        rows = 0
        for call in waiting:
            rows += call.rows
            if not calls or (rows <= MOST_ROWS and call.asked.kind == calls[0].asked.kind):
                calls.append(call)
            else:
                self._waiting.append(call)
        return calls

    def _found(self, several: Sequence[HistoryRequest]) -> list[Answered | Exception | None]:
        """What each is answered; calls that cannot be answered together are in two halves."""
        if not several:
            return []
        try:
            found = self._scorer.answers_at_once(several, datetime.now(UTC))
        except Exception as error:
            if len(several) == 1:
                return [error]
            found = None
        if found is not None:
            return list(found)
        if len(several) == 1:
            return [None]
        half = len(several) // 2
        return self._found(several[:half]) + self._found(several[half:])
