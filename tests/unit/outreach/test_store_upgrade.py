"""A store of an earlier version, with rows, comes to this one and keeps them."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from outreach.store import tables
from outreach.store.database import Store
from outreach.store.migrations.upgrade import upgrade

FIRST = """
INSERT INTO messages (id, customer_id, unit, channel, playbook, purpose, transactional, state,
    next_try_at, attempts, redirected, created_at, updated_at)
VALUES ('m1', 'acme', 'acme', 'email', 'check-in', 'service', {no}, 'queued',
    '2026-07-01 08:00:00.000000', 0, {no}, '2026-07-01 08:00:00.000000',
    '2026-07-01 08:00:00.000000')
"""


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_store_of_the_first_schema_keeps_its_rows(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue("postgres_server").database() if kind == "postgres" else ""
    store = Store.at(url, tmp_path)
    Path(tmp_path / "outreach.db").touch()
    with store.begin() as tx:
        upgrade(tx, "0001")
        tx.execute(sa.text(FIRST.format(no="false" if kind == "postgres" else 0)))
    assert store.migrate() == "0001"
    with Store.open(url, tmp_path).read() as tx:
        assert compare_metadata(MigrationContext.configure(tx), tables.metadata) == []
        assert list(tx.scalars(sa.select(tables.messages.c.state))) == ["queued"]
    store.engine.dispose()
