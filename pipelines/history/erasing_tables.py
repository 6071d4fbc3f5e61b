"""One person taken out of the small tables and of what waits: every version of every row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from models.suppression import pseudonym
from pipelines.history.engine import connect, name, one_row, quoted
from pipelines.history.manifest import File, Manifest
from pipelines.history.schema import CUSTOMERS, TABLE
from pipelines.history.sources import columns_of
from pipelines.history.staging import Staged, content_hash
from pipelines.history.versions import OURS

if TYPE_CHECKING:
    import duckdb

    from models.person import Person

NEVER = "false"


def count(folder: Path, manifest: Manifest, person: Person) -> dict[str, int]:
    """Rows of the person by table, and of others that name it."""
    with connect() as connection:
        counts = {
            table: sum(
                _matching(connection, folder / f.path, _theirs(table, person)) for f in files
            )
            for table, files in manifest.tables.items()
        }
        others = sum(
            _matching(connection, folder / file.path, _names_them(table, person))
            for table, files in manifest.tables.items()
            for file in files
        )
        waiting = manifest.pending
        path = folder / waiting.path if waiting else None
        return {
            **{table: number for table, number in counts.items() if number},
            "others_that_name_them": others,
            "pending": _matching(connection, path, _waits(person)) if path else 0,
        }


def erase(folder: Path, where: Path, after: Manifest, person: Person, key: bytes) -> Manifest:
    """`after` with the tables and the waiting rows without the person, new files in `where`."""
    with connect() as connection:
        writer = _Writer(connection, folder, where)
        tables = {
            table: tuple(_rewritten(writer, table, files, person, key))
            for table, files in after.tables.items()
        }
        pending = after.pending
        if pending and writer.holds(pending, _waits(person)):
            written = writer.write(pending, "pending", f"WHERE NOT ({_waits(person)})")
            pending = written if written.rows else None
    return replace(after, tables=tables, pending=pending)


class _Writer:
    """Writes files of a history anew."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, folder: Path, where: Path) -> None:
        self.connection, self.folder, self.where = connection, folder, where

    def holds(self, file: File, condition: str) -> bool:
        return _matching(self.connection, self.folder / file.path, condition) > 0

    def columns(self, file: File) -> list[str]:
        source = quoted(str(self.folder / file.path))
        rows = self.connection.execute(f"DESCRIBE SELECT * FROM read_parquet({source})")  # noqa: S608
        return [row[0] for row in rows.fetchall()]

    def write(self, file: File, stem: str, where: str, select: str = "*") -> File:
        """The rows of `file` that `where` (SQL) chooses, as `select` gives them, in their order."""
        path = self.where / f"{stem}.parquet"
        source = quoted(str(self.folder / file.path))
        rows = f"SELECT {select} FROM read_parquet({source}) {where}"  # noqa: S608
        copied = one_row(
            self.connection,
            f"COPY ({rows}) TO {quoted(str(path))} (FORMAT parquet, COMPRESSION zstd)",
        )
        return File.of(self.folder, path, int(copied[0]))


def _rewritten(
    writer: _Writer, table: str, files: Iterable[File], person: Person, key: bytes
) -> Iterator[File]:
    theirs, names = _theirs(table, person), _names_them(table, person)
    for position, file in enumerate(files):
        if writer.holds(file, f"({theirs}) OR ({names})"):
            select = _select(writer, table, file, person, key)
            yield writer.write(file, f"{table}-{position:03d}", f"WHERE NOT ({theirs})", select)
        else:
            yield file


def _select(writer: _Writer, table: str, file: File, person: Person, key: bytes) -> str:
    """The columns, with what names the person in others' rows replaced."""
    if table == "identities":
        replaced = f"CASE WHEN {_names_them(table, person)} THEN NULL ELSE merged_into END"
        return f"* REPLACE ({replaced} AS merged_into)"
    if table != "customers":
        return "*"
    # A household stays one: the same word stands for its parent at the next ingest, and the row
    # is then known by its content.
    words = " ".join(f"WHEN {quoted(one)} THEN {quoted(pseudonym(key, one))}" for one in person.ids)
    parent = f"CASE parent_id {words} ELSE parent_id END"
    others = sorted(set(writer.columns(file)) - {c.name for c in columns_of(CUSTOMERS)} - set(OURS))
    content = content_hash(Staged(CUSTOMERS, columns_of(CUSTOMERS), others, []))
    hashed = content.replace(name("parent_id"), f"({parent})")
    named = _names_them(table, person)
    return (
        f"* REPLACE ({parent} AS parent_id, "
        f"CASE WHEN {named} THEN {hashed} ELSE _content END AS _content)"
    )


def _matching(connection: duckdb.DuckDBPyConnection, path: Path, condition: str) -> int:
    if condition == NEVER:
        return 0
    rows = f"SELECT count(*) FROM read_parquet({quoted(str(path))}) WHERE {condition}"  # noqa: S608
    return int(one_row(connection, rows)[0])


def _theirs(table: str, person: Person) -> str:
    """SQL: the row is about the person."""
    columns = {column.name for column in TABLE[table].columns}
    if "customer_id" not in columns:
        return NEVER
    conditions = [is_of(person.ids, person.aliases, person.sole)]
    if table == "identities":
        conditions += [
            f"(system = {quoted(system)} AND external_id = {quoted(external)})"
            for system, external in person.aliases
        ]
    elif "contact_id" in columns:
        conditions.append(_one_of("contact_id", person.contact_ids))
    return f"coalesce({' OR '.join(conditions)}, false)"


def _names_them(table: str, person: Person) -> str:
    """SQL: the row of somebody else names the person."""
    if table == "customers":
        return f"coalesce({_one_of('parent_id', person.ids)}, false)"
    if table != "identities":
        return NEVER
    pairs = [
        f"(system = {quoted(system)} AND merged_into = {quoted(external)})"
        for system, external in person.aliases
    ]
    named = " OR ".join([_one_of("merged_into", (*person.ids, *person.sole)), *pairs])
    return f"coalesce(({named}) AND NOT ({_theirs(table, person)}), false)"


def _waits(person: Person) -> str:
    """SQL: the interaction waits for the person, or names a contact of theirs."""
    named = [
        is_of(person.ids, person.aliases, person.sole),
        _one_of("contact_id", person.contact_ids),
    ]
    return f"coalesce({' OR '.join(named)}, false)"


def is_of(ids: Iterable[str], aliases: Iterable[tuple[str, str]], sole: Iterable[str]) -> str:
    """SQL: the row's `customer_id` is one of the person's, or its source's id of them."""
    pairs = [
        f"coalesce(source = {quoted(system)} AND customer_id = {quoted(external)}, false)"
        for system, external in aliases
    ]
    return f"({' OR '.join([_one_of('customer_id', (*ids, *sole)), *pairs])})"


def _one_of(column: str, words: Iterable[str]) -> str:
    """SQL that is never NULL: the column holds one of the words."""
    listed = ", ".join(map(quoted, words))
    return f"coalesce({column} IN ({listed}), false)" if listed else NEVER
