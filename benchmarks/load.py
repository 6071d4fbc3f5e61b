"""Calls to an endpoint: as many as it answers (wrk), or so many a second whatever it answers."""

from __future__ import annotations

import asyncio
import json
import re
import statistics
import subprocess
import tempfile
import time
from array import array
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np

CONNECTIONS = 8
SHORT = 2  # seconds
NOBODY = 0  # the status of a call that was not answered


@dataclass(frozen=True)
class Request:
    """One call, made again and again; by wrk in turn with `others` of other bodies."""

    port: int
    path: str
    body: dict[str, Any]
    key: str = ""
    others: Sequence[dict[str, Any]] = ()

    def http(self) -> bytes:
        """As it goes over the wire."""
        content = json.dumps(self.body).encode()
        lines = (
            f"POST {self.path} HTTP/1.1",
            f"Host: 127.0.0.1:{self.port}",
            f"Authorization: Bearer {self.key}",
            "Content-Type: application/json",
            f"Content-Length: {len(content)}",
        )
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


@dataclass(frozen=True)
class Most:
    """What wrk measured."""

    a_second: float
    p50_ms: float
    p99_ms: float
    failed: int


@dataclass
class Paced:
    """Calls that were made at their times, or as soon as a connection was free."""

    due: array[float] = field(default_factory=lambda: array("d"))  # seconds since the start
    took: array[float] = field(default_factory=lambda: array("f"))  # milliseconds
    status: array[int] = field(default_factory=lambda: array("h"))

    def add(self, due: float, took: float, status: int) -> None:
        """One call."""
        self.due.append(due)
        self.took.append(took)
        self.status.append(status)

    def counts(self) -> dict[int, int]:
        """Calls by status."""
        return dict(Counter(self.status.tolist()))

    def percentile(self, share: float, since: float = 0.0, until: float = float("inf"),
                   status: int | None = None) -> float:  # fmt: skip
        """Of milliseconds, of calls due in [since, until) seconds; all, or those of one status."""
        due, took = np.frombuffer(self.due), np.frombuffer(self.took, np.float32)
        chosen = (due >= since) & (due < until)
        if status is not None:
            chosen &= np.frombuffer(self.status, np.int16) == status
        return float(np.percentile(took[chosen], share)) if chosen.any() else float("nan")


def most(request: Request, seconds: int, connections: int = CONNECTIONS) -> Most:
    """As many as are answered, after a second that is not measured where there is time for it."""
    script = "\n".join(
        (
            'wrk.method = "POST"',
            'wrk.headers["Content-Type"] = "application/json"',
            f'wrk.headers["Authorization"] = "Bearer {request.key}"',
            *_bodies([json.dumps(body) for body in (request.body, *request.others)]),
        )
    )
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write(script)
        file.flush()
        for duration in (1, seconds) if seconds > SHORT else (seconds,):
            done = subprocess.run(
                ["wrk", "-t1", f"-c{connections}", f"-d{duration}s", "--timeout", "20s",
                 "--latency", "-s", file.name, f"http://127.0.0.1:{request.port}{request.path}"],
                capture_output=True, text=True, check=True,
            )  # fmt: skip
    text = done.stdout
    wrong = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    return Most(
        float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1]),  # type: ignore[index]
        _milliseconds(text, "50%"),
        _milliseconds(text, "99%"),
        int(wrong[1]) if wrong else 0,
    )


def _bodies(bodies: Sequence[str]) -> tuple[str, ...]:
    """How wrk is told what to send, one after another."""
    if len(bodies) == 1:
        return (f"wrk.body = [==[{bodies[0]}]==]",)
    return (
        f"local bodies, last = {{{','.join(f'[==[{body}]==]' for body in bodies)}}}, 0",
        "init = function()",  # made once: wrk is not to be what is measured
        "  for at, body in ipairs(bodies) do bodies[at] = wrk.format(nil, nil, nil, body) end",
        "end",
        "request = function()",
        "  last = last % #bodies + 1",
        "  return bodies[last]",
        "end",
    )


def middle(several: Sequence[Most]) -> Most:
    """The median of each figure, and all that failed: single runs of a noisy machine differ
    twofold in their slowest hundredth."""
    return Most(
        statistics.median(one.a_second for one in several),
        statistics.median(one.p50_ms for one in several),
        statistics.median(one.p99_ms for one in several),
        sum(one.failed for one in several),
    )


def _milliseconds(text: str, share: str) -> float:
    found = re.search(rf"{share}\s+([\d.]+)(us|ms|s)", text)
    assert found is not None
    return float(found[1]) * {"us": 1e-3, "ms": 1.0, "s": 1e3}[found[2]]


def paced(
    request: Request,
    a_second: float,
    seconds: float,
    connections: int = 32,
    at: Sequence[tuple[float, Callable[[], None]]] = (),
) -> Paced:
    """So many calls a second, over so many connections at most; `at`: what happens meanwhile,
    each so many seconds after the start, in a thread."""
    return asyncio.run(_paced(request, a_second, seconds, connections, at))


async def _paced(
    request: Request,
    a_second: float,
    seconds: float,
    connections: int,
    at: Sequence[tuple[float, Callable[[], None]]],
) -> Paced:
    found, began, numbers = Paced(), time.perf_counter(), iter(range(int(a_second * seconds)))
    content = request.http()

    async def caller() -> None:
        line = Line(request.port)
        for number in numbers:
            due = number / a_second
            await asyncio.sleep(max(0.0, due - (time.perf_counter() - began)))
            sent = time.perf_counter()
            status = await line.call(content)
            found.add(due, (time.perf_counter() - sent) * 1e3, status)
        line.close()

    async def event(moment: float, happens: Callable[[], None]) -> None:
        await asyncio.sleep(moment)
        await asyncio.to_thread(happens)

    await asyncio.gather(*(caller() for _ in range(connections)), *(event(*one) for one in at))
    return found


class Line:
    """One connection that is kept; one that breaks is made anew with the next call."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def call(self, content: bytes) -> int:
        """The answer's status, `NOBODY` where none came."""
        try:
            if self._streams is None:
                self._streams = await asyncio.open_connection("127.0.0.1", self._port)
            reader, writer = self._streams
            writer.write(content)
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"(?i)content-length: (\d+)", head)
            await reader.readexactly(int(length[1]) if length else 0)
            return int(head[9:12])
        except (OSError, asyncio.IncompleteReadError):
            self.close()
            return NOBODY

    def close(self) -> None:
        """Ends it."""
        if self._streams is not None:
            with suppress(OSError):
                self._streams[1].close()
        self._streams = None
