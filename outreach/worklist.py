"""The worklist and the log of assignments as files. Source: CONTRACTS.md, Output."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from models.contracts import WORKLIST_COLUMNS
from models.files import make_folder, replacing, write_atomically
from models.home import Home

if TYPE_CHECKING:
    import pyarrow as pa

    from outreach.kept import Kept

ORIGIN = "origin.json"
DECISIONS = "decisions-*.parquet"  # beside the assignments, one a policy that planned the night
ROWS_AT_ONCE = 50_000  # of a file, and a row group of it
# A spreadsheet runs a cell that begins so (OWASP, CSV Injection); LibreOffice leaves out NUL.
FORMULA = r"^(?:[\t\r\n]|[\x00-\x20\x{FEFF}\x{200B}]*[=+\-@＝＋－＠])"
# And one that begins so within a text, where the file is read with another separator than ours.
WITHIN = r"([;|\t\r\n][\x00-\x20\"]*)([=+\-@＝＋－＠])"


def worklist_schema() -> pa.Schema:
    """Columns of `worklist.parquet`, in the order of `WORKLIST_COLUMNS`."""
    import pyarrow as pa

    types = {name: pa.string() for name in WORKLIST_COLUMNS} | {
        "rank": pa.int64(),
        "hold_reasons": pa.list_(pa.string()),
        "reasons": pa.list_(pa.string()),
        "what_changed": pa.list_(pa.string()),
        "expected_saved_value": pa.float64(),
        "value_at_risk": pa.float64(),
        "churn_probability": pa.float64(),
        "silent": pa.bool_(),
        "due_at": pa.timestamp("us", tz="UTC"),
        "propensity": pa.float64(),
    }
    return pa.schema(list(types.items()))


def assignments_schema() -> pa.Schema:
    """Columns of `assignments.parquet`; `arm` and `propensity` as in the worklist."""
    import pyarrow as pa

    return pa.schema(
        [
            ("decision_id", pa.string()),
            ("customer_id", pa.string()),
            ("as_of", pa.timestamp("us", tz="UTC")),
            ("playbook", pa.string()),
            ("eligible", pa.bool_()),
            ("arm", pa.string()),
            ("propensity", pa.float64()),
            ("policy_version", pa.string()),
        ]
    )


def record_schema() -> pa.Schema:
    """What else is kept of a decision (`outreach/planned.py`); `held_by`: the gates that held."""
    import pyarrow as pa

    instant = pa.timestamp("us", tz="UTC")
    return pa.schema(
        [
            ("unit", pa.string()),
            ("band", pa.string()),
            ("purpose", pa.string()),
            ("transactional", pa.bool_()),
            ("stratum", pa.string()),
            ("not_before", instant),
            ("evidence_at", instant),
            ("held_by", pa.list_(pa.string())),
            ("fingerprint", pa.string()),
            ("model_version", pa.string()),
        ]
    )


@dataclass(frozen=True)
class Origin:
    """What a list was made from, so that it can be made again."""

    run: str  # of the ScoreBatch
    planned_at: datetime
    history_generation: int | None = None  # of the history that was read, where known
    counts: Mapping[str, int] = field(default_factory=dict)  # as `PlanResult.counts`

    def to_json(self) -> bytes:
        return json.dumps({**vars(self), "planned_at": self.planned_at.isoformat()}).encode()

    @classmethod
    def read(cls, home: Path, as_of: date) -> Origin | None:
        """The origin of the published list of `as_of`; None where there is no list."""
        path = _folder(home, as_of) / ORIGIN
        if not path.exists():
            return None
        facts = json.loads(path.read_bytes())
        return cls(**{**facts, "planned_at": datetime.fromisoformat(facts["planned_at"])})


def read_draw(home: Path, period: str) -> Kept:
    """The arms of a period that are on record."""
    import numpy as np
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    from outreach.assign import CONTROL
    from outreach.kept import Kept

    path = Home(home).draw(period)
    if not path.exists():
        return Kept.none()
    columns = pq.read_table(path, partitioning=None)
    marks = bytes.fromhex("".join(columns["mark"].to_pylist()))
    alone = pc.equal(columns["arm"], CONTROL).to_numpy()
    return Kept(np.frombuffer(marks, ">u8").astype(np.uint64), alone)


def write_draw(home: Path, period: str, kept: Kept) -> None:
    """Puts the arms of a period on record, all of them, in one step. A mark tells nothing of the
    unit that it stands for."""
    import pyarrow as pa

    from outreach.assign import CONTROL, TREAT

    path = Home(home).draw(period)
    make_folder(path.parent)
    columns = {
        "mark": [f"{mark:016x}" for mark in kept.marks.tolist()],
        "arm": [CONTROL if alone else TREAT for alone in kept.alone.tolist()],
    }
    write_parquet(
        pa.table(columns, schema=pa.schema([(name, pa.string()) for name in columns])), path
    )


def publish(
    home: Path, as_of: date, rows: pa.Table, assigned: pa.Table, record: pa.Table, origin: Origin
) -> Path:
    """Writes the list, the assignments and every decision (the columns of all three) of `as_of`,
    each file in one step, and gives the folder of the worklist.

    What is kept comes first: nobody may act on a list whose experiment is not on record. The
    same rows give the same bytes. Two files are written at a time.
    """
    log, folder = Home(home).assignments(as_of), _folder(home, as_of)
    make_folder(log.parent)
    make_folder(folder)
    policy = next(iter(rows["policy_version"][:1].to_pylist()), None)
    decisions = log.with_name(DECISIONS.replace("*", policy or "none"))
    whole = _joined(rows, assigned, record)
    _both((write_parquet, whole, decisions), (write_parquet, assigned, log))
    table, sheet = folder / "worklist.parquet", folder / "worklist.csv"
    _both((write_parquet, rows, table), (to_csv, rows, sheet))
    write_atomically(folder / ORIGIN, origin.to_json())
    return folder


def _both(*writing: tuple[Callable[[pa.Table, Path], None], pa.Table, Path]) -> None:
    with ThreadPoolExecutor(len(writing)) as pool:
        done = [pool.submit(write, rows, path) for write, rows, path in writing]
    for each in done:
        each.result()


def _joined(*tables: pa.Table) -> pa.Table:
    """Tables of the same rows side by side; of a column that several have, the first table's."""
    import pyarrow as pa

    columns: dict[str, pa.ChunkedArray] = {}
    for each in tables:
        for name in each.column_names:
            columns.setdefault(name, each[name])
    return pa.table(columns)


def _folder(home: Path, as_of: date) -> Path:
    return home / "worklists" / f"as_of={as_of.isoformat()}"


def read(home: Path, as_of: date) -> pa.Table:
    """The published worklist of `as_of`. Raises `FileNotFoundError` where there is none."""
    import pyarrow.parquet as pq

    return pq.read_table(_folder(home, as_of) / "worklist.parquet", partitioning=None)


def to_csv(rows: pa.Table, path: Path) -> None:
    """The worklist as CSV at `path`, whole: UTF-8, lists as text joined by `; `.

    Safe to open in a spreadsheet: what would be run as a formula is led by an apostrophe. Texts are
    in quotes and numbers are not, for programs that can keep such as text.
    """
    import pyarrow as pa
    from pyarrow.csv import CSVWriter

    kinds = [(name, _cells(rows[name][:0]).type) for name in rows.column_names]
    schema = pa.schema(kinds)
    with replacing(path) as staged, CSVWriter(staged, schema) as writer:
        for part in _parts(rows):
            cells = {name: _cells(part[name]) for name in part.column_names}
            writer.write_table(pa.table(cells, schema=schema))


def _cells(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The column as a CSV can hold it."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_list(column.type):
        column = pc.binary_join(column, pa.scalar("; "))
    if pa.types.is_timestamp(column.type):
        return pc.strftime(column.cast(pa.timestamp("s", tz="UTC")), "%Y-%m-%dT%H:%M:%SZ")
    if not pa.types.is_string(column.type):
        return column
    column = pc.replace_substring_regex(column, WITHIN, r"\1'\2")
    runs = pc.match_substring_regex(column, FORMULA)
    return pc.if_else(runs, pc.binary_join_element_wise("'", column, ""), column)


def write_parquet(table: pa.Table, path: Path) -> None:
    """`table` at `path`, whole; the same rows give the same bytes."""
    import pyarrow.parquet as pq

    with (
        replacing(path) as staged,
        pq.ParquetWriter(staged, table.schema, compression="zstd", version="2.6") as writer,
    ):
        for part in _parts(table):
            writer.write_table(part)


def _parts(table: pa.Table) -> Iterator[pa.Table]:
    """Some rows at a time, however they came: a copy of a large list has no room."""
    for start in range(0, table.num_rows, ROWS_AT_ONCE):
        yield table.slice(start, ROWS_AT_ONCE).combine_chunks()
