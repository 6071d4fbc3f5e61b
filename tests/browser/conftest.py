"""One browser for all tests of a module."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.parts import part
from tests.servers import web


# Not of a session: while it runs, no other test of the worker could run an event loop.
@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium; skipped, saying why, where there is none. CI must have one."""
    with part(web.browser, web.Missing) as found:
        yield found
