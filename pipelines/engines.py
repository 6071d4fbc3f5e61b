"""Engines by name, as the commands' `--engine` gives it. Spark is imported only when asked for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pipelines.walks import Engine, Local

if TYPE_CHECKING:
    from models.settings import Settings


@contextmanager
def running(name: str, settings: Settings) -> Iterator[Engine]:
    """The engine `local` or `spark`. Raises `WarmlineError` where Spark cannot run."""
    if name == "local":
        yield Local(settings.performance.threads)
        return
    from pipelines.spark.engine import Spark
    from pipelines.spark.session import opened

    on_one_machine = not settings.spark.remote and settings.spark.master.startswith("local")
    with opened(settings.spark) as session:
        # The home's own copy is there on this machine alone.
        yield Spark(session, "" if on_one_machine else settings.storage.history)
