"""A night's scores into a CRM: a first push, one of which a tenth has changed, one of nothing.

`warmline push` against the local server that speaks HubSpot's API, which waits before each answer
as a distant one would, against the peer that many integrations are: one call a changed record on
one kept connection. With `--salesforce` by jobs of the Bulk API, with `--customers 1000000` alone
what is due of a million.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.harness import Bar, Measured, Report, warmline, workplace
from models.batch import BatchWriter, ScoreBatch, publish
from models.contracts import score_schema
from models.home import Home, create
from models.settings_outreach import Crm
from outreach.channels.http import Caller
from outreach.push import fields
from outreach.push.target import naming_of
from tests.servers import crm

LATENCY = 0.1  # seconds a call; HubSpot's batches of 100 take longer than its single records
CHANGED = 0.1
NIGHT = date(2026, 7, 1)
NAMED = Crm(kind="hubspot")


@dataclass(frozen=True)
class Load:
    """Customers, and how many records the peer writes."""

    customers: int
    peer: int


FULL, QUICK = Load(100_000, 2_000), Load(20_000, 100)


def scores(customers: int, changed: float, night: date) -> pa.Table:
    """A night's scores; of so many the band and the probability are others than usual."""
    draw = np.random.default_rng(7)
    risk = draw.random(customers).round(4)
    values = draw.random(customers) * 1_000
    other = np.random.default_rng(night.toordinal()).random(customers) < changed
    risk = np.where(other, (risk + 0.3) % 1, risk)
    at = datetime(night.year, night.month, night.day, 6, tzinfo=UTC)
    told = [{"feature": "gap", "system": "S4", "words": "no order for 40 days, usual are 12",
             "direction": "raises", "weight": 1.0}] * 3  # fmt: skip
    columns: dict[str, Any] = {
        "customer_id": [f"C{number:07d}" for number in range(customers)],
        "as_of": [at] * customers, "horizon_days": [90] * customers, "churn_probability": risk,
        "band": np.where(risk > 0.7, "high", "low"), "percentile": risk * 100,
        "value_at_risk": values * risk, "silent": risk > 0.5,
        "reasons": [told if number % 20 == 0 else None for number in range(customers)],
        "scored_at": [at] * customers, "expires_at": [at + timedelta(days=2)] * customers,
    }  # fmt: skip
    schema = score_schema()
    arrays = [
        pa.array(columns[f.name], f.type) if f.name in columns else pa.nulls(customers, f.type)
        for f in schema
    ]
    return pa.table(arrays, schema=schema)


def publish_night(home: Home, customers: int, changed: float, days: int) -> None:
    """Scores so many days after the first night."""
    night = NIGHT + timedelta(days=days)
    facts = {"feature_names": [], "code_version": "", "model_version": "1", "watermarks": {}}
    with BatchWriter(home.scores, night, "bench") as writer:
        whole = scores(customers, changed, night)
        for start in range(0, customers, 200_000):
            writer.add(whole.slice(start, 200_000))
        writer.finish(facts | {"checks": []})
    publish(home.scores, night, "bench")


def serve(customers: int, ours: Connection) -> None:
    """The CRM in a process of its own; tells how many calls and records it has had when asked."""
    with crm.running() as cloud:
        cloud.latency = LATENCY
        for object_ in ("companies", "Account"):
            cloud.of(object_).update({f"C{number:07d}": {} for number in range(customers)})
        ours.send(cloud.url)
        while ours.recv():
            ours.send((len(cloud.calls), sum(inputs for _, _, inputs in cloud.calls)))
            cloud.calls.clear()


@contextmanager
def running(customers: int) -> Iterator[Connection]:
    """The server's end of a pipe; its URL comes first."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(customers, theirs))
    process.start()
    try:
        yield ours
    finally:
        ours.send(None)
        process.join()


def make_home(root: Path, url: str, kind: str = "hubspot") -> Home:
    home, _ = create(root)
    home.config.write_text(
        f'[crm]\nkind = "{kind}"\ntoken = "right"\nurl = "{url}"\nallow_private = true\n'
        'client_id = "id"\nclient_secret = "secret"\nper_second = 18.0\nrefresh_days = 365\n',
        encoding="utf-8",
    )
    return home


def one_by_one(home: Home, url: str, most: int) -> float:
    """Seconds that the peer takes for `most` records: each its call."""
    naming = naming_of(NAMED)
    batch = ScoreBatch.latest(home.scores)
    rows = next(fields.chunks(batch, naming)).slice(0, most)
    caller = Caller(url, timeout=30, allow_private=True)
    headers = {"Authorization": "Bearer right", "Content-Type": "application/json"}
    started = time.perf_counter()
    for record in fields.records(rows, naming, as_of=batch.as_of, refresh_days=7):
        body = json.dumps({"properties": record.fields}, default=str).encode()
        answer = caller.call("PATCH", f"/crm/v3/objects/companies/{record.key}", body, headers)
        assert answer.ok, answer.status
    return time.perf_counter() - started


def nights(home: Home, customers: int, server: Connection) -> list[tuple[Any, ...]]:
    """The table's rows: what went, calls, seconds, memory."""
    shown: list[tuple[Any, ...]] = []
    each = ("first night", 0.0), ("a tenth changed", CHANGED), ("the same again", None)
    for days, (name, changed) in enumerate(each):
        if changed is not None:
            publish_night(home, customers, changed, days)
        done = warmline(home.root, "push")
        assert done.code == 0, done.stderr
        server.send(1)
        calls, records = server.recv()
        assert records in (0, done.facts["sent"]), (records, done.facts)  # 0: they went as jobs
        shown.append((name, done.facts["sent"], calls, done.seconds, done.peak_mb))
    return shown


def by_jobs(load: Load, root: Path, report: Report) -> list[tuple[Any, ...]]:
    """The same into Salesforce, by its Bulk API."""
    with running(load.customers) as server:
        home = make_home(root, server.recv(), "salesforce")
        shown = nights(home, load.customers, server)
    report.bars.append(Bar("sent twice", float(shown[2][1]), "0", shown[2][1] == 0))
    return shown


def pushes(load: Load, root: Path, report: Report) -> list[tuple[Any, ...]]:
    """Into HubSpot, and what the peer takes."""
    with running(load.customers) as server:
        url = server.recv()
        home = make_home(root, url)
        shown = nights(home, load.customers, server)
        took = one_by_one(home, url, load.peer)
        server.send(1)
        calls, _ = server.recv()
        shown.append((f"one call a record: {load.peer:,}", load.peer, calls, took, None))
    changed_row = shown[1]
    peer = took / load.peer * changed_row[1]
    report.bars += [
        Bar("sent twice", float(shown[2][1]), "0", shown[2][1] == 0),
        Bar("calls for what has changed", float(changed_row[2]), "one for a hundred",
            changed_row[2] == -(-changed_row[1] // 100)),
        Bar("times faster than one call a record", peer / changed_row[3], ">= 10",
            peer / changed_row[3] >= 10),
    ]  # fmt: skip
    report.figures["peer_seconds_for_the_changed"] = peer
    return shown


def worked_out(customers: int, root: Path, report: Report) -> list[tuple[Any, ...]]:
    """What is due of so many, of whom the CRM knows all."""
    home = make_home(root, "http://127.0.0.1:1")
    publish_night(home, customers, 0.0, 0)
    took = remember(home, customers)
    publish_night(home, customers, CHANGED, 1)
    done: Measured = warmline(home.root, "push", "--dry-run")
    assert done.code == 0, done.stderr
    size = (home.root / "outreach.db").stat().st_size / 1e6
    report.bars += [
        Bar(f"what is due of {customers:,}, seconds", done.seconds, "<= 30", done.seconds <= 30),
        Bar("the same, MB", done.peak_mb, "<= 1,000", done.peak_mb <= 1_000),
    ]
    report.figures |= {"remember_seconds": took, "store_mb": size, "due": done.facts["due"]}
    return [("what is due", done.facts["due"], 0, done.seconds, done.peak_mb)]


def remember(home: Home, customers: int) -> float:
    """Seconds in which all answers go on record, 100 a transaction."""
    from outreach.channels import Sent
    from outreach.push import memory
    from outreach.store.database import Store

    store = Store.open("", home.root)
    key = home.secret_key()
    started = time.perf_counter()
    for rows in fields.chunks(ScoreBatch.latest(home.scores), naming_of(NAMED)):
        names = rows["customer_id"].to_pylist()
        told = dict(zip(names, fields.digests(rows, naming_of(NAMED), key).tolist(), strict=True))
        for start in range(0, len(names), 100):
            fates = {name: Sent() for name in names[start : start + 100]}
            memory.answered(store, told, dict(fates), NIGHT.toordinal())
    store.engine.dispose()
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--customers", type=int, help="only what is due of so many")
    parser.add_argument("--salesforce", action="store_true", help="by its Bulk API, not HubSpot")
    options = parser.parse_args()
    report = Report("push", options.quick)
    with workplace() as place:
        load, home = QUICK if options.quick else FULL, place / "home"
        if options.customers:
            rows = worked_out(options.customers, home, report)
        else:
            rows = (by_jobs if options.salesforce else pushes)(load, home, report)
    report.print(("push", "records", "calls", "seconds", "MB"), rows)


if __name__ == "__main__":
    main()
