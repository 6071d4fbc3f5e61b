"""Parts give back what was written, in the order that `Events` declares."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from models.contracts import KINDS
from pipelines.history.events import ABSENT, DTYPES, NEVER, Events
from pipelines.history.ordering import LARGE, event_order, merged, spare
from pipelines.history.partfiles import BARE, SMALL
from pipelines.history.parts import (
    CONFIRMED,
    DELETED,
    MOVED,
    PRECEDED,
    REPLACED,
    SIDE_COLUMNS,
    Notes,
    acting,
    read_acts,
    read_events,
    read_notes,
    read_pieces,
    read_raw,
    write_part,
)
from pipelines.history.rooms import Rooms

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


some_rows = st.lists(
    st.tuples(rows, st.sets(st.sampled_from(["recorded", *ABSENT, "until"]))),
    min_size=1, max_size=3,
)  # fmt: skip


@settings(deadline=None)
@given(some_rows, st.sampled_from([0, LARGE]))
def test_sorted_pieces_merge_into_the_declared_order(
    pieces: list[tuple[list[dict[str, float]], set[str]]], large: int
) -> None:
    events = [as_read(events_of(piece).sorted(), unread) for piece, unread in pieces]
    assert_equal(merged(events, large=large), Events.concatenate(events))


@settings(deadline=None)
@given(some_rows, st.integers(0, 3))
def test_the_largest_piece_makes_room_where_it_lies(
    pieces: list[tuple[list[dict[str, float]], set[str]]], more: int
) -> None:
    """The others are not sorted; what room there is may be too little."""
    events = [as_read(events_of(piece), unread) for piece, unread in pieces]
    expected = Events.concatenate(events)
    most = max(events, key=len)
    rooms = Rooms().with_spare(max(0, spare([len(piece) for piece in events]) + more - 1))
    given = [
        in_rooms(piece, rooms) if piece is most else piece.take(slice(None, None, -1))
        for piece in events
    ]
    assert_equal(merged(given, rooms, large=0), expected)


def in_rooms(events: Events, rooms: Rooms) -> Events:
    """The same, as decoded into `rooms`."""
    columns = {name: getattr(events, name) for name in Events.columns()}
    for name, column in columns.items():
        if column.strides != (0,) and not (name == "recorded" and column is events.at):
            columns[name] = rooms.array(len(column), dtype=DTYPES[name])
            columns[name][:] = column
    if events.recorded is events.at:
        columns["recorded"] = columns["at"]
    return Events(**columns)


def test_nothing_is_copied_where_there_is_room() -> None:
    rooms = Rooms().with_spare(4)
    column = rooms.array(3, dtype=np.int32)
    column[:] = 1, 2, 3
    grown = rooms.grown(column, 2)
    assert grown is not None
    np.testing.assert_array_equal(grown[2:], column)
    grown[:] = 7
    assert column.tolist() == [7, 7, 7]
    assert rooms.grown(column, 5) is None, "too little room"
    assert rooms.grown(column[1:], 1) is None, "not all of what it was"
    assert rooms.grown(np.zeros(3, np.int32), 1) is None, "memory of somebody else's"
    assert Rooms().with_spare(4).grown(column, 1) is None, "of other rooms"


def in_full_order(pieces: list[Events]) -> Events:
    """All rows; those of one content, of which only some stand, by until when they did."""
    events = Events.concatenate(pieces)
    return events.take(np.lexsort([getattr(events, name) for name in reversed(Events.columns())]))


def as_read(events: Events, unread: set[str]) -> Events:
    """The events as if some columns had not been read: one value stands for all rows, and what was
    known at once is when it happened. None may be written into."""
    columns = {name: getattr(events, name) for name in Events.columns()}
    for name in unread:
        value = np.array(NEVER if name == "until" else ABSENT.get(name, 0), DTYPES[name])
        columns[name] = np.broadcast_to(value, len(events))
    if "recorded" in unread:
        columns["recorded"] = columns["at"]
    for column in columns.values():
        column.flags.writeable = False
    return Events(**columns).sorted()


parts_of_rows = st.lists(rows, min_size=1, max_size=4)


@settings(deadline=None)
@given(parts_of_rows, st.sampled_from([None, ("agent", "provoked")]), st.booleans())
def test_small_parts_are_read_together_as_each_by_itself(
    pieces: list[list[dict[str, float]]], columns: tuple[str, ...] | None, noted: bool
) -> None:
    """Some without a row in which words, lag or cause are told, which are not stored then."""
    with TemporaryDirectory() as place:
        folder = Path(place)
        parts = []
        for number, piece in enumerate(pieces):
            events = replace(events_of(piece), until=np.full(len(piece), NEVER)).sorted()
            events = replace(events, recorded=events.at + events.recorded * (number % 2))
            events = replace(events, said=events.said * (number % 2)).sorted()
            side = pa.table({name: pa.nulls(len(piece), pa.string()) for name in SIDE_COLUMNS})
            gone = [np.array([0] if noted and number == 1 and piece else [])] * 5
            small = 0 if number == 2 else SMALL
            where = folder / str(number)
            parts.append(write_part(folder, where, 0, events, side, Notes.of(gone), small))
        together = read_pieces(folder, parts, None, columns)
        to_merge = read_pieces(folder, parts, None, columns, to_merge=True)
        alone = [read_events(folder, part, None, columns) for part in parts]
    plain = [part for part in parts if part.coded.path.endswith(BARE) and part.notes is None]
    assert len(together) == len(parts) - max(0, len(plain) - 1)
    assert_equal(in_full_order(together), in_full_order(alone))
    assert_equal(in_full_order(to_merge), in_full_order(alone))
    largest = max(to_merge, key=len)
    for name in ("customer", "at"):  # of equal ones the content settles, which may not be read
        of_sorted = getattr(largest.take(event_order(largest)), name)
        np.testing.assert_array_equal(getattr(largest, name), of_sorted)
    for piece in together:
        expected = piece.sorted() if columns is None else piece.take(event_order(piece))
        for name in ("customer", "at") if columns else Events.columns():
            np.testing.assert_array_equal(getattr(piece, name), getattr(expected, name), name)


KIND = st.sampled_from(["message_out", "call_out", "case_solved", "order"]).map(KINDS.index)
acting_rows = rows.flatmap(
    lambda given: st.lists(
        st.fixed_dictionaries({"kind": KIND, "agent": st.integers(-1, 2)}),
        min_size=len(given),
        max_size=len(given),
    ).map(lambda more: [one | other for one, other in zip(given, more, strict=True)])
)
said = st.lists(
    st.tuples(
        st.integers(0, 11), st.integers(0, 4),
        st.sampled_from([REPLACED, DELETED, MOVED, CONFIRMED, PRECEDED]), st.integers(1, 3),
    ),
    max_size=6,
)  # fmt: skip


@settings(deadline=None)
@given(
    acting_rows, said, st.sampled_from([None, 1, 2]), st.lists(st.integers(1, 3), min_size=12),
    st.sampled_from([0, SMALL]),
)  # fmt: skip
def test_what_agents_did_is_kept_aside_and_read_as_among_all_others(
    rows: list[dict[str, float]],
    said: list[tuple[int, int, int, int]],
    generation: int | None,
    wrote: list[int],
    small: int,
) -> None:
    events = replace(events_of(rows), until=np.full(len(rows), NEVER)).sorted()
    events = replace(events, recorded=events.at + events.recorded)
    notes = Notes.of(
        [np.array(column) for column in zip(
            *[(row, known, known, reason, when) for row, known, reason, when in sorted(said)
              if row < len(rows)], strict=True)] or [np.empty(0)] * 5
    )  # fmt: skip
    many = len(rows)
    side = pa.table(
        {name: pa.nulls(many, pa.string()) for name in SIDE_COLUMNS} | {"generation": wrote[:many]}
    )
    with TemporaryDirectory() as place:
        folder = Path(place)
        part = write_part(folder, folder, 0, events, side, Notes.union([notes]), small)
        assert (part.acts is None) == (many <= small)  # as quickly read among all others
        assert_equal(read_raw(folder, part), events)
        among_all = read_events(folder, part, generation)
        (found,) = read_acts(folder, [part], generation)
        (older,) = read_acts(folder, [replace(part, acts=None)], generation)
    expected = among_all.take(acting(among_all)) if part.acts else among_all
    for name in ("customer", "at", "recorded", "until", "kind", "agent"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name), name)
        np.testing.assert_array_equal(getattr(older, name), getattr(among_all, name), name)


def test_what_was_taken_out_says_until_when_it_counted_and_what_moved_is_gone(
    tmp_path: Path,
) -> None:
    row = dict.fromkeys(DTYPES, 1.0) | {"until": NEVER}
    events = events_of(
        [row | {"at": float(n), "recorded": float(n), "value": np.nan} for n in range(5)]
    )
    side = pa.table(
        {name: pa.nulls(5, pa.string()) for name in SIDE_COLUMNS} | {"generation": [1, 1, 1, 2, 2]}
    )
    gone = Notes.of([np.array(column) for column in (
        [1, 2, 2, 4], [7e6, 9e6, 8e6, 0], [7, 9, 8, 0],
        [REPLACED, DELETED, REPLACED, MOVED], [1, 2, 3, 3],
    )])  # fmt: skip
    part = write_part(tmp_path, tmp_path, 0, events, side, gone)
    assert (part.rows, part.coded.rows) == (2, 5)
    assert_equal(read_raw(tmp_path, part), events)
    assert until(read_events(tmp_path, part)) == {0: NEVER, 1: 7, 2: 8, 3: NEVER}
    assert until(read_events(tmp_path, part, generation=2)) == {
        0: NEVER,
        1: 7,
        2: 9,
        3: NEVER,
        4: NEVER,
    }
    assert until(read_events(tmp_path, part, generation=1)) == {0: NEVER, 1: 7, 2: NEVER}


def test_what_confirms_a_row_changes_nothing_and_what_precedes_it_says_since_when(
    tmp_path: Path,
) -> None:
    row = dict.fromkeys(DTYPES, 1.0) | {"until": NEVER}
    events = events_of(
        [row | {"at": float(n), "recorded": float(n), "value": np.nan} for n in range(3)]
    )
    side = pa.table(
        {name: pa.nulls(3, pa.string()) for name in SIDE_COLUMNS} | {"generation": [1, 1, 1]}
    )
    notes = Notes.of([np.array(column) for column in (
        [0, 0, 1, 0], [7e6, 9e6, 5e6, 8e6], [7, 9, 5, 8],
        [CONFIRMED, CONFIRMED, PRECEDED, CONFIRMED], [2, 4, 2, 3],
    )])  # fmt: skip
    part = write_part(tmp_path, tmp_path, 0, events, side, Notes.union([notes]))
    assert (part.rows, part.coded.rows) == (3, 3)
    now, before = read_events(tmp_path, part), read_events(tmp_path, part, generation=1)
    assert until(now) == {0: NEVER, 1: NEVER, 2: NEVER}
    assert now.recorded.tolist() == [0, 5, 2]
    assert before.recorded.tolist() == [0, 1, 2]
    kept = read_notes(tmp_path, part)
    assert (kept.row.tolist(), kept.version.tolist()) == ([0, 1], [9_000_000, 5_000_000])


def until(events: Events) -> dict[int, int]:
    return dict(zip(events.at.tolist(), events.until.tolist(), strict=True))
