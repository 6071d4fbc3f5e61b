"""Rows in the order that `Events` declares: of one piece, and of several sorted ones as one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.history.events import DTYPES, Events
from pipelines.history.rooms import Rooms

FEW = 0.5  # of the largest piece: so many rows or fewer are put in their places, not all sorted
LARGE = 500_000  # rows: fewer are sorted in less than a tenth of what it takes to load Numba


def event_order(events: Events) -> NDArray[np.intp]:
    """The order that `Events` declares: by customer and time, ties settled by content.

    Ties are few, so the content columns are looked at only where customer and time are equal.
    """
    order = _by_customer_and_time(events)
    customer, at = events.customer[order], events.at[order]
    equal = (customer[1:] == customer[:-1]) & (at[1:] == at[:-1])
    if not equal.any():
        return order
    tied = np.zeros(len(order), np.bool_)
    tied[1:] |= equal
    tied[:-1] |= equal
    places = np.flatnonzero(tied)
    rows = order[places]
    names = reversed(Events.content())
    order[places] = rows[np.lexsort([getattr(events, name)[rows] for name in names])]
    return order


def _by_customer_and_time(events: Events) -> NDArray[np.intp]:
    """One number a row where it fits 63 bits: sorted pieces one after another then merge fast."""
    if not len(events):
        return np.empty(0, np.intp)
    first = int(events.at.min())
    span = int(events.at.max()) - first + 1
    if (int(events.customer.max()) + 1) * span >= 2**63:
        return np.lexsort((events.at, events.customer))
    return np.argsort(events.customer * np.int64(span) + (events.at - first), kind="stable")


def joined(pieces: Sequence[Events]) -> Events:
    """All rows of `pieces`, one piece after another."""

    def one_after_another(name: str) -> NDArray[Any]:
        return np.concatenate([getattr(piece, name) for piece in pieces])

    return Events(**_columns(pieces, one_after_another))


def _columns(
    pieces: Sequence[Events], put: Callable[[str], NDArray[Any]]
) -> dict[str, NDArray[Any]]:
    """The columns of all pieces, each as `put` puts it together, but for those that need no memory:
    one value for all rows, and what was known when it happened."""
    columns: dict[str, NDArray[Any]] = {}
    for name in Events.columns():
        of_pieces = [getattr(piece, name) for piece in pieces]
        if _one_for_all(of_pieces):
            columns[name] = np.broadcast_to(of_pieces[0][0], sum(map(len, pieces)))
        elif name == "recorded" and all(piece.recorded is piece.at for piece in pieces):
            columns[name] = columns["at"]
        else:
            columns[name] = put(name)
    return columns


def _one_for_all(columns: Sequence[NDArray[Any]]) -> bool:
    """Whether all rows have one value and memory for one, as where a column was not read."""
    if any(column.strides != (0,) or not len(column) for column in columns):
        return False
    first = columns[0][:1]
    return all(np.array_equal(first, column[:1], equal_nan=True) for column in columns)


def spare(rows: Sequence[int]) -> int:
    """How many rows `merged` puts in their places among those of the largest of pieces of so many
    rows: none where all are sorted."""
    most = max(rows, default=0)
    others = sum(rows) - most
    return others if others <= most * FEW else 0


def merged(pieces: Sequence[Events], rooms: Rooms | None = None, large: int = LARGE) -> Events:
    """All rows of `pieces`, of which the first of the largest is sorted, as one; the same as
    `Events.concatenate`, sooner. Few are put in their places among `large` or more: with `rooms` in
    their memory, and where a column has `spare` room there, it is moved and no more what it was."""
    most = max(pieces, key=len)
    others = [piece for piece in pieces if piece is not most]
    if len(most) < large or not spare([len(piece) for piece in pieces]):
        events = joined(pieces)
        return events.take(event_order(events))
    return _inserted(most, others[0] if len(others) == 1 else joined(others), rooms or Rooms())


def _inserted(most: Events, few: Events, rooms: Rooms) -> Events:
    """Few rows put in their places among many, by customer and time: only they are looked for, the
    others move along.

    Rows of one customer and time are put in order by their content, whichever they came with.
    """
    from pipelines.history import placing

    order = _by_customer_and_time(few)
    customer, at = few.customer[order], few.at[order]
    runs, ties = placing.places(most.customer, most.at, customer, at)
    shared = most.recorded is most.at and few.recorded is not few.at  # and read after it is moved

    def in_their_places(name: str) -> NDArray[Any]:
        old = getattr(most, name)
        column = None if shared and name == "at" else rooms.grown(old, len(few))
        if column is None:
            column = rooms.array(len(most) + len(few), dtype=DTYPES[name])
        placing.insert(old, getattr(few, name), order, runs, column)
        return column

    columns = _columns([most, few], in_their_places)
    if ties.size:
        _settle(columns, *ties)
    return Events(**columns)


def _settle(
    columns: dict[str, NDArray[Any]], first: NDArray[np.int64], many: NDArray[np.int64]
) -> None:
    """Orders by content, in place, runs of rows of one customer and time, by the first of each and
    how many they are."""
    rows = np.repeat(first - (np.cumsum(many) - many), many) + np.arange(many.sum())
    found = {name: column[rows] for name, column in columns.items()}
    order = np.lexsort([found[name] for name in reversed(Events.content())])
    for name, column in columns.items():
        if column.flags.writeable:  # else all rows have one value
            column[rows] = found[name][order]
