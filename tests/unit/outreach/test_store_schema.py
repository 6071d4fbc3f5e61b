"""The store's schema: made once, checked by every command, migrated whole."""

from __future__ import annotations

import multiprocessing
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from models.errors import SchemaTooNew, SchemaTooOld, WarmlineError
from outreach.channels import Sent
from outreach.contact_point import keyed
from outreach.outbox.claim import Allowed, Claimed, claim
from outreach.outbox.settle import Retries, settle
from outreach.store import items, permissions, tables
from outreach.store.database import FILE, Store
from outreach.store.migrations.upgrade import config, upgrade
from outreach.store.recording import record
from tests.unit.outreach.stores import (
    KEY,
    NIGHT,
    NOW,
    filled,
    later,
    planned,
    rows,
    states,
    words,
)

LIVE = Allowed(live=True, lease=timedelta(minutes=10), stale=timedelta(days=7))
RETRIES = Retries(3, timedelta(minutes=1), draw=lambda: 1.0)
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


def at_work(folder: Path) -> Store:
    """A store in which a letter went and was answered, one waits, and one was refused."""
    folder.mkdir()
    store = Store.open("", folder)
    filled(store, "acme", "bolt", "calm")
    taken = claim(store, "email", LIVE, sender="s", now=NOW)
    assert isinstance(taken, Claimed)
    settle(store, taken, Sent("r"), RETRIES, now=NOW)
    point = keyed(KEY, "email", "calm@example.org")
    permissions.suppress(store, by="ines", now=NOW, contact_point=point, reason="manual")
    items.snooze(store, by="ines", now=NOW, item=2, until=later(days=30), why="x")
    permissions.override(
        store, by="ines", now=NOW, customer_id="dune", until=later(days=30), why="x"
    )
    return store


def carry(store: Store, tx: sa.Connection) -> dict[str, int]:
    """What a store of an older schema would hold of `store`; rows by table. Numbers are given anew,
    so that the next one is free."""
    inspector, many = sa.inspect(tx), {}
    for table in tables.metadata.sorted_tables:
        if not inspector.has_table(table.name) or table.name == "close_reasons":
            continue
        known = {column["name"] for column in inspector.get_columns(table.name)}
        kept = [column for column in table.columns
                if column.name in known and column is not table.autoincrement_column]  # fmt: skip
        with store.read() as there:
            order = table.primary_key.columns
            found = [dict(row._mapping) for row in there.execute(sa.select(*kept).order_by(*order))]
        if found:
            tx.execute(table.insert(), found)
            many[table.name] = len(found)
    return many


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
@pytest.mark.parametrize("schema", OLDER)
def test_an_older_store_goes_on_where_it_was(
    schema: str, database: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    postgres = database == "postgres"
    url = request.getfixturevalue("postgres_url") if postgres else ""
    (tmp_path / FILE).touch()
    store = Store.at(url, tmp_path)
    with store.begin() as tx:
        upgrade(tx, schema)
        carried = carry(at_work(tmp_path / "new"), tx)
    with pytest.raises(SchemaTooOld, match="warmline outreach migrate"):
        Store.open(url, tmp_path)
    assert (store.migrate(), store.schema()) == (schema, tables.SCHEMA)
    with store.read() as tx:
        assert compare_metadata(MigrationContext.configure(tx), tables.metadata) == []
    now = {name: len(rows(store, tables.metadata.tables[name])) for name in carried}
    assert now == carried
    assert {"decisions", "work_items", "messages", "suppressions", "audit"} <= carried.keys()

    assert states(store) == {"acme": "sent", "bolt": "queued", "calm": "queued"}
    taken = claim(store, "email", LIVE, sender="s", now=later(minutes=1))
    assert isinstance(taken, Claimed)
    assert taken.row.customer_id == "bolt"
    settle(store, taken, Sent("r"), RETRIES, now=later(minutes=1))
    assert claim(store, "email", LIVE, sender="s", now=later(minutes=2)) is None
    assert states(store) == {"acme": "sent", "bolt": "sent", "calm": "withdrawn"}
    items.close(store, by="ines", now=later(days=1), item=1, closed_as="saved", why="x")
    night = {"as_of": NIGHT + timedelta(days=1), "evidence_at": later(hours=20)}
    again = [planned(who, **night) for who in ("acme", "bolt", "elm")]
    new = record(store, by="plan", now=later(days=1), decisions=again, drafts=words)
    assert new == {"decisions": 3, "items": 2, "messages": 3}  # bolt's snoozed one came back
    assert {item.customer_id: item.state for item in rows(store, tables.work_items)} == {
        "acme": "open", "bolt": "open", "calm": "open", "elm": "open",
    }  # fmt: skip
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
