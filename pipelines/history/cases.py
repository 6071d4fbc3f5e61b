"""The number that each case has with its customer, and its id: Parquet files, oldest first.

An ingest adds one file, or makes one of it and of the last ones (`piles`). In each the cases are in
the order of `place`, their customer's place among the buckets, so that those of a bucket stand
together however many buckets there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pipelines.history import piles
from pipelines.history.buckets import place_of, place_sql
from pipelines.history.engine import count, files, one_row, quoted
from pipelines.history.manifest import File

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa
    import pyarrow.parquet as pq

COLUMNS = 'customer, "case", key, case_id'  # the key is a hash of customer and id
GROUP_ROWS = 32_768  # what reading one customer's cases costs
NOTHING = """
SELECT NULL::INTEGER AS customer, NULL::INTEGER AS "case", NULL::UBIGINT AS key,
    NULL::VARCHAR AS case_id LIMIT 0
"""


def known(folder: Path, of: Sequence[File]) -> str:
    """SQL of all cases that these files hold."""
    if not of:
        return NOTHING
    return f"SELECT {COLUMNS} FROM read_parquet({files([folder / one.path for one in of])})"  # noqa: S608


def write(
    connection: duckdb.DuckDBPyConnection, folder: Path, where: Path, before: tuple[File, ...]
) -> tuple[File, ...]:
    """Writes what is fresh in the table `cases` into the folder `where`; returns all files."""
    fresh = count(connection, "cases WHERE fresh")
    if not fresh:
        return before
    staying = before[: piles.staying(before, fresh)]
    rows = f"SELECT {COLUMNS} FROM cases WHERE fresh"  # noqa: S608
    if merged := before[len(staying) :]:
        rows += f" UNION ALL {known(folder, merged)}"
    path = where / "cases.parquet"
    copied = one_row(
        connection,
        f"COPY (SELECT {place_sql('customer')} AS place, * FROM ({rows}) "  # noqa: S608
        f'ORDER BY place, customer, "case") TO {quoted(str(path))} '
        f"(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {GROUP_ROWS})",
    )
    return (*staying, File.of(folder, path, int(copied[0])))


def ids(
    folder: Path, of: Sequence[File], customer: NDArray[np.int32], case: NDArray[np.int32]
) -> NDArray[np.object_]:
    """The `case_id` of each pair of customer and case number, (n,); None of those in no file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not len(customer):
        return np.empty(0, object)
    places = place_of(customer)
    low, high = int(places.min()), int(places.max())
    pieces = []
    for one in of:
        with pq.ParquetFile(folder / one.path) as file:
            groups = [n for n in range(file.num_row_groups) if _meets(file.metadata, n, low, high)]
            pieces.append(file.read_row_groups(groups, ["customer", "case", "case_id"]))
    if not pieces:
        return np.full(len(customer), None)
    return ids_among(pa.concat_tables(pieces), customer, case)


def ids_among(
    table: pa.Table, customer: NDArray[np.int32], case: NDArray[np.int32]
) -> NDArray[np.object_]:
    """As `ids`, of the cases in a table of `customer`, `case` and `case_id`."""
    import pyarrow as pa
    import pyarrow.compute as pc

    told = pa.array(_pairs(table["customer"].to_numpy(), table["case"].to_numpy()))
    row = pc.index_in(pa.array(_pairs(customer, case)), value_set=told)
    found: NDArray[np.object_] = table["case_id"].take(row).to_numpy(zero_copy_only=False)
    return found


def _pairs(customer: NDArray[np.int32], case: NDArray[np.int32]) -> NDArray[np.int64]:
    return (customer.astype(np.int64) << 32) | case.astype(np.int64)


def _meets(facts: pq.FileMetaData, group: int, low: int, high: int) -> bool:
    """Whether a row group may hold customers from one place to another. Files of format 3 do not
    say so: one bucket each."""
    column = facts.schema.to_arrow_schema().get_field_index("place")
    told = facts.row_group(group).column(column).statistics if column >= 0 else None
    return told is None or not told.has_min_max or (told.min <= high and low <= told.max)
