"""What a source folder holds: which files are which table, and whether their columns will do."""

from __future__ import annotations

import csv
import difflib
import gzip
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from models.errors import WarmlineError
from pipelines.history.casts import is_time
from pipelines.history.engine import name, quoted
from pipelines.history.lines import not_utf8
from pipelines.history.schema import PROVENANCE, REQUIRED_TABLES, TABLES, Column, Table

if TYPE_CHECKING:
    import duckdb

SUFFIXES = (".csv", ".csv.gz", ".parquet")
MADE = ("interaction_id",)  # columns that a mapping may leave to be made from the row's content


@dataclass(frozen=True)
class Feed:
    """One file, or one mapping's SELECT, that holds rows of one table."""

    table: Table
    label: str  # what a reject calls it
    relation: str  # SQL to select from
    types: dict[str, str]  # SQL type by column
    path: Path | None = None  # a CSV file
    parquet: Path | None = None  # a Parquet file
    mapped: bool = False
    trimmed: frozenset[str] = frozenset()  # columns without empty texts and spaces around them

    @property
    def others(self) -> list[str]:
        """Columns that the table does not declare."""
        declared = {column.name for column in columns_of(self.table)}
        return [column for column in self.types if column not in declared]


@dataclass(frozen=True)
class Found:
    """What was found, and what was left alone."""

    feeds: list[Feed]
    ignored: list[str] = field(default_factory=list)
    left_out: dict[str, int] = field(default_factory=dict)  # rows by reason, as a mapping says


def columns_of(table: Table) -> tuple[Column, ...]:
    """The table's own columns and those that every table may carry."""
    own = {column.name for column in table.columns}
    return (*table.columns, *(column for column in PROVENANCE if column.name not in own))


def find(connection: duckdb.DuckDBPyConnection, folder: Path) -> Found:
    """The contract tables in a folder of CSV and Parquet files; raises where they will not do."""
    if not folder.is_dir():
        raise WarmlineError(f"{folder} is no folder. Nothing was changed.")
    feeds, ignored = [], []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        label = str(path.relative_to(folder))
        table = _table_of(label)
        if table is None:
            ignored.append(label)
            continue
        feed = _feed(connection, table, path, label)
        check_columns(feed)
        feeds.append(feed)
    _check_found(folder, {feed.table.name for feed in feeds}, ignored)
    return Found(feeds, ignored)


def check_columns(feed: Feed) -> None:
    """Raises where a required column is absent or a time column holds numbers."""
    for column in columns_of(feed.table):
        if column.name in feed.types:
            if column.type == "time" and not is_time(feed.types[column.name]):
                raise WarmlineError(
                    f"{feed.label}: `{column.name}` holds numbers, whose unit is not known.\n"
                    "Give ISO 8601 times, or map it (docs/guides/mappings.md)."
                    " Nothing was changed."
                )
        elif column.required and not (feed.mapped and column.name in MADE):
            raise WarmlineError(_missing(feed, column.name))


def _missing(feed: Feed, column: str) -> str:
    lines = [f"{feed.label} has no column `{column}`."]
    spelled = {re.sub(r"\W+", "_", other.strip().lower()): other for other in feed.others}
    near = difflib.get_close_matches(column, spelled, 1, cutoff=0.7)
    if near:
        other = spelled[near[0]]
        where = list(feed.types).index(other) + 1
        lines.append(
            f"It has `{other}` at position {where}: rename it, or map it (docs/guides/mappings.md)."
        )
    elif len(feed.types) == 1 and ";" in next(iter(feed.types)):
        lines.append("Its columns seem to be separated by semicolons: save it with commas.")
    elif column in MADE:
        lines.append(
            "Each row needs an id of its own, so that the same row is known again. A mapping can"
            " have it made from the row's content (docs/guides/mappings.md)."
        )
    else:
        lines.append("Add it, or map what the source has (docs/guides/mappings.md).")
    return "\n".join([*lines, "Nothing was changed."])


def _table_of(label: str) -> Table | None:
    """`interactions.csv`, `interactions-2026-01.csv.gz`, `interactions/part-0.parquet`."""
    if not label.endswith(SUFFIXES):
        return None
    for table in TABLES:
        if re.fullmatch(rf"{table.name}([-_. /].*)?\.(csv|csv\.gz|parquet)", label):
            return table
    return None


def _check_found(folder: Path, tables: set[str], ignored: list[str]) -> None:
    missing = [table for table in REQUIRED_TABLES if table not in tables]
    if len(missing) < len(REQUIRED_TABLES) or tables:
        return
    there = f" It holds {', '.join(ignored[:5])}." if ignored else " It is empty."
    raise WarmlineError(
        f"{folder} has no table that Warmline knows (customers.csv, interactions.csv, ...)."
        f"{there}\n"
        "Files in another shape come in through a mapping (docs/guides/mappings.md)."
        " Nothing was changed."
    )


def _feed(connection: duckdb.DuckDBPyConnection, table: Table, path: Path, label: str) -> Feed:
    if path.suffix == ".parquet":
        relation = f"read_parquet({quoted(str(path))}, file_row_number = true)"
        types = described(connection, f"SELECT * FROM read_parquet({quoted(str(path))})")  # noqa: S608
        return Feed(table, label, relation, types, parquet=path)
    header = _header(path, label)
    columns = ", ".join(f"{quoted(column)}: 'VARCHAR'" for column in header)
    relation = (
        f"read_csv({quoted(str(path))}, columns = {{{columns}}}, auto_detect = false, "
        "header = true, delim = ',', quote = '\"', escape = '\"', max_line_size = 16000000, "
        "store_rejects = true)"
    )
    return Feed(table, label, relation, dict.fromkeys(header, "VARCHAR"), path)


def described(connection: duckdb.DuckDBPyConnection, select: str) -> dict[str, str]:
    """SQL type by column of a SELECT."""
    rows = connection.execute(f"DESCRIBE {select}").fetchall()
    return {row[0]: row[1] for row in rows}


def empty_feed(table: Table) -> Feed:
    """A feed without rows, for a source that lacks the table."""
    types = {column.name: "VARCHAR" for column in columns_of(table)}
    nothing = ", ".join(f"NULL::VARCHAR AS {name(column)}" for column in types)
    return Feed(table, table.name, f"(SELECT {nothing}, 0 AS file_row_number LIMIT 0)", types)


def _header(path: Path, label: str) -> list[str]:
    try:
        with open_text(path) as file:
            header = [column.strip() for column in next(csv.reader(file), [])]
    except UnicodeDecodeError as error:
        raise WarmlineError(not_utf8(path, label)) from error
    if not header:
        raise WarmlineError(f"{label} is empty: it needs a header line. Nothing was changed.")
    _check_header(header, label)
    return header


def _check_header(header: Iterable[str], label: str) -> None:
    seen: set[str] = set()
    for position, column in enumerate(header, 1):
        if not column or column.lower() in seen:
            what = f"a second column `{column}`" if column else "a column without a name"
            raise WarmlineError(
                f"{label} has {what} at position {position}. Name each column once."
                " Nothing was changed."
            )
        seen.add(column.lower())


def open_text(path: Path) -> TextIO:
    """A CSV file as text; a byte order mark is skipped."""
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")
