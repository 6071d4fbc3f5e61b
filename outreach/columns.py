"""Columns of tables side by side, and frames as tables with the types that they should have."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def one_each(found: pa.Table, column: str, which: str) -> pa.Table:
    """The earliest (`min`) or latest (`max`) instant of each customer."""
    each = found.group_by("customer_id", use_threads=False).aggregate([(column, which)])
    return each.rename_columns(["customer_id", column])


def beside(ids: pa.Array, found: pa.Table, column: str) -> pa.ChunkedArray:
    """The column of `found` for each of `ids`; null where it has none."""
    import pyarrow.compute as pc

    return found[column].take(pc.index_in(ids, value_set=found["customer_id"]))


def table(found: pd.DataFrame, kinds: dict[str, str | None]) -> pa.Table:
    """The named columns with their types, also where pandas, having no rows, knows none.

    Kinds: `at` is an instant, `flag` a bool (unknown is false), the others are texts.
    """
    import pyarrow as pa

    make = {"at": _instants, "flag": _flags, None: _texts}
    return pa.table({name: make[kind](found[name]) for name, kind in kinds.items()})


def _texts(column: pd.Series) -> pa.Array:
    import pyarrow as pa

    return pa.Array.from_pandas(column).cast(pa.string())


def _flags(column: pd.Series) -> pa.Array:
    import pyarrow as pa

    return pa.Array.from_pandas(column).cast(pa.bool_()).fill_null(False)


def _instants(column: pd.Series) -> pa.Array:
    import pandas as pd
    import pyarrow as pa

    utc = pd.to_datetime(column, utc=True).dt.tz_convert(None)
    return pa.Array.from_pandas(utc).cast(pa.timestamp("us", tz="UTC"), safe=False)


def values(column: pa.ChunkedArray) -> list[Any]:
    """The column as Python objects; instants in a tenth of the time that Arrow takes for a zone."""
    found = plain(column)
    if not _is_instant(column):
        return found
    return [None if at is None else EPOCH + timedelta(microseconds=at) for at in found]


def plain(column: pa.ChunkedArray) -> list[Any]:
    """The column as Python objects; an instant is its microseconds since 1970."""
    import pyarrow as pa

    if column.null_count == len(column):
        return [None] * len(column)
    if _is_instant(column):
        column = column.cast(pa.timestamp("us", tz="UTC")).cast(pa.int64())
    found: list[Any] = column.to_pylist()
    return found


def _is_instant(column: pa.ChunkedArray) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_timestamp(column.type))
