"""A call that waited for long is refused, whichever loop runs."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from serving import guard
from serving.pulse import BEAT_SECONDS, Pulse
from tests.unit.serving.calls import ALL, bearer


def test_a_loop_that_works_on_is_behind_and_one_that_rests_is_not() -> None:
    pulse = Pulse()

    async def work() -> list[float]:
        told = [pulse.behind()]
        await asyncio.sleep(3 * BEAT_SECONDS)
        told.append(pulse.behind())
        time.sleep(4 * BEAT_SECONDS)
        told.append(pulse.behind())
        await asyncio.sleep(2 * BEAT_SECONDS)
        return [*told, pulse.behind()]

    for _ in range(2):  # another loop begins anew
        first, rested, worked, after = asyncio.run(work())
        assert (first, rested < BEAT_SECONDS, after < BEAT_SECONDS) == (0.0, True, True)
        assert worked > 2 * BEAT_SECONDS


def test_what_waits_behind_others_is_refused_early(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each call holds the loop: those that come together wait for each other."""

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        time.sleep(0.02)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    monkeypatch.setattr(guard, "LONGEST_WAIT", 0.1)
    app = guard.Guard(slow, slow, tmp_path, most_in_flight=1000)
    transport = httpx.ASGITransport(app=app)

    async def ask() -> list[int]:
        async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
            client.headers.update(bearer(tmp_path))
            calls = [client.post("/score", json=ALL) for _ in range(40)]
            return [answer.status_code for answer in await asyncio.gather(*calls)]

    told = asyncio.run(ask())
    # 0.05 s until the beat is due and 0.1 s behind it: some eight calls of 0.02 s.
    assert 4 <= told.count(200) <= 12
    assert told.count(429) == len(told) - told.count(200)
