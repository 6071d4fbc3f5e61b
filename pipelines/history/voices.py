"""Several sources of one table: whom their rows are about, and whose value counts.

Each source that `[ingest] precedence` names is a voice of its own, the first one heard first; all
others together are the last voice. Within a voice the newest version counts, row by row. Between
voices each column is the first voice's that says anything in it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.history import identities, versions
from pipelines.history.dictionaries import load
from pipelines.history.engine import count, name, quoted
from pipelines.history.manifest import Manifest
from pipelines.history.schema import CUSTOMERS, PROVENANCE, TABLE, Table

if TYPE_CHECKING:
    import duckdb

# Tables whose `customer_id` may be another system's id.
OF_CUSTOMERS = ("customers", "terms", "contacts", "consents", "attributes")
# What only means something beside another column: an amount is not given another source's currency,
# an end not another end's kind. It is taken from voices that do not contradict that column.
BESIDE = {
    "currency": "value_per_month", "left_reason": "left_at", "end_kind": "ended_at",
    "paused_to": "paused_from", "away_to": "away_from",
}  # fmt: skip
# The id that a row gives is a customer's own, else its source's id of one, else an id that means
# one customer in every system. A customer's row says who it is: no other system's id stands there.
ALIASES = """
CREATE OR REPLACE TEMP TABLE told_aliases AS
SELECT external_id, system, named.word
FROM aliases_told JOIN words_customer AS named USING (code)
ANTI JOIN words_customer AS own ON own.word = external_id
"""
RESOLVED = """
SELECT given.* REPLACE (coalesce(own.word, {sole}, given.customer_id) AS customer_id)
FROM ({rows}) AS given
LEFT JOIN told_aliases AS own ON own.external_id = given.customer_id AND own.system = given.source
LEFT JOIN told_aliases AS sole ON sole.external_id = given.customer_id AND sole.system IS NULL
"""
# A customer's row under another id that was deleted says that this id is gone, not the customer: it
# counts no more, and neither does what was told under it before.
DELETED_ALIASES = """
CREATE OR REPLACE TEMP TABLE told_deleted AS
SELECT customer_id, source FROM ({rows})
SEMI JOIN told_aliases ON external_id = customer_id AND system = source
QUALIFY row_number() OVER (PARTITION BY customer_id, source ORDER BY {newest_first}) = 1
    AND deleted_at IS NOT NULL
"""
# Of customers found to be one, a voice's rows under the id that survives count, and where it has
# none those under the others.
MERGES = """
CREATE OR REPLACE TEMP TABLE told_merges AS
SELECT gone.word AS customer_id, survivor.word AS survivor FROM merges_told
JOIN words_customer AS gone USING (code) JOIN words_customer AS survivor
    ON survivor.code = merges_told.survivor
"""
SURVIVING = """
SELECT * EXCLUDE (_survivor) REPLACE (coalesce(_survivor, customer_id) AS customer_id)
FROM (SELECT given.*, survivor AS _survivor FROM ({rows}) AS given
    LEFT JOIN told_merges USING (customer_id))
QUALIFY _survivor IS NULL OR NOT bool_or(_survivor IS NULL) OVER (
    PARTITION BY coalesce(_survivor, customer_id), _voice)
"""
# The version that counts is looked for among few columns; the others are read only of that one.
NEWEST = """
SELECT {columns}, {key} AS _key FROM ({rows}) SEMI JOIN (
    SELECT _generation, _ordinal FROM ({rows}) WHERE {where}
    QUALIFY row_number() OVER (PARTITION BY {key}, {within} ORDER BY {newest_first}) = 1
) USING (_generation, _ordinal)
"""


@dataclass(frozen=True)
class Told:
    """Every version of every row of a table (SQL `rows`), under the customers they are about.

    `voices` are those that have rows; with more than one of them `rows` has a column `_voice`.
    """

    table: Table
    rows: str
    columns: tuple[str, ...]
    voices: tuple[int, ...] = (0,)
    several: bool = True  # whether a row may have several versions

    @property
    def key(self) -> str:
        """SQL of one number that identifies a row: two rows share one with a chance of 2^-64."""
        columns = [f"coalesce({name(column)}::VARCHAR, '')" for column in self.table.key]
        return f"hash(concat_ws(chr(31), {', '.join(columns)}))"

    def only(self, *columns: str) -> Told:
        """With no other columns than these, the key's and those about the row itself."""
        kept = tuple(one for one in self.columns if one in columns or one not in self.about())
        voice = ("_voice",) if len(self.voices) > 1 else ()
        listed = ", ".join(map(name, (*kept, *voice)))
        rows = f"SELECT {listed} FROM ({self.rows})"  # noqa: S608
        return Told(self.table, rows, kept, self.voices, self.several)

    def newest(self, within: str, where: str = "true", columns: str = "*") -> str:
        """SQL of each row's newest version, tombstones included, `within` each voice or source."""
        return NEWEST.format(
            columns=columns, key=self.key, rows=self.rows, where=where, within=within,
            newest_first=versions.NEWEST_FIRST,
        )  # fmt: skip

    def about(self) -> list[str]:
        """Columns in which voices can add to each other: no key, nothing about the row itself."""
        aside = {*self.table.key, *versions.OURS, *(column.name for column in PROVENANCE)}
        return [column for column in self.columns if column not in aside]


def told(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    manifest: Manifest,
    table: str,
    precedence: Sequence[str],
) -> Told:
    """The versions of a table as of the manifest's generation.

    Makes temporary tables in `connection`, to which the SQL refers.
    """
    rows = versions.all_versions(folder, manifest, table)
    columns = tuple(connection.sql(rows).columns)
    merged = False
    if table in OF_CUSTOMERS and "identities" in manifest.tables:
        load(connection, folder, manifest, "customer")
        living = identities.living(connection, folder, manifest)
        identities.resolve(connection, living, manifest.customers, "_told")
        connection.execute(ALIASES)
        connection.execute(MERGES)
        merged = count(connection, "told_merges") > 0
        if count(connection, "told_aliases"):
            sole = "NULL" if table == CUSTOMERS.name else "sole.word"
            if table == CUSTOMERS.name:
                rows = _without_deleted_aliases(connection, rows)
            rows = RESOLVED.format(rows=rows, sole=sole)
    spoken = f"SELECT *, {voice_of(precedence)} AS _voice FROM ({rows})"  # noqa: S608
    voices = _voices(connection, spoken) if precedence else (0,)
    if len(voices) == 1:
        several = manifest.may_have_several(table)
        return Told(TABLE[table], rows, columns, several=several)
    if merged and table == CUSTOMERS.name:
        spoken = SURVIVING.format(rows=spoken)
    return Told(TABLE[table], spoken, columns, voices)


def _without_deleted_aliases(connection: duckdb.DuckDBPyConnection, rows: str) -> str:
    connection.execute(DELETED_ALIASES.format(rows=rows, newest_first=versions.NEWEST_FIRST))
    if not count(connection, "told_deleted"):
        return rows
    return f"SELECT * FROM ({rows}) ANTI JOIN told_deleted USING (customer_id, source)"  # noqa: S608


def voice_of(precedence: Sequence[str]) -> str:
    """SQL of the voice that a row's `source` belongs to, 0 being heard first."""
    whens = [f"WHEN {quoted(source)} THEN {place}" for place, source in enumerate(precedence)]
    return f"CASE source {' '.join(whens)} ELSE {len(precedence)} END" if whens else "0"


def _voices(connection: duckdb.DuckDBPyConnection, rows: str) -> tuple[int, ...]:
    found = connection.execute(f"SELECT DISTINCT _voice FROM ({rows}) ORDER BY 1").fetchall()  # noqa: S608
    return tuple(voice for (voice,) in found) or (0,)


def counting(told: Told) -> str:
    """SQL of the rows that count now, in the table's own columns, without those deleted.

    A tombstone takes out what its own voice said; the row is gone when no voice says it any more.
    """
    if len(told.voices) == 1:
        return versions.living(told.table, told.rows, several=told.several)
    steps = [
        f"v{voice} AS (SELECT * FROM ({told.newest('_voice', f'_voice = {voice}')}) "  # noqa: S608
        "WHERE deleted_at IS NULL)"
        for voice in told.voices
    ]
    speaks = {voice: f"v{voice}._key IS NOT NULL" for voice in told.voices}
    combined = ", ".join(
        f"{said} AS {name(column)}"
        for column, said in combine(told, speaks, lambda voice, column: _of(voice, column)).items()
    )
    return (
        f"WITH {', '.join(steps)} "  # noqa: S608
        f"SELECT {combined} FROM {full_join(told.voices)}"
    )


def full_join(voices: Sequence[int]) -> str:
    """SQL that joins the rows of `v0`, `v1`, ... (as many as there are voices) by `_key`."""
    joined = f"v{voices[0]}"
    for place, voice in enumerate(voices[1:], 1):
        keys = ", ".join(f"v{before}._key" for before in voices[:place])
        joined += f" FULL JOIN v{voice} ON v{voice}._key = coalesce({keys})"
    return joined


def combine(told: Told, speaks: dict[int, str], value: Callable[[int, str], str]) -> dict[str, str]:
    """SQL of each column as all voices together say it.

    `speaks` (SQL) says whether a voice says anything of the row; `value` gives the SQL of a column
    as a voice says it. What is about the row itself is that of the first voice that speaks.
    """
    combined = {}
    about = told.about()
    for column in told.columns:
        if column in told.table.key:
            said = f"coalesce({', '.join(_of(voice, column) for voice in told.voices)})"
        elif column not in about:
            whens = [f"WHEN {speaks[voice]} THEN {_of(voice, column)}" for voice in told.voices]
            said = f"CASE {' '.join(whens)} END"
        else:
            said = _first_that_says(told.voices, column, BESIDE.get(column), value)
        combined[column] = said
    return combined


def _first_that_says(
    voices: Sequence[int], column: str, leader: str | None, value: Callable[[int, str], str]
) -> str:
    """The first voice's word; beside a `leader`, of voices that do not contradict that column."""
    said = [value(voice, column) for voice in voices]
    if leader:
        leads = [value(voice, leader) for voice in voices]
        counts = f"coalesce({', '.join(leads)})"
        said = [
            f"CASE WHEN coalesce({lead} = {counts}, true) THEN {word} END"
            for lead, word in zip(leads, said, strict=True)
        ]
    return f"coalesce({', '.join(said)})"


def _of(voice: int, column: str) -> str:
    return f"v{voice}.{name(column)}"
