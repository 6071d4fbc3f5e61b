"""Where the keys of arriving rows are known: of all that was ever ingested one column is read.

Keys are hashes, so a table of a few million marks by their first bits lets hardly any key through
that does not arrive; DuckDB looks at those alone. Asked for all of them, it takes four times as
long (docs/decisions/0002-history-layout.md).
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pipelines.history.engine import count, files

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa
    import pyarrow.parquet as pq

FEW = 1_000_000  # arriving rows; for more a sieve has too many holes
MARKS_A_KEY = 8  # of the keys that do not arrive one in eight passes each table, or fewer
MOST_BITS = 22  # so that a table stays in the processor's cache
AT_ONCE = 32_768  # keys
READERS = 2
KEY_BYTES = 8
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
SELECT (?::VARCHAR[])[side + 1] AS filename, file_row_number FROM passed SEMI JOIN arrivals USING (key)
"""


@dataclass(frozen=True)
class Sieve:
    """Lets every key of a set through, and few others."""

    marks: NDArray[np.bool_]
    others: NDArray[np.bool_]  # by the bits that follow

    @classmethod
    def of(cls, keys: NDArray[np.uint64]) -> Sieve:
        bits = min(MOST_BITS, max(8, (len(keys) * MARKS_A_KEY).bit_length()))
        sieve = cls(np.zeros(1 << bits, np.bool_), np.zeros(1 << bits, np.bool_))
        for marks, places in zip((sieve.marks, sieve.others), sieve._places(keys), strict=True):
            marks[places] = True
        return sieve

    def passed(self, keys: NDArray[np.uint64]) -> NDArray[np.intp]:
        """Places of the keys that may be in the set, ascending."""
        pieces = [np.empty(0, np.intp)]
        for first in range(0, len(keys), AT_ONCE):
            some = keys[first : first + AT_ONCE]
            place = np.flatnonzero(self.marks.take(self._places(some)[0], mode="clip"))
            place = place[self.others[self._places(some[place])[1]]]
            pieces.append(place + first)
        return np.concatenate(pieces)

    def _places(self, keys: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        bits = len(self.marks).bit_length() - 1
        first = (keys >> np.uint64(64 - bits)).view(np.int64)
        return first, (keys >> np.uint64(64 - 2 * bits)).view(np.int64) & ((1 << bits) - 1)


def recognise(connection: duckdb.DuckDBPyConnection, sides: list[Path]) -> list[Path]:
    """Makes `found` (filename, file_row_number): the rows of the side files whose key arrives.

    Needs `arrivals`. Returns the side files that hold any, mostly those of the last days.
    """
    if count(connection, "arrivals") > FEW:
        connection.execute(FOUND.format(sides=files(sides)))
    else:
        arriving = connection.sql("SELECT key FROM arrivals").fetchnumpy()["key"]
        connection.register("passed", _passed(Sieve.of(arriving), sides))
        connection.execute(FOUND_AMONG, [[str(side) for side in sides]])
        connection.unregister("passed")
    named = connection.execute("SELECT DISTINCT filename FROM found ORDER BY 1").fetchall()
    return [Path(name) for (name,) in named]


def _passed(sieve: Sieve, sides: list[Path]) -> pa.Table:
    """Keys that pass, each with its row and the place of its file among `sides`."""
    import pyarrow as pa

    def of_side(number: int) -> pa.Table:
        rows, keys, first = [np.empty(0, np.int64)], [np.empty(0, np.uint64)], 0
        for piece in read_keys(sides[number]):
            place = sieve.passed(piece)
            rows.append(place + first)
            keys.append(piece[place])
            first += len(piece)
        row = np.concatenate(rows)
        side = np.full(len(row), number, np.int32)
        return pa.table({"side": side, "file_row_number": row, "key": np.concatenate(keys)})

    with ThreadPoolExecutor(READERS) as pool:
        return pa.concat_tables(pool.map(of_side, range(len(sides))))


def read_keys(side: Path) -> Iterator[NDArray[np.uint64]]:
    """The column `key` of a side file, in pieces. Where each row group keeps it as one page of bare
    numbers (`parts.write_part`), it is not decoded."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(side, memory_map=True) as file:
        bare = [_bare(file.metadata, group) for group in range(file.num_row_groups)]
        raw = np.memmap(side, np.uint8, "r") if any(bare) else np.empty(0, np.uint8)
        for group, place in enumerate(bare):
            if place is None:
                table = file.read_row_group(group, ["key"], use_threads=False)
                yield table["key"].to_numpy()
            else:
                yield raw[place].view(np.uint64)


def _bare(facts: pq.FileMetaData, group: int) -> slice | None:
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
