"""Rows of a file with one row group are staged from memory just as from the file."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from models.errors import WarmlineError
from pipelines.history import sources, staging
from pipelines.history.engine import connect
from pipelines.history.schema import INTERACTIONS
from pipelines.history.spreading import GROUP, LEAST, PIECE, SPREAD, spread

ROWS = 2 * GROUP + PIECE + 10_000  # for both threads groups, and two small pieces
LATEST = 2**31
ODD = ["", " ", " a", "a ", "\u00a0a", "a\u2003", "ä"]  # texts that may need to be trimmed


def table() -> pa.Table:
    """Interactions of all types, good and bad, of which some are told twice."""
    number = np.arange(ROWS)
    text = np.char.add("i", (number % (ROWS - 100)).astype("U"))
    at = pa.array(1_700_000_000_000 + number * 1_000).cast(pa.timestamp("ms", "UTC"))
    return pa.table(
        {
            "interaction_id": pa.array(text, mask=number == 17),
            "customer_id": pa.array(number % 50),
            "occurred_at": at,
            "updated_at": at.cast(pa.timestamp("us")),  # without an offset
            "kind": pa.array(np.where(number % 1_000, "order", "no such kind")),
            "topic": pa.array(np.where(number % 3, " paid ", "")),
            "case_id": pa.array(np.char.add("c", text), mask=number % 3 == 0),
            "agent_id": pa.array(np.resize(ODD, ROWS)),
            "channel": pa.array(np.where(number % 2, "email", "chat")).dictionary_encode(),
            "value": pa.array(number / 3, mask=number % 7 == 0),
            "score": pa.array(np.where(number % 5, np.nan, 3.0).astype(np.float32)),
            "note": pa.array(number.astype(np.int16)),  # not declared
        }
    )


def staged(path: Path, *, from_memory: bool, threads: int = 2) -> pa.Table:
    """The rows in their order, and whether they were read from memory."""
    relations: list[str] = []
    insert = staging._insert

    def noting(one: Any, feed: sources.Feed, source: str) -> str:
        relations.append(feed.relation)
        return insert(one, feed, source)

    with connect(timezone="Europe/Berlin", threads=threads) as connection:
        feeds = sources.find(connection, path.parent).feeds
        with patch.object(staging, "_insert", noting):
            staging.stage(connection, feeds, source="shop", latest=LATEST)
        assert [SPREAD in relation for relation in relations] == [from_memory]
        found = connection.sql("SELECT rowid, * FROM staged_interactions")
        return found.to_arrow_table()


def test_rows_from_memory_are_those_of_the_file_in_their_order(tmp_path: Path) -> None:
    path = tmp_path / "interactions.parquet"
    pq.write_table(table(), path)
    found = staged(path, from_memory=True)
    expected = staged(path, from_memory=False, threads=1)
    assert len(found) == ROWS
    assert found.combine_chunks() == expected.combine_chunks()


def test_columns_that_no_file_has_are_not_stored(tmp_path: Path) -> None:
    path = tmp_path / "interactions.parquet"
    pq.write_table(table().slice(0, 100), path)
    rows = []
    for more in (True, False):
        with connect() as connection:
            feeds = sources.find(connection, path.parent).feeds
            staging.stage(connection, feeds, source="shop", latest=LATEST, more=more)
            rows.append(connection.sql("SELECT * FROM staged_interactions").to_arrow_table())
            about = "SELECT DISTINCT column_name FROM pragma_storage_info('staged_interactions')"
            stored = {column for (column,) in connection.execute(about).fetchall()}
        assert ({"text", "source", "recorded_at"} <= stored) == more
        assert {"interaction_id", "value", "_content"} <= stored
    assert rows[0] == rows[1]
    assert set(rows[1]["source"].to_pylist()) == {"shop"}


@pytest.mark.parametrize("text", ODD)
def test_texts_are_trimmed_where_a_single_one_may_need_it(tmp_path: Path, text: str) -> None:
    path = tmp_path / "interactions.parquet"
    given = table().slice(0, 100)
    words = ["paid", None, *["p é b"] * 98]
    given = given.append_column("agent_id", pa.array([*words[:-1], text]))
    pq.write_table(given.append_column("contact_id", pa.array(words)), path)
    with connect() as connection:
        feed = sources._feed(connection, INTERACTIONS, path, path.name)
        with spread(connection, feed, 1) as same:
            assert same.trimmed == {"interaction_id", "kind", "case_id", "contact_id"}


def test_rows_of_several_groups_are_staged_in_their_order(tmp_path: Path) -> None:
    """Which of two is the first must not depend on which thread was quicker."""
    path = tmp_path / "interactions.parquet"
    pq.write_table(table(), path, row_group_size=PIECE)
    lines = staged(path, from_memory=False)["_line"].to_numpy()
    np.testing.assert_array_equal(lines, np.arange(ROWS) + 1)


@pytest.mark.parametrize("what", ["groups", "few", "own number", "int96"])
def test_a_file_is_read_as_it_is(tmp_path: Path, what: str) -> None:
    """Where DuckDB shares it out by itself, it is soon done, or memory would tell other types."""
    path, given, options = tmp_path / "interactions.parquet", table(), {}
    if what == "groups":
        options = {"row_group_size": PIECE}
    elif what == "few":
        given = given.slice(0, LEAST - 1)
    elif what == "own number":
        given = given.append_column("File_Row_Number", given["note"])
    else:
        options = {"use_deprecated_int96_timestamps": True}
    pq.write_table(given, path, **options)
    with connect() as connection:
        feed = sources._feed(connection, INTERACTIONS, path, path.name)
        with spread(connection, feed) as same:
            assert same is feed


def test_what_is_no_text_is_refused_as_from_the_file(tmp_path: Path) -> None:
    path = tmp_path / "interactions.parquet"
    given = table()
    place = given.schema.get_field_index("topic")
    wrong = pa.Array.from_buffers(
        pa.string(), ROWS, pa.array([b"\xff\xfe"] * ROWS, pa.binary()).buffers()
    )
    pq.write_table(given.set_column(place, "topic", wrong), path)
    with pytest.raises(WarmlineError, match="cannot be read"):
        staged(path, from_memory=False)
