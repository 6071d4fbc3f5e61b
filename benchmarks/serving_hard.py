"""The endpoint in trouble: too many calls, a new batch, a killed worker, half an hour of work."""

from __future__ import annotations

import os
import re
import signal
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import load, serving_home
from benchmarks.harness import Bar
from benchmarks.load import NOBODY, Line, Paced, Request
from benchmarks.serving_started import Started
from models.batch import publish

CROWD = 2_000  # connections, of callers who do not know of each other
LONGEST_MS = 2_000  # a fifth of what a CRM waits
BACK_SECONDS = 10
RETRY_SECONDS = 60  # a call that failed is made again until then
SUSTAINED = 0.7  # of the most that is answered
WINDOW = 300.0  # seconds at the start and the end of the half hour


def crowded(request: Request, a_second: float, seconds: float) -> tuple[list[Bar], dict[str, Any]]:
    """Twice as many calls as can be answered."""
    found = load.paced(request, 2 * a_second, seconds, CROWD)
    counts, late = found.counts(), found.percentile(99)
    refused, other = counts.get(429, 0), sum(counts.values()) - counts.get(200, 0)
    bars = [
        Bar(f"twice the load, {CROWD} connections: p99 ms", late, f"<= {LONGEST_MS}",
            late <= LONGEST_MS),
        Bar("twice the load: answered 429", refused, ">= 1", refused >= 1),
        Bar("twice the load: neither 200 nor 429", other - refused, "0", other == refused),
    ]  # fmt: skip
    figures = {
        "status": counts,
        "p99_ms_200": found.percentile(99, status=200),
        "p99_ms_429": found.percentile(99, status=429),
    }
    return bars, figures


def published(
    request: Request, a_second: float, seconds: float, home: Path, run: str
) -> tuple[list[Bar], dict[str, Any]]:
    """Another run of the night is published meanwhile, and seen."""
    seen: dict[str, float] = {}

    def swap() -> None:
        began = time.monotonic()
        publish(home / "scores", serving_home.NIGHT, run)
        while run not in _ready(request):
            time.sleep(0.02)
        seen["after"] = time.monotonic() - began

    found = load.paced(request, a_second, seconds, at=[(seconds / 2, swap)])
    failed = len(found.status) - found.counts().get(200, 0)
    bars = [
        Bar("a new batch under load: failed calls", failed, "0", failed == 0),
        Bar("a new batch is served after s", seen["after"], "<= 1", seen["after"] <= 1),
    ]
    return bars, {"status": found.counts(), "p99_ms": found.percentile(99)}


def _ready(request: Request) -> str:
    import urllib.request

    asked = urllib.request.Request(
        f"http://127.0.0.1:{request.port}/readyz",
        headers={"Authorization": f"Bearer {request.key}"},
    )
    told: bytes = urllib.request.urlopen(asked, timeout=10).read()  # noqa: S310
    return told.decode()


@dataclass
class Killed:
    """What callers met with when the worker was killed."""

    failed: int = 0
    never_answered: int = 0
    back: float = float("nan")  # seconds until the first answer


def killed(
    request: Request, started: Started, callers: int = 8
) -> tuple[list[Bar], dict[str, Any]]:
    """The worker is killed; each caller makes a call that failed again until it is answered."""
    import asyncio

    found, content = Killed(), request.http()
    at = threading.Event()
    moment: list[float] = []

    async def caller() -> None:
        line = Line(request.port)
        while not moment or time.monotonic() < moment[0] + 1 or found.back != found.back:
            status = await line.call(content)
            if status != NOBODY:
                continue
            found.failed += 1
            until = time.monotonic() + RETRY_SECONDS
            while (status := await line.call(content)) == NOBODY and time.monotonic() < until:
                await asyncio.sleep(0.1)
            found.never_answered += status == NOBODY
            if found.back != found.back:
                found.back = time.monotonic() - moment[0]
        line.close()

    async def all_of_them() -> None:
        calls = [asyncio.create_task(caller()) for _ in range(callers)]
        await asyncio.sleep(1)
        os.kill(started.worker(), signal.SIGKILL)
        moment.append(time.monotonic())
        at.set()
        await asyncio.gather(*calls)

    asyncio.run(all_of_them())
    bars = [
        Bar("a killed worker: back after s", found.back, f"<= {BACK_SECONDS}",
            found.back <= BACK_SECONDS),
        Bar("a killed worker: failed calls that no retry answered", found.never_answered, "0",
            found.never_answered == 0),
    ]  # fmt: skip
    return bars, vars(found)


def soaked(request: Request, started: Started, minutes: float) -> tuple[list[Bar], dict[str, Any]]:
    """Seven tenths of the most, for so long: memory, errors, and whether it became slower."""
    most = load.most(request, 10).a_second
    seconds = minutes * 60
    window = min(WINDOW, seconds / 3)
    memory: list[tuple[float, float]] = []
    ended = threading.Event()

    def watch() -> None:
        began, worker = time.monotonic(), started.worker()
        while not ended.wait(min(10.0, window / 10)):
            memory.append((time.monotonic() - began, own_mb(worker)))

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        found = load.paced(request, SUSTAINED * most, seconds)
    finally:
        ended.set()
        watching.join()
    return _soaked(found, memory, most, seconds, window)


def _soaked(
    found: Paced, memory: list[tuple[float, float]], most: float, seconds: float, window: float
) -> tuple[list[Bar], dict[str, Any]]:
    failed = len(found.status) - found.counts().get(200, 0)
    first, last = found.percentile(99, until=window), found.percentile(99, seconds - window)
    early = [mb for at, mb in memory if at < window]
    late = [mb for at, mb in memory if at >= seconds - window]
    grown = (sum(late) / len(late)) / (sum(early) / len(early)) - 1
    length = f"{seconds / 60:g} minutes"
    bars = [
        Bar(f"{length} at 70%: memory grows by, %", grown * 100, "< 2", grown < 0.02),
        Bar(f"{length} at 70%: failed calls", failed, "0", failed == 0),
        Bar(f"{length} at 70%: last p99 / first", last / first, "<= 1.2", last / first <= 1.2),
    ]
    figures = {
        "most_a_second": most, "calls": len(found.status), "window_seconds": window,
        "first_p99_ms": first, "last_p99_ms": last,
        "first_mb": sum(early) / len(early), "last_mb": sum(late) / len(late),
    }  # fmt: skip
    return bars, figures


def own_mb(process: int) -> float:
    """Memory that is the process's own: mapped files are shared, and go when others need it."""
    status = Path(f"/proc/{process}/status").read_text()
    found = re.search(r"RssAnon:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) / 1024
