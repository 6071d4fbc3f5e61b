"""Reading a history: pinned to one generation, so that an ingest is never in the way."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models.errors import WarmlineError
from pipelines.history import versions, voices
from pipelines.history.agents import AgentRows, agent_rows
from pipelines.history.arrivals import feeds
from pipelines.history.buckets import bucket_of
from pipelines.history.customers import customer_frame, value_terms
from pipelines.history.engine import reader
from pipelines.history.events import Events
from pipelines.history.identities import merged_customers, names, survivors
from pipelines.history.lags import Lags
from pipelines.history.manifest import CodedPeople, Manifest, Part, Watermark, read_current
from pipelines.history.ordering import merged, spare
from pipelines.history.parts import read_acts, read_pieces
from pipelines.history.people import (
    ByBucket,
    People,
    is_coded,
    load_people,
    load_terms,
    read_people,
    read_terms,
)
from pipelines.history.rooms import Rooms
from pipelines.history.rows import contract_rows, rows_of_customer
from pipelines.history.schema import TABLE
from pipelines.history.terms import Terms

if TYPE_CHECKING:
    import duckdb
    import pandas as pd
    import pyarrow as pa


@dataclass(frozen=True)
class History:
    """One generation of what is known of customers. Customers are numbered 0, 1, 2, ..."""

    folder: Path
    manifest: Manifest
    past: bool = False  # not the newest generation
    precedence: tuple[str, ...] = ()  # of sources, where several tell of the same row

    @classmethod
    def open(cls, folder: Path, precedence: tuple[str, ...] = ()) -> History:
        """The generation that counts now; raises `WarmlineError` where nothing was ingested yet.

        `precedence`: of sources that tell of the same row, the first of these counts (`voices`).
        """
        manifest = read_current(folder)
        if manifest is None:
            raise WarmlineError(
                f"There is no history in {folder} yet: run `warmline ingest PATH` first."
            )
        return cls(folder, manifest, precedence=precedence)

    def at(self, generation: int) -> History:
        """An earlier generation, as it was read then. Raises `WarmlineError` for one that never
        was, or of which nothing is known any more."""
        if generation == self.generation:
            return self
        past = {one.generation: one for one in self.manifest.past}.get(generation)
        if past is None:
            raise WarmlineError(
                f"The history in {self.folder} has no generation {generation}: it is at "
                f"{self.generation}."
            )
        then = replace(self.manifest, **vars(past))
        return History(self.folder, then, True, self.precedence)

    def connection(self) -> duckdb.DuckDBPyConnection:
        """One to read the tables of this generation with, for the caller to close."""
        return reader()

    @property
    def _until(self) -> int | None:
        """The last generation whose rows count, where it is not the newest."""
        return self.generation if self.past else None

    @property
    def generation(self) -> int:
        return self.manifest.generation

    @property
    def buckets(self) -> int:
        """How many buckets the customers are spread over, a power of two."""
        return self.manifest.buckets

    @property
    def rows(self) -> int:
        """Interactions that count."""
        return self.manifest.rows

    @property
    def span(self) -> tuple[int, int] | None:
        """First and last `occurred_at`, seconds since 1970 UTC; None without interactions."""
        return self.manifest.span

    @property
    def sources(self) -> Mapping[str, Watermark]:
        """How far each source has been read."""
        return self.manifest.sources

    def bucket(self, bucket: int) -> Events:
        """The bucket's interactions that count, sorted and coded."""
        return self.versions(bucket).standing()

    def versions(self, bucket: int, columns: Collection[str] | None = None) -> Events:
        """The bucket's interactions in every version that ever counted, sorted and coded.

        With `columns`, others that a row may lack are not read, if that is faster."""
        parts = self.manifest.of_bucket(bucket)
        wanted = columns if len(parts) == 1 else None  # rows of several are sorted by all of them
        rooms = self._rooms.with_spare(spare([part.coded.rows for part in parts]))
        pieces = read_pieces(self.folder, parts, self._until, wanted, rooms, to_merge=True)
        if not pieces:
            return Events.empty()
        return self.lags.applied(pieces[0] if len(pieces) == 1 else merged(pieces, rooms))

    @cached_property
    def _rooms(self) -> Rooms:
        """Memory of buckets that were read and let go of."""
        return Rooms()

    def pieces(self, bucket: int, columns: Collection[str]) -> list[Events]:
        """The bucket's interactions in every version that ever counted, in pieces, each sorted;
        `columns` besides customer, time, kind and when it was known are read."""
        parts = self.manifest.of_bucket(bucket)
        pieces = read_pieces(self.folder, parts, self._until, columns)
        return [self.lags.applied(piece) for piece in pieces]

    def acts(self, bucket: int) -> list[Events]:
        """As `pieces`, those in which an agent acted for the customer, without all others of a
        part where they are kept aside."""
        parts = self.manifest.of_bucket(bucket)
        pieces = read_acts(self.folder, parts, self._until)
        return [self.lags.applied(piece) for piece in pieces]

    def of_parts(self, parts: Sequence[Part]) -> History:
        """Just what `versions` needs of these parts: small, to be sent to where they are read."""
        manifest = Manifest(generation=self.generation, buckets=self.buckets, parts=tuple(parts))
        small = replace(self, manifest=manifest)
        # Measured from tables that are not sent along.
        vars(small)["lags"] = self.lags
        return small

    def feeds(self) -> pd.DataFrame:
        """What each ingest brought: source, kind, day (of `occurred_at`, since 1970 UTC), lag (bin
        of `lags.BINS`, -1 where it shows nowhere), dated (whether the source says when it knew),
        rows, customers (each once a day and ingest), ingested_at (seconds). Corrections are not
        counted."""
        return self._feeds

    @cached_property
    def _feeds(self) -> pd.DataFrame:
        return feeds(self.folder, self.manifest)

    @cached_property
    def lags(self) -> Lags:
        """How late each source is, as measured."""
        return Lags.measured(self._feeds, self.words("source"))

    def surviving(self, customer_ids: pd.Series) -> pd.Series:
        """Each id, or the one that survives where its customer was merged."""
        import pyarrow as pa

        gone = np.flatnonzero(self._merged)
        if not len(gone):
            return customer_ids
        ids = self.ids()
        before, after = (ids.take(pa.array(which)) for which in (gone, self._survivors[gone]))
        merged = dict(zip(before.to_pylist(), after.to_pylist(), strict=True))
        return customer_ids.map(merged).fillna(customer_ids)

    @cached_property
    def _merged(self) -> NDArray[np.bool_]:
        gone: NDArray[np.bool_] = self._survivors != np.arange(len(self._survivors))
        return gone

    def survivors(self) -> NDArray[np.int32]:
        """Who each customer has become, by number: another where merged, else the same."""
        return self._survivors

    @cached_property
    def _survivors(self) -> NDArray[np.int32]:
        with self.connection() as connection:
            return survivors(connection, self.folder, self.manifest)

    def names(self) -> pa.Table:
        """Whom ids mean today besides a customer's own (see `identities.names`)."""
        with self.connection() as connection:
            return names(connection, self.folder, self.manifest)

    def members(self, bucket: int) -> NDArray[np.int32]:
        """Numbers of all customers of the bucket, ascending, with or without interactions."""
        everyone, first = self._by_bucket
        return everyone[first[bucket] : first[bucket + 1]]

    @cached_property
    def _by_bucket(self) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """All customers, bucket after bucket, and where each bucket's begin."""
        bucket = bucket_of(np.arange(self.manifest.customers), self.buckets).astype(np.uint16)
        many = np.bincount(bucket, minlength=self.buckets)
        first = np.concatenate([[0], np.cumsum(many)]).astype(np.int64)
        return np.argsort(bucket, kind="stable").astype(np.int32), first

    def customers(self) -> pd.DataFrame:
        """All customers by number (see `customers.customer_frame`); no name, e-mail or phone.

        Read once and shared: not to be changed by who gets it.
        """
        return self._customers

    @cached_property
    def _customers(self) -> pd.DataFrame:
        with self.connection() as connection:
            frame = customer_frame(connection, self.folder, self.manifest, self.precedence)
            if not self._merged.any():
                return frame
            return merged_customers(frame, self._survivors, connection, self.folder, self.manifest)

    def people(self) -> People:
        """When each customer joined and left, by number; read once and shared."""
        return self._people

    @cached_property
    def _people(self) -> People:
        if self._coded:
            return load_people(self.folder, self._coded)
        with self.connection() as connection:
            return read_people(
                connection, self.folder, self.manifest, self.precedence, self._survivors
            )

    def terms(self) -> Terms | None:
        """The contract terms; None where no source ever gave any."""
        return self._terms

    def terms_of(self, bucket: int) -> Terms | None:
        """The contract terms of the bucket's customers; None where no source ever gave any."""
        if self._coded:
            file = self._coded.terms
            return load_terms(self.folder, file, bucket) if file and file.rows else None
        return self._terms_by_bucket.bucket(bucket) if self._terms_by_bucket else None

    def values(self) -> Terms:
        """The values in the customers' own rows, as one open term a customer."""
        if self._coded:
            return load_terms(self.folder, self._coded.values)
        with self.connection() as connection:
            return value_terms(connection, self.folder, self.manifest, self.precedence)

    @cached_property
    def _terms(self) -> Terms | None:
        if self._coded:
            file = self._coded.terms
            return load_terms(self.folder, file) if file else None
        with self.connection() as connection:
            return read_terms(
                connection, self.folder, self.manifest, self.precedence, self._survivors
            )

    @cached_property
    def _terms_by_bucket(self) -> ByBucket | None:
        return ByBucket.of(self._terms, self.buckets) if self._terms else None

    @cached_property
    def _coded(self) -> CodedPeople | None:
        """Customers and terms as an ingest coded them, if it saw what this reader asks for."""
        if self.past or not is_coded(self.manifest, self.precedence):
            return None
        return self.manifest.people

    def table(self, table: str) -> pd.DataFrame | None:
        """The rows of a contract table that count now, times in UTC; None where it never came."""
        if table == "interactions":
            return self.contract_rows()
        if table not in self.manifest.tables:
            return None
        with self.connection() as connection:
            told = voices.told(connection, self.folder, self.manifest, table, self.precedence)
            return versions.frame(connection, TABLE[table], voices.counting(told))

    def words(self, dictionary: str) -> list[str]:
        """What the codes of `topic`, `agent` or `source` stand for, by code."""
        from pipelines.history.dictionaries import read_words

        return read_words(self.folder, self.manifest, dictionary)

    def ids(self) -> pa.Array:
        """The `customer_id` of each customer number, as a column."""
        from pipelines.history.dictionaries import read_column

        return read_column(self.folder, self.manifest, "customer")

    def bots(self) -> NDArray[np.bool_]:
        """Whether each agent, by code, is a bot; people where nothing is said."""
        agents = self._agents
        known: set[str] = set()
        if agents is not None:
            known = set(agents.loc[agents["is_bot"].eq(True).fillna(False), "agent_id"])
        return np.array([word in known for word in self.words("agent")], np.bool_)

    def teams(self) -> dict[str, str]:
        """The team of each agent of whom it is known, by id."""
        agents = self._agents
        if agents is None:
            return {}
        known = agents.dropna(subset=["team"])
        return dict(zip(known["agent_id"], known["team"], strict=True))

    @cached_property
    def _agents(self) -> pd.DataFrame | None:
        return self.table("agents")

    def agents(self) -> AgentRows | None:
        """Those who serve, in every version; None where no source ever told of them."""
        if "agents" not in self.manifest.tables:
            return None
        with self.connection() as connection:
            return agent_rows(
                connection, self.folder, self.manifest, self.precedence, self.words("agent")
            )

    def events_of(self, customer_id: str) -> pd.DataFrame:
        """One customer's interactions in the contract's columns, oldest first, with what the
        contract's terms tell (renewals, notices, ends).

        Raises `WarmlineError` where no customer has that id.
        """
        number = self.numbers.get(customer_id)
        if number is None:
            raise WarmlineError(f"No customer of {self.folder} has the id {customer_id!r}.")
        import pandas as pd

        from pipelines.history.derived import derived_rows

        rows = self.contract_rows(number)
        told = derived_rows(self, number)
        if not len(told):
            return rows
        both = pd.concat([rows, told], ignore_index=True)
        return both.sort_values("occurred_at", kind="stable", ignore_index=True)

    def contract_rows(self, customer: int | None = None) -> pd.DataFrame:
        """The interactions that count in the contract's columns, of one customer number or all."""
        if customer is None:
            return contract_rows(self.folder, self.manifest, self._until)
        return rows_of_customer(self.folder, self.manifest, customer, self._until)

    @cached_property
    def numbers(self) -> dict[str, int]:
        """Customer number by `customer_id`."""
        words = self.words("customer")
        return dict(zip(words, range(len(words)), strict=True))
