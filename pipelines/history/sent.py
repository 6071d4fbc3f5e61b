"""Rows as JSON brings them: the cells of a column may be of several kinds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

Cell = str | int | float | bool | None
ID = "customer_id"  # always a text: 7 and "7" are one customer


@dataclass(frozen=True)
class Sent:
    """The cells of a table by column, in the order of its rows; None where a row has none."""

    columns: Mapping[str, Sequence[Cell]]
    num_rows: int

    @classmethod
    def of(cls, rows: Sequence[Mapping[str, Cell]]) -> Sent:
        """Rows that need not have the same columns."""
        absent = dict.fromkeys(chain.from_iterable(rows))
        columns = zip(*[{**absent, **row}.values() for row in rows], strict=True)
        return cls(dict(zip(absent, map(list, columns), strict=True)), len(rows))

    @cached_property
    def table(self) -> pa.Table:
        """As columns of one kind each: of several kinds as texts, which are read as in a CSV
        file."""
        import pyarrow as pa

        return pa.table({name: _column(name, cells) for name, cells in self.columns.items()})

    def with_columns(self, names: Sequence[str]) -> Sent:
        """With these columns, too, empty where they are not there."""
        empty = [None] * self.num_rows
        return Sent({**dict.fromkeys(names, empty), **self.columns}, self.num_rows)


def as_table(rows: pa.Table | Sent) -> pa.Table:
    """Rows as columns of one kind each."""
    return rows.table if isinstance(rows, Sent) else rows


def cells_of(several: Sequence[pa.Table | Sent]) -> Mapping[str, Sequence[Cell]]:
    """The cells of rows by column, one after another; None where rows have no such column."""
    if len(several) == 1:
        return _cells(several[0])
    pieces = [(_cells(rows), [None] * rows.num_rows) for rows in several]
    names = dict.fromkeys(chain.from_iterable(cells for cells, _ in pieces))
    return {
        name: [*chain.from_iterable(cells.get(name, absent) for cells, absent in pieces)]
        for name in names
    }


def _cells(rows: pa.Table | Sent) -> Mapping[str, Sequence[Cell]]:
    if isinstance(rows, Sent):
        return rows.columns
    return {name: rows.column(name).to_pylist() for name in rows.column_names}


def names_of(rows: pa.Table | Sent) -> Sequence[str]:
    """The columns of rows."""
    return list(rows.columns) if isinstance(rows, Sent) else rows.column_names


def spelled(cell: Cell) -> str:
    """A cell as a text."""
    return str(cell).lower() if isinstance(cell, bool) else str(cell)


def _column(name: str, cells: Sequence[Cell]) -> pa.Array:
    import pyarrow as pa

    kinds = set(map(type, cells)) - {type(None)}
    with suppress(OverflowError):  # a number that no type holds is told as a text
        if name == ID or not kinds:
            pass
        elif kinds == {int}:
            return pa.array(cells, pa.int64())
        elif kinds <= {int, float}:
            numbers = [None if cell is None else float(cell) for cell in cells]
            return pa.array(numbers, pa.float64())
        elif kinds <= {bool}:
            return pa.array(cells, pa.bool_())
    return pa.array([None if cell is None else spelled(cell) for cell in cells], pa.string())
