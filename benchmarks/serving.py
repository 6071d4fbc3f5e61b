"""The endpoint beside what a user would write, and in trouble.

`make bench-serving`: a home is made by `warmline demo`, its scores stand in for those of
`CUSTOMERS` made-up customers, and wrk asks, in turn, the endpoint, a bare FastAPI application
around the same look-up, the same look-up in plain BentoML, and `mlflow models serve` of the same
trees. Then: twice as many calls as can be answered, a new batch, calls while the night is scored,
all customers in one call, a killed worker, calls made up from the endpoint's own document.
`ARGS=--quick`: fewer customers and seconds, FastAPI as the only peer, nothing after the new batch
and no start, and a home that is kept in ~/.cache/warmline. `--keep FOLDER`: where the home is, or
is made. `--soak 30`: nothing but so many minutes at 70%. Needs wrk and curl (Debian's packages).
"""

from __future__ import annotations

import argparse
import json
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import cases, load, serving_bulk, serving_hard, serving_home, serving_started
from benchmarks.harness import Bar, Report, workplace
from benchmarks.load import Most, Request
from benchmarks.serving_started import Started

MANY = 1000  # ids a call
HISTORIES = 100  # customers a call of `/score_history`
READY_SECONDS = 10
MOST_OWN_MB = 150
MEANWHILE_MS = 100  # a hundredth of what a CRM waits for
MOST_LINES_MB = 50
KEPT = Path.home() / ".cache" / "warmline" / "bench-serving"


@dataclass(frozen=True)
class Size:
    """How much is measured."""

    customers: int
    seconds: int  # of each measurement
    calls: int  # of one history
    rounds: int  # in which callers take turns


FULL, QUICK = Size(1_000_000, 15, 200, 5), Size(50_000, 2, 8, 3)


@dataclass
class Found:
    """What was measured: of each caller, and besides."""

    most: dict[str, Most] = field(default_factory=dict)
    bars: list[Bar] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)

    def take(self, name: str, told: tuple[list[Bar], dict[str, Any]]) -> None:
        """Bars and figures of one measurement."""
        self.bars += told[0]
        self.figures[name] = told[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="50,000 customers, a kept home")
    parser.add_argument("--keep", type=Path, help="a folder to make the home in, or find it")
    parser.add_argument("--soak", type=float, metavar="MINUTES", help="nothing but this")
    asked = parser.parse_args()
    if shutil.which("wrk") is None:
        raise SystemExit("wrk is not installed: apt-get install wrk")
    size = QUICK if asked.quick else FULL
    report, found = Report("serving", asked.quick), Found()
    with workplace(asked.keep or (KEPT if asked.quick else None)) as place:
        home = serving_home.ready(place / "home", size.customers)
        if asked.soak:
            _soak(home, size, asked.soak, found)
        else:
            _all(home, size, found, quick=asked.quick)
    report.bars = found.bars
    report.figures = found.figures | {name: vars(most) for name, most in found.most.items()}
    columns = ("what", "calls a second", "p50 ms", "p99 ms", "failed")
    report.print(columns, [[name, *vars(most).values()] for name, most in found.most.items()])


def _soak(home: Path, size: Size, minutes: float, found: Found) -> None:
    key = serving_home.key(home)
    with serving_started.endpoint(home) as ours:
        request = Request(ours.port, "/score", _ids(size.customers // 2), key)
        found.take("soak", serving_hard.soaked(request, ours, minutes))


def _all(home: Path, size: Size, found: Found, *, quick: bool) -> None:
    key = serving_home.key(home)
    other = serving_home.written(home, f"again-{size.customers // 10}", size.customers // 10)
    one, many = _ids(size.customers // 20), _ids(0, MANY)
    with ExitStack() as started:
        servers = _started(started, home, key, quick=quick)
        ours, asked = servers.ours, Request(servers.ours.port, "/score", one, key)
        _memory(ours, Request(ours.port, "/score", many, key), size, found)
        most = _peers(servers, key, one, many, size, found)
        _history(servers, key, size, found)
        _compare(found)
        # What follows is about one server alone.
        found.take("crowded", serving_hard.crowded(asked, most.a_second, size.seconds))
        found.take(
            "published",
            serving_hard.published(asked, most.a_second / 2, size.seconds, home, other),
        )
        if not quick:  # of which tests try the same, on a smaller scale
            ready = ours.ready
            bar = Bar("ready after s", ready, f"<= {READY_SECONDS}", ready <= READY_SECONDS)
            found.bars.append(bar)
            _bulk(ours, asked, size, found)
            _cases(ours, key, found)
            found.take("killed", serving_hard.killed(asked, ours))


@dataclass(frozen=True)
class Servers:
    """All of them, which wait for calls."""

    ours: Started
    fastapi: Started
    plain: Started | None = None
    mlflow: tuple[Started, Request] | None = None


def _started(stack: ExitStack, home: Path, key: str, *, quick: bool) -> Servers:
    """One after the other; `quick`: the first two together, which says nothing of how long one
    takes. The others' start and calls alone would take the time that there is."""
    makers: list[Any] = [serving_started.endpoint(home), serving_started.fastapi(home, key)]
    if not quick:
        makers += [serving_started.plain_bentoml(home), serving_started.mlflow(home)]
        return Servers(*(stack.enter_context(one) for one in makers))
    with ThreadPoolExecutor() as pool:
        return Servers(*pool.map(stack.enter_context, makers))


def _ids(first: int, many: int = 1) -> dict[str, list[str]]:
    return {"customer_ids": [serving_home.name_of(first + number) for number in range(many)]}


def _memory(ours: Started, request: Request, size: Size, found: Found) -> None:
    """Its own for the batch, and scores a second when a thousand are asked for at once."""
    empty = serving_hard.own_mb(ours.worker())
    found.most[f"ours, {MANY} ids"] = most = load.most(request, size.seconds)
    own = serving_hard.own_mb(ours.worker()) - empty
    scores = most.a_second * MANY
    found.bars += [
        Bar("scores a second, 1,000 ids", scores, ">= 100000", scores >= 100_000),
        Bar("own memory for the batch, MB", own, f"<= {MOST_OWN_MB}", own <= MOST_OWN_MB),
    ]


def _peers(
    servers: Servers, key: str, one: dict[str, Any], many: dict[str, Any], size: Size, found: Found
) -> Most:
    """What each can do; ours with one id, which takes turns with those it is held against."""
    in_turn = {
        "ours, one id": Request(servers.ours.port, "/score", one, key),
        "FastAPI, one id": Request(servers.fastapi.port, "/score", one, key),
    }
    if servers.plain is not None:
        in_turn["plain BentoML, one id"] = Request(servers.plain.port, "/score", one)
    _in_turn(in_turn, size, found)
    if servers.mlflow is not None:
        thousand = Request(servers.fastapi.port, "/score", many, key)
        found.most[f"FastAPI, {MANY} ids"] = load.most(thousand, size.seconds)
    return found.most["ours, one id"]


def _in_turn(in_turn: dict[str, Request], size: Size, found: Found) -> None:
    """What each can do, the middle of several rounds."""
    seconds = -(-size.seconds // size.rounds)
    rounds = [
        {name: load.most(asked, seconds) for name, asked in in_turn.items()}
        for _ in range(size.rounds)
    ]
    found.most |= {name: load.middle([each[name] for each in rounds]) for name in in_turn}


def _history(servers: Servers, key: str, size: Size, found: Found) -> None:
    """One customer, one call after the other; one a call in turn with the peer; many a call."""
    import asyncio

    import numpy as np

    ours = servers.ours
    asked = Request(ours.port, "/score_history", serving_home.history(1), key)
    content = asked.http()
    told = serving_bulk.ask(ours.port, key, asked.path, json.dumps(asked.body).encode())
    assert [one["status"] for one in told["scores"]] == ["scored"], told
    took: list[float] = []

    async def ask() -> None:
        line = load.Line(ours.port)
        await line.call(content)  # the first of a night brings what the home knows of that night
        for _ in range(size.calls):
            began = time.perf_counter()
            assert await line.call(content) == 200
            took.append((time.perf_counter() - began) * 1e3)
        line.close()

    asyncio.run(ask())
    late = float(np.percentile(took, 99))
    found.figures["history_ms"] = {"p50": float(np.percentile(took, 50)), "p99": late}
    found.bars.append(
        Bar("a history of 100 interactions: p99 ms", late, "<= 15", late <= 15),
    )
    # All callers ask about one customer; or each about another.
    one, *others = serving_home.apart(serving_home.history(HISTORIES))
    in_turn = {
        "ours, 1 history": asked,
        "ours, 1 history of 100": Request(ours.port, asked.path, one, key, others),
    }
    if servers.mlflow is not None:
        in_turn["mlflow models serve, one row"] = servers.mlflow[1]
    _in_turn(in_turn, size, found)
    many = Request(ours.port, "/score_history", serving_home.history(HISTORIES), key)
    found.most[f"ours, {HISTORIES} histories"] = load.most(many, size.seconds, connections=2)


def _compare(found: Found) -> None:
    """With the peers that were asked."""
    ours, fastapi = found.most["ours, one id"], found.most["FastAPI, one id"]
    slower, faster = ours.p99_ms / fastapi.p99_ms, ours.a_second / fastapi.a_second
    found.bars += [
        Bar("one id: p99 / FastAPI's", slower, "<= 1.5", slower <= 1.5),
        Bar("one id: calls a second / FastAPI's", faster, ">= 0.7", faster >= 0.7),
    ]
    if "plain BentoML, one id" not in found.most:
        return
    plain, row = found.most["plain BentoML, one id"], found.most["mlflow models serve, one row"]
    of_plain = ours.p99_ms / plain.p99_ms
    single = found.most["ours, 1 history"].a_second / row.a_second
    several = HISTORIES * found.most[f"ours, {HISTORIES} histories"].a_second / row.a_second
    found.bars += [
        Bar("one id: p99 / plain BentoML's", of_plain, "<= 0.1", of_plain <= 0.1),
        Bar("histories a second, one a call / mlflow's rows", single, ">= 5", single >= 5),
        Bar(f"histories a second, {HISTORIES} a call / mlflow's rows", several, ">= 5",
            several >= 5),
    ]  # fmt: skip


def _bulk(ours: Started, asked: Request, size: Size, found: Found) -> None:
    """One id while the night is scored, and all customers in one call."""
    with serving_bulk.scoring(ours.port, asked.key):
        found.most["ours, one id, while the night is scored"] = load.most(asked, size.seconds)
    late = found.most["ours, one id, while the night is scored"].p99_ms
    ids = map(serving_home.name_of, range(size.customers))
    worker = ours.worker()
    lines = serving_bulk.in_lines(ours.port, asked.key, ids, lambda: serving_hard.own_mb(worker))
    found.figures["lines"] = lines
    more = lines["more_mb"]
    found.bars += [
        Bar("one id while the night is scored: p99 ms", late, f"<= {MEANWHILE_MS}",
            late <= MEANWHILE_MS),
        Bar("all customers in lines: memory more, MB", more, f"<= {MOST_LINES_MB}",
            more <= MOST_LINES_MB),
    ]  # fmt: skip


def _cases(ours: Started, key: str, found: Found) -> None:
    if not cases.TOOL.exists():
        why = f"no {cases.TOOL}: `make test` installs it"
        found.bars.append(Bar("made-up calls: failed", None, "0", False, why))
        return
    told = cases.run(f"http://127.0.0.1:{ours.port}", key, "-n", str(cases.EXAMPLES))
    found.bars += [
        Bar("made-up calls", told.made, f">= {cases.LEAST}", told.made >= cases.LEAST),
        Bar("made-up calls: failed", told.failed, "0", told.failed == 0),
    ]


if __name__ == "__main__":
    main()
