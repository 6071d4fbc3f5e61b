"""Parts give back what was written, in the order that `Events` declares."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from pipelines.history.events import DTYPES, Events
from pipelines.history.parts import (
    SIDE_COLUMNS,
    Removal,
    event_order,
    merged,
    read_events,
    write_part,
)

NUMBERS = st.sampled_from([np.nan, 0.0, 1.5])
rows = st.lists(
    st.fixed_dictionaries(
        {
            name: NUMBERS if dtype is np.float64 else st.integers(0, 2)
            for name, dtype in DTYPES.items()
        }
    ),
    max_size=12,
)


def events_of(rows: list[dict[str, float]]) -> Events:
    return Events(
        **{name: np.array([row[name] for row in rows], dtype) for name, dtype in DTYPES.items()}
    )


def assert_equal(one: Events, other: Events) -> None:
    for name in Events.columns():
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), name)


@given(rows)
def test_the_quick_order_is_the_declared_one(rows: list[dict[str, float]]) -> None:
    events = events_of(rows)
    assert_equal(events.take(event_order(events)), events.sorted())


@given(st.lists(rows, min_size=1, max_size=3))
def test_sorted_pieces_merge_into_the_declared_order(pieces: list[list[dict[str, float]]]) -> None:
    events = [events_of(piece).sorted() for piece in pieces]
    assert_equal(merged(events), Events.concatenate(events))


def test_what_is_written_is_read_again_without_the_rows_taken_out(tmp_path: Path) -> None:
    row = dict.fromkeys(DTYPES, 1.0)
    events = events_of([row | {"at": float(n), "value": np.nan} for n in range(5)])
    side = pa.table({name: pa.nulls(5, pa.string()) for name in SIDE_COLUMNS})
    gone = Removal(np.array([1, 3], np.int32), np.zeros(2, np.int64), np.ones(2, np.bool_),
                   np.zeros(2, np.int64))  # fmt: skip
    part = write_part(tmp_path, tmp_path, 0, events, side, gone)
    assert (part.rows, part.coded.rows) == (3, 5)
    assert_equal(read_events(tmp_path, part, all_versions=True), events)
    assert read_events(tmp_path, part).at.tolist() == [0, 2, 4]
