"""Rows that an ingest leaves out: of persons who were erased, and older than is kept.

They are marked, counted and not looked at any more: neither kept nor listed among the rejects.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Set
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
    known: Callable[[], Set[str]],
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
    known: Callable[[], Set[str]],
) -> None:
    if not any(column.name == "customer_id" for column in staged.columns):
        return
    living = known()  # nobody in it is erased, so only what is new is looked up

    def of_system(system: str | None, word: str) -> bool:
        return word not in living and (erased.customer(word) is not None or external(system, word))

    def of_any(system: str | None, word: str) -> bool:
        return word not in living and (
            of_system(system, word) or erased.alias(ANY, word) is not None
        )

    def external(system: str | None, word: str) -> bool:
        return system is not None and erased.alias(system, word) is not None

    def named(system: str | None, word: str) -> bool:
        return external(system, word) or of_any(system, word)

    if staged.table.name == "identities":
        _mark(connection, staged, "source", "customer_id", of_system)
        _mark(connection, staged, "system", "external_id", named)
        _mark(connection, staged, "system", "merged_into", of_any)
    elif staged.table.name == "customers":
        # A new customer may have an id that another system had for somebody erased.
        _mark(connection, staged, "source", "customer_id", of_system)
        _unname_parents(connection, staged, erased)
    else:
        _mark(connection, staged, "source", "customer_id", of_any)


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
