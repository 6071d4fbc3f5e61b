"""Spark against this machine: the same figures, and what each stage costs an interaction.

`make bench-spark`: 5 million interactions of 50,000 customers from the simulator's fast path, as a
lake of Parquet tables and, ingested, as our history. Every feature of one night by this machine, by
Spark over our history and by Spark over the lake, in local mode on two cores. Stages are measured
one on top of the other: what a stage costs is its way's time less that of the way before. Core
seconds are processor time, of Spark's tasks (its event log) and of its Python workers, so that what
else the machine does is not in them. `ARGS=--quick`: a tenth.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.feature_peers import NIGHT
from benchmarks.harness import Bar, Report, must, warmline, workplace
from data_samples.fastpath import FastSettings, write_fast
from models.home import Home
from models.settings import Settings, SparkTable
from models.settings import Spark as Asked
from pipelines.features import matrix, reference
from pipelines.history.events import Events
from pipelines.history.store import History
from pipelines.spark.engine import Spark
from pipelines.spark.session import opened
from pipelines.spark.tables import Tables
from pipelines.trainingset import as_they_are
from pipelines.walks import Engine, Local, Rows, Walk, Wanted

WHOLE = FastSettings(customers=50_000, interactions=5_000_000)
QUICK = FastSettings(customers=5_000, interactions=500_000)
CORES = 2
WAYS = {
    "local": "this machine, all features",
    "own_first": "Spark, our history, first walk of a session",
    "own_scan": "Spark, our history: read",
    "own_pass": "Spark, our history: read and computed",
    "lake_scan": "Spark, a lake: scanned",
    "lake_shuffle": "Spark, a lake: shuffled and sorted, too",
    "lake_code": "Spark, a lake: coded as an ingest does, too",
    "lake_pass": "Spark, a lake: computed, too",
}


@dataclass(frozen=True)
class Said:
    """What a task returns of a block: how many rows; and of its process the number, peak memory in
    MB and processor seconds so far."""

    rows: int
    process: int
    peak_mb: float
    seconds: float


@dataclass(frozen=True)
class Counted:
    """Of rows of the matrix, or of a bucket's interactions, no more than their number."""

    def __call__(self, some: Rows | Events) -> Said:
        many = len(some.customers) if isinstance(some, Rows) else len(some)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        return Said(many, os.getpid(), peak, self.used())

    @staticmethod
    def used() -> float:
        """Processor seconds of this process so far."""
        now = resource.getrusage(resource.RUSAGE_SELF)
        return now.ru_utime + now.ru_stime


@dataclass
class Way:
    """One way, as measured."""

    seconds: float
    began: float
    ended: float
    peak_mb: float = 0.0
    core_seconds: float = 0.0
    shuffle_bytes: int = 0
    input_bytes: int = 0


@dataclass
class Bench:
    """The ways that were measured so far."""

    log: Path
    used: dict[int, float] = field(default_factory=dict)  # processor seconds, by process
    ways: dict[str, Way] = field(default_factory=dict)

    def run(self, name: str, work: Callable[[], list[Said]]) -> None:
        self.used[os.getpid()] = Counted.used()
        began = time.time()
        said = work()
        ended = time.time()
        peak = max((one.peak_mb for one in said), default=0.0)
        way = self.ways[name] = Way(ended - began, began, ended, peak)
        for process in {one.process for one in said}:
            used = max(one.seconds for one in said if one.process == process)
            way.core_seconds += used - self.used.get(process, 0.0)
            self.used[process] = used

    def read_log(self) -> None:
        """Adds what Spark's event log tells of the tasks of each way."""
        for path in self.log.rglob("*"):
            if path.is_file():
                for line in path.read_text(encoding="utf-8").splitlines():
                    event = json.loads(line) if line.startswith("{") else {}
                    if event.get("Event") == "SparkListenerTaskEnd":
                        self._add(event)

    def _add(self, event: dict[str, Any]) -> None:
        at, told = event["Task Info"]["Launch Time"] / 1000, event.get("Task Metrics")
        for way in self.ways.values():
            if told and way.began <= at <= way.ended:
                way.core_seconds += told["Executor CPU Time"] / 1e9
                way.shuffle_bytes += told["Shuffle Write Metrics"]["Shuffle Bytes Written"]
                way.input_bytes += told["Input Metrics"]["Bytes Read"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="500,000 interactions")
    parser.add_argument("--keep", type=Path, help="a folder to make the tables in, or find them")
    asked = parser.parse_args()
    with workplace(asked.keep) as place:
        _compare(place, asked.quick)


def _compare(place: Path, quick: bool) -> None:
    size = QUICK if quick else WHOLE
    history = _ingested(place, size)
    settings = Settings(spark=_asked(place))
    with _logged(place) as log, opened(settings.spark) as session:
        bench = Bench(log)
        own = Spark(session)
        seen = int(datetime.fromisoformat(history.manifest.ingested_at).timestamp())
        lake = Tables(session, settings, seen)
        equal = _measure(bench, history, own, lake, settings)
    bench.read_log()
    _report(bench, history, place / "lake", size, equal, quick)


def _ingested(place: Path, size: FastSettings) -> History:
    """The lake, and a home with the same rows ingested; what is there already is used."""
    home = Home(place / "home")
    if not home.history.exists():
        write_fast(place / "lake", size)
        must(warmline(home.root, "init"))
        must(warmline(home.root, "ingest", str(place / "lake")))
    return History.open(home.history)


def _asked(place: Path) -> Asked:
    tables = {
        name: SparkTable(path=str(place / "lake" / path))
        for name, path in (
            ("customers", "customers.parquet"), ("terms", "terms.parquet"),
            ("agents", "agents.parquet"), ("interactions", "interactions"),
        )
    }  # fmt: skip
    config = {
        "spark.eventLog.enabled": "true",
        "spark.eventLog.dir": (place / "log").as_uri(),
        "spark.eventLog.compress": "false",
        "spark.driver.memory": "2g",
    }
    return Asked(master=f"local[{CORES}]", config=config, tables=tables)


@contextmanager
def _logged(place: Path) -> Iterator[Path]:
    """An empty folder for the event log."""
    log = place / "log"
    shutil.rmtree(log, ignore_errors=True)
    log.mkdir()
    yield log


def _walk(engine: Engine, history: History, settings: Settings) -> Walk:
    """Every customer's row of one night."""
    shape = (1, len(history.people()))
    wanted = Wanted(np.ones(shape, np.bool_), np.ones(shape, np.bool_), 365)
    return Walk(history, [NIGHT], engine.context(history, settings, [NIGHT]), wanted)


def _values(engine: Engine, walk: Walk) -> NDArray[np.float64]:
    values = np.full((walk.wanted.usable.shape[1], len(walk.context.features)), -1.0)
    for rows, _ in engine.walk(walk, as_they_are):
        values[rows.customers] = rows.values
    return values


def _measure(
    bench: Bench, history: History, own: Spark, lake: Tables, settings: Settings
) -> dict[str, bool]:
    """Runs every way; tells which of Spark's figures are this machine's."""

    def all_of(engine: Engine, walk: Walk) -> Callable[[], list[Said]]:
        return lambda: [said for said, _ in engine.walk(walk, Counted())]

    here = Local(CORES)
    ours = _walk(here, history, settings)
    theirs = _walk(lake, lake.history(Path(), ()), settings)
    figures = _values(here, ours)  # compiles, and brings the files into memory
    bench.run("local", all_of(here, ours))
    bench.run("own_first", all_of(own, ours))
    bench.run("own_scan", lambda: list(own.buckets(history, Counted())))
    bench.run("own_pass", all_of(own, ours))
    bench.run("lake_scan", lambda: _written(lake.interactions))
    bench.run("lake_shuffle", lambda: _written(lake.dealt(theirs)))
    bench.run("lake_code", lambda: list(lake.buckets(theirs.history, Counted())))
    bench.run("lake_pass", all_of(lake, theirs))
    order = np.argsort(history.words("customer"), kind="stable")
    return {
        "our history": _close(_values(own, ours), figures),
        # A lake's customers are numbered in the order of their ids.
        "a lake": _close(_values(lake, theirs), figures[order]),
    }


def _written(frame: Any) -> list[Said]:
    """Every row and column of a frame is made, and goes nowhere."""
    frame.write.format("noop").mode("overwrite").save()
    return []


def _close(ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> bool:
    at_most = reference.TOLERANCE
    return bool(np.allclose(ours, theirs, rtol=at_most, atol=at_most, equal_nan=True))


def _report(
    bench: Bench,
    history: History,
    lake: Path,
    size: FastSettings,
    equal: dict[str, bool],
    quick: bool,
) -> None:
    rows, ways = history.rows, bench.ways
    report = Report("spark", quick)
    report.bars = [
        Bar(f"equal to this machine: {what}", float(ok), "= 1", ok) for what, ok in equal.items()
    ]
    stored = sum(part.coded.bytes for part in history.manifest.parts)
    in_lake = sum(file.stat().st_size for file in (lake / "interactions").rglob("*.parquet"))
    before = {"own_pass": "own_scan"} | dict(
        zip(("lake_shuffle", "lake_code", "lake_pass"), list(WAYS)[4:], strict=False)
    )
    stages = {
        name: (way.core_seconds - ways[before[name]].core_seconds if name in before
               else way.core_seconds) / rows * 1e9
        for name, way in ways.items() if name not in ("local", "own_first")
    }  # fmt: skip
    report.figures = {
        "events": rows,
        "customers": size.customers,
        "features": len(matrix.features()),
        "made_at": datetime.now(UTC),
        "bytes_a_row_stored": stored / rows,
        "bytes_a_row_lake": in_lake / rows,
        "bytes_a_row_shuffled": ways["lake_shuffle"].shuffle_bytes / rows,
        "core_ns_a_row": stages,
        "seconds": {name: way.seconds for name, way in ways.items()},
        "core_seconds": {name: way.core_seconds for name, way in ways.items()},
        "worker_peak_mb": {name: way.peak_mb for name, way in ways.items() if way.peak_mb},
        "equal": equal,
    }
    report.print(
        ("what", "seconds", "core seconds", "core ns a row, this stage", "worker peak MB"),
        [
            [WAYS[name], way.seconds, way.core_seconds, stages.get(name), way.peak_mb or None]
            for name, way in ways.items()
        ],
    )


if __name__ == "__main__":
    from benchmarks import spark

    spark.main()  # of the module by its name: tasks send back what they can name
