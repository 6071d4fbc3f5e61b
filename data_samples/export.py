"""A world's history as the contract's files, streamed: memory holds some days, not the history."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Literal

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from data_samples.world import World

Format = Literal["csv", "parquet"]
ROWS_A_CHUNK = 500_000


def write_history(folder: Path, world: World, days: int, *, file_format: Format = "parquet") -> int:
    """Live through `days` and write every contract table into `folder`; returns interactions."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = _write_interactions(folder / f"interactions.{file_format}", world, days, file_format)
    for name in ("customers", "terms", "agents", "consents", "owners"):
        write_table(folder / f"{name}.{file_format}", getattr(world, name)(), file_format)
    return rows


def write_table(path: Path, table: pd.DataFrame, file_format: Format = "csv") -> None:
    """One small table as CSV (ISO 8601 in UTC, empty for missing) or Parquet."""
    arrow = pa.table({name: _column(table[name]) for name in table.columns})
    if file_format == "parquet":
        pq.write_table(arrow, path, compression="zstd")
        return
    with path.open("wb") as sink, _csv_writer(sink, arrow.schema) as writer:
        writer.write_table(_as_text(arrow))


def _write_interactions(path: Path, world: World, days: int, file_format: Format) -> int:
    schema = world.advance_table(0).schema
    rows = 0
    with path.open("wb") as sink:
        if file_format == "parquet":
            # Ids never repeat: a dictionary of them would only cost time.
            plain = [name for name in schema.names if name != "interaction_id"]
            writer = pq.ParquetWriter(sink, schema, compression="zstd", use_dictionary=plain)
        else:
            writer = _csv_writer(sink, schema)
        with writer:
            for chunk in _chunks(world, days):
                writer.write_table(chunk if file_format == "parquet" else _as_text(chunk))
                rows += chunk.num_rows
    return rows


def _chunks(world: World, days: int) -> Iterator[pa.Table]:
    """The history in blocks of whole days, of about ROWS_A_CHUNK rows, in a fixed division."""
    block: list[pa.Table] = []
    for _ in range(days):
        block.append(world.advance_table(1))
        if sum(table.num_rows for table in block) >= ROWS_A_CHUNK:
            yield pa.concat_tables(block).combine_chunks()
            block = []
    if block:
        yield pa.concat_tables(block).combine_chunks()


def _csv_writer(sink: BinaryIO, schema: pa.Schema) -> pa_csv.CSVWriter:
    text = pa.schema([(field.name, pa.string()) for field in schema])
    # No value holds a comma, a quote or a line break, so none is quoted.
    options = pa_csv.WriteOptions(include_header=False, quoting_style="none")
    sink.write((",".join(schema.names) + "\n").encode())
    return pa_csv.CSVWriter(sink, text, write_options=options)


def _as_text(table: pa.Table) -> pa.Table:
    return pa.table({name: _text(table.column(name)) for name in table.column_names})


def _text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_timestamp(column.type):
        seconds = pc.cast(column, pa.timestamp("s", "UTC"), safe=False)
        return pc.strftime(seconds, format="%Y-%m-%dT%H:%M:%SZ")
    if pa.types.is_dictionary(column.type):
        return column.cast(pa.string())
    if pa.types.is_floating(column.type):
        return pc.replace_substring_regex(pc.cast(column, pa.string()), r"\.0$", "")
    return pc.cast(column, pa.string())


def _column(series: pd.Series) -> pa.Array:
    if isinstance(series.dtype, pd.DatetimeTZDtype):
        naive = pa.array(series.dt.tz_convert(None).to_numpy(), from_pandas=True)
        return naive.cast(pa.timestamp("ms")).cast(pa.timestamp("ms", "UTC"))
    column = pa.array(series.to_numpy(), from_pandas=True)
    # A column with nothing in it is text all the same.
    return column.cast(pa.string()) if pa.types.is_null(column.type) else column
