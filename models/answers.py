"""A batch's answers by customer, as JSON that is ready to be sent: what the endpoint looks up.

answers.arrow         customer_id, answer; in the batch's order, who was not scored last
answers-index.arrow   hash, row; by hash, so that a key is found by bisection

Both are mapped into memory, so that all workers share one copy and none holds it. Measured for a
million customers: docs/decisions/0022-endpoint.md.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pyarrow as pa

ANSWERS = "answers.arrow"
INDEX = "answers-index.arrow"
POLARITY = "a higher probability is worse"

_INSTANT = "strftime({}, '%Y-%m-%dT%H:%M:%SZ')"
# The columns of a ScoreBatch in its order, instants as ISO 8601. Columns that a version cannot fill
# are null, not missing.
_SCORED = f"""
SELECT customer_id, to_json({{
    customer_id: customer_id, status: 'scored', as_of: $as_of,
    horizon_days: horizon_days, churn_probability: churn_probability, polarity: '{POLARITY}',
    horizons: horizons, band: band, percentile: percentile, value_at_risk: value_at_risk,
    silent: silent, fading: fading, reasons: reasons, what_changed: what_changed, effects: effects,
    model_version: model_version, scored_at: {_INSTANT.format("scored_at")},
    expires_at: {_INSTANT.format("expires_at")}
}})::VARCHAR AS answer FROM batch
"""  # noqa: S608
_NOT_SCORED = """
SELECT customer_id, to_json({
    customer_id: customer_id, status: 'not_scored', why: why, as_of: $as_of
})::VARCHAR AS answer FROM batch
"""


class AnswerWriter:
    """Writes the answers of one run beside its parts; `close` before they are read."""

    def __init__(self, folder: Path, as_of: date) -> None:
        import pyarrow as pa

        self._folder, self._as_of = folder, as_of.isoformat()
        self._hashes: list[NDArray[np.uint64]] = []
        schema = pa.schema([("customer_id", pa.string()), ("answer", pa.large_string())])
        self._file = pa.ipc.new_file(str(folder / ANSWERS), schema)
        self._schema = schema

    def scored(self, batch: pa.Table) -> None:
        """Rows of `models.contracts.score_schema`."""
        self._add(_SCORED, batch)

    def not_scored(self, batch: pa.Table) -> None:
        """Rows of customer_id and why."""
        self._add(_NOT_SCORED, batch)

    def close(self) -> dict[str, int]:
        """Writes the index; the files' names and how many customers each holds."""
        import pyarrow as pa

        self._file.close()
        hashes = np.concatenate([np.empty(0, np.uint64), *self._hashes])
        row = np.argsort(hashes, kind="stable")
        table = pa.table({"hash": hashes[row], "row": row.astype(np.int64)})
        with pa.ipc.new_file(str(self._folder / INDEX), table.schema) as file:
            file.write_table(table.combine_chunks())
        return {ANSWERS: len(row), INDEX: len(row)}

    def _add(self, query: str, batch: pa.Table) -> None:
        import duckdb

        with duckdb.connect() as connection:
            connection.execute("SET TimeZone = 'UTC'; SET threads = 2")
            connection.register("batch", batch)
            table = connection.sql(query.replace("$as_of", f"'{self._as_of}'")).to_arrow_table()
        table = table.cast(self._schema).combine_chunks()
        self._file.write_table(table)
        self._hashes.append(hashed(table["customer_id"].to_pylist()))


class Answers:
    """The answers of one run, mapped; safe to use from many threads."""

    def __init__(self, folder: Path) -> None:
        """Raises `OSError` where they were not written."""
        import pyarrow as pa

        batches = pa.ipc.open_file(pa.memory_map(str(folder / ANSWERS)))
        self._batches = [
            _Texts(batches.get_batch(number)) for number in range(batches.num_record_batches)
        ]
        self._starts = np.cumsum([0, *(len(batch) for batch in self._batches)])
        index = pa.ipc.open_file(pa.memory_map(str(folder / INDEX))).read_all().combine_chunks()
        self._hash = index["hash"].to_numpy()
        self._row = index["row"].to_numpy()

    def __len__(self) -> int:
        return len(self._hash)

    def find(self, customer_ids: Sequence[str]) -> list[bytes | None]:
        """The JSON object of each customer; None for who is not in the batch."""
        found: list[bytes | None] = [None] * len(customer_ids)
        wanted = hashed(customer_ids)
        place = np.searchsorted(self._hash, wanted)
        waiting = np.arange(len(wanted))
        while len(waiting):  # again only where two customers share a hash: they lie side by side
            waiting = waiting[place[waiting] < len(self._hash)]
            waiting = waiting[self._hash[place[waiting]] == wanted[waiting]]
            rows = self._row[place[waiting]]
            batch = np.searchsorted(self._starts, rows, side="right") - 1
            inside = rows - self._starts[batch]
            for number, of, row in zip(
                waiting.tolist(), batch.tolist(), inside.tolist(), strict=True
            ):
                texts = self._batches[of]
                if texts.customer(row) == customer_ids[number]:
                    found[number] = texts.answer(row)
            waiting = waiting[[found[number] is None for number in waiting.tolist()]]
            place[waiting] += 1
        return found


class _Texts:
    """The texts of a record batch, read where they lie."""

    def __init__(self, batch: pa.RecordBatch) -> None:
        self._batch = batch  # holds the memory
        ids, answers = batch.column("customer_id"), batch.column("answer")
        self._id_ends = _ends(ids, np.int32)
        self._answer_ends = _ends(answers, np.int64)
        self._ids, self._answers = (memoryview(one.buffers()[2] or b"") for one in (ids, answers))

    def __len__(self) -> int:
        return int(self._batch.num_rows)

    def customer(self, row: int) -> str:
        return str(self._ids[self._id_ends[row] : self._id_ends[row + 1]], "utf-8")

    def answer(self, row: int) -> bytes:
        return bytes(self._answers[self._answer_ends[row] : self._answer_ends[row + 1]])


def _ends(column: pa.Array, of: type[np.integer[Any]]) -> NDArray[np.integer[Any]]:
    ends = column.buffers()[1]
    return np.frombuffer(ends, of) if ends is not None else np.zeros(1, of)


def hashed(customer_ids: Sequence[str]) -> NDArray[np.uint64]:
    """A 64-bit hash of each id, the same on every machine."""
    return np.fromiter(_hashes(customer_ids), np.uint64, len(customer_ids))


def _hashes(customer_ids: Sequence[str]) -> Iterator[int]:
    for customer in customer_ids:
        digest = hashlib.blake2b(customer.encode(), digest_size=8).digest()
        yield int.from_bytes(digest, "little")
