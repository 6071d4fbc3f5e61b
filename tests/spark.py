"""A real Spark session for tests, in local mode: two cores, and a task may fail three times.

And what tests have tasks do, which workers must be able to import.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models.errors import WarmlineError
from models.settings import Spark
from pipelines.features import matrix
from pipelines.spark.session import opened, require
from pipelines.walks import Rows
from tests.spec.features import table

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

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
