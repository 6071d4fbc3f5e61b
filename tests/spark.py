"""A real Spark session for tests, in local mode: two cores, and a task may fail three times."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from models.errors import WarmlineError
from models.settings import Spark
from pipelines.spark.session import opened, require

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
