"""Our own decoder gives what pyarrow gives, and leaves to it what it does not know."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray

from pipelines.history.decoding import decode
from pipelines.history.events import DTYPES, NEVER, Events
from pipelines.history.ordering import event_order
from pipelines.history.partfiles import read_coded, write_coded
from pipelines.history.rooms import Rooms

RNG = np.random.default_rng(4)


def table(columns: dict[str, NDArray[Any]]) -> pa.Table:
    """Columns of which none is ever absent, and which say so."""
    found = pa.table(columns)
    return found.cast(pa.schema([field.with_nullable(False) for field in found.schema]))


def decoded(path: Path) -> dict[str, NDArray[Any]]:
    with pa.memory_map(str(path)) as source, pq.ParquetFile(source) as file:
        source.seek(0)
        return decode(file, source.read_buffer(), file.schema_arrow.names, Rooms())


def assert_equal(found: dict[str, NDArray[Any]], expected: pa.Table) -> None:
    assert set(found) == set(expected.column_names)
    for name, column in found.items():
        told = expected[name].to_numpy()
        assert column.dtype == told.dtype
        np.testing.assert_array_equal(column, told, name)


def shuffled(values: Sequence[float], rows: int) -> NDArray[Any]:
    return RNG.choice(np.array(values), rows)


def numbers(rows: int) -> dict[str, NDArray[Any]]:
    """Of each type and spread, also where a dictionary or a difference needs many bits."""
    runs = np.sort(RNG.integers(0, max(rows // 50, 1), rows))
    return {
        "customer": runs.astype(np.int32),
        "at": RNG.integers(-(2**40), 2**40, rows),
        "kind": shuffled([-1, 0, 3, 24], rows).astype(np.int16),
        "channel": np.where(runs % 3, -1, runs % 8).astype(np.int8),
        "value": RNG.normal(size=rows),
        "seconds": np.full(rows, np.nan),
        "wait": np.where(RNG.random(rows) < 0.01, runs / 8, np.nan),
        "topic": RNG.integers(0, 70_000, rows).astype(np.int32),
        "provoked": RNG.random(rows) < 0.1,
        "case": RNG.integers(-(2**31), 2**31, rows).astype(np.int32),
    }


@pytest.mark.parametrize("rows", [1, 2, 31, 32, 33, 129, 20_001, 70_000])
@pytest.mark.parametrize("deltas", [(), ("customer", "at", "kind", "topic", "case")])
@pytest.mark.parametrize("words", [False, True])
def test_what_is_decoded_is_what_was_written(
    rows: int, deltas: tuple[str, ...], words: bool, tmp_path: Path
) -> None:
    columns = table(numbers(rows))
    write(columns, tmp_path / "part.parquet", deltas, words)
    assert_equal(decoded(tmp_path / "part.parquet"), columns)


def write(columns: pa.Table, path: Path, deltas: Sequence[str], words: bool) -> None:
    pq.write_table(
        columns,
        path,
        compression="none",
        row_group_size=30_000,
        use_dictionary=[name for name in columns.column_names if words and name not in deltas],
        column_encoding=dict.fromkeys(deltas, "DELTA_BINARY_PACKED"),
    )


def test_a_part_of_the_history_is_read_by_our_own_loops(tmp_path: Path) -> None:
    events = sample(3_000)
    path = write_coded(tmp_path / "part", events, small=0)
    assert set(decoded(path)) == {*Events.content(), "lag"} - {"recorded"}
    for columns in (None, ("value", "provoked")):
        ours, _ = read_coded(path, columns, Rooms(), large=0)
        theirs, _ = read_coded(path, columns)
        for name in Events.columns():
            np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name), name)


def sample(rows: int) -> Events:
    given = {
        name: RNG.integers(0, 3, rows).astype(dtype) if name != "until" else np.full(rows, NEVER)
        for name, dtype in DTYPES.items()
    }
    given["recorded"] = given["at"] + 1
    events = Events(**given)
    return events.take(event_order(events))


def compressed(columns: pa.Table, path: Path) -> None:
    """As histories of before."""
    pq.write_table(columns, path, compression="lz4")


def nullable(columns: pa.Table, path: Path) -> None:
    may = pa.schema([field.with_nullable(True) for field in columns.schema])
    pq.write_table(columns.cast(may), path, compression="none")


def split(columns: pa.Table, path: Path) -> None:
    """In an encoding that we never write."""
    floats = [name for name in columns.column_names if columns[name].type == pa.float64()]
    pq.write_table(
        columns.select(floats),
        path,
        compression="none",
        use_dictionary=False,
        column_encoding=dict.fromkeys(floats, "BYTE_STREAM_SPLIT"),
    )


def second_version(columns: pa.Table, path: Path) -> None:
    """With pages of the other form."""
    pq.write_table(columns, path, compression="none", data_page_version="2.0")


@pytest.mark.parametrize("other", [compressed, nullable, split, second_version])
def test_what_it_does_not_know_is_left_to_pyarrow(
    other: Callable[[pa.Table, Path], None], tmp_path: Path
) -> None:
    other(table(numbers(3_000)), tmp_path / "other.parquet")
    assert decoded(tmp_path / "other.parquet") == {}


def test_histories_of_before_are_read_as_they_are(tmp_path: Path) -> None:
    events = sample(3_000)
    path = write_coded(tmp_path / "part", events, small=0)
    written, _ = read_coded(path)
    pq.write_table(pq.read_table(path), path, compression="lz4")
    found, _ = read_coded(path, None, Rooms(), large=0)
    for name in Events.columns():
        np.testing.assert_array_equal(getattr(found, name), getattr(written, name), name)


def test_a_damaged_page_is_never_read_beyond_its_end(tmp_path: Path) -> None:
    """Whatever a byte is turned into: pyarrow then says what is wrong."""
    path = tmp_path / "part.parquet"
    columns = table(numbers(300))
    write(columns, path, ("customer", "at", "kind"), words=True)
    whole = path.read_bytes()
    footer = len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")
    for place in RNG.choice(np.arange(4, footer), 400):
        damaged = bytearray(whole)
        damaged[place] = RNG.integers(0, 256)
        path.write_bytes(damaged)
        found = decoded(path)
        assert all(len(column) == 300 for column in found.values())
