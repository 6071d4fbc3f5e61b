"""Customers and contracts as passes need them: numbers, coded once by the ingest that brought them.

A night would else work them out by SQL each time, which took longer than the features of a million
customers. Three files a generation, carried on while nothing of customers changed: `customers`, by
number; `terms`, and `values` (the customers' own rows as terms), one Arrow batch a bucket, so that
a pass holds the contracts of a bucket or two.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pipelines.history.buckets import bucket_of
from pipelines.history.customers import coded_terms, customer_frame, value_terms
from pipelines.history.identities import merged_customers, survivors
from pipelines.history.manifest import CodedPeople, File, Manifest
from pipelines.history.terms import Terms

if TYPE_CHECKING:
    import duckdb
    import pandas as pd
    import pyarrow as pa

CODE = 1  # raised when what is coded means something else than before: files are made anew
SOURCES = ("customers", "terms", "identities")  # tables of which something is coded
COLUMNS = {
    "joined": "joined_at", "left": "left_at", "left_recorded": "left_recorded",
    "objects": "profiling_objection", "merged": "merged",
}  # fmt: skip


@dataclass(frozen=True)
class People:
    """All customers of a history, by number, [customers]. Times are seconds since 1970 UTC, NEVER
    where there is none."""

    joined: NDArray[np.int64]
    left: NDArray[np.int64]
    left_recorded: NDArray[np.int64]  # since when `left` was known
    objects: NDArray[np.bool_]  # to profiling
    merged: NDArray[np.bool_]  # another customer stands for them

    def __len__(self) -> int:
        return len(self.joined)

    @classmethod
    def of(cls, frame: pd.DataFrame) -> People:
        """From `customer_frame`, or a frame with some of its columns; without `left_recorded` an
        end was known as it came."""
        left = frame["left_at"].to_numpy(np.int64)
        told, gone = frame.get("left_recorded"), frame.get("merged")
        return cls(
            joined=frame["joined_at"].to_numpy(np.int64),
            left=left,
            left_recorded=left if told is None else told.to_numpy(np.int64),
            objects=frame["profiling_objection"].to_numpy(np.bool_),
            merged=np.zeros(len(left), np.bool_) if gone is None else gone.to_numpy(np.bool_),
        )


@dataclass(frozen=True)
class ByBucket:
    """Terms sorted by bucket; `first` [buckets + 1] says where each one's begin."""

    terms: Terms
    first: NDArray[np.int64]

    @classmethod
    def of(cls, terms: Terms, buckets: int) -> ByBucket:
        """From terms sorted by customer."""
        bucket = bucket_of(terms.customer, buckets).astype(np.uint16)
        many = np.bincount(bucket, minlength=buckets)
        order = np.argsort(bucket, kind="stable")
        return cls(terms.take(order), np.concatenate([[0], np.cumsum(many)]).astype(np.int64))

    def bucket(self, bucket: int) -> Terms:
        """The bucket's terms, sorted by customer."""
        return self.terms.take(slice(*self.first[bucket : bucket + 2]))


def code(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    where: Path,
    manifest: Manifest,
    precedence: Sequence[str],
) -> Manifest:
    """The manifest with its customers and terms coded: as before, or by files written in `where`.

    All else of the generation must be on the disk.
    """
    if is_coded(manifest, precedence):
        return manifest
    who = survivors(connection, folder, manifest)
    people = read_people(connection, folder, manifest, precedence, who)
    terms = read_terms(connection, folder, manifest, precedence, who)
    values = value_terms(connection, folder, manifest, precedence)

    def written(name: str, some: Terms) -> File:
        return _write_terms(folder, where / f"{name}.arrow", some, manifest.buckets)

    coded = CodedPeople(
        state=state_of(manifest, precedence),
        precedence=tuple(precedence),
        customers=_write_people(folder, where / "people.arrow", people),
        terms=None if terms is None else written("terms", terms),
        values=written("values", values),
    )
    return replace(manifest, people=coded)


def is_coded(manifest: Manifest, precedence: Sequence[str]) -> bool:
    """Whether the files that the manifest names are those that its tables make."""
    return manifest.people is not None and manifest.people.state == state_of(manifest, precedence)


def state_of(manifest: Manifest, precedence: Sequence[str]) -> str:
    """What the coded files depend on, as a hash: other files are needed where it differs."""
    tables = {name: [file.sha256 for file in manifest.tables.get(name, ())] for name in SOURCES}
    words = [file.sha256 for file in manifest.dictionaries.get("customer", ())]
    said = (CODE, tables, words, manifest.customers, manifest.buckets, list(precedence))
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()


def read_people(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    manifest: Manifest,
    precedence: Sequence[str],
    survivors: NDArray[np.int32],
) -> People:
    """Worked out from the tables."""
    wanted = [name for name in COLUMNS.values() if name != "merged"]
    frame = customer_frame(connection, folder, manifest, precedence, wanted)
    if (survivors != np.arange(len(survivors))).any():
        frame = merged_customers(frame, survivors, connection, folder, manifest)
    return People.of(frame)


def read_terms(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    manifest: Manifest,
    precedence: Sequence[str],
    survivors: NDArray[np.int32],
) -> Terms | None:
    """Worked out from the tables; None where no source ever gave any."""
    if "terms" not in manifest.tables:
        return None
    terms = coded_terms(connection, folder, manifest, precedence)
    merged = (survivors != np.arange(len(survivors))).any()
    return terms.moved(survivors) if merged else terms


def load_people(folder: Path, coded: CodedPeople) -> People:
    """As `code` wrote them."""
    batch = _open(folder / coded.customers.path).get_batch(0)
    return People(**{name: _array(batch[name]) for name in COLUMNS})


def load_terms(folder: Path, file: File, bucket: int | None = None) -> Terms:
    """Terms as `code` wrote them, sorted by customer: a bucket's, or all."""
    reader = _open(folder / file.path)
    currencies = tuple(json.loads(reader.schema.metadata[b"currencies"]))
    batches = range(reader.num_record_batches) if bucket is None else (bucket,)
    pieces = [reader.get_batch(number) for number in batches]
    columns = {
        name: np.concatenate([_array(piece[name]) for piece in pieces]) for name in Terms.columns()
    }
    terms = Terms(**columns, currencies=currencies)
    return terms if bucket is not None else terms.take(np.argsort(terms.customer, kind="stable"))


def _array(column: pa.Array) -> NDArray[Any]:
    array: NDArray[Any] = column.to_numpy(zero_copy_only=False)  # bits become bytes
    return array


def _write_people(folder: Path, path: Path, people: People) -> File:
    import pyarrow as pa

    batch = pa.record_batch({name: getattr(people, name) for name in COLUMNS})
    return _write(folder, path, batch.schema, [batch])


def _write_terms(folder: Path, path: Path, terms: Terms, buckets: int) -> File:
    """One batch a bucket, if only an empty one."""
    import pyarrow as pa

    spread = ByBucket.of(terms, buckets)
    batches = [
        pa.record_batch({name: getattr(some, name) for name in Terms.columns()})
        for some in map(spread.bucket, range(buckets))
    ]
    told = {"currencies": json.dumps(terms.currencies)}
    return _write(folder, path, batches[0].schema.with_metadata(told), batches)


def _write(folder: Path, path: Path, schema: pa.Schema, batches: Sequence[pa.RecordBatch]) -> File:
    import pyarrow as pa

    path.parent.mkdir(parents=True, exist_ok=True)
    options = pa.ipc.IpcWriteOptions(compression="lz4", use_threads=False)
    with pa.ipc.new_file(str(path), schema, options=options) as writer:
        for batch in batches:
            writer.write_batch(batch)
    return File.of(folder, path, sum(batch.num_rows for batch in batches))


def _open(path: Path) -> pa.RecordBatchFileReader:
    import pyarrow as pa

    options = pa.ipc.IpcReadOptions(use_threads=False)
    return pa.ipc.open_file(pa.memory_map(str(path)), options=options)
