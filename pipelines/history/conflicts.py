"""What two sources say differently of the same customer, term or case.

For each field the value that counts is compared with what every other source says; where two give
different values, it is counted for the pair. Only ids are ever shown, never a value.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.history import versions, voices
from pipelines.history.dictionaries import load
from pipelines.history.engine import count, name
from pipelines.history.manifest import Conflict, Manifest
from pipelines.history.schema import CUSTOMERS, TERMS, Column

if TYPE_CHECKING:
    import duckdb

    from pipelines.history.store import History

EXAMPLES = 3
AGE = ("updated_at", "_generation", "_ordinal", "_voice")
MOST_SHOWN = 20  # lines; with a source for each night's folder there would be thousands
# Exports cut times to days, and sums to cents.
ALIKE = {
    "time": "abs(epoch({one}) - epoch({other})) < 86400",
    "number": "abs({one} - {other}) < 0.005",
    "text": "lower({one}) = lower({other})",
}

# Keys are compared some at a time, so that memory is bounded.
ROWS_AT_ONCE = 4_000_000
# One row of each source and key that several sources tell; `_leads` are those that count.
SAID = """
CREATE OR REPLACE TEMP TABLE said AS
WITH newest AS ({newest}),
several AS (SELECT _key FROM newest GROUP BY _key HAVING count(*) > 1)
SELECT *, row_number() OVER (PARTITION BY _key, _voice ORDER BY {newest_first}) = 1 AS _leads
FROM newest SEMI JOIN several USING (_key)
"""
# In each field the source whose value counts, where the row's own source says otherwise.
DIFFERS = """
INSERT INTO differs
WITH {leaders}, counted AS (SELECT coalesce({keys}) AS _key, {counted} FROM {joined}),
compared AS (
    SELECT customer_id, said.source, {differs}
    FROM said JOIN counted USING (_key) WHERE deleted_at IS NULL
)
SELECT code AS customer, compared.* EXCLUDE (customer_id)
FROM compared JOIN words_customer ON word = customer_id
WHERE coalesce({fields}) IS NOT NULL
"""
PAIRS = """
SELECT {field} AS counts, source, count(*),
    list_sort(list_distinct(min(customer, {many})))[1:{examples}]
FROM differs WHERE {field} IS NOT NULL GROUP BY ALL ORDER BY ALL
"""
SAME_AGE = """
SELECT DISTINCT interaction_id FROM staged_interactions AS staged
JOIN dropped ON dropped.row = staged.rowid
WHERE verdict = 'conflicting' AND dropped._file >= 0 ORDER BY 1 LIMIT {examples}
"""


@dataclass(frozen=True)
class Difference:
    """One field that two sources tell differently, in `rows` rows; `counts` is the source whose
    value counts. `customers`: ids of up to three of those whose rows they are."""

    table: str
    field: str
    counts: str
    other: str
    rows: int
    personal: bool
    customers: tuple[str, ...]

    def line(self) -> str:
        """In words, without any value."""
        personal = " (personal data, not shown)" if self.personal else ""
        one, several = {"cases": ("case", "cases"), "terms": ("term", "terms")}.get(
            self.table, ("customer", "customers")
        )
        what = f"{self.rows:,} {one if self.rows == 1 else several}"
        more = ", ..." if self.table == CUSTOMERS.name and self.rows > len(self.customers) else ""
        of = "" if self.table == CUSTOMERS.name else "of "
        return (
            f"{self.table}: {self.counts} and {self.other} differ in `{self.field}`{personal} of "
            f"{what} ({of}{', '.join(self.customers)}{more}); {self.counts} counts"
        )


def lines(differences: Sequence[Difference]) -> list[str]:
    """A line each, those of most rows first, and how many more there are."""
    first = sorted(differences, key=lambda one: -one.rows)
    shown = [one.line() for one in first[:MOST_SHOWN]]
    if len(first) > MOST_SHOWN:
        shown.append(
            f"and {len(first) - MOST_SHOWN:,} more that sources tell differently: if the folders "
            "are one feed, give its rows one `source`"
        )
    return shown


def of_tables(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    manifest: Manifest,
    precedence: Sequence[str],
) -> list[Conflict]:
    """What the sources of a history tell differently of customers and terms as of the manifest's
    generation.

    Empty, and nearly for nothing, where one source tells everything. What does not fit into memory
    goes into the connection's database.
    """
    found: list[Conflict] = []
    for table in (CUSTOMERS, TERMS):
        if table.name in manifest.tables:
            found += _of_table(connection, folder, manifest, table.name, precedence)
    return found


def differences(conflicts: Iterable[Conflict], ids: Sequence[str]) -> list[Difference]:
    """With customers' ids (by number) for their numbers."""
    return [
        Difference(**vars(one) | {"customers": tuple(ids[number] for number in one.customers)})
        for one in conflicts
    ]


def of_history(history: History) -> list[Difference]:
    """What the last ingest found; nothing for an earlier generation."""
    if history.past:
        return []
    return differences(history.manifest.conflicts, history.words("customer"))


def same_age(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Ids of interactions that came with the age of another version and another content."""
    rows = connection.execute(SAME_AGE.format(examples=EXAMPLES)).fetchall()
    return [interaction for (interaction,) in rows]


def _of_table(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    manifest: Manifest,
    table: str,
    precedence: Sequence[str],
) -> list[Conflict]:
    raw = versions.all_versions(folder, manifest, table)
    sources = connection.execute(f"SELECT DISTINCT source FROM ({raw}) LIMIT 2").fetchall()  # noqa: S608
    if len(sources) < 2:
        return []
    load(connection, folder, manifest, "customer")
    told = voices.told(connection, folder, manifest, table, precedence)
    told = told.only(*_told_by_several(connection, told))
    if not told.about():
        return []
    if len(told.voices) == 1:
        voice = f"SELECT *, {told.voices[0]} AS _voice FROM ({told.rows})"  # noqa: S608
        told = replace(told, rows=voice)
    fields = ", ".join(f"{name(column)} VARCHAR" for column in told.about())
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE differs (customer INTEGER, source VARCHAR, {fields})"
    )
    columns = [*dict.fromkeys(("customer_id", "source", "deleted_at", *told.about()))]
    slices = 1 + sum(file.rows for file in manifest.tables[table]) // ROWS_AT_ONCE
    for slice_ in range(slices):
        connection.execute(
            SAID.format(
                newest=told.newest(
                    "source", f"{told.key} % {slices} = {slice_}",
                    ", ".join(map(name, (*columns, *AGE))),
                ),
                newest_first=versions.NEWEST_FIRST,
            )
        )  # fmt: skip
        if count(connection, "said"):
            connection.execute(_differs(told))
    return [conflict for column in told.about() for conflict in _pairs(connection, told, column)]


def _told_by_several(connection: duckdb.DuckDBPyConnection, told: voices.Told) -> list[str]:
    """Columns in which more than one source ever said anything: two systems share few."""
    about = told.about()
    counted = ", ".join(f"count({name(column)})" for column in about)
    rows = connection.execute(
        f"SELECT {counted} FROM ({told.rows}) GROUP BY source"  # noqa: S608
    ).fetchall()
    return [one for place, one in enumerate(about) if sum(row[place] > 0 for row in rows) > 1]


def _differs(told: voices.Told) -> str:
    leaders = [
        f"v{voice} AS (SELECT * FROM said WHERE _leads AND _voice = {voice} AND deleted_at IS NULL)"  # noqa: S608
        for voice in told.voices
    ]
    counted, differs = [], []
    for column in told.about():
        field, by = name(column), name("by " + column)
        said = [f"v{voice}.{field}" for voice in told.voices]
        whens = [f"WHEN v{voice}.{field} IS NOT NULL THEN v{voice}.source" for voice in told.voices]
        first, source = f"coalesce({', '.join(said)})", f"CASE {' '.join(whens)} END"
        counted.append(f"{first} AS {field}, {source} AS {by}")
        alike = _alike(told.table.column(column), f"said.{field}", f"counted.{field}")
        differs.append(f"CASE WHEN NOT ({alike}) THEN counted.{by} END AS {field}")
    return DIFFERS.format(
        leaders=", ".join(leaders),
        keys=", ".join(f"v{voice}._key" for voice in told.voices),
        counted=", ".join(counted),
        joined=voices.full_join(told.voices),
        differs=", ".join(differs),
        fields=", ".join(map(name, told.about())),
    )


def _alike(column: Column | None, one: str, other: str) -> str:
    kind = column.type if column else "text"
    return ALIKE.get(kind, "{one} = {other}").format(one=one, other=other)


def _pairs(connection: duckdb.DuckDBPyConnection, told: voices.Told, column: str) -> list[Conflict]:
    declared = told.table.column(column)
    personal = declared is not None and declared.personal
    # Of a customer's several terms one would do as an example.
    query = PAIRS.format(field=name(column), examples=EXAMPLES, many=EXAMPLES * 4)
    return [
        Conflict(told.table.name, column, counts, other, int(rows), personal, tuple(customers))
        for counts, other, rows, customers in connection.execute(query).fetchall()
    ]
