"""How a database's types come over: what ADBC cannot carry, or carries wrongly, as text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines.history.addresses import POSTGRESQL, SQLITE, Driver
from pipelines.history.engine import name

if TYPE_CHECKING:
    import pyarrow as pa

# The driver adds Postgres' epoch to an infinite time, which then wraps round to the year -290308.
# "infinity" says in a database what an empty column says in the contract: no such time.
FINITE = "CASE WHEN {column} BETWEEN '0001-01-01' AND '9999-12-31 23:59:59' THEN {column} END"
ABSENT = 26  # SUB, "in place of a character that is invalid": no text is that alone
MOST_DIGITS = 38  # of a DuckDB DECIMAL
TYPE, MODIFIER = b"POSTGRESQL:type", b"POSTGRESQL:typmod"  # what the driver notes of a column


@dataclass(frozen=True)
class Carried:
    """One column: how the database is asked for it, and how DuckDB takes it."""

    name: str
    asked: str
    taken: str
    type: str  # text, naive, zoned, date or other: what a watermark on it would be


def carried(driver: Driver, column: pa.Field, spelled: Callable[[str], str]) -> Carried:
    """How `column`, as the driver describes it, is carried over."""
    if driver is POSTGRESQL:
        return _from_postgres(column)
    here, there = name(column.name), spelled(column.name)
    if driver is SQLITE:
        # A column of SQLite holds any type in any row, and the driver guesses from the first ones:
        # from text for every row, absent ones included.
        asked = f"coalesce(CAST({there} AS TEXT), char({ABSENT})) AS {there}"
        return Carried(column.name, asked, f"nullif({here}, chr({ABSENT})) AS {here}", "text")
    if _foreign(column.type):
        return Carried(column.name, f"CAST({there} AS VARCHAR) AS {there}", here, "text")
    return Carried(column.name, there, here, _kind(column.type))


def _from_postgres(column: pa.Field) -> Carried:
    import pyarrow as pa

    sql = name(column.name)
    notes = column.metadata or {}
    kind = notes.get(TYPE, b"").decode()
    if kind == "numeric":
        return Carried(column.name, f"{sql}::text AS {sql}", _decimal(sql, notes), "other")
    if pa.types.is_timestamp(column.type) or pa.types.is_date(column.type):
        asked = f"{FINITE.format(column=sql)} AS {sql}"
        return Carried(column.name, asked, sql, _kind(column.type))
    if kind == "money" or pa.types.is_interval(column.type) or _foreign(column.type):
        return Carried(column.name, f"{sql}::text AS {sql}", sql, "text")
    return Carried(column.name, sql, sql, _kind(column.type))


def _decimal(sql: str, notes: dict[bytes, bytes]) -> str:
    """A numeric of declared size as that decimal; others stay text, so that no digit is lost."""
    declared = int(notes.get(MODIFIER, b"-1")) - 4  # Postgres: VARHDRSZ is added to it
    digits, scale = declared >> 16, declared & 0x7FF
    if declared < 0 or digits > MOST_DIGITS or scale > digits:
        return sql
    return f"try_cast({sql} AS DECIMAL({digits}, {scale})) AS {sql}"


def _foreign(type_: pa.DataType) -> bool:
    """Whether Arrow only holds its bytes: inet, xml, uuid, json, ranges, and lists of such."""
    import pyarrow as pa

    if isinstance(type_, pa.BaseExtensionType):
        return True
    return any(_foreign(type_.field(n).type) for n in range(type_.num_fields))


def _kind(type_: pa.DataType) -> str:
    import pyarrow as pa

    if pa.types.is_timestamp(type_):
        return "zoned" if type_.tz else "naive"
    if pa.types.is_date(type_):
        return "date"
    text = pa.types.is_string(type_) or pa.types.is_large_string(type_)
    return "text" if text else "other"
