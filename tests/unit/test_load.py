"""What the endpoint's benchmark makes of the calls that it made."""

from __future__ import annotations

import asyncio

import pytest

from benchmarks.load import NOBODY, Line, Most, Paced, Request, middle, paced
from benchmarks.serving_hard import _soaked


def calls(*of: tuple[float, float, int]) -> Paced:
    found = Paced()
    for one in of:
        found.add(*one)
    return found


def test_percentiles_are_of_a_time_and_a_status() -> None:
    found = calls((0.0, 10.0, 200), (1.0, 20.0, 200), (2.0, 500.0, 429), (3.0, 40.0, 200))
    assert found.counts() == {200: 3, 429: 1}
    assert found.percentile(100) == 500.0
    assert found.percentile(100, status=200) == 40.0
    assert found.percentile(100, until=2.0) == 20.0
    assert found.percentile(0, since=2.0) == 40.0
    assert found.percentile(50, since=9.0) != found.percentile(50, since=9.0)  # none: not a number


def test_of_several_runs_the_middle_counts_and_everything_that_failed() -> None:
    several = [Most(900.0, 8.0, 40.0, 1), Most(1100.0, 7.0, 11.0, 0), Most(1000.0, 9.0, 12.0, 2)]
    assert middle(several) == Most(1000.0, 8.0, 12.0, 3)


@pytest.mark.parametrize(
    ("last_ms", "last_mb", "status", "expected"),
    [
        (11.0, 101.0, 200, [True, True, True]),
        (13.0, 101.0, 200, [True, True, False]),
        (10.0, 103.0, 200, [False, True, True]),
        (10.0, 100.0, NOBODY, [True, False, True]),
    ],
)
def test_half_an_hour_is_judged_by_its_ends(
    last_ms: float, last_mb: float, status: int, expected: list[bool]
) -> None:
    found = calls((0.0, 10.0, 200), (500.0, 99.0, 200), (900.0, last_ms, status))
    memory = [(10.0, 100.0), (500.0, 500.0), (890.0, last_mb)]
    bars, _ = _soaked(found, memory, most=100.0, seconds=1000.0, window=200.0)
    assert [bar.ok for bar in bars] == expected


def test_calls_are_made_when_they_are_due_and_a_broken_line_is_made_anew() -> None:
    answered: list[float] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                await reader.readexactly(int(head.split(b"Content-Length: ")[1].split(b"\r\n")[0]))
                answered.append(loop.time())
                if len(answered) == 5:
                    writer.close()
                    return
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        except asyncio.IncompleteReadError:
            writer.close()

    async def both() -> list[int]:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        line, content = Line(port), Request(port, "/score", {"a": 1}).http()
        told = [await line.call(content) for _ in range(6)]
        line.close()
        server.close()
        return told

    assert asyncio.run(both()) == [200, 200, 200, 200, NOBODY, 200]


def test_nobody_there_is_no_error_of_the_caller() -> None:
    found = paced(Request(1, "/score", {}), a_second=100, seconds=0.1, connections=2)
    assert found.counts() == {NOBODY: 10}
