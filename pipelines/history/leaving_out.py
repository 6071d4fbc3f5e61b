"""Rows that an ingest leaves out: of persons who were erased, and older than is kept.

They are marked, counted and not looked at any more: neither kept nor listed among the rejects.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from models.suppression import ANY, Suppression, pseudonym
from pipelines.history.engine import count
from pipelines.history.staging import content_hash

if TYPE_CHECKING:
    import duckdb

    from pipelines.history.rejects import Reject
    from pipelines.history.staging import Staged

# In `_problem`, where a problem's position in the list stands otherwise.
ERASED, TOO_OLD = -2, -3


@dataclass(frozen=True)
class Omit:
    """What to leave out; nothing by default, and then nothing is looked up either."""

    erased: Suppression = field(default_factory=Suppression)
    before: int | None = None  # interactions that occurred before, seconds since 1970 UTC


def mark(
    connection: duckdb.DuckDBPyConnection,
    staged: Staged,
    omit: Omit,
    known: Callable[[], list[str]],
) -> tuple[int, int]:
    """Marks the staged rows to leave out; how many are of erased persons, and too old.

    `known` gives the ids of all customers: they are never taken for ids of another system.
    """
    if omit.before is not None and staged.table.name == "interactions":
        connection.execute(
            f"UPDATE {staged.name} SET _problem = {TOO_OLD} "  # noqa: S608
            f"WHERE epoch(occurred_at) < {omit.before}"
        )
    if omit.erased:
        _mark_erased(connection, staged, omit.erased, known)
    marked = [
        count(connection, f"{staged.name} WHERE _problem = {code}") for code in (ERASED, TOO_OLD)
    ]
    return marked[0], marked[1]


def unnamed(rejects: Iterable[Reject], omit: Omit) -> list[Reject]:
    """The rejects, those that would show an erased person's id as the wrong value without it."""
    return [
        replace(one, value="") if omit.erased and omit.erased.customer(one.value) else one
        for one in rejects
    ]


def _mark_erased(
    connection: duckdb.DuckDBPyConnection,
    staged: Staged,
    erased: Suppression,
    known: Callable[[], list[str]],
) -> None:
    columns = {column.name for column in staged.columns}
    if "customer_id" not in columns:
        return

    def own(_: str | None, word: str) -> bool:
        return erased.customer(word) is not None

    def any_id(system: str | None, word: str) -> bool:
        return own(system, word) or _by_alias(erased, system, word, known)

    if staged.table.name == "identities":
        _mark(connection, staged, "source", "customer_id", own)
        _mark(connection, staged, "system", "external_id", any_id)
        _mark(connection, staged, "system", "merged_into", any_id)
    elif staged.table.name == "customers":
        _mark(connection, staged, "source", "customer_id", own)
        _unname_parents(connection, staged, erased)
    else:
        _mark(connection, staged, "source", "customer_id", any_id)


def _by_alias(
    erased: Suppression, system: str | None, word: str, known: Callable[[], list[str]]
) -> bool:
    """Whether the id is another system's for somebody erased, and no customer's own."""
    if erased.alias(ANY, word) is None and (system is None or erased.alias(system, word) is None):
        return False
    return word not in known()


def _mark(
    connection: duckdb.DuckDBPyConnection,
    staged: Staged,
    system: str,
    column: str,
    is_erased: Callable[[str | None, str], bool],
) -> None:
    """Marks the rows whose id in `column`, said by `system`, is of somebody erased."""
    pairs = connection.execute(
        f"SELECT DISTINCT {system}, {column} FROM {staged.name} WHERE {column} IS NOT NULL"  # noqa: S608
    ).fetchall()
    found = [[said, word] for said, word in pairs if is_erased(said, word)]
    if not found:
        return
    connection.execute("CREATE OR REPLACE TEMP TABLE erased_ids (said VARCHAR, word VARCHAR)")
    connection.executemany("INSERT INTO erased_ids VALUES (?, ?)", found)
    connection.execute(
        f"UPDATE {staged.name} SET _problem = {ERASED} FROM erased_ids "  # noqa: S608
        f"WHERE {column} = word AND {system} IS NOT DISTINCT FROM said"
    )


def _unname_parents(
    connection: duckdb.DuckDBPyConnection, staged: Staged, erased: Suppression
) -> None:
    """Has a household whose parent was erased keep together under the word that the history has
    for it."""
    rows = connection.execute(
        f"SELECT DISTINCT parent_id FROM {staged.name} WHERE parent_id IS NOT NULL"  # noqa: S608
    ).fetchall()
    for (parent,) in rows:
        if erased.customer(parent) is None:
            continue
        word = pseudonym(erased.key, parent)
        connection.execute(
            f"UPDATE {staged.name} SET parent_id = ? WHERE parent_id = ?",  # noqa: S608
            [word, parent],
        )
        connection.execute(
            f"UPDATE {staged.name} SET _content = {content_hash(staged)} WHERE parent_id = ?",  # noqa: S608
            [word],
        )
