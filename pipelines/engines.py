"""Engines by name, as the commands' `--engine` gives it. Spark is imported only when asked for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

from pipelines.walks import Engine, Local

if TYPE_CHECKING:
    from models.settings import Settings


@contextmanager
def running(name: str, settings: Settings, now: datetime) -> Iterator[Engine]:
    """The engine `local` or `spark`; `now` (UTC) is when tables of the company's own are read.

    Raises `WarmlineError` where Spark cannot run.
    """
    if name == "local":
        yield Local(settings.performance.threads)
        return
    from pipelines.spark.engine import Spark
    from pipelines.spark.session import opened
    from pipelines.spark.tables import Tables

    asked = settings.spark
    on_one_machine = not asked.remote and asked.master.startswith("local")
    with opened(asked) as session:
        if asked.tables or asked.mapping:
            yield Tables(session, settings, int(now.timestamp()))
        else:
            # The home's own copy is there on this machine alone.
            yield Spark(session, "" if on_one_machine else settings.storage.history)
