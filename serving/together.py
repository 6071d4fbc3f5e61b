"""Calls of `/score_history` that lie waiting at the same moment are scored as one.

Of what one customer takes most is taken once for a list of customers. A call waits for nobody: what
has come by the time the loop gets to it is taken with it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from serving.given import Answered, HistoryRequest, HistoryScorer

AT_ONCE = 300  # rows, some 3 ms; more are read in a thread, so that others are not kept waiting
MOST_ROWS = 1_000  # of calls that are scored together, for the same reason


class _Call(NamedTuple):
    asked: HistoryRequest
    # An error is told as a result: one that nobody waits for any more would be logged in full.
    answered: asyncio.Future[Answered | Exception | None]


class Together:
    """Answers small calls; each has the answer, or the error, that it would have alone."""

    def __init__(self, scorer: HistoryScorer) -> None:
        self._scorer = scorer
        self._waiting: deque[_Call] = deque()

    async def answers(self, asked: HistoryRequest) -> Answered | None:
        """As `HistoryScorer.answers`; None for what takes longer."""
        if asked.many > AT_ONCE:
            return None
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_soon(self._answer)
        call = _Call(asked, loop.create_future())
        self._waiting.append(call)
        found = await call.answered
        if isinstance(found, Exception):
            raise found
        return found

    def _answer(self) -> None:
        """Those who wait longest, and who asks like them."""
        calls = self._next()
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._answer)
        found = self._found([call.asked for call in calls])
        for call, answered in zip(calls, found, strict=True):
            call.answered.set_result(answered)

    def _next(self) -> list[_Call]:
        waiting = [call for call in self._waiting if not call.answered.done()]  # else it was late
        self._waiting.clear()
        calls: list[_Call] = []
        rows = 0
        for call in waiting:
            rows += call.asked.many
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
