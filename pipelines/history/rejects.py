"""Rejected rows: found again in their files, summed up by reason, and written for their owner."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable
from dataclasses import astuple, dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.files import write_atomically
from models.words import listed
from pipelines.history.engine import count as count_rows
from pipelines.history.lines import lines_of_records

if TYPE_CHECKING:
    import duckdb

    from pipelines.history.staging import Staged

HEADER = ("file", "line", "column", "value", "reason")
LONGEST = 200  # characters of a value that are shown
LISTED = 100_000  # rejects that are listed; the rest are counted
SHOWN = 5  # places of each reason that a report names
WRITTEN = {"time": "2026-07-01T09:30:00+02:00", "date": "2026-07-01", "number": "1234.5",
           "flag": "true"}  # fmt: skip


@dataclass(frozen=True, order=True)
class Reject:
    """One row that was left out, and where its owner finds it."""

    file: str
    line: int
    column: str
    value: str
    reason: str

    @property
    def why(self) -> str:
        return f"{self.column}: {self.reason}" if self.column else self.reason


@dataclass(frozen=True)
class Reason:
    """Why rows were left out, how many, and where the first of them stand."""

    why: str
    rows: int
    first: list[tuple[str, int]]  # file and line, of up to `SHOWN`

    def to_dict(self) -> dict[str, Any]:
        places = [{"file": file, "line": line} for file, line in self.first]
        return {"reason": self.why, "rows": self.rows, "first": places}

    def __str__(self) -> str:
        places = "; ".join(
            _place(file, [line for _, line in lines])
            for file, lines in groupby(self.first, key=itemgetter(0))
        )
        return f"{self.rows:,} x {self.why}{_right(self.why)} (first: {places})"


def _place(file: str, lines: list[int]) -> str:
    return f"{file}, {'line' if len(lines) == 1 else 'lines'} {listed(list(map(str, lines)))}"


def _right(why: str) -> str:
    """How a value is written, where none of its type was found."""
    example = WRITTEN.get(why.rpartition(" is no ")[2])
    return f", such as {example}" if example else ""


def by_reason(rejects: Iterable[Reject]) -> list[Reason]:
    """Each reason with its count and its first places, the most frequent first."""
    places: dict[str, list[tuple[str, int]]] = {}
    for reject in rejects:
        places.setdefault(reject.why, []).append((reject.file, reject.line))
    found = [Reason(why, len(all_), all_[:SHOWN]) for why, all_ in places.items()]
    return sorted(found, key=lambda reason: -reason.rows)


def collect(connection: duckdb.DuckDBPyConnection, staged: Staged) -> list[Reject]:
    """The rejected rows of one table, by file and line."""
    rows = connection.execute(
        "SELECT _file, _line, rowid, _problem, coalesce(_bad, '') "  # noqa: S608
        f"FROM {staged.name} WHERE _problem >= 0 ORDER BY _file, rowid LIMIT {LISTED}"
    ).fetchall()
    lines = _lines(staged, [(file, row) for file, line, row, _, _ in rows if line is None])
    found = [
        Reject(
            staged.files[file].label,
            line or lines[file, row],
            staged.problems[problem].column,
            bad[:LONGEST],
            staged.problems[problem].reason,
        )
        for file, line, row, problem, bad in rows
    ]
    return sorted([*staged.broken, *found])


def count(connection: duckdb.DuckDBPyConnection, staged: Staged) -> int:
    """How many rows of the table are rejected."""
    return count_rows(connection, f"{staged.name} WHERE _problem >= 0") + len(staged.broken)


def _lines(staged: Staged, places: list[tuple[int, int]]) -> dict[tuple[int, int], int]:
    """Line by file and `rowid`, of rows from CSV files."""
    found: dict[tuple[int, int], int] = {}
    for file in {file for file, _ in places}:
        feed, first = staged.files[file], staged.first_row[file]
        if feed.path is None:
            continue
        records = [row - first for of, row in places if of == file]
        lines = lines_of_records(feed.path, records, len(feed.types))
        found |= {(file, first + record): line for record, line in lines.items()}
    return found


def write(folder: Path, source: str, rejects: list[Reject]) -> Path:
    """Writes `rejects` as CSV into `folder`; the same rejects again are the same file."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    writer.writerows(map(astuple, rejects))
    content = text.getvalue().encode()
    safe = "".join(c if c.isalnum() or c in "-_." else "-" for c in source)
    path = folder / f"{safe}-{hashlib.sha256(content).hexdigest()[:12]}.csv"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(path, content)
    return path
