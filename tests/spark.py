"""A real Spark session for tests, in local mode: two cores, and a task may fail three times; and a
Spark Connect server of a process of its own.

And what tests have tasks do, which workers must be able to import.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models.errors import WarmlineError
from models.settings import Settings, Spark
from pipelines.features import matrix, reference
from pipelines.history.store import History
from pipelines.spark.session import ON_ONE_MACHINE, opened, require
from pipelines.trainingset import as_they_are
from pipelines.walks import Engine, Rows, Walk, Wanted
from tests.spec.features import table

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

STARTS_WITHIN = 120  # seconds, of a busy machine
ASKED = Spark(master="local[2,4]", config={"spark.sql.shuffle.partitions": "4"})


class Missing(Exception):
    """Spark or its Java is not here."""


@contextmanager
def running() -> Iterator[SparkSession]:
    """One session. Raises `Missing` saying what to install."""
    try:
        require(ASKED)
    except WarmlineError as error:
        raise Missing(str(error)) from error
    with opened(ASKED) as session:
        yield session


@contextmanager
def serving(log: Path) -> Iterator[str]:
    """The address of a Spark Connect server on this machine, which writes `log`. Raises `Missing`
    as `running`."""
    try:
        require(ASKED)
    except WarmlineError as error:
        raise Missing(str(error)) from error
    import pyspark

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    asked = ON_ONE_MACHINE | {
        "spark.connect.grpc.binding.address": "127.0.0.1",
        "spark.connect.grpc.binding.port": port,
        "spark.ui.enabled": "false",
    }
    command = [
        str(Path(pyspark.__file__).parent / "bin" / "spark-submit"),
        *("--class", "org.apache.spark.sql.connect.service.SparkConnectServer"),
        *("--master", "local[2]"),
        *(word for key, value in asked.items() for word in ("--conf", f"{key}={value}")),
        "spark-internal",
    ]
    environment = os.environ | {"PYSPARK_PYTHON": sys.executable}
    with log.open("wb") as said:
        server = subprocess.Popen(command, stdout=said, stderr=said, env=environment)
    try:
        until = time.monotonic() + STARTS_WITHIN
        while not _answers(port):
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.2)
        yield f"sc://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def assert_close(ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> None:
    np.testing.assert_allclose(
        ours, theirs, rtol=reference.TOLERANCE, atol=reference.TOLERANCE, equal_nan=True
    )


def everyone(history: History, nights: list[matrix.Night], settings: Settings) -> Walk:
    """A walk that wants every customer's row of every night."""
    shape = (len(nights), len(history.people()))
    wanted = Wanted(np.ones(shape, np.bool_), np.ones(shape, np.bool_), 365)
    return Walk(history, nights, matrix.context(history, settings, nights), wanted)


def rows_of(engine: Engine, walk: Walk) -> NDArray[np.float64]:
    """[nights, customers, features]"""
    shape = (*walk.wanted.usable.shape, len(walk.context.features))
    values = np.full(shape, -1.0)
    for rows, _ in engine.walk(walk, as_they_are):
        values[rows.night, rows.customers] = rows.values
    assert not (values == -1).all(axis=2).any()
    return values


@dataclass(frozen=True)
class KilledOnce:
    """Kills the process it runs in, the first time it is called anywhere."""

    place: str

    def __call__(self, rows: Rows) -> int:
        try:
            os.close(os.open(self.place, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return len(rows.customers)
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("still here")


@dataclass(frozen=True)
class Fails:
    def __call__(self, rows: Rows) -> int:
        raise WarmlineError("this row is one too many.")


@dataclass(frozen=True)
class Computed:
    """Computes one spec in a task."""

    def __call__(self, example: table.Example) -> Iterator[tuple[str, NDArray[np.float64]]]:
        yield example.title, table.of_events(matrix.compute)(example)
