"""Parts that a test needs and a machine may lack: servers, a browser, Spark."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TypeVar

import pytest

T = TypeVar("T")


@contextmanager
def part(running: Callable[[], AbstractContextManager[T]], missing: type[Exception]) -> Iterator[T]:
    """What `running` starts; skipped, saying why, where it raises `missing`. CI must have it."""
    try:
        with running() as found:
            yield found
    except missing as why:
        if os.environ.get("REQUIRE_SERVERS"):
            raise
        pytest.skip(str(why))
