"""Names and addresses of customers and contacts who left long ago."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pipelines.history.engine import connect, one_row, quoted
from pipelines.history.events import NEVER
from pipelines.history.manifest import File, Manifest
from pipelines.history.store import History

if TYPE_CHECKING:
    import duckdb

DETAILS = ("name", "email", "phone")
HAS_DETAILS = " OR ".join(f"{column} IS NOT NULL" for column in DETAILS)
EMPTIED = ", ".join(
    f"CASE WHEN {{gone}} THEN NULL ELSE {column} END AS {column}" for column in DETAILS
)


def age(
    folder: Path, where: Path, manifest: Manifest, limit: int | None, slack: int
) -> tuple[dict[str, tuple[File, ...]], int]:
    """The tables without the details of those who left before `limit` (seconds), and how many
    rows were emptied: none while nobody with details left before `limit - slack`."""
    if limit is None:
        return manifest.tables, 0
    left = _left(History(folder, manifest))
    with connect() as connection:
        _register(connection, "gone_long", folder, manifest, left < limit - slack)
        _register(connection, "gone", folder, manifest, left < limit)
        if not any(_count(connection, file, limit - slack, "gone_long")
                   for file in _files(folder, manifest)):  # fmt: skip
            return manifest.tables, 0
        emptied = sum(_count(connection, file, limit, "gone") for file in _files(folder, manifest))
        tables = dict(manifest.tables)
        for table in {"customers", "contacts"} & manifest.tables.keys():
            tables[table] = tuple(
                _emptied(connection, folder, where / f"{table}-{place:03d}.parquet", file, limit)
                for place, file in enumerate(manifest.tables[table])
            )
    return tables, emptied


def _left(history: History) -> NDArray[np.int64]:
    """When each customer left, by number; NEVER while the relationship runs. Merged customers are
    gone when the survivor is."""
    left, terms = history.people().left.copy(), history.terms()
    if terms is not None:
        stands = terms.until == NEVER
        last = np.zeros(len(left), np.int64)
        np.maximum.at(last, terms.customer[stands], terms.ended[stands])
        left = np.where((last > 0) & (left == NEVER), last, left)
    surviving: NDArray[np.int64] = left[history.survivors()]
    return surviving


def _register(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    folder: Path,
    manifest: Manifest,
    who: NDArray[np.bool_],
) -> None:
    """A table `name` of the ids of customers marked in `who`."""
    import pyarrow as pa

    words = np.array(History(folder, manifest).words("customer"), object)[who]
    connection.register(f"{name}_words", pa.table({"id": pa.array(words.tolist(), pa.string())}))
    connection.execute(f"CREATE TEMP TABLE {name} AS SELECT id FROM {name}_words")  # noqa: S608
    connection.unregister(f"{name}_words")


def _files(folder: Path, manifest: Manifest) -> list[Path]:
    tables = ("customers", "contacts")
    return [folder / file.path for name in tables for file in manifest.tables.get(name, ())]


def _condition(path: Path, limit: int, gone: str) -> str:
    """SQL: the row has details, and its customer (or the contact) left before `limit`."""
    # A contact may have left while the customer stays.
    own = f" OR epoch(left_at) < {limit}" if path.name.startswith("contacts") else ""
    theirs = f"customer_id IN (SELECT id FROM {gone})"  # noqa: S608
    return f"coalesce(({HAS_DETAILS}) AND ({theirs}{own}), false)"


def _count(connection: duckdb.DuckDBPyConnection, path: Path, limit: int, gone: str) -> int:
    condition = _condition(path, limit, gone)
    rows = f"SELECT count(*) FROM read_parquet({quoted(str(path))}) WHERE {condition}"  # noqa: S608
    return int(one_row(connection, rows)[0])


def _emptied(
    connection: duckdb.DuckDBPyConnection, folder: Path, path: Path, file: File, limit: int
) -> File:
    """The file without the details; itself where it has none of them."""
    before = folder / file.path
    if not _count(connection, before, limit, "gone"):
        return file
    path.parent.mkdir(exist_ok=True)
    columns = EMPTIED.format(gone=_condition(before, limit, "gone"))
    rows = f"SELECT * REPLACE ({columns}) FROM read_parquet({quoted(str(before))})"  # noqa: S608
    copied = one_row(
        connection, f"COPY ({rows}) TO {quoted(str(path))} (FORMAT parquet, COMPRESSION zstd)"
    )
    return File.of(folder, path, int(copied[0]))
