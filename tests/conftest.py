"""What all tests share, made once a session and only when a test asks: servers, a demo's home."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from tests import spark as spark_here
from tests.once import once
from tests.parts import part
from tests.servers import imap, postgres

# What is made up at random differs from run to run where people work, and is the same in CI, which
# must say the same of the same code.
settings.register_profile("same", derandomize=True)
if os.environ.get("REQUIRE_SERVERS"):
    settings.load_profile("same")

# Trains for minutes and wants no demo: meanwhile another worker makes the one that all others want.
FIRST = "integration/test_today_only.py"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """No worker waits where there is something else to do."""
    items.sort(key=lambda item: not item.path.match(FIRST))


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.Server]:
    """A PostgreSQL server; skipped, saying why, where there is none. CI must have one."""
    with part(postgres.running, postgres.Missing) as server:
        yield server


@pytest.fixture(scope="session")
def imap_server() -> Iterator[imap.Server]:
    """A Dovecot; skipped, saying why, where there is none. CI must have one."""
    with part(imap.running, imap.Missing) as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server: postgres.Server) -> str:
    """The URL of an empty database."""
    return postgres_server.database()


@pytest.fixture(scope="session")
def spark() -> Iterator[Any]:
    """A Spark session; skipped, saying why, where there can be none. CI must have one."""
    with part(spark_here.running, spark_here.Missing) as session:
        yield session


@pytest.fixture(scope="session")
def demo_made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `warmline demo` left (`home/`) and said (`said.json`), once for all workers.

    Tests work on copies of the home.
    """

    def make(folder: Path) -> Path:
        warmline = Path(sys.executable).with_name("warmline")
        command = [warmline, "demo", "--json", "--home", folder / "home"]
        done = subprocess.run(command, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()
        (folder / "said.json").write_bytes(done.stdout)
        return folder

    return once(tmp_path_factory, "demo", make)
