"""Who is meant: all ids, names and addresses of one person, from every version ever told."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from models.errors import WarmlineError
from models.person import Person
from pipelines.history import identities
from pipelines.history.dictionaries import read_words
from pipelines.history.engine import connect, quoted
from pipelines.history.erasing_tables import is_of
from pipelines.history.identities import survivors
from pipelines.history.versions import all_versions

if TYPE_CHECKING:
    import duckdb

    from pipelines.history.store import History


def find(history: History, asked: str) -> Person:
    """The person that the id `asked` stands for: their own, one merged into it, or another
    system's.

    Raises `WarmlineError` where nobody has that id, or several have.
    """
    with connect() as connection:
        words = read_words(history.folder, history.manifest, "customer")
        survivor = survivors(connection, history.folder, history.manifest)
        number = {word: code for code, word in enumerate(words)}
        found = _number(connection, history, number, asked)
        if found is None:
            return _waiting(connection, history, asked)
        into = survivor[found]
        numbers = np.flatnonzero(survivor == into).tolist()
        ids = [words[one] for one in numbers]
        mine = [words[into], *(one for one in ids if one != words[into])]
        return _with_names(connection, history, mine, [number[one] for one in mine], number)


def _number(
    connection: duckdb.DuckDBPyConnection, history: History, number: dict[str, int], asked: str
) -> int | None:
    """The customer number; None where no customer has the id."""
    if asked in number:
        return number[asked]
    if "identities" not in history.manifest.tables:
        return None
    living = identities.living(connection, history.folder, history.manifest)
    rows = connection.execute(
        f"SELECT DISTINCT customer_id FROM ({living}) WHERE external_id = ?",  # noqa: S608
        [asked],
    ).fetchall()
    named = [one for (one,) in rows if one in number]
    if len(named) > 1:
        raise WarmlineError(
            f"{asked!r} is an id of several customers in different systems: "
            f"{', '.join(sorted(named))}. Name the one that is meant. Nothing was changed."
        )
    return number[named[0]] if named else None


def _waiting(connection: duckdb.DuckDBPyConnection, history: History, asked: str) -> Person:
    """Somebody of whom only interactions came that wait for their customer, or rows of tables."""
    folder, manifest = history.folder, history.manifest
    rows = [
        f"SELECT customer_id FROM ({all_versions(folder, manifest, table)})"  # noqa: S608
        for table in ("terms", "contacts", "consents", "attributes")
        if table in manifest.tables
    ]
    if manifest.pending:
        path = quoted(str(folder / manifest.pending.path))
        rows.append(f"SELECT customer_id FROM read_parquet({path})")  # noqa: S608
    for each in rows:
        known = f"SELECT 1 FROM ({each}) WHERE customer_id = ? LIMIT 1"  # noqa: S608
        if connection.execute(known, [asked]).fetchall():
            return _with_names(connection, history, [asked], [], history.numbers)
    raise WarmlineError(
        f"No customer of {folder} has the id {asked!r}, in any system: look at how it is written. "
        "Nothing was changed."
    )


def _with_names(
    connection: duckdb.DuckDBPyConnection,
    history: History,
    ids: list[str],
    numbers: list[int],
    known: dict[str, int],
) -> Person:
    """The person with all other ids, names and addresses."""
    folder, manifest = history.folder, history.manifest

    def living(table: str, columns: str, condition: str) -> set[tuple[str, ...]]:
        if table not in manifest.tables:
            return set()
        rows = f"SELECT {columns} FROM ({all_versions(folder, manifest, table)}) WHERE {condition}"  # noqa: S608
        return set(connection.execute(rows).fetchall())

    aliases, sole = _aliases(connection, history, ids, known)
    theirs = is_of(ids, aliases, sole)
    contacts = [one for (one,) in living("contacts", "contact_id", theirs)]
    contacts = _newest_owner(connection, history, contacts, ids)
    people = living("customers", "name, email, phone", theirs)
    of_contacts = ", ".join(map(quoted, contacts)) or "NULL"
    people |= living("contacts", "name, email, phone", f"contact_id IN ({of_contacts})")
    people |= living("contacts", "name, email, phone", theirs)
    names, emails, phones = (_words(row[place] for row in people) for place in range(3))
    return Person(
        ids[0], tuple(ids), tuple(numbers), tuple(sorted(aliases)), sole, _words(contacts),
        names, emails, phones,
    )  # fmt: skip


def _aliases(
    connection: duckdb.DuckDBPyConnection, history: History, ids: list[str], known: dict[str, int]
) -> tuple[set[tuple[str, str]], tuple[str, ...]]:
    """Ids of other systems, and which of them mean nobody else in any system."""
    if "identities" not in history.manifest.tables:
        return set(), ()
    living = identities.living(connection, history.folder, history.manifest)
    everything = all_versions(history.folder, history.manifest, "identities")
    said = "SELECT DISTINCT system, external_id, customer_id FROM"
    now = connection.execute(f"{said} ({living})").fetchall()
    ever = connection.execute(f"{said} ({everything})").fetchall()
    now_of_others = {(system, external) for system, external, who in now if who not in ids}
    mine = {(s, external) for s, external, who in ever if who in ids} - now_of_others
    others = {external for _, external in now_of_others} | known.keys()
    return mine, _words(external for _, external in mine if external not in others)


def _newest_owner(
    connection: duckdb.DuckDBPyConnection, history: History, contacts: list[str], ids: list[str]
) -> list[str]:
    """Those of `contacts` who have not gone to another customer since."""
    if not contacts:
        return []
    table = history.table("contacts")
    assert table is not None  # noqa: S101 - `contacts` came from it
    elsewhere = table[~table["customer_id"].isin(ids)]
    return [one for one in contacts if one not in set(elsewhere["contact_id"])]


def _words(values: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(sorted({value for value in values if value and value.strip()}))
