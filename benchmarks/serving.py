"""The endpoint beside what a user would write: latency, calls and scores a second, memory.

`make bench-serving`: a home is made by `warmline demo`, its scores stand in for those of
`CUSTOMERS` made-up customers, and wrk asks the endpoint and a bare FastAPI application around the
same look-up (benchmarks/serving_peer.py) in turn. `ARGS=--quick`: fewer customers and
seconds; `--keep FOLDER`: where the home is, or is made. Needs wrk (Debian's package).
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from benchmarks.harness import PROJECT, WARMLINE, Bar, Report, warmline, workplace
from benchmarks.serving_bulk import in_lines, scoring
from models.batch import BatchWriter, ScoreBatch, publish
from models.contracts import score_schema

CUSTOMERS, QUICK_CUSTOMERS = 1_000_000, 50_000
SECONDS, QUICK_SECONDS = 15, 4
CONNECTIONS = 8
MANY = 1000  # ids a call
HISTORY_ROWS = 100
CALLS, QUICK_CALLS = 200, 20
READY_SECONDS = 10
MOST_OWN_MB = 150
MEANWHILE_MS = 100  # a hundredth of what a CRM waits for
MOST_LINES_MB = 50
NIGHT = date(2026, 7, 2)
SAMPLE = PROJECT / "data_samples" / "sample"


@dataclass(frozen=True)
class Asked:
    """What wrk measured."""

    a_second: float
    p50_ms: float
    p99_ms: float
    failed: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="50,000 customers")
    parser.add_argument("--keep", type=Path, help="a folder to make the home in, or find it")
    asked = parser.parse_args()
    if shutil.which("wrk") is None:
        raise SystemExit("wrk is not installed: apt-get install wrk")
    customers = QUICK_CUSTOMERS if asked.quick else CUSTOMERS
    seconds = QUICK_SECONDS if asked.quick else SECONDS
    report = Report("serving", asked.quick)
    with workplace(asked.keep) as place:
        home = _home(place / "home", customers)
        key = _key(home)
        one = {"customer_ids": [_id(customers // 2)]}
        many = {"customer_ids": [_id(number) for number in range(MANY)]}
        with _endpoint(home) as (port, ready, worker):
            empty = _own_mb(worker)
            ours, ours_many = (_wrk(port, key, body, seconds) for body in (one, many))
            own = _own_mb(worker)
            history = _history_ms(port, key, QUICK_CALLS if asked.quick else CALLS)
            with scoring(port, key):
                meanwhile = _wrk(port, key, one, seconds)
            ids = (_id(number) for number in range(customers))
            lines = in_lines(port, key, ids, lambda: _own_mb(worker))
        with _peer(home, key) as port:
            theirs, theirs_many = (_wrk(port, key, body, seconds) for body in (one, many))
    report.bars = [
        *_bars(ours, theirs, ours_many, history, ready, own - empty),
        Bar("one id while the night is scored: p99 ms", meanwhile.p99_ms,
            f"<= {MEANWHILE_MS}", meanwhile.p99_ms <= MEANWHILE_MS),
        Bar("all customers in lines: memory more, MB", lines["more_mb"],
            f"<= {MOST_LINES_MB}", lines["more_mb"] <= MOST_LINES_MB),
    ]  # fmt: skip
    report.figures = {
        "customers": customers, "ours": vars(ours), "fastapi": vars(theirs),
        "ours_many": vars(ours_many), "fastapi_many": vars(theirs_many),
        "meanwhile": vars(meanwhile), "lines": lines,
        "history_ms": history, "ready_seconds": ready, "own_mb": own,
    }  # fmt: skip
    columns = ("what", "calls a second", "p50 ms", "p99 ms", "failed")
    rows = [
        [name, *vars(found).values()]
        for name, found in (
            ("ours, one id", ours), ("FastAPI, one id", theirs),
            ("ours, one id, while the night is scored", meanwhile),
            (f"ours, {MANY} ids", ours_many), (f"FastAPI, {MANY} ids", theirs_many),
        )
    ]  # fmt: skip
    report.print(columns, rows)


def _bars(
    ours: Asked, theirs: Asked, many: Asked, history: dict[str, float], ready: float, own: float
) -> list[Bar]:
    slower, faster = ours.p99_ms / theirs.p99_ms, ours.a_second / theirs.a_second
    scores = many.a_second * MANY
    late = history["p99"]
    return [
        Bar("one id: p99 / FastAPI's", slower, "<= 1.5", slower <= 1.5),
        Bar("one id: calls a second / FastAPI's", faster, ">= 0.7", faster >= 0.7),
        Bar("scores a second, 1,000 ids", scores, ">= 100000", scores >= 100_000),
        Bar("a history of 100 interactions: p99 ms", late, "<= 15", late <= 15),
        Bar("ready after s", ready, f"<= {READY_SECONDS}", ready <= READY_SECONDS),
        Bar("own memory for the batch, MB", own, f"<= {MOST_OWN_MB}", own <= MOST_OWN_MB),
    ]


def _id(number: int) -> str:
    return f"M{number:07d}"


def _home(root: Path, customers: int) -> Path:
    """The demo's home with another night published, of made-up customers."""
    if not root.exists():
        done = warmline(root, "demo")
        if done.code:
            raise SystemExit(done.stderr)
    scores = root / "scores"
    run = f"made-up-{customers}"
    try:
        ScoreBatch.open(scores, NIGHT, run)
    except Exception:
        _write(scores, run, customers)
    publish(scores, NIGHT, run)
    return root


def _write(scores: Path, run: str, customers: int) -> None:
    """Real rows under other ids, as often as are needed."""
    known = ScoreBatch.latest(scores, before=NIGHT)
    rows, facts = known.table(), dict(known.manifest.facts)
    place = rows.schema.get_field_index("customer_id")
    with BatchWriter(scores, NIGHT, run) as writer:
        for start in range(0, customers, 250_000):
            numbers = np.arange(start, min(start + 250_000, customers))
            part = rows.take(pa.array(numbers % rows.num_rows))
            ids = pa.array([_id(number) for number in numbers.tolist()], pa.string())
            writer.add(part.set_column(place, score_schema().field(place), ids))
        writer.finish(facts)


def _key(home: Path) -> str:
    made = warmline(home, "keys", "create", "bench", "--scope", "admin").facts
    return str(made["key"])


@contextmanager
def _endpoint(home: Path) -> Iterator[tuple[int, float, int]]:
    """Its port, the seconds until it was ready, and its worker's process number."""
    port = _free_port()
    command = [WARMLINE, "serve", "--home", home, "--port", port]
    with _started(command, port) as (process, ready):
        listed = subprocess.run(
            ["pgrep", "-P", str(process.pid)], capture_output=True, text=True, check=True
        )
        yield port, ready, int(listed.stdout.split()[0])


@contextmanager
def _peer(home: Path, key: str) -> Iterator[int]:
    port = _free_port()
    with _started([sys.executable, "-m", "benchmarks.serving_peer", home, port, key], port):
        yield port


@contextmanager
def _started(command: list[Any], port: int) -> Iterator[tuple[subprocess.Popen[bytes], float]]:
    began = time.monotonic()
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [str(part) for part in command], stdout=log, stderr=log, cwd=PROJECT
        )
        try:
            while not _answers(port):
                if process.poll() is not None or time.monotonic() > began + 120:
                    log.seek(0)
                    raise SystemExit(log.read().decode())
                time.sleep(0.05)
            yield process, time.monotonic() - began
        finally:
            process.terminate()
            process.wait(20)


def _answers(port: int) -> bool:
    import urllib.error
    import urllib.request

    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/livez", timeout=5)
    except urllib.error.HTTPError:
        return True  # the peer has no such path, and answers
    except OSError:
        return False
    return True


def _wrk(port: int, key: str, body: dict[str, Any], seconds: int) -> Asked:
    """After a second that is not measured."""
    script = "\n".join(
        (
            'wrk.method = "POST"',
            'wrk.headers["Content-Type"] = "application/json"',
            f'wrk.headers["Authorization"] = "Bearer {key}"',
            f"wrk.body = [==[{json.dumps(body)}]==]",
        )
    )
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write(script)
        file.flush()
        for duration in (1, seconds):
            done = subprocess.run(
                ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{duration}s", "--latency", "-s", file.name,
                 f"http://127.0.0.1:{port}/score"],
                capture_output=True, text=True, check=True,
            )  # fmt: skip
    text = done.stdout
    wrong = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    return Asked(
        float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1]),  # type: ignore[index]
        _milliseconds(text, "50%"),
        _milliseconds(text, "99%"),
        int(wrong[1]) if wrong else 0,
    )


def _milliseconds(text: str, share: str) -> float:
    found = re.search(rf"{share}\s+([\d.]+)(us|ms|s)", text)
    assert found is not None
    return float(found[1]) * {"us": 1e-3, "ms": 1.0, "s": 1e3}[found[2]]


def _history_ms(port: int, key: str, calls: int) -> dict[str, float]:
    """`/score_history` of the sample's customer with about as many interactions, one by one."""
    import urllib.request

    counts = (
        "SELECT customer_id FROM interactions GROUP BY 1 "
        f"ORDER BY abs(count(*) - {HISTORY_ROWS}), 1 LIMIT 1"
    )
    body: dict[str, Any] = {"as_of": "2026-07-01"}
    with duckdb.connect() as sample:
        for name in ("customers", "interactions", "terms"):
            file = f"read_csv('{SAMPLE}/{name}.csv', all_varchar = true)"
            sample.execute(f"CREATE VIEW {name} AS FROM {file}")
        for name in ("customers", "interactions", "terms"):
            found = sample.sql(f"FROM {name} WHERE customer_id IN ({counts})").to_arrow_table()
            body[name] = [
                {column: cell for column, cell in row.items() if cell} for row in found.to_pylist()
            ]
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    url, content = f"http://127.0.0.1:{port}/score_history", json.dumps(body).encode()
    took = []
    for _ in range(calls):
        began = time.perf_counter()
        request = urllib.request.Request(url, content, headers)
        urllib.request.urlopen(request, timeout=60).read()  # noqa: S310
        took.append((time.perf_counter() - began) * 1e3)
    return {"p50": float(np.percentile(took, 50)), "p99": float(np.percentile(took, 99))}


def _own_mb(process: int) -> float:
    """Memory that is the process's own: mapped files are shared, and go when others need it."""
    status = Path(f"/proc/{process}/status").read_text()
    found = re.search(r"RssAnon:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) / 1024


def _free_port() -> int:
    import socket

    with socket.socket() as tried:
        tried.bind(("127.0.0.1", 0))
        port: int = tried.getsockname()[1]
        return port


if __name__ == "__main__":
    main()
