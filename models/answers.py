"""A batch's answers by customer, as JSON that is ready to be sent: what the endpoint looks up.

answers.arrow         customer_id, answer; in the batch's order, who was not scored last
answers-index.arrow   hash, row; by hash, so that a key is found by bisection
answers-names.arrow   hash, check, customer_id; whom an id of another system means, by hash. The ids
                      themselves, which may be addresses, are not written

All are mapped into memory, so that all workers share one copy and none holds it. Measured for a
million customers: docs/decisions/0022-endpoint.md.
"""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from models.contracts import RENEWAL, renewals_schema

if TYPE_CHECKING:
    import pyarrow as pa

Rows = TypeVar("Rows", "pa.Table", "pa.RecordBatch")
ANSWERS = "answers.arrow"
INDEX = "answers-index.arrow"
NAMES = "answers-names.arrow"
ANY_SYSTEM = ""
MERGED = "\x1f"  # the system of own ids that were merged into another customer's
POLARITY = "a higher probability is worse"

FIRST = ("as_of", "horizon_days", "churn_probability")  # before the polarity
INSTANT = "%Y-%m-%dT%H:%M:%SZ"
_INSTANT = f"strftime({{}}, '{INSTANT}')"
# The columns of a ScoreBatch in its order, then those of renewals, instants as ISO 8601. Columns
# that a version cannot fill are null, not missing.
_SCORED = f"""
SELECT customer_id, to_json({{
    customer_id: customer_id, status: 'scored', as_of: $as_of,
    horizon_days: horizon_days, churn_probability: churn_probability, polarity: '{POLARITY}',
    horizons: horizons, expected_days: expected_days, band: band, percentile: percentile,
    value_at_risk: value_at_risk, silent: silent, fading: fading, reasons: reasons,
    what_changed: what_changed, effects: effects,
    model_version: model_version, scored_at: {_INSTANT.format("scored_at")},
    expires_at: {_INSTANT.format("expires_at")},
    renewal_at: {_INSTANT.format("renewal_at")}, non_renewal_probability: non_renewal_probability
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
        self._names: pa.Table | None = None
        self._renewals = renewals_schema().empty_table()

    def renewing(self, renewals: pa.Table) -> None:
        """Rows of `models.contracts.renewals_schema`, before any that is `scored`."""
        self._renewals = renewals

    def scored(self, batch: pa.Table) -> None:
        """Rows of `models.contracts.score_schema`."""
        self._add(_SCORED, with_renewals(batch, self._renewals))

    def not_scored(self, batch: pa.Table) -> None:
        """Rows of customer_id and why."""
        self._add(_NOT_SCORED, batch)

    def named(self, names: pa.Table) -> None:
        """Whom the ids of other systems mean, as `hashed_names` gives it; called once at most."""
        self._names = names

    def close(self) -> dict[str, int]:
        """Writes what is left; the files' names and how many rows each holds."""
        self._file.close()
        hashes = np.concatenate([np.empty(0, np.uint64), *self._hashes])
        row = np.argsort(hashes, kind="stable")
        self._write(INDEX, {"hash": hashes[row], "row": row.astype(np.int64)})
        return {ANSWERS: len(row), INDEX: len(row), NAMES: self._write_names()}

    def _write_names(self) -> int:
        names = hashed_names([], [], []) if self._names is None else self._names
        columns = {name: names[name].to_numpy() for name in ("hash", "check", "customer_id")}
        order = np.lexsort((columns["check"], columns["hash"]))
        self._write(NAMES, {name: column[order] for name, column in columns.items()})
        return len(order)

    def _write(self, name: str, columns: dict[str, NDArray[Any]]) -> None:
        import pyarrow as pa

        arrays = {
            column: pa.array(values, pa.string() if values.dtype == object else None)
            for column, values in columns.items()
        }
        table = pa.table(arrays)
        with pa.ipc.new_file(str(self._folder / name), table.schema) as file:
            file.write_table(table)

    def _add(self, query: str, batch: pa.Table) -> None:
        table = _answered(query, batch, self._as_of).cast(self._schema).combine_chunks()
        self._file.write_table(table)
        ids = table["customer_id"].to_pylist()
        self._hashes.append(hashed([one.encode() for one in ids]))


def with_renewals(rows: Rows, renewals: pa.Table) -> Rows:
    """Rows with a `customer_id`, and of each what `renewals` (`renewals_schema`) tells; null where
    nothing."""
    import pyarrow.compute as pc

    ids = renewals["customer_id"].combine_chunks()
    place = pc.index_in(rows["customer_id"], value_set=ids)
    for name in RENEWAL:
        rows = rows.append_column(name, renewals[name].combine_chunks().take(place))
    return rows


def rendered(
    scores: Iterable[Mapping[str, Any]], not_scored: Mapping[str, str], as_of: date
) -> dict[str, bytes]:
    """The JSON object of each customer as a batch would hold it, by id: of a few rows of
    `models.contracts.score_schema`, and of who was not scored, with why. Without a database, whose
    start takes longer than the answer."""
    night = as_of.isoformat()
    told: dict[str, bytes] = {}
    for row in scores:
        said = {name: _plain(cell) for name, cell in row.items()} | {"as_of": night}
        said |= {name: said.pop(name, None) for name in RENEWAL}
        first = {name: said.pop(name) for name in ("customer_id", *FIRST)}
        customer = first.pop("customer_id")
        begun = {"customer_id": customer, "status": "scored", **first, "polarity": POLARITY}
        told[customer] = _json(begun | said)
    for customer, why in not_scored.items():
        left_out = {"customer_id": customer, "status": "not_scored", "why": why}
        told[customer] = _json({**left_out, "as_of": night})
    return told


def _plain(cell: Any) -> Any:
    return cell.strftime(INSTANT) if isinstance(cell, datetime) else cell


def _json(told: Mapping[str, Any]) -> bytes:
    spelled = json.dumps(told, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return spelled.encode()


def _answered(query: str, batch: pa.Table, as_of: str) -> pa.Table:
    import duckdb

    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'; SET threads = 2")
        connection.register("batch", batch)
        return connection.sql(query.replace("$as_of", f"'{as_of}'")).to_arrow_table()


class Answers:
    """The answers of one run, mapped; safe to use from many threads."""

    def __init__(self, folder: Path) -> None:
        """Raises `OSError` where they were not written."""
        import pyarrow as pa

        batches = pa.ipc.open_file(pa.memory_map(str(folder / ANSWERS)))
        self._batches = [
            _Texts(batches.get_batch(number)) for number in range(batches.num_record_batches)
        ]
        self._starts = list(accumulate(map(len, self._batches), initial=0))
        index = _mapped(folder / INDEX)
        self._hash = index["hash"].to_numpy()
        self._hashes, self._rows = memoryview(self._hash), memoryview(index["row"].to_numpy())
        self._names = _mapped(folder / NAMES)
        self._name_hash, self._check = (self._names[name].to_numpy() for name in ("hash", "check"))

    def __len__(self) -> int:
        return len(self._hash)

    def find(self, customer_ids: Sequence[str]) -> list[bytes | None]:
        """The JSON object of each customer; None for who is not in the batch."""
        keys = [customer.encode() for customer in customer_ids]
        wanted = hashed(keys)
        places = np.searchsorted(self._hash, wanted).tolist()
        return list(map(self._answer, keys, wanted.tolist(), places))

    def _answer(self, key: bytes, wanted: int, place: int) -> bytes | None:
        """From `place` on, where the hash is `wanted`. One at a time: most calls ask for one, for
        which NumPy's calls take longer than all else."""
        hashes = self._hashes
        while place < len(hashes) and hashes[place] == wanted:
            row = self._rows[place]
            batch = bisect_right(self._starts, row) - 1
            answer = self._batches[batch].answer(row - self._starts[batch], key)
            if answer is not None:
                return answer
            place += 1  # customers of one hash lie side by side
        return None

    def whose(self, external_id: str, system: str | None = None) -> str:
        """The customer whom an id of `system` means; the id itself where nobody is known by it.

        As in an ingest: a customer's own id first (of one who was merged, who survives), then the
        system's, then that of every system that knows it, if all mean the same customer. Source:
        CONTRACTS.md, identities.
        """
        survivor = self._of_system(MERGED, external_id)
        if survivor is not None:
            return survivor
        if self.find([external_id])[0] is not None:
            return external_id
        meant = self._of_system(system, external_id) if system else None
        return meant or self._of_system(ANY_SYSTEM, external_id) or external_id

    def _of_system(self, system: str, external_id: str) -> str | None:
        key, check = _named([_full_name(system, external_id)])[0]
        place = int(np.searchsorted(self._name_hash, key))
        while place < len(self._name_hash) and self._name_hash[place] == key:
            if self._check[place] == check:
                return str(self._names["customer_id"][place])
            place += 1
        return None


def hashed_names(
    systems: Sequence[str | None], external_ids: Sequence[str], customer_ids: Sequence[str]
) -> pa.Table:
    """`hash`, `check` and `customer_id` of each id of a system (None: whichever asks)."""
    import pyarrow as pa

    pairs = zip(systems, external_ids, strict=True)
    hashes = _named([_full_name(system or ANY_SYSTEM, one) for system, one in pairs])
    columns = {"hash": hashes[:, 0], "check": hashes[:, 1]}
    return pa.table({**columns, "customer_id": pa.array(customer_ids, pa.string())})


def names_of(folder: Path) -> pa.Table:
    """The names of a run that was written, as `hashed_names` gave them."""
    return _mapped(folder / NAMES)


def _mapped(path: Path) -> pa.Table:
    import pyarrow as pa

    return pa.ipc.open_file(pa.memory_map(str(path))).read_all().combine_chunks()


class _Texts:
    """The texts of a record batch, read where they lie."""

    def __init__(self, batch: pa.RecordBatch) -> None:
        self._batch = batch  # holds the memory
        ids, answers = batch.column("customer_id"), batch.column("answer")
        self._id_ends, self._answer_ends = _ends(ids, "i"), _ends(answers, "q")
        self._ids, self._answers = (memoryview(one.buffers()[2] or b"") for one in (ids, answers))

    def __len__(self) -> int:
        return int(self._batch.num_rows)

    def answer(self, row: int, key: bytes) -> bytes | None:
        """Of a row; None where it is another customer's than `key`."""
        ends = self._id_ends
        if bytes(self._ids[ends[row] : ends[row + 1]]) != key:  # views compare by element
            return None
        ends = self._answer_ends
        return bytes(self._answers[ends[row] : ends[row + 1]])


def _ends(column: pa.Array, kind: Literal["i", "q"]) -> memoryview[int]:
    """Where each text ends, after where the first begins; `kind`: of `struct`."""
    ends = column.buffers()[1]
    whole: memoryview[int] = memoryview(bytes(8) if ends is None else ends)
    return whole.cast(kind)


def hashed(keys: Sequence[bytes]) -> NDArray[np.uint64]:
    """A 64-bit hash of each id in UTF-8, the same on every machine."""
    digests = b"".join(hashlib.blake2b(key, digest_size=8).digest() for key in keys)
    return np.frombuffer(digests, "<u8").astype(np.uint64)


def _full_name(system: str, external_id: str) -> str:
    return f"{system}\x1f{external_id}"


def _named(full_names: Sequence[str]) -> NDArray[np.uint64]:
    """Two hashes of each, [n, 2]: the id is not kept, so that one would not tell ids apart."""
    digests = b"".join(hashlib.blake2b(one.encode(), digest_size=16).digest() for one in full_names)
    return np.frombuffer(digests, "<u8").reshape(-1, 2).astype(np.uint64)
