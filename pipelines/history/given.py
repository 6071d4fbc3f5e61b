"""Contract rows that are given, not stored: read as an ingest into an empty history reads them.

What `warmline ingest` would keep in files stands in an in-memory database here; every rule, from
types to merges, is that of the ingest itself. So a `Given` is a `History` to whoever reads it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np

from models.errors import WarmlineError
from pipelines.history import cases, coding, dictionaries, moving, small, totals
from pipelines.history.arrivals import Arrivals
from pipelines.history.engine import Scratch, count, name, one_row
from pipelines.history.events import NEVER, Events
from pipelines.history.ingest import settle
from pipelines.history.lags import UNKNOWN, Lags
from pipelines.history.leaving_out import Omit
from pipelines.history.manifest import Manifest
from pipelines.history.parts import told
from pipelines.history.reading import read_table
from pipelines.history.rejects import Reject
from pipelines.history.rows import WORDS, coded, joined
from pipelines.history.running import Order, Run
from pipelines.history.schema import CUSTOMERS, TABLE, TABLES, TERMS
from pipelines.history.sent import Sent, as_table
from pipelines.history.sources import Feed, check_columns, described, empty_feed
from pipelines.history.store import History
from pipelines.history.words import OURS, Lexicon, coder

if TYPE_CHECKING:
    import duckdb
    import pandas as pd
    import pyarrow as pa

    from pipelines.history.merging import Rows

NOWHERE = Path("given")  # nothing is read or written there
GENERATION = 1
ALWAYS = {CUSTOMERS.name}  # no history is without it
PLACE = "file_row_number"  # the row's place in its table, as `staging` knows it of Parquet files


@dataclass(frozen=True)
class Held(Manifest):
    """A generation whose tables and words stand in a database in memory, not in files."""

    held: Mapping[str, Sequence[str]] = field(default_factory=dict)  # words by code
    several: frozenset[str] = frozenset()  # tables with several versions of a row

    def versions_of(self, folder: Path, table: str) -> str:
        return f"SELECT * FROM {name('versions_' + table)}"  # noqa: S608

    def words_of(self, folder: Path, dictionary: str) -> str:
        if dictionary not in self.held:
            return super().words_of(folder, dictionary)
        return f"SELECT word, code FROM {name('held_' + dictionary)}"  # noqa: S608

    def may_have_several(self, table: str) -> bool:
        # Ids of other systems make one row of two.
        return table in self.several or "identities" in self.tables

    def word_list(self, folder: Path, dictionary: str) -> list[str]:
        return list(self.held.get(dictionary, ()))


@dataclass(frozen=True)
class Known:
    """What a home's history knows, for rows given alone to count just as its own.

    `words` by code of "topic", "agent" and "source": rows of one customer at one second are ordered
    by these codes, and the home's context is by agent code. `lags` and `numbers` (of customers, by
    id) say how late rows without `recorded_at` are taken to be. `tables` are those that the home
    has: rows of `terms` that nobody gives are then no contracts, not unknown ones. Without any of
    it words are coded in their own order, and lags are those that the given rows show.
    """

    words: Mapping[str, Sequence[str]] = field(default_factory=dict)
    lags: Lags | None = None  # by the code of `words["source"]`
    numbers: Mapping[str, int] = field(default_factory=dict)
    tables: frozenset[str] = frozenset()  # a customer without a contract is told from no contracts

    @cached_property
    def codes(self) -> Mapping[str, dict[str, int]]:
        """The code of each of `words`."""
        return {
            dictionary: {word: code for code, word in enumerate(self.words.get(dictionary, ()))}
            for dictionary in coding.DICTIONARIES
        }

    @classmethod
    def of(cls, history: History) -> Known:
        """All that a history knows."""
        words = {one: tuple(history.words(one)) for one in coding.DICTIONARIES}
        numbers = history.numbers if history.lags.any_late else {}
        return cls(words, history.lags, numbers, frozenset(history.manifest.tables))


NOTHING_KNOWN = Known()


@dataclass(frozen=True, kw_only=True)
class Given(History):
    """A history in memory. Its customers are numbered 0, 1, 2, ... in the order of their ids."""

    database: Scratch
    arrived: Rows
    arrivals: Arrivals
    cases: pa.Table  # customer, case, case_id
    known: Known
    rejects: tuple[Reject, ...]  # `file` is the table, `line` the row's place in it from 1
    rejected: int  # rows that cannot be used, of which `rejects` lists the first
    pending: int  # interactions of customers that no table names: they are in no feature
    naive: int  # times without an offset
    ignored: tuple[str, ...]  # columns that were not read
    came: frozenset[str]  # tables of which rows were given

    def connection(self) -> duckdb.DuckDBPyConnection:
        return self.database.reader()

    def versions(self, bucket: int, columns: object = None) -> Events:
        return self._events

    def pieces(self, bucket: int, columns: object = None) -> list[Events]:
        return [self._events] if len(self._events) else []

    def acts(self, bucket: int) -> list[Events]:
        return self.pieces(bucket)

    @cached_property
    def _events(self) -> Events:
        events, _ = told(self.arrived.events, self.arrived.notes)
        undated = events.recorded < events.at
        if not undated.any():
            return events
        lags = self.lags.covering(len(self.words("source")))
        return lags.applied(events, self._numbers)

    @cached_property
    def _numbers(self) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
        """The numbers by which lags are drawn: those of the home, where it knows the customer."""
        own = self.words("customer")
        known = self.known.numbers
        return np.array([known.get(word, code) for code, word in enumerate(own)], np.int32)

    @cached_property
    def lags(self) -> Lags:
        """How late each source is: as the home measured, else as the given rows show."""
        if self.known.lags:
            return self.known.lags
        shown = any((counts["lag"] != UNKNOWN).any() for counts in self.arrivals.counts)
        return Lags.measured(self._feeds, self.words("source")) if shown else Lags.none()

    @cached_property
    def _feeds(self) -> pd.DataFrame:
        return self.arrivals.frame(GENERATION)

    def contract_rows(self, customer: int | None = None) -> pd.DataFrame:
        events, place = told(self.arrived.events, self.arrived.notes)
        counts = events.until == NEVER
        if customer is not None:
            counts &= events.customer == customer
        words = self.arrived.side.select(list(WORDS)).take(place[counts]).to_pandas()
        events = events.take(counts)
        case_ids = cases.ids_among(self.cases, events.customer, events.case)
        return joined([coded(events, words, case_ids)], self.folder, self.manifest)


def given(
    tables: Mapping[str, pa.Table | Sent],
    *,
    zone: ZoneInfo,
    seen: int,
    known: Known = NOTHING_KNOWN,
    source: str = "given",
    precedence: tuple[str, ...] = (),
    omit: Callable[[], Omit] = Omit,
    lexicon: Lexicon = OURS,
    memory_gb: float = 1.0,
    threads: int = 1,
) -> Given:
    """The history that an ingest of `tables` (by contract table) into an empty one would make.

    `seen` (seconds since 1970 UTC) is when the rows came in: what has no date of its own is known
    from then. Times without an offset are read in `zone`. `source` stands in where a row names
    none. A row that cannot be used is left out and stands in `rejects`. Raises `WarmlineError` for
    a table that the contract does not know, and for one without a column that it needs.
    """
    now = datetime.fromtimestamp(seen, UTC)
    order = Order(
        NOWHERE, NOWHERE, None, True, 1.0, str(zone), now, lambda _: None, memory_gb, threads,
        omit=omit, precedence=precedence, source_name=source, lexicon=lexicon,
    )  # fmt: skip
    scratch = Scratch(timezone=str(zone), memory_gb=memory_gb, threads=threads)
    for dictionary, words in known.words.items():
        _hold(scratch.connection, dictionary, words)
    run = Run(order, scratch.connection, Held(held=dict(known.words)), NOWHERE)
    _read(run, tables, known)
    for staged in run.staged.values():
        if small.is_small(staged.table.name):
            small.freshen(run.connection, staged)
    dictionaries.load(run.connection, NOWHERE, run.before, "customer")
    settle(run)
    return _kept(run, scratch, known)


def _hold(connection: duckdb.DuckDBPyConnection, dictionary: str, words: Sequence[str]) -> None:
    """Known words with their codes, as a table of the database."""
    import pyarrow as pa

    codes = pa.array(np.arange(len(words), dtype=np.int32))
    table = pa.table({"word": pa.array(words, pa.string()), "code": codes})
    connection.register(f"held_{dictionary}", table)


def _read(run: Run, tables: Mapping[str, pa.Table | Sent], known: Known) -> None:
    unknown = sorted(set(tables) - set(TABLE))
    if unknown:
        raise WarmlineError(
            f"There is no table {unknown[0]!r} in the contract: it knows "
            f"{', '.join(table.name for table in TABLES)} (docs/history.md)."
        )
    for table in TABLES:
        if table.name in tables:
            rows = _plain(as_table(tables[table.name]))
            there = f"given_{table.name}"
            run.connection.register(there, rows)
            types = described(run.connection, f"SELECT * FROM {there}")  # noqa: S608
            types.pop(PLACE)
            relation = f"(SELECT * FROM {there}) AS {PLACE}_of_rows"  # noqa: S608
            feed = Feed(table, table.name, relation, types)
            check_columns(feed)
            read_table(run, table, [feed])
            run.connection.unregister(there)
    for table in (CUSTOMERS, TERMS):
        if table.name not in tables and table.name in known.tables | ALWAYS:
            read_table(run, table, [empty_feed(table)])


def _plain(rows: pa.Table) -> pa.Table:
    """Columns of words as text, each row with its place."""
    import pyarrow as pa

    for position, column in enumerate(rows.schema):
        if pa.types.is_dictionary(column.type) or pa.types.is_null(column.type):
            rows = rows.set_column(position, column.name, rows.column(position).cast(pa.string()))
    if PLACE in rows.column_names:
        rows = rows.drop_columns([PLACE])
    return rows.append_column(PLACE, pa.array(np.arange(rows.num_rows)))


def _kept(run: Run, scratch: Scratch, known: Known) -> Given:
    """What an ingest would write, held in memory."""
    connection, seen = run.connection, int(run.order.now.timestamp())
    tables = [one for one in run.staged if _came(connection, one, known)]
    for table in tables:
        rows = small.fresh_versions(table, GENERATION, seen)
        connection.execute(f"CREATE TABLE {name('versions_' + table)} AS {rows}")
    connection.execute(moving.NO_CASES)
    coding.number(connection, NOWHERE, run.before)
    connection.execute("CREATE TABLE held_customer AS SELECT * FROM words_customer")
    rows = connection.sql(coding.coded(1, GENERATION)).to_arrow_table()
    numbered = connection.sql('SELECT customer, "case", case_id FROM cases').to_arrow_table()
    arrivals = Arrivals.before(connection, run.before, seen, coder(run.order.lexicon))
    arrived = arrivals.take_in(rows, GENERATION).sorted()
    held = {one: _words(connection, one) for one in ("customer", *coding.DICTIONARIES)}
    manifest = Held(
        generation=GENERATION,
        ingested_at=run.order.now.isoformat(),
        customers=len(held["customer"]),
        rows=len(arrived.events) - len(arrived.notes.taken_out),
        span=arrivals.span,
        tables=dict.fromkeys(tables, ()),
        sources=arrivals.marks,
        held=held,
        lexicon=run.order.lexicon.version,
        several=frozenset(table for table in tables if small.several(connection, table)),
    )
    pending = count(connection, "owners WHERE _number IS NULL AND NOT _tombstone")
    naive = totals.naive(connection, [staged.name for staged in run.staged.values()])
    for staged in run.staged.values():
        connection.execute(f"DROP TABLE {staged.name}")
    return Given(
        NOWHERE, manifest, precedence=run.order.precedence, database=scratch, arrived=arrived,
        arrivals=arrivals, cases=numbered, known=known, rejects=tuple(run.rejects),
        rejected=sum(counts.rejected for counts in run.counts.values()),
        pending=pending, naive=naive, ignored=tuple(run.ignored),
        came=frozenset(one for one, counts in run.counts.items() if counts.rows),
    )  # fmt: skip


def _came(connection: duckdb.DuckDBPyConnection, table: str, known: Known) -> bool:
    """Whether a small table is told of: by rows, or because the home has it."""
    return small.is_small(table) and (
        table in known.tables | ALWAYS or count(connection, f"fresh_{table}") > 0
    )


def _words(connection: duckdb.DuckDBPyConnection, dictionary: str) -> list[str]:
    listed = f"SELECT list(word ORDER BY code) FROM words_{dictionary}"  # noqa: S608
    found: list[str] = one_row(connection, listed)[0] or []
    return found
