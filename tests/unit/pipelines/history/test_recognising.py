"""Where arriving keys are known is found alike by a sieve and by SQL."""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.history import partfiles
from pipelines.history.recognising import bare, read_keys, recognise
from pipelines.history.sieve import Sieve

RNG = np.random.default_rng(7)
HISTORY = RNG.integers(0, 2**64, 3 * partfiles.GROUP_ROWS // 2, np.uint64)
ARRIVING = np.concatenate([HISTORY[[0, 5, -1]], RNG.integers(0, 2**64, 500, np.uint64)])


def side(keys: np.ndarray) -> pa.Table:
    return pa.table({"key": keys, "text": pa.nulls(len(keys), pa.string())})


def written(path: Path, keys: np.ndarray) -> Path:
    return partfiles.write_side(path, side(keys))


def as_before(path: Path, keys: np.ndarray) -> Path:
    """As an earlier version wrote side files."""
    pq.write_table(side(keys), path, compression="zstd", use_dictionary=False)
    return path


@pytest.mark.parametrize("write", [written, as_before])
@pytest.mark.parametrize("many", [len(HISTORY), 1, 0])
def test_keys_are_read_as_they_were_written(tmp_path: Path, write: object, many: int) -> None:
    path = write(tmp_path / "side.parquet", HISTORY[:many])  # type: ignore[operator]
    pieces = [np.empty(0, np.uint64), *(piece.copy() for piece in read_keys(path))]
    np.testing.assert_array_equal(np.concatenate(pieces), HISTORY[:many])


def test_keys_that_are_read_need_no_decoding(tmp_path: Path) -> None:
    facts = pq.read_metadata(written(tmp_path / "side.parquet", HISTORY))
    assert facts.num_row_groups == 2
    assert None not in [bare(facts, group) for group in range(2)]


def test_a_sieve_lets_all_of_its_keys_through_and_few_others() -> None:
    sieve = Sieve.of(ARRIVING)
    assert len(sieve.passed(ARRIVING)) == len(ARRIVING)
    passed = sieve.passed(HISTORY)
    assert {0, 5, len(HISTORY) - 1} <= set(passed.tolist())
    assert len(passed) < len(HISTORY) // 50


@pytest.mark.parametrize("large", [0, len(HISTORY) + 1])
def test_known_keys_are_found_where_they_lie(tmp_path: Path, large: int) -> None:
    half = len(HISTORY) // 2
    sides = {
        written(tmp_path / "a.parquet", HISTORY[:half]): half,
        written(tmp_path / "b.parquet", HISTORY[half:]): len(HISTORY) - half,
        written(tmp_path / "c.parquet", HISTORY[:0]): 0,
    }
    a, b, _ = sides
    with duckdb.connect() as connection:
        connection.register("arrivals", pa.table({"key": ARRIVING}))
        assert recognise(connection, sides, large) == [a, b]
        found = connection.execute("SELECT * FROM found ORDER BY ALL").fetchall()
    assert found == [(str(a), 0), (str(a), 5), (str(b), len(HISTORY) - half - 1)]
