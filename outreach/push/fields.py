"""What of a score a CRM is told, and when that has changed.

A score moves a little each night. Told is what a reader would see: the probability in percent, the
value at risk to two digits; and it has changed when one of those, the band, the silence or what
the reasons are about has, or the chance that a contract is not renewed, in percent. Percentile,
dates and words ride along.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from models.answers import with_renewals
from models.contracts import PUSHED, RENEWAL, renewals_schema
from outreach.channels.crm import Record, Value

if TYPE_CHECKING:
    import pyarrow as pa

    from models.batch import ScoreBatch

COUNTED = (
    "churn_probability", "band", "value_at_risk", "silent", "reasons", "non_renewal_probability",
)  # fmt: skip
_COLUMNS = ("customer_id", *(name for name in PUSHED if name != "as_of"))
_ROWS = 1 << 16
_LONGEST = 1_000  # characters of reasons
_DIGITS = 2  # of the value at risk that count


@dataclass(frozen=True)
class Naming:
    """What the fields are called in the CRM. `names`: of `PUSHED` and `RENEWAL` those that are
    told."""

    object_: str
    key: str
    names: Mapping[str, str]

    @property
    def counted(self) -> list[str]:
        """Those that make a record change."""
        return [name for name in COUNTED if name in self.names]


def chunks(batch: ScoreBatch, naming: Naming) -> Iterator[pa.RecordBatch]:
    """The batch's rows in their order, some at a time; of renewals, what has a name."""
    import pyarrow.parquet as pq

    renewals = batch.renewals() if any(name in naming.names for name in RENEWAL) else None
    renewals = renewals_schema().empty_table() if renewals is None else renewals
    for part in batch.manifest.parts:
        with pq.ParquetFile(batch.path / part.name) as file:
            for rows in file.iter_batches(_ROWS, columns=list(_COLUMNS)):
                yield with_renewals(rows, renewals)


def digests(rows: pa.RecordBatch, naming: Naming, key: bytes) -> NDArray[np.int64]:
    """One number a row, of what counts and of where it goes; keyed, so that it tells nobody what
    the score was. Another naming gives other numbers."""
    first = hashlib.blake2b(key=key, digest_size=8)
    first.update(json.dumps([naming.object_, naming.key, sorted(naming.names.items())]).encode())
    found = np.empty(rows.num_rows, dtype=np.int64)
    for place, text in enumerate(_counted(rows, naming.counted)):
        one = first.copy()
        one.update(text.encode())
        found[place] = int.from_bytes(one.digest(), "big", signed=True)
    return found


def records(
    rows: pa.RecordBatch, naming: Naming, *, as_of: date, refresh_days: int
) -> Iterator[Record]:
    """What the CRM is told of each row. A score is told for good for `refresh_days` more, since
    an unchanged one is not told again before."""
    later = timedelta(days=refresh_days)
    for row in rows.to_pylist():
        told: dict[str, Value] = {
            "churn_probability": _rounded(row["churn_probability"], 2),
            "band": row["band"],
            "percentile": _rounded(row["percentile"], 0),
            "value_at_risk": _two_digits(row["value_at_risk"]),
            "silent": row["silent"],
            "reasons": _words(row["reasons"]),
            "as_of": as_of.isoformat(),
            "scored_at": row["scored_at"],
            "expires_at": row["expires_at"] + later if row["expires_at"] else None,
            "renewal_at": row["renewal_at"],
            "non_renewal_probability": _rounded(row["non_renewal_probability"], 2),
        }
        yield Record(row["customer_id"], {naming.names[n]: told[n] for n in naming.names})


def emptied(customer_ids: Sequence[str], naming: Naming) -> list[Record]:
    """The same fields of those customers, with nothing in them."""
    nothing: dict[str, Value] = dict.fromkeys(naming.names.values())
    return [Record(customer, nothing) for customer in customer_ids]


def _counted(rows: pa.RecordBatch, names: Sequence[str]) -> Iterator[str]:
    import pyarrow as pa
    import pyarrow.compute as pc

    columns = {
        "churn_probability": lambda: pc.round(rows["churn_probability"], 2),
        "band": lambda: rows["band"],
        "value_at_risk": lambda: _values(rows["value_at_risk"]),
        "silent": lambda: rows["silent"],
        "reasons": lambda: _features(rows["reasons"]),
        "non_renewal_probability": lambda: pc.round(rows["non_renewal_probability"], 2),
    }
    if not names:
        return iter([""] * rows.num_rows)
    texts = [pc.fill_null(columns[name]().cast(pa.string()), "") for name in names]
    return iter(pc.binary_join_element_wise(*texts, "\x1f").to_pylist())


def _values(column: pa.Array) -> pa.Array:
    """To two digits, as `_two_digits` has them."""
    import pyarrow as pa

    return pa.array([_two_digits(value) for value in column.to_pylist()], pa.float64())


def _features(column: pa.Array) -> pa.Array:
    """Which features the reasons of each row are about."""
    import pyarrow as pa

    told = (
        None if r is None else ",".join(one["feature"] for one in r) for r in column.to_pylist()
    )
    return pa.array(told, pa.string())


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def _two_digits(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.{_DIGITS}g}")


def _words(reasons: Sequence[Mapping[str, Any]] | None) -> str | None:
    told = "; ".join(str(reason["words"]) for reason in reasons or ())
    return told[:_LONGEST] or None
