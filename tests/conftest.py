"""What all tests share: servers, started once a session and only when a test asks for them."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.servers import postgres


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.Server]:
    """A PostgreSQL server; skipped, saying why, where there is none. CI must have one."""
    try:
        with postgres.running() as server:
            yield server
    except postgres.Missing as missing:
        if os.environ.get("REQUIRE_SERVERS"):
            raise
        pytest.skip(str(missing))


@pytest.fixture
def postgres_url(postgres_server: postgres.Server) -> str:
    """The URL of an empty database."""
    return postgres_server.database()
