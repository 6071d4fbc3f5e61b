"""How far a database's tables have been read: which column tells, and from where to read on."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from models.errors import WarmlineError
from pipelines.history.adbc import TableName
from pipelines.history.carrying import Carried
from pipelines.history.engine import name, one_row, quoted

if TYPE_CHECKING:
    import duckdb

SINCE = "${since}"
BEGINNING = "0001-01-01 00:00:00"  # before all rows, in a form that every database reads
COMPARED = re.compile(r'("[^"]+"|\w+)\s*>=?\s*\$\{since\}', re.IGNORECASE)
DECLARED = re.compile(r"^\s*--\s*watermark:\s*(\S+)\s*$", re.IGNORECASE | re.MULTILINE)
# An interaction that is changed or found later shows it in the first that it has of these. Other
# tables change in place, which only `updated_at` tells: without it they are read whole.
OF_INTERACTIONS = ("updated_at", "recorded_at", "occurred_at")
OF_OTHERS = ("updated_at",)
KINDS = ("text", "naive", "zoned", "date")
NEWEST = """
SELECT max(epoch_us(moment)) FILTER (moment <= to_timestamp({now})) FROM (
    SELECT {moment} AS moment FROM {table}
)
"""


@dataclass(frozen=True)
class Mark:
    """The column of one table by which newer rows are told."""

    column: str
    kind: str  # see `Carried`

    def since(self, last: str, lag: timedelta) -> str:
        """From where to read on, as an SQL literal: `last`, a watermark, less the lag window."""
        moment = datetime.fromisoformat(last)
        if moment.timestamp() - lag.total_seconds() < datetime(2, 1, 1).timestamp():
            return quoted(BEGINNING)
        moment -= lag
        if self.kind == "text":
            # Texts are compared as texts: a date comes before whatever time follows it, and one
            # day more covers the offsets that they may be written with.
            return quoted(f"{moment - timedelta(days=1):%Y-%m-%d}")
        return quoted(moment.isoformat(sep=" "))

    def newest(
        self, connection: duckdb.DuckDBPyConnection, table: str, now: datetime
    ) -> str | None:
        """The watermark after reading `table` (SQL, in DuckDB), as ISO text; None without rows.

        A time ahead of `now` does not count: one wrong clock would hide all rows after it.
        """
        column = name(self.column)
        moment = f"try_cast({column} AS TIMESTAMPTZ)"
        query = NEWEST.format(moment=moment, table=table, now=now.timestamp())
        found = one_row(connection, query)[0]
        if found is None:
            return None
        newest = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=found)
        if self.kind not in ("naive", "date"):
            return newest.isoformat()
        # Written as the database writes it, without an offset.
        same = f"SELECT max({column}::TIMESTAMP) FROM {table} WHERE {moment} <= to_timestamp({now.timestamp()})"  # noqa: E501, S608
        naive: datetime = one_row(connection, same)[0]
        return naive.isoformat()


def of_contract(table: str, columns: Iterable[Carried]) -> Mark | None:
    """The mark of a contract table with these columns; None where it must be read whole."""
    kinds = {column.name: column.type for column in columns}
    candidates = OF_INTERACTIONS if table == "interactions" else OF_OTHERS
    return next((Mark(c, kinds[c]) for c in candidates if kinds.get(c) in KINDS), None)


def of_select(select: str, columns: Iterable[Carried], label: str) -> Mark | None:
    """The mark of a mapping's `source/NAME.sql`: the column that it compares with `${since}`.

    A line `-- watermark: COLUMN` says it as well. None where it has neither. Raises `WarmlineError`
    where that column is not among those that the SELECT yields.
    """
    found = DECLARED.search(select) or COMPARED.search(select)
    if not found and SINCE not in select:
        return None
    kinds = {column.name: column.type for column in columns}
    column = found[1].strip('"') if found else ""
    spelled = next((one for one in kinds if one.lower() == column.lower()), None)
    if spelled is None or kinds[spelled] not in KINDS:
        which = f"`{column}`, which is no time that it yields" if found else "no column that I see"
        raise WarmlineError(
            f"{label} measures what is new by {which}. Name a time among its columns in a line"
            " `-- watermark: COLUMN`. Nothing was changed."
        )
    return Mark(spelled, kinds[spelled])


def narrowed(
    select: str, mark: Mark, since: str, columns: Iterable[Carried], spelled: Callable[[str], str]
) -> str:
    """The rows of `select` that are newer than `since` (an SQL literal); `spelled` quotes names.

    A row without a time might be new at any night, and a tombstone may leave `updated_at` alone.
    """
    there = {column.name for column in columns}
    column = spelled(mark.column)
    either = [f"{column} > {since}", f"{column} IS NULL"]
    if "deleted_at" in there and mark.column != "deleted_at":
        either.append(f"{spelled('deleted_at')} > {since}")
    return f"SELECT * FROM (\n{select}\n) AS whole WHERE {' OR '.join(either)}"  # noqa: S608


def key_of(table: TableName) -> str:
    """What a table's watermark is called in the manifest."""
    return str(table).lower()
