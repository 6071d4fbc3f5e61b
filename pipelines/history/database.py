"""Databases as sources: what is newer than the last reading, copied into DuckDB's staging file.

Which tables are read is known from the contract's names, or from the SELECTs of a mapping. All of
them are read in one transaction, in batches; the rest of the ingest is that of files.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from models.errors import WarmlineError
from pipelines.history import marks
from pipelines.history.adbc import Reader, TableName, reading
from pipelines.history.addresses import Address
from pipelines.history.engine import name
from pipelines.history.mapped import PREPARE, SOURCE, find_mapping, run_mapping
from pipelines.history.schema import TABLE, TABLES
from pipelines.history.selects import prepared, tables_of
from pipelines.history.sources import Feed, Found, check_columns, described

if TYPE_CHECKING:
    import duckdb

FETCHED = "fetched"  # the schema of DuckDB's staging file that holds what came
OWN = "source"  # folder of a mapping: SELECTs that the database itself runs
# Beside the watermarks: a hash of what was asked for. Another mapping makes other rows of what was
# read long ago, so its watermarks are none.
ASKED = "#asked"
END = re.compile(r";\s*(--[^\n]*\s*)*$")  # of a statement, and remarks after it
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Reading:
    """What to read, and how much of it is known. `last` is this source's entry in the manifest."""

    address: Address
    mapping: Path | None
    last: Mapping[str, str]
    lag: timedelta
    now: datetime
    progress: Progress


@dataclass(frozen=True)
class Fetched:
    """What came. `reads` is the source's next entry in the manifest, once this is published."""

    found: Found
    rows: dict[str, int] = field(default_factory=dict)  # by table
    since: dict[str, str] = field(default_factory=dict)  # tables of which only newer rows came
    reads: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Wanted:
    """One table to fetch: its name in DuckDB, and the SELECT that the database runs for it."""

    table: TableName
    select: str
    label: str
    own: bool = False  # the mapping's `source/NAME.sql`


def read(connection: duckdb.DuckDBPyConnection, asked: Reading) -> Fetched:
    """Copies what is new in the database into `connection`, and says which feeds it makes.

    Without a mapping its tables (or views) are named as the contract's. Raises `WarmlineError`
    where the database cannot be reached or read, or lacks a table that the mapping names.
    """
    mapping = find_mapping(asked.mapping) if asked.mapping else None
    fingerprint = _fingerprint(asked.address, mapping)
    if asked.last.get(ASKED) != fingerprint:
        asked = replace(asked, last={})
    connection.execute(f"CREATE SCHEMA {FETCHED}")
    fetched = Fetched(Found([]), reads={**asked.last, ASKED: fingerprint})
    with reading(asked.address) as reader:
        wanted = _of_mapping(connection, reader, mapping) if mapping else _of_contract(reader)
        for one in wanted:
            _fetch(connection, reader, asked, one, fetched)
    if mapping:
        found = _mapped(connection, mapping, asked.address)
        found.ignored.extend(_idle(mapping, wanted))
    else:
        found = Found([_feed(connection, one) for one in wanted])
    return replace(fetched, found=found)


def _of_contract(reader: Reader) -> list[Wanted]:
    found = reader.find([TableName("", table.name) for table in TABLES])
    if not found:
        raise WarmlineError(
            f"{reader.address} has no table or view that Warmline knows (customers, interactions,"
            " ...), or this user does not see it.\nTables in another shape come in through a"
            " mapping (docs/guides/databases.md). Nothing was changed."
        )
    return [Wanted(table, f"SELECT * FROM {sql}", str(table)) for table, sql in found.items()]  # noqa: S608


def _of_mapping(
    connection: duckdb.DuckDBPyConnection, reader: Reader, mapping: Path
) -> list[Wanted]:
    """Every table that the mapping's SELECTs name: by its own SELECT in the database, or whole."""
    named = _named(connection, reader.address, mapping)
    own = {table: path for table in named if (path := _own(mapping, table)).exists()}
    found = reader.find([table for table in named if table not in own])
    for table, label in named.items():
        if table not in own and table not in found:
            raise WarmlineError(
                f"{label} reads the table {table}, and {reader.address} has none that this user"
                " sees. Nothing was changed."
            )
    return [
        _selected(table, own[table], mapping)
        if table in own
        else Wanted(table, f"SELECT * FROM {found[table]}", str(table))  # noqa: S608
        for table in named
    ]


def _named(
    connection: duckdb.DuckDBPyConnection, address: Address, mapping: Path
) -> dict[TableName, str]:
    """The tables that the mapping's files read, each with the file that names it first."""
    named: dict[TableName, str] = {}
    made: set[str] = set()
    paths = sorted(mapping.glob("*.sql"), key=lambda path: (path.stem != PREPARE, path.name))
    for path in paths:
        label, text = f"{mapping.name}/{path.name}", path.read_text(encoding="utf-8")
        if SOURCE in text:
            raise WarmlineError(
                f"{label} reads files from {SOURCE}, and {address} is a database: name its"
                " tables instead. Nothing was changed."
            )
        if path.stem == PREPARE:
            needed, made = prepared(connection, text, label)
        else:
            needed = tables_of(connection, text, label)
        # DuckDB takes Tickets and tickets for one table.
        known = {marks.key_of(table) for table in named} | made
        named |= {table: label for table in needed if marks.key_of(table) not in known}
    return named


def _own(mapping: Path, table: TableName) -> Path:
    return mapping / OWN / f"{table}.sql"


def _selected(table: TableName, path: Path, mapping: Path) -> Wanted:
    select = END.sub("", path.read_text(encoding="utf-8"))
    return Wanted(table, select, f"{mapping.name}/{OWN}/{path.name}", own=True)


def _idle(mapping: Path, wanted: list[Wanted]) -> list[str]:
    """SELECTs for the database that no table of the mapping reads: mostly a wrong name."""
    used = {_own(mapping, one.table) for one in wanted}
    files = sorted((mapping / OWN).glob("*.sql"))
    return [f"{OWN}/{path.name} of the mapping" for path in files if path not in used]


def _fetch(
    connection: duckdb.DuckDBPyConnection,
    reader: Reader,
    asked: Reading,
    wanted: Wanted,
    fetched: Fetched,
) -> None:
    """Copies one table, and notes in `fetched` how much came and how far it reaches."""
    key = marks.key_of(wanted.table)
    asked.progress(f"fetching {wanted.table}")
    anything = wanted.select.replace(marks.SINCE, f"'{marks.BEGINNING}'")
    columns = reader.columns(anything, wanted.label)
    if wanted.own:
        mark = marks.of_select(wanted.select, columns, wanted.label)
    else:
        mark = None if asked.mapping else marks.of_contract(wanted.table.table, columns)
    select, last = anything, asked.last.get(key)
    if mark and last:
        since = mark.since(last, asked.lag)
        fetched.since[key] = since.strip("'")
        select = (
            wanted.select.replace(marks.SINCE, since)
            if marks.SINCE in wanted.select
            else marks.narrowed(wanted.select, mark, since, columns, reader.spelled)
        )
    table = _place(connection, wanted.table)
    fetched.rows[key] = reader.fetch(select, columns, connection, table, wanted.label)
    newest = mark.newest(connection, table, asked.now) if mark else None
    if newest:
        fetched.reads[key] = max(newest, last or newest)


def _place(connection: duckdb.DuckDBPyConnection, table: TableName) -> str:
    """Where a table goes in DuckDB, so that a SELECT that names it finds it."""
    if not table.schema:
        return f"{FETCHED}.{name(table.table)}"
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {name(table.schema)}")
    return f"{name(table.schema)}.{name(table.table)}"


def _feed(connection: duckdb.DuckDBPyConnection, wanted: Wanted) -> Feed:
    relation = f"{FETCHED}.{name(wanted.table.table)}"
    types = described(connection, f"SELECT * FROM {relation}")  # noqa: S608
    feed = Feed(TABLE[wanted.table.table], str(wanted.table), relation, types)
    check_columns(feed)
    return feed


def _mapped(connection: duckdb.DuckDBPyConnection, mapping: Path, address: Address) -> Found:
    """Runs the mapping over what came, which is then not needed any more."""
    connection.execute(f"SET search_path = 'main,{FETCHED}'")
    try:
        return run_mapping(connection, mapping, address)
    finally:
        connection.execute("RESET search_path")
        connection.execute(f"DROP SCHEMA {FETCHED} CASCADE")


def _fingerprint(address: Address, mapping: Path | None) -> str:
    digest = hashlib.sha256(address.shown.encode())
    for path in sorted(mapping.rglob("*.sql")) if mapping else ():
        digest.update(str(path.relative_to(mapping or path)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]
