"""Where the keys of arriving rows are known: of all that was ever ingested one column is read.

In a large history a sieve looks at all keys, and DuckDB at those alone that pass it.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pipelines.history.engine import count, files

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa
    import pyarrow.parquet as pq

    from pipelines.history.sieve import Sieve

# Fewer rows are found by DuckDB before Numba is loaded, which takes half a second.
LARGE = 10_000_000
READERS = 2
KEY_BYTES = 8
PIECE = 131_072  # keys read at a time
# Of one page, in Thrift's compact form: 20 to 30 bytes. A second one would take as many again, and
# is never as small as what it would have to leave out here.
PAGE_HEADER = 40
FOUND = """
CREATE OR REPLACE TEMP TABLE found AS
SELECT filename, file_row_number
FROM read_parquet({sides}, filename = true, file_row_number = true)
SEMI JOIN arrivals USING (key)
"""
FOUND_AMONG = """
CREATE OR REPLACE TEMP TABLE found AS
SELECT (?::VARCHAR[])[side + 1] AS filename, file_row_number
FROM passed SEMI JOIN arrivals USING (key)
"""


def recognise(
    connection: duckdb.DuckDBPyConnection, sides: dict[Path, int], large: int = LARGE
) -> list[Path]:
    """Makes `found` (filename, file_row_number): the rows of the side files (with how many they
    have) whose key arrives. From `large` rows on by a sieve.

    Needs `arrivals`. Returns the side files that hold any, mostly those of the last days.
    """
    if sum(sides.values()) < large or not _sieved(connection, list(sides)):
        connection.execute(FOUND.format(sides=files(list(sides))))
    named = connection.execute("SELECT DISTINCT filename FROM found ORDER BY 1").fetchall()
    return [Path(name) for (name,) in named]


def _sieved(connection: duckdb.DuckDBPyConnection, sides: list[Path]) -> bool:
    """Makes `found` by a sieve, unless too many rows arrive."""
    from pipelines.history.sieve import MOST, Sieve

    if count(connection, "arrivals") > MOST:
        return False
    arriving = connection.sql("SELECT key FROM arrivals").fetchnumpy()["key"]
    connection.register("passed", _passed(Sieve.of(arriving), sides))
    connection.execute(FOUND_AMONG, [[str(side) for side in sides]])
    connection.unregister("passed")
    return True


def _passed(sieve: Sieve, sides: list[Path]) -> pa.Table:
    """Keys that pass, each with its row and the place of its file among `sides`."""
    import pyarrow as pa

    def of_side(number: int) -> pa.Table:
        rows, keys, first = [np.empty(0, np.int64)], [np.empty(0, np.uint64)], 0
        for piece in read_keys(sides[number]):
            place = sieve.passed(piece).astype(np.int64)
            rows.append(place + first)
            keys.append(piece[place])
            first += len(piece)
        row = np.concatenate(rows)
        side = np.full(len(row), number, np.int32)
        return pa.table({"side": side, "file_row_number": row, "key": np.concatenate(keys)})

    with ThreadPoolExecutor(READERS) as pool:
        return pa.concat_tables(pool.map(of_side, range(len(sides))))


def read_keys(side: Path) -> Iterator[NDArray[np.uint64]]:
    """The column `key` of a side file, in pieces, each to be used before the next is read into its
    place. Where each row group keeps it as one page of bare numbers (`partfiles.write_side`), it is
    not decoded."""
    import pyarrow.parquet as pq

    room = np.empty(PIECE, np.uint64)
    with pq.ParquetFile(side) as file, side.open("rb", buffering=0) as raw:
        for group in range(file.num_row_groups):
            place = bare(file.metadata, group)
            if place is None:
                table = file.read_row_group(group, ["key"], use_threads=False)
                yield table["key"].to_numpy()
                continue
            raw.seek(place.start)
            for left in range((place.stop - place.start) // KEY_BYTES, 0, -PIECE):
                piece = room[:left]
                raw.readinto(piece.data)
                yield piece


def bare(facts: pq.FileMetaData, group: int) -> slice | None:
    """Where in the file a row group's keys lie as they are; None where they must be decoded."""
    place = facts.schema.to_arrow_schema().get_field_index("key")
    column, size = facts.row_group(group).column(place), facts.row_group(group).num_rows * KEY_BYTES
    header = column.total_compressed_size - size
    required = facts.schema.column(place).max_definition_level == 0
    plain = column.compression == "UNCOMPRESSED" and not column.has_dictionary_page
    if not (required and plain and size and 0 < header <= PAGE_HEADER):
        return None
    first = column.data_page_offset + header
    return slice(first, first + size)
