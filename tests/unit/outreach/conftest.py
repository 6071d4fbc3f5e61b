"""Each test of the store runs on SQLite and on Postgres."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from outreach.store.database import FILE, Store
from outreach.store.tables import metadata


@pytest.fixture(scope="session")
def postgres_store(postgres_server) -> Iterator[Store]:
    """One store in Postgres for all tests of a worker; each finds it empty."""
    store = Store.open(postgres_server.database(), Path())
    yield store
    store.engine.dispose()


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest) -> Store:
    """An empty store."""
    found: Store = request.getfixturevalue(f"empty_{request.param}")
    return found


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file of an empty store: making one takes 80 ms."""
    folder = tmp_path_factory.mktemp("store")
    Store.open("", folder).engine.dispose()
    return folder / FILE


@pytest.fixture
def empty_sqlite(migrated: Path, tmp_path: Path) -> Iterator[Store]:
    """One in a file of its own."""
    shutil.copy(migrated, tmp_path / FILE)
    found = Store.open("", tmp_path)
    yield found
    found.engine.dispose()


@pytest.fixture
def empty_postgres(postgres_store: Store) -> Store:
    """The one in Postgres, emptied."""
    with postgres_store.begin() as tx:
        for table in reversed(metadata.sorted_tables):
            if table.name != "close_reasons":
                tx.execute(table.delete())
    return postgres_store
