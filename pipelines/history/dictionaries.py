"""Dictionaries: words by code, append-only, so that a code means the same in every generation.

`customer`, `topic`, `agent` and `source` are Parquet files of one column `word`: an ingest that
brought new words adds one, or makes one of it and of the last ones (`piles`). A code is the
position in all of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.history import piles
from pipelines.history.engine import beside, count, name, one_row
from pipelines.history.manifest import File, Manifest

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

CODED = ("customer", "topic", "agent", "source")


def read_words(folder: Path, manifest: Manifest, dictionary: str) -> list[str]:
    """The words of a dictionary by code; empty where it has none."""
    words = manifest.word_list(folder, dictionary)
    return words[: manifest.customers] if dictionary == "customer" else words


def read_column(folder: Path, manifest: Manifest, dictionary: str) -> pa.Array:
    """The same as a column of texts: a million Python strings take 70 MB."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    paths = [folder / file.path for file in manifest.dictionaries.get(dictionary, ())]
    parts = [pq.read_table(path, columns=["word"], partitioning=None)["word"] for path in paths]
    chunks = [chunk.cast(pa.string()) for part in parts for chunk in part.chunks]
    words = pa.concat_arrays(chunks) if chunks else pa.array([], pa.string())
    return words[: manifest.customers] if dictionary == "customer" else words


def load(
    connection: duckdb.DuckDBPyConnection, folder: Path, manifest: Manifest, dictionary: str
) -> str:
    """Makes the table of a dictionary's words and codes in `connection`; returns its name."""
    table = f"words_{dictionary}"
    rows = _words_of(folder, manifest, dictionary)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {name(table)} AS {rows}")
    return table


@contextmanager
def loading(
    connection: duckdb.DuckDBPyConnection, folder: Path, manifest: Manifest, dictionary: str
) -> Iterator[None]:
    """Makes that table, not a temporary one, beside what `connection` is used for meanwhile:
    DuckDB reads a file of words by one thread."""
    rows = _words_of(folder, manifest, dictionary)
    made = f"CREATE TABLE {name(f'words_{dictionary}')} AS {rows}"
    with beside(connection) as own, ThreadPoolExecutor(1) as pool:
        loaded = pool.submit(own.execute, made)
        yield
        loaded.result()


def _words_of(folder: Path, manifest: Manifest, dictionary: str) -> str:
    rows = manifest.words_of(folder, dictionary)
    if dictionary == "customer":  # later ones did not exist in an earlier generation
        rows = f"SELECT * FROM ({rows}) WHERE code < {manifest.customers}"  # noqa: S608
    return rows


def append(connection: duckdb.DuckDBPyConnection, dictionary: str, distinct: str) -> int:
    """Gives codes to the words of `distinct` (SQL of one column `word`) that have none yet.

    New words are coded in their own order, not in that of the rows. Returns how many are new.
    """
    table = name(f"words_{dictionary}")
    before = count(connection, table)
    added = one_row(
        connection,
        f"INSERT INTO {table} "  # noqa: S608
        f"SELECT word, ({before} + row_number() OVER (ORDER BY word) - 1)::INTEGER "
        f"FROM (SELECT DISTINCT word FROM ({distinct}) WHERE word IS NOT NULL) "
        f"ANTI JOIN {table} USING (word)",
    )
    return int(added[0])


def write(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    where: Path,
    dictionary: str,
    before: tuple[File, ...],
    new: int,
) -> tuple[File, ...]:
    """Writes the last `new` words of a dictionary into the folder `where`; returns all its
    files."""
    import pyarrow.parquet as pq

    table = name(f"words_{dictionary}")
    staying = before[: piles.staying(before, new)]
    first = sum(file.rows for file in staying)
    words = connection.sql(
        f"SELECT word FROM {table} WHERE code >= {first} ORDER BY code"  # noqa: S608
    ).to_arrow_table()
    path = where / f"dictionary-{dictionary}.parquet"
    pq.write_table(words, path, compression="zstd")
    return (*staying, File.of(folder, path, len(words)))
