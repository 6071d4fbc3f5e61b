"""From a source's columns to the contract's types: SQL written from the declarations.

Every expression yields NULL where the value is absent or cannot be read; a value that was present
and came out NULL is what validation reports.
"""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.history.engine import name, quoted
from pipelines.history.schema import Column, Table

SQL_TYPE = {
    "text": "VARCHAR",
    "time": "TIMESTAMPTZ",
    "date": "DATE",
    "number": "DOUBLE",
    "flag": "BOOLEAN",
}
NO_TIME = ("INT", "DOUBLE", "FLOAT", "DECIMAL", "BOOLEAN")  # prefixes; HUGEINT ends in INT
# Z, +02, +0200 or +02:00 after a time of day.
OFFSET = r":\d\d(\.\d+)?\s*([zZ]|UTC|[+-]\d\d(:?\d\d)?)$"


@dataclass(frozen=True)
class Problem:
    """One way in which a row can be wrong; `broken` is SQL over raw (`r_...`) and typed columns."""

    column: str
    reason: str
    broken: str


def raw(column: Column, sql_type: str, trimmed: bool = False) -> str:
    """The source's column with what means "absent" as NULL. `trimmed`: no text of it is empty, or
    has spaces around it."""
    source = name(column.name)
    if sql_type == "VARCHAR" and not trimmed:
        return f"nullif({source}, '')" if column.name == "text" else f"nullif(trim({source}), '')"
    if sql_type in ("DOUBLE", "FLOAT"):
        return f"CASE WHEN isnan({source}) THEN NULL ELSE {source} END"  # pandas' absent value
    return source


def typed(column: Column, sql_type: str) -> str:
    """The raw column `r_...` as the contract's type."""
    value = name("r_" + column.name)
    if column.type == "text":
        return _text(value, sql_type)
    if column.type == "number":
        number = f"try_cast({value} AS DOUBLE)"
        return f"CASE WHEN isfinite({number}) THEN {number} END"
    if column.type == "time":
        return _time(value, sql_type)
    return f"try_cast({value} AS {SQL_TYPE[column.type]})"


def _text(value: str, sql_type: str) -> str:
    if sql_type in ("DOUBLE", "FLOAT"):  # an id that pandas made a float of: 17850.0 is 17850
        return (
            f"CASE WHEN {value} = floor({value}) AND abs({value}) < 1e15 "
            f"THEN {value}::BIGINT::VARCHAR ELSE {value}::VARCHAR END"
        )
    return value if sql_type == "VARCHAR" else f"{value}::VARCHAR"


def _time(value: str, sql_type: str) -> str:
    if sql_type == "VARCHAR":
        time = f"try_cast({value} AS TIMESTAMPTZ)"
        return f"CASE WHEN isfinite({time}) THEN {time} END"
    if sql_type.startswith("TIMESTAMPTZ") or sql_type == "TIMESTAMP WITH TIME ZONE":
        return f"{value}::TIMESTAMPTZ"
    # Naive: read in the connection's time zone.
    return f"{value}::TIMESTAMP::TIMESTAMPTZ"


def is_time(sql_type: str) -> bool:
    """Whether a column of this type can hold times at all; epoch numbers say no unit."""
    return not (sql_type.startswith(NO_TIME) or sql_type.endswith("INT"))


def naive(column: Column, sql_type: str) -> str:
    """SQL condition: the time was given without an offset."""
    value = name("r_" + column.name)
    if sql_type == "VARCHAR":
        return f"({value} IS NOT NULL AND NOT regexp_matches({value}, {quoted(OFFSET)}))"
    if sql_type.startswith("TIMESTAMPTZ") or sql_type == "TIMESTAMP WITH TIME ZONE":
        return "false"
    return f"({value} IS NOT NULL)"


def problems(table: Table, columns: tuple[Column, ...], latest: int) -> list[Problem]:
    """All ways in which a row of the table can be wrong, the first that holds being reported.

    `latest` is the last second that a past time may have.
    """
    found = [problem for column in columns for problem in _problems(table, column, latest)]
    living = "deleted_at IS NULL"
    for check in table.checks:
        found.append(Problem(check.column, check.reason, f"{living} AND {check.broken}"))
    return found


def _problems(table: Table, column: Column, latest: int) -> list[Problem]:
    value, given = name(column.name), name("r_" + column.name)
    found = []
    if column.required:
        needed = "" if column.name in table.key else "deleted_at IS NULL AND "
        found.append(Problem(column.name, "is missing", f"{needed}{given} IS NULL"))
    if column.type != "text":
        found.append(
            Problem(column.name, f"is no {column.type}", f"{given} IS NOT NULL AND {value} IS NULL")
        )
    if column.one_of:
        known = ", ".join(map(quoted, column.one_of))
        reason = "is none of the kinds in docs/history.md" if len(column.one_of) > 9 else (
            f"is none of {', '.join(column.one_of)}"
        )  # fmt: skip
        # A long list after IN becomes a join, behind which DuckDB lets go of the order of rows that
        # several threads read.
        strange = f"{value} IS NOT NULL AND try_cast({value} AS ENUM ({known})) IS NULL"
        found.append(Problem(column.name, reason, strange))
    if column.least is not None:
        found.append(
            Problem(column.name, f"is under {column.least:g}", f"{value} < {column.least}")
        )
    if column.most is not None:
        found.append(Problem(column.name, f"is over {column.most:g}", f"{value} > {column.most}"))
    if column.past:
        found.append(
            Problem(column.name, "lies in the future", f"{value} > to_timestamp({latest})")
        )
    return found
