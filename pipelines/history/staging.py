"""Staging: every row of a source, typed and judged, in a table of DuckDB.

`staged_TABLE` holds the contract's columns and eight of ours: `_file` and `_line` (where the row
stands; `_line` is NULL for CSV, whose order is the order of the rows), `_problem` (position in the
list of problems, NULL for a good row), `_bad` (the value to report), `_naive` (how many times had
no offset), `_made` (the id is ours), `_key` (interactions: hash of source and id), `_content`.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from models.errors import WarmlineError
from pipelines.history.casts import SQL_TYPE, Problem, naive, problems, raw, typed
from pipelines.history.engine import count, name, quoted
from pipelines.history.lines import lines_of_bytes, not_utf8
from pipelines.history.rejects import Reject
from pipelines.history.schema import Column, Table
from pipelines.history.sources import MADE, Feed, columns_of
from pipelines.history.spreading import spread

if TYPE_CHECKING:
    import duckdb

OURS = {
    "_file": "INTEGER", "_line": "BIGINT", "_problem": "INTEGER", "_bad": "VARCHAR",
    "_naive": "UTINYINT", "_made": "BOOLEAN", "_key": "UBIGINT", "_content": "UBIGINT",
}  # fmt: skip
NOT_CONTENT = ("recorded_at", "updated_at")  # when it was known or written, not what it says
SEPARATOR = chr(31)

# Rows are typed, then judged.
INSERT = """
INSERT INTO {staged} BY NAME
WITH given AS (SELECT {raws}, {line} AS _line FROM {relation}),
read AS (SELECT *, {typed} FROM given),
judged AS (SELECT * REPLACE ({source} AS source), {problem} AS _problem FROM read),
named AS (SELECT *{replaced}, {made} AS _made FROM judged)
SELECT {columns}, {file} AS _file, _line, _problem, {bad} AS _bad, {naive} AS _naive, _made,
    {key} AS _key, {content} AS _content
FROM named
"""
# An id that a mapping leaves to us is a hash of the row's content and an ordinal: 1, and 2, 3, ...
# for further equal rows, so that they stay apart and the same rows again get the same ids.
MADE_ID = " REPLACE (coalesce(interaction_id, left(md5({content}), 20) || '-1') AS interaction_id)"
EQUAL_ROWS = """
UPDATE staged_interactions AS staged SET interaction_id = twin.numbered
FROM (
    SELECT rowid AS row, row_number() OVER (PARTITION BY interaction_id ORDER BY _line) AS place,
        regexp_replace(interaction_id, '1$', place::VARCHAR) AS numbered
    FROM staged_interactions SEMI JOIN (
        SELECT _key FROM staged_interactions WHERE _made GROUP BY _key HAVING count(*) > 1
    ) USING (_key)
    WHERE _made
) AS twin
WHERE twin.row = staged.rowid AND place > 1
"""
REHASH = "UPDATE {staged} SET _key = {key}, _content = {content} WHERE _made AND {twin}"
TWIN = "NOT ends_with(interaction_id, '-1')"


@dataclass
class Staged:
    """The rows of one table, all its files together."""

    table: Table
    columns: tuple[Column, ...]
    others: list[str]  # undeclared columns that are kept
    problems: list[Problem]
    files: list[Feed] = field(default_factory=list)
    first_row: list[int] = field(default_factory=list)  # `rowid` at which each file begins
    broken: list[Reject] = field(default_factory=list)  # rows that are no rows at all
    stored: list[str] = field(default_factory=list)  # of the columns kept, those that a feed has

    @property
    def name(self) -> str:
        return f"staged_{self.table.name}"

    @property
    def kept(self) -> list[str]:
        """The table's columns."""
        return [*(column.name for column in self.columns), *self.others]


def stage(
    connection: duckdb.DuckDBPyConnection,
    feeds: list[Feed],
    *,
    source: str,
    latest: int,
    more: bool = False,
) -> Staged:
    """Reads all `feeds` of one table. `source` stands in where a row names none. Columns that no
    feed has are not stored, unless `more` rows are to come.

    Raises `WarmlineError` where a file is not UTF-8.
    """
    table = feeds[0].table
    columns = columns_of(table)
    others = sorted({column for feed in feeds for column in feed.others})
    others = others if table.open_ended else []
    staged = Staged(table, columns, others, problems(table, columns, latest))
    absent = [] if more else _in_no_feed(columns, feeds)
    staged.stored = [column for column in staged.kept if column not in absent]
    types = {column.name: SQL_TYPE[column.type] for column in columns}
    types |= dict.fromkeys(others, "VARCHAR") | OURS
    for column in absent:
        types[column] += f" AS ({quoted(source if column == 'source' else None)})"
    spelled = ", ".join(f"{name(column)} {type_}" for column, type_ in types.items())
    connection.execute(f"CREATE TABLE {staged.name} ({spelled})")
    for feed in feeds:
        _read(connection, staged, feed, source)
    if any(_makes_ids(feed) for feed in feeds):
        connection.execute(EQUAL_ROWS)
        hashes = {"key": _key(table), "content": content_hash(staged)}
        connection.execute(REHASH.format(staged=staged.name, twin=TWIN, **hashes))
    return staged


def _in_no_feed(columns: tuple[Column, ...], feeds: list[Feed]) -> list[str]:
    told = {*MADE, *(column for feed in feeds for column in feed.types)}
    return [column.name for column in columns if column.name not in told]


def _makes_ids(feed: Feed) -> bool:
    return feed.mapped and feed.table.name == "interactions"


def _read(connection: duckdb.DuckDBPyConnection, staged: Staged, feed: Feed, source: str) -> None:
    import duckdb

    staged.first_row.append(count(connection, staged.name))
    staged.files.append(feed)
    try:
        with spread(connection, feed) as same:
            connection.execute(_insert(staged, same, source))
    except duckdb.InvalidInputException as error:
        raise WarmlineError(f"{feed.label} cannot be read: {_short(error)}") from error
    if feed.path:
        staged.broken += _broken_rows(connection, feed, feed.path)


def _insert(staged: Staged, feed: Feed, source: str) -> str:
    present = [column for column in staged.columns if column.name in feed.types]
    absent = [column for column in staged.columns if column.name not in feed.types]
    others = [column for column in staged.others if column in feed.types]
    times = [column for column in present if column.type == "time"]
    judged = [f"{typed(c, feed.types[c.name])} AS {name(c.name)}" for c in present]
    judged += [f"NULL::{SQL_TYPE[c.type]} AS {name(c.name)}" for c in absent]
    judged += [f"{name('r_' + c)} AS {name(c)}" for c in others]
    judged += [f"NULL::VARCHAR AS {name(c)}" for c in staged.others if c not in others]
    given = [
        f"{raw(c, feed.types[c.name], c.name in feed.trimmed)} AS {name('r_' + c.name)}"
        for c in present
    ]
    given += [f"NULL AS {name('r_' + c.name)}" for c in absent]
    given += [f"nullif(trim({name(c)}::VARCHAR), '') AS {name('r_' + c)}" for c in others]
    made = _makes_ids(feed)
    silent = {column.name for column in absent} - {"source", *MADE}
    return INSERT.format(
        staged=staged.name,
        raws=", ".join(given),
        line=_line(feed),
        relation=feed.relation,
        typed=", ".join(judged),
        source=f"coalesce(source, {quoted(source)})",
        problem=_problem(staged, made, set(feed.types)),
        columns=", ".join(map(name, staged.stored)),
        file=len(staged.files) - 1,
        bad=_bad(staged),
        naive=" + ".join(f"{naive(c, feed.types[c.name])}::UTINYINT" for c in times) or "0",
        key=_key(staged.table),
        content=content_hash(staged, silent),
        replaced=MADE_ID.format(content=_content(staged, silent)) if made else "",
        made="interaction_id IS NULL" if made else "false",
    )


def _line(feed: Feed) -> str:
    if feed.path:
        return "NULL"
    return "file_row_number + 1" if "file_row_number" in feed.relation else "rowid + 1"


def _problem(staged: Staged, made: bool, present: Set[str]) -> str:
    """The position of the first problem that the row has: in a column that is there."""
    whens = [
        f"WHEN {problem.broken} THEN {position}"
        for position, problem in enumerate(staged.problems)
        if problem.column in present and not (made and problem.column == "interaction_id")
    ]
    return f"CASE {' '.join(whens)} END" if whens else "NULL"


def _bad(staged: Staged) -> str:
    """The value to report: never a personal one."""
    whens = [
        f"WHEN {position} THEN {name('r_' + problem.column)}::VARCHAR"
        for position, problem in enumerate(staged.problems)
        if not _personal(staged.table, problem.column)
    ]
    return f"CASE WHEN _problem IS NOT NULL THEN CASE _problem {' '.join(whens)} END END"


def _personal(table: Table, column: str) -> bool:
    declared = table.column(column)
    return declared is not None and declared.personal


def _key(table: Table) -> str:
    if table.name != "interactions":
        return "NULL"
    return f"hash64(source || {quoted(SEPARATOR)} || interaction_id)"


def content_hash(staged: Staged, silent: Set[str] = frozenset()) -> str:
    """SQL of the hash of all that a row says, its age and provenance aside. Columns that are
    `silent` say nothing in any row, and need not be looked at."""
    return f"hash64({_content(staged, silent)})"


def _content(staged: Staged, silent: Set[str]) -> str:
    """All that the row says, as one text; stable over versions of everything. `concat` takes what
    is absent as an empty text."""
    said = [column for column in staged.columns if column.name not in NOT_CONTENT]
    pieces = [None if column.name in silent else _as_text(column) for column in said]
    # Undeclared columns by name, so that a file with more of them differs only where they say more.
    pieces += [f"{quoted(c + '=')} || {name(c)}" for c in staged.others]
    texts, between = list[str](), ""  # what stands between two texts is put there in one go
    for piece in pieces:
        if piece:
            texts += [quoted(between), piece]
            between = ""
        between += SEPARATOR
    return f"concat({', '.join([*texts, quoted(between[1:])])})"


def _as_text(column: Column) -> str:
    value = name(column.name)
    return f"epoch_us({value})::VARCHAR" if column.type == "time" else f"{value}::VARCHAR"


def _broken_rows(connection: duckdb.DuckDBPyConnection, feed: Feed, path: Path) -> list[Reject]:
    """Rows that DuckDB could not split into the header's columns."""
    rows = connection.execute(
        "SELECT DISTINCT error_type::VARCHAR, line_byte_position FROM reject_errors"
    ).fetchall()
    connection.execute("DROP TABLE IF EXISTS reject_errors; DROP TABLE IF EXISTS reject_scans")
    if any(kind == "INVALID ENCODING" for kind, _ in rows):
        raise WarmlineError(not_utf8(path, feed.label))
    lines = lines_of_bytes(path, [position for _, position in rows])
    return [
        Reject(feed.label, lines.get(position, 0), "", "", f"the row has {kind.lower()}")
        for kind, position in rows
    ]


def _short(error: Exception) -> str:
    return str(error).splitlines()[0]
