"""What was known when, of rows that several voices tell: at each moment all of them together.

Each voice's versions have their own spans (see `knowledge`). A row that several voices tell is cut
at every moment at which one of them says something new; within a piece nothing changes, so a piece
is one version that is known as a whole from its first moment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.history import knowledge
from pipelines.history.engine import name
from pipelines.history.events import NEVER
from pipelines.history.voices import Told, combine

if TYPE_CHECKING:
    import duckdb

# Columns that carry their own date: they count as it comes, before the version is known as a whole.
OWN_DATES = ("notice_at", "ended_at", "paused_from", "paused_to", "left_at")

SEVERAL = """
CREATE OR REPLACE TEMP TABLE several_voices AS
SELECT _key FROM spoken GROUP BY _key HAVING min(_voice) < max(_voice)
"""
PIECES = """
CREATE OR REPLACE TEMP TABLE pieces AS
SELECT _key, _start, lead(_start, 1, {never}) OVER (PARTITION BY _key ORDER BY _start) AS _end
FROM (
    SELECT DISTINCT _key, unnest([_recorded, _seen, _until, {own_dates}]) AS _start
    FROM spoken SEMI JOIN several_voices USING (_key)
) WHERE _start < {never}
"""
ALONE = "SELECT * EXCLUDE (_key, _voice) FROM spoken ANTI JOIN several_voices USING (_key)"
TOGETHER = """
SELECT {columns}, _start AS _recorded, _start AS _seen, _end AS _until
FROM pieces {joins}
WHERE {anyone}
"""


def each_voice(told: Told, own_date: str) -> str:
    """SQL of every version with its span among those of its own voice."""
    within = ("_voice",) if len(told.voices) > 1 else ()
    key = (*told.table.key, *within)
    return knowledge.spans_of(told.rows, key, own_date, several=told.several)


def spans(connection: duckdb.DuckDBPyConnection, told: Told, own_date: str) -> str:
    """SQL of every version with `_recorded`, `_seen` and `_until`, all voices taken together.

    `own_date` is SQL (seconds) of the date that a row carries itself, NULL where it carries none.
    With one voice these are its versions as they are. Makes temporary tables in `connection`.
    """
    each = each_voice(told, own_date)
    if len(told.voices) == 1:
        return each
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE spoken AS SELECT *, {told.key} AS _key FROM ({each})"  # noqa: S608
    )
    connection.execute(SEVERAL)
    dates = [column for column in OWN_DATES if column in told.columns]
    own_dates = [f"CASE WHEN {_between(column)} THEN {_second(column)} END" for column in dates]
    own_dates.append("NULL::BIGINT")
    connection.execute(PIECES.format(never=NEVER, own_dates=", ".join(own_dates)))
    together = TOGETHER.format(
        columns=_columns(told),
        joins=" ".join(_join(voice) for voice in told.voices),
        anyone=" OR ".join(f"v{voice}._key IS NOT NULL" for voice in told.voices),
    )
    return f"({ALONE}) UNION ALL BY NAME ({together})"


def _join(voice: int) -> str:
    """The version of one voice that is known in a piece."""
    return (
        f"LEFT JOIN spoken AS v{voice} ON v{voice}._key = pieces._key AND v{voice}._voice = {voice}"
        f" AND v{voice}._recorded <= _start AND _start < v{voice}._until"
    )


def _columns(told: Told) -> str:
    """The columns of a piece. It is dated where a version that says so begins to be known in it:
    `told_until` and what was announced go by that."""
    required = {column.name for column in told.table.columns if column.required}

    def value(voice: int, column: str) -> str:
        said = f"v{voice}.{name(column)}"
        if column in required:
            return said
        known = f"v{voice}._seen <= _start"
        if column in OWN_DATES:
            known = f"({known} OR {knowledge.seconds(said)} <= _start)"
        return f"CASE WHEN {known} THEN {said} END"

    begins = {voice: f"v{voice}._seen = _start" for voice in told.voices}
    combined = combine(told, begins, value)
    return ", ".join(f"{said} AS {name(column)}" for column, said in combined.items())


def _second(column: str) -> str:
    return knowledge.seconds(name(column))


def _between(column: str) -> str:
    """The date comes after the version was recorded and before it was known as a whole."""
    return f"{_second(column)} > _recorded AND {_second(column)} < least(_seen, _until)"
