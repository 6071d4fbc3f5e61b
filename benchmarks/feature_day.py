"""One more day into a large history: our ingest, and the least that any ingest has to do.

`python -m benchmarks.feature_day WAYS HOME OUT [RUNS]` prints
`{WAY: {"seconds": [...], "peak_mb": ...}}`.
The day has 0.3% as many rows as the history; of a hundredth as many, which came the day before, a
third is repeated, a third corrected and a third removed. `day` ingests it (checked, recognised,
coded, written, synced) into a copy of the history that has the day before. `bare` sorts and writes
the same rows by DuckDB, and reads the 64-bit ids of all earlier ones.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.harness import by_turns
from data_samples.fastrows import ids
from data_samples.rows import TOPICS
from models.contracts import CHANNELS, DAY, KINDS, SCORE_KINDS
from models.home import Home
from pipelines.history.events import Events
from pipelines.history.ingest import ingest
from pipelines.history.store import History

SHARE = 0.003  # a day's rows, of the history's
AGAIN = 0.01  # of a day's rows: repeated, corrected or removed
SOURCE = "app"  # the folder is the feed
THREADS = 2
RUNS = 4
FIRST = datetime(2026, 7, 1, tzinfo=UTC)  # the day after the history's last


def prepare(home: Home) -> None:
    """Writes both days beside the home's history and ingests the first, once."""
    place = _days(home.root)
    if (place / "home").exists():
        return
    history = History.open(home.history)
    rng = np.random.default_rng(3)
    wanted = round(history.rows * SHARE)
    first = _day(history, rng, wanted, 0, FIRST)
    second = _day(history, rng, wanted, 1, FIRST + timedelta(days=1))
    again = first.take(pa.array(rng.permutation(len(first))[: round(wanted * AGAIN)]))
    third = len(again) // 3
    corrected = again.slice(third, third)
    value = pc.add(pc.fill_null(corrected["value"], 0.0), 1.0)
    removed = again.slice(2 * third)
    moments = [FIRST + timedelta(days=1)] * len(removed)
    later = pa.array(moments, pa.timestamp("ms", "UTC"))
    removed = removed.append_column("deleted_at", later)
    corrected = corrected.set_column(corrected.schema.get_field_index("value"), "value", value)
    corrected = corrected.append_column("updated_at", later.slice(0, third))
    pieces = [second, again.slice(0, third), corrected, removed]
    whole = pa.concat_tables(pieces, promote_options="permissive")
    for name, rows in (("first", first), ("second", whole)):
        (place / name / SOURCE).mkdir(parents=True)
        pq.write_table(rows, place / name / SOURCE / "interactions.parquet")
    shutil.copytree(home.root, place / "home", copy_function=os.link)
    _ingest(Home(place / "home"), place / "first" / SOURCE, FIRST)


def _days(root: Path) -> Path:
    return root.parent / f"{root.name}-one-day"


def _day(
    history: History, rng: np.random.Generator, wanted: int, number: int, day: datetime
) -> pa.Table:
    """Rows of the last days of the history told again as of `day`, about `wanted`."""
    assert history.span is not None
    since = history.span[1] - 4 * DAY
    pieces = []
    for bucket in range(history.buckets):
        events = history.versions(bucket)
        recent = np.flatnonzero(events.at > since)
        many = min(len(recent), wanted // history.buckets)
        pieces.append(events.take(np.sort(rng.choice(recent, many, replace=False))))
    events = Events.concatenate(pieces)
    at = int(day.timestamp()) + rng.integers(0, DAY, len(events))
    return _told(events, at, (number + 1) * 10**9)


def _told(events: Events, at: np.ndarray, first_id: int) -> pa.Table:
    """Coded rows in the contract's columns, with ids from `first_id` on."""
    agents = [f"a-{code:05d}" for code in range(int(events.agent.max(initial=-1)) + 1)]

    def words(codes: np.ndarray, said: object) -> pa.Array:
        return pa.array(said).take(pa.array(codes, mask=codes < 0))

    def numbers(values: np.ndarray) -> pa.Array:
        return pa.array(values, mask=np.isnan(values))

    case = events.customer.astype(np.int64) * 1_000 + events.case
    cases = pc.if_else(pa.array(events.case >= 0), ids("k", case), None)
    return pa.table(
        {
            "interaction_id": ids("j", first_id + np.arange(len(events))),
            "customer_id": ids("C", events.customer.astype(np.int64)),
            "occurred_at": pa.array(at * 1_000).cast(pa.timestamp("ms", "UTC")),
            "kind": words(events.kind, KINDS),
            "channel": words(events.channel, CHANNELS),
            "case_id": cases,
            "agent_id": words(events.agent, agents),
            "topic": words(events.topic, TOPICS),
            "value": numbers(events.value),
            "wait_seconds": numbers(events.wait),
            "score": numbers(events.score),
            "score_kind": words(events.score_kind, SCORE_KINDS),
        }
    )


def _ingest(home: Home, source: Path, night: datetime) -> None:
    now = night + timedelta(days=1, hours=5)
    report = ingest(home.history, source, now=now, threads=THREADS)
    assert report.tables["interactions"].rejected == 0
    assert report.tables["interactions"].corrected > 0 or night == FIRST


def run_day(home: Home, out: Path) -> float:
    """Seconds of the second day's ingest, into a copy of the history that has the first."""
    place = _days(home.root)
    copy = out / "copy"
    shutil.copytree(place / "home", copy, copy_function=os.link)
    started = time.perf_counter()
    _ingest(Home(copy), place / "second" / SOURCE, FIRST + timedelta(days=1))
    seconds = time.perf_counter() - started
    shutil.rmtree(copy)
    return seconds


def run_bare(home: Home, out: Path) -> float:
    """Seconds of a sort, a write and a scan of ids by DuckDB."""
    place = _days(home.root)
    history = History.open(Home(place / "home").history)
    sides = ", ".join(f"'{history.folder / part.side.path}'" for part in history.manifest.parts)
    day = f"read_parquet('{place / 'second' / SOURCE / 'interactions.parquet'}')"
    started = time.perf_counter()
    with duckdb.connect() as connection:
        connection.execute(f"SET threads = {THREADS}")
        connection.execute(
            f"COPY (SELECT * FROM {day} ORDER BY customer_id, occurred_at) "
            f"TO '{out / 'day.parquet'}' (FORMAT parquet)"
        )
        connection.execute(f"SELECT bit_xor(key) FROM read_parquet([{sides}])").fetchall()
    return time.perf_counter() - started


WAYS = {"day": run_day, "bare_day": run_bare}


def main(names: list[str], home: Home, out: Path, runs: int = RUNS) -> None:
    prepare(home)
    for name in names:
        (out / name).mkdir(parents=True, exist_ok=True)
    ways = {name: partial(WAYS[name], home, out / name) for name in names}
    print(json.dumps(by_turns(ways, dict.fromkeys(names, runs))))


if __name__ == "__main__":
    main(
        sys.argv[1].split(","), Home(Path(sys.argv[2])), Path(sys.argv[3]), *map(int, sys.argv[4:])
    )
