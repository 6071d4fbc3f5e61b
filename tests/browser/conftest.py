"""One browser for all tests of a module."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from tests.servers import web


# Not of a session: while it runs, no other test of the worker could run an event loop.
@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium; skipped, saying why, where there is none. CI must have one."""
    try:
        with web.browser() as found:
            yield found
    except web.Missing as missing:
        if os.environ.get("REQUIRE_SERVERS"):
            raise
        pytest.skip(str(missing))
