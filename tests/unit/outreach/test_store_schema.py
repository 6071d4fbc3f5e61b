"""The store's schema: made once, checked by every command, migrated whole."""

from __future__ import annotations

import multiprocessing
import sys
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from models.errors import SchemaTooNew, SchemaTooOld, WarmlineError
from outreach.store import tables
from outreach.store.database import FILE, Store
from outreach.store.migrations.upgrade import config, upgrade
from tests.unit.outreach.stores import NOW, rows

FORKED = multiprocessing.get_context("fork")


def open_together(url: str, root: Path, all_here: Any) -> None:
    all_here.wait()
    sys.exit(Store.open(url, root).schema() != tables.SCHEMA)


PRAGMAS = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")


def say(store: Store, schema: str) -> None:
    with store.begin() as tx:
        tx.execute(sa.text("UPDATE alembic_version SET version_num = :s"), {"s": schema})


def test_the_migrations_lead_to_the_tables_of_this_version(store: Store) -> None:
    with store.read() as tx:
        assert compare_metadata(MigrationContext.configure(tx), tables.metadata) == []
    assert ScriptDirectory.from_config(config()).get_heads() == [tables.SCHEMA]
    assert store.schema() == tables.SCHEMA


def test_a_fresh_store_opened_by_four_processes_at_once_is_made_once(
    tmp_path: Path, postgres_server
) -> None:
    all_here = FORKED.Barrier(8)
    openers = [
        FORKED.Process(target=open_together, args=(url, tmp_path, all_here))
        for url in ("", postgres_server.database())
        for _ in range(4)
    ]
    for one in openers:
        one.start()
    for one in openers:
        one.join()
    assert [one.exitcode for one in openers] == [0] * 8


def test_sqlite_writes_ahead_and_waits_for_the_disk(tmp_path: Path) -> None:
    store = Store.open("", tmp_path)
    with store.read() as tx:
        asked = {name: tx.exec_driver_sql(f"PRAGMA {name}").scalar() for name in PRAGMAS}
    assert asked == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1,
                     "busy_timeout": 60_000}  # fmt: skip
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600


def test_an_older_and_a_newer_store_are_refused_saying_what_to_do(tmp_path: Path) -> None:
    store = Store.open("", tmp_path)
    for schema, error, advice in (
        ("0000", SchemaTooOld, "run `warmline outreach migrate`"),
        ("9999", SchemaTooNew, "install that version"),
    ):
        say(store, schema)
        for opened in Store.open, Store.find:
            with pytest.raises(error, match=advice) as refused:
                opened("", tmp_path)
            assert "\n" not in str(refused.value)
    with pytest.raises(SchemaTooNew, match="9999"):
        store.migrate()


OLDER = [
    step.revision
    for step in ScriptDirectory.from_config(config()).walk_revisions()
    if step.revision != tables.SCHEMA
]


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
@pytest.mark.parametrize("schema", OLDER)
def test_an_older_store_with_rows_becomes_one_of_this_version(
    schema: str, database: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    postgres = database == "postgres"
    url = request.getfixturevalue("postgres_url") if postgres else ""
    (tmp_path / FILE).touch()
    store = Store.at(url, tmp_path)
    with store.begin() as tx:
        upgrade(tx, schema)
        tx.execute(tables.suppressions.insert().values(contact_point="p", reason="x", at=NOW))
        tx.execute(tables.stops.insert().values(by="ines", why="x", at=NOW))
    with pytest.raises(SchemaTooOld, match="warmline outreach migrate"):
        Store.open(url, tmp_path)
    assert (store.migrate(), store.schema()) == (schema, tables.SCHEMA)
    with store.read() as tx:
        assert compare_metadata(MigrationContext.configure(tx), tables.metadata) == []
    assert [len(rows(store, table)) for table in (tables.suppressions, tables.stops)] == [1, 1]
    store.engine.dispose()


def test_a_home_without_a_store_has_none_until_it_is_made(tmp_path: Path) -> None:
    assert Store.find("", tmp_path) is None
    assert not (tmp_path / FILE).exists()
    Store.open("", tmp_path)
    assert Store.find("", tmp_path) is not None


def test_what_fails_in_a_transaction_leaves_nothing(store: Store) -> None:
    def twice() -> None:
        with store.begin() as tx:
            for _ in range(2):
                tx.execute(sa.text("INSERT INTO close_reasons VALUES ('x', 'y')"))

    with pytest.raises(sa.exc.IntegrityError):
        twice()
    with store.read() as tx:
        assert tx.scalar(sa.text("SELECT count(*) FROM close_reasons WHERE name = 'x'")) == 0


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("mysql://u:secret@h/d", "neither postgresql://"),
        ("sqlite://", "neither postgresql://"),
        ("no url", "neither postgresql://"),
        ("postgresql://u:secret@127.0.0.1:1/d", "cannot be used"),
        ("sqlite:////no/such/folder/x.db", "no/such/folder"),
    ],
)
def test_a_database_that_cannot_be_used_is_told_without_its_password(
    url: str, told: str, tmp_path: Path
) -> None:
    with pytest.raises((WarmlineError, OSError), match=told) as refused:
        Store.open(url, tmp_path)
    assert "secret" not in str(refused.value)
    assert "\n" not in str(refused.value)
