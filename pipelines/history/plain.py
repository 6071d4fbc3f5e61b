"""Rows that are plain, read without a database: what nearly every call of the endpoint sends.

Plain are rows of which each is told once, whole, newest and by a customer who is given, with every
cell as the contract writes it. They become here what `given` makes of them by SQL, whose some 150
statements take forty times as long as the rows of one customer. Whatever is not plain is left to
`given`, which knows every rule and says what is wrong.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import accumulate
from typing import TYPE_CHECKING, Any, cast
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from models.contracts import CHANNEL_CODE, KIND_CODE, SCORE_KIND_CODE
from pipelines.history import cellarrays, coding, lags
from pipelines.history.cells import COLUMNS, Cells, NotPlainError, Rows, is_absent, plain_cells
from pipelines.history.events import DTYPES, NEVER, NONE, Events
from pipelines.history.given import GENERATION, NOWHERE, PLACE, Given, Held, Known, given
from pipelines.history.ordering import event_order
from pipelines.history.people import People
from pipelines.history.reading import AHEAD
from pipelines.history.schema import CUSTOMERS, INTERACTIONS, TABLE, TERMS
from pipelines.history.sent import Sent, cells_of, names_of
from pipelines.history.store import History
from pipelines.history.terms import END_KIND_CODE, Terms, announced
from pipelines.history.words import OURS, Lexicon, coder

if TYPE_CHECKING:
    import duckdb
    import pandas as pd
    import pyarrow as pa

    from pipelines.history.manifest import Watermark

TABLES = (CUSTOMERS, INTERACTIONS, TERMS)


def plain(
    *calls: Mapping[str, pa.Table | Sent],
    zone: ZoneInfo,
    seen: int,
    known: Known,
    source: str = "given",
    precedence: tuple[str, ...] = (),
    lexicon: Lexicon = OURS,
) -> Plain | None:
    """What `given` makes of the same tables; None where they are not plain.

    Several `calls` of the same tables stand side by side, each read as if it came alone: the
    customers of one are numbered after those of the call before it.
    """
    names = calls[0].keys()
    if CUSTOMERS.name not in names or not names <= {table.name for table in TABLES}:
        return None
    if known.lags is None or any(tables.keys() != names for tables in calls):
        return None
    if any(rows.num_rows == 0 for tables in calls for rows in tables.values()):
        return None
    latest, naive = seen + AHEAD, 0
    rows_of: dict[str, Rows] = {}
    many_of = {
        table.name: [tables[table.name].num_rows if table.name in names else 0 for tables in calls]
        for table in TABLES
    }
    try:
        for table in TABLES:
            if table.name not in names:
                rows_of[table.name] = dict.fromkeys(COLUMNS[table.name], ())
                continue
            cells = cells_of([tables[table.name] for tables in calls])
            rows_of[table.name], without = plain_cells(
                table, cells, many_of[table.name], source=source, latest=latest,
                utc=zone.key == "UTC",
            )  # fmt: skip
            naive += without
        ids, customer_of = _numbered(rows_of, many_of)
    except NotPlainError:
        return None
    again = partial(
        given, *calls, zone=zone, seen=seen, known=known, source=source, precedence=precedence,
        lexicon=lexicon,
    )  # fmt: skip
    held = {"customer": ids, **_dictionaries(rows_of[INTERACTIONS.name], known)}
    small = [one for one in (CUSTOMERS, TERMS) if one.name in {*names, *known.tables}]
    manifest = Held(
        generation=GENERATION, customers=len(ids),
        rows=len(rows_of[INTERACTIONS.name]["customer_id"]),
        tables={table.name: () for table in small}, held=held, lexicon=lexicon.version,
    )  # fmt: skip
    return Plain(
        NOWHERE, manifest, precedence=precedence, whole=again, rows_of=rows_of,
        customer_of=customer_of, call=np.repeat(np.arange(len(calls)), many_of[CUSTOMERS.name]),
        seen=seen, known=known, lexicon=lexicon, naive=naive, ignored=_ignored(calls),
        came=frozenset(names),
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Plain(History):
    """The history that plain rows are. Its customers are numbered 0, 1, 2, ... in the order of
    their ids, call after call. `whole` reads the rows of a single call once more, with all that is
    not kept here."""

    whole: Callable[[], Given]
    rows_of: Mapping[str, Rows]
    customer_of: Mapping[str, NDArray[np.int32]]  # the customer's number, of each row of a table
    call: NDArray[np.intp]  # of each customer
    seen: int
    known: Known
    lexicon: Lexicon
    naive: int  # times without an offset
    ignored: tuple[str, ...]  # columns that were not read
    came: frozenset[str]  # tables of which rows were given
    rejects: tuple[()] = ()
    rejected: int = 0
    pending: int = 0

    def connection(self) -> duckdb.DuckDBPyConnection:
        return self._whole.connection()

    def contract_rows(self, customer: int | None = None) -> pd.DataFrame:
        return self._whole.contract_rows(customer)

    def feeds(self) -> pd.DataFrame:
        return self._whole.feeds()

    @property
    def sources(self) -> Mapping[str, Watermark]:
        return self._whole.sources

    @cached_property
    def _whole(self) -> Given:
        return self.whole()

    @cached_property
    def lags(self) -> lags.Lags:
        return self.known.lags or self._whole.lags

    def versions(self, bucket: int, columns: object = None) -> Events:
        return self._events

    def pieces(self, bucket: int, columns: object = None) -> list[Events]:
        return [self._events] if len(self._events) else []

    def acts(self, bucket: int) -> list[Events]:
        return self.pieces(bucket)

    def members(self, bucket: int) -> NDArray[np.int32]:
        return np.arange(self.manifest.customers, dtype=np.int32)

    def terms_of(self, bucket: int) -> Terms | None:
        return self._terms or None

    @cached_property
    def _events(self) -> Events:
        rows = self.rows_of[INTERACTIONS.name]
        many = len(rows["customer_id"])
        customer = self.customer_of[INTERACTIONS.name]
        at = cellarrays.seconds(rows["occurred_at"])
        dated = cellarrays.there(rows["recorded_at"])
        source = self._codes("source", rows["source"])
        never_read = np.zeros(many, np.int64)
        recorded = lags.arrived(
            at, cellarrays.seconds(rows["recorded_at"]), dated, source, never_read, self.seen
        )
        kind = cellarrays.coded(rows["kind"], KIND_CODE, np.int16)
        columns: dict[str, NDArray[Any]] = {
            "customer": customer,
            "at": at,
            "recorded": recorded,
            "kind": kind,
            "channel": cellarrays.coded(rows["channel"], CHANNEL_CODE, np.int8),
            "topic": self._codes("topic", rows["topic"]),
            "agent": self._codes("agent", rows["agent_id"]),
            "case": cellarrays.cases(rows, customer),
            "value": cellarrays.floats(rows["value"]),
            "seconds": cellarrays.floats(rows["seconds"]),
            "wait": cellarrays.floats(rows["wait_seconds"]),
            "score": cellarrays.floats(rows["score"]),
            "score_kind": cellarrays.coded(rows["score_kind"], SCORE_KIND_CODE, np.int8),
            "provoked": cellarrays.there(rows["caused_by"]),
            "said": self._said(rows["text"], kind),
            "until": np.full(many, NEVER, np.int64),
        }
        events = Events(
            **{name: columns[name].astype(kind, copy=False) for name, kind in DTYPES.items()}
        )
        if not _ascends(events):
            events = events.take(event_order(events))
        if dated.all():
            return events
        own = np.arange(len(self.call)) - np.searchsorted(self.call, self.call)
        numbered = zip(self._held["customer"], own.tolist(), strict=True)
        drawn_by = np.array([self.known.numbers.get(*one) for one in numbered], np.int32)
        return self.lags.covering(len(self._held["source"])).applied(events, drawn_by)

    def _said(self, texts: Cells, kind: NDArray[np.int16]) -> NDArray[np.int8]:
        if is_absent(texts):
            return np.zeros(len(kind), np.int8)
        import pyarrow as pa

        return coder(self.lexicon).code(pa.array(texts, pa.string()), kind, threads=1)

    @cached_property
    def _people(self) -> People:
        """Whatever a row says that has no date of its own is known from when it came in."""
        rows = self.rows_of[CUSTOMERS.name]
        order = np.argsort(self.customer_of[CUSTOMERS.name])
        joined, left = (cellarrays.seconds(rows[name])[order] for name in ("joined_at", "left_at"))
        seen, recorded = (column[order] for column in self._known_from(rows, "joined_at"))
        told = np.minimum(seen, np.maximum(recorded, left))
        return People(
            joined=joined,
            left=left,
            left_recorded=np.where(left < NEVER, told, NEVER),
            objects=np.array([cell is True for cell in rows["profiling_objection"]], np.bool_)[
                order
            ],
            merged=np.zeros(len(joined), np.bool_),
        )

    @cached_property
    def _terms(self) -> Terms | None:
        if TERMS.name not in self.manifest.tables:
            return None
        rows, customer = self.rows_of[TERMS.name], self.customer_of[TERMS.name]
        named = list(zip(customer.tolist(), rows["term_id"], strict=True))
        place = {term: number for number, term in enumerate(sorted(named))}
        return announced(
            self._as_terms(
                rows,
                customer,
                np.array([place[term] for term in named], np.int64),
                started=cellarrays.seconds(rows["started_at"]),
                ends_at=cellarrays.seconds(rows["ends_at"]),
                notice=cellarrays.seconds(rows["notice_at"]),
                ended=cellarrays.seconds(rows["ended_at"]),
                paused_from=cellarrays.seconds(rows["paused_from"]),
                paused_to=cellarrays.seconds(rows["paused_to"]),
                end_kind=cellarrays.coded(rows["end_kind"], END_KIND_CODE, np.int8),
                product=cellarrays.ranked(rows["product"])[0],
                own_date="started_at",
            )
        )

    def values(self) -> Terms:
        rows, customer = self.rows_of[CUSTOMERS.name], self.customer_of[CUSTOMERS.name]
        return self._as_terms(
            rows, customer, customer.astype(np.int64), own_date="joined_at",
            started=cellarrays.seconds(rows["joined_at"]),
            ended=cellarrays.seconds(rows["left_at"]),
        )  # fmt: skip

    def _as_terms(
        self, rows: Rows, customer: NDArray[np.int32], term: NDArray[np.int64], *, own_date: str,
        **columns: NDArray[Any],
    ) -> Terms:  # fmt: skip
        """Terms of these columns; others are none. An end has a kind only once it has come."""
        seen, recorded = self._known_from(rows, own_date)
        currency, currencies = cellarrays.ranked(rows["currency"])
        none = np.full(len(customer), NONE, np.int32)
        kind = columns.pop("end_kind", none.astype(np.int8))
        never = np.full(len(customer), NEVER, np.int64)
        dates = ("ends_at", "notice", "paused_from", "paused_to")
        return Terms.of(
            customer=customer,
            term=term,
            **{**dict.fromkeys(dates, never), "product": none, **columns},
            end_kind=np.where(columns["ended"] < NEVER, kind, np.int8(NONE)),
            value=cellarrays.floats(rows["value_per_month"]),
            currency=currency,
            recorded=recorded,
            seen=seen,
            until=never,
            dated=cellarrays.there(rows["recorded_at"]),
            currencies=currencies,
        )

    def _known_from(self, rows: Rows, own_date: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """`_seen` and `_recorded` of rows of one version (see `knowledge`)."""
        recorded, own = cellarrays.seconds(rows["recorded_at"]), cellarrays.seconds(rows[own_date])
        dated = recorded < NEVER
        return np.where(dated, recorded, self.seen), np.where(dated, recorded, own)

    def _codes(self, dictionary: str, words: Cells) -> NDArray[np.int32]:
        known: MutableMapping[str, int] = self.known.codes[dictionary]
        new = self._held[dictionary][len(known) :]
        if new:
            known = ChainMap({word: len(known) + place for place, word in enumerate(new)}, known)
        return cellarrays.coded(words, known, np.int32)

    @property
    def _held(self) -> Mapping[str, Sequence[str]]:
        return cast(Held, self.manifest).held


def _numbered(
    rows_of: Mapping[str, Rows], many_of: Mapping[str, Sequence[int]]
) -> tuple[list[str], dict[str, NDArray[np.int32]]]:
    """Customers' ids by number, and the customer's number of each row by table. Raises
    `NotPlainError` for a row whose customer is not given in the same call."""
    ids: list[str] = []
    numbers = []
    for of_call in _apart(rows_of[CUSTOMERS.name], many_of[CUSTOMERS.name]):
        numbers.append({one: len(ids) + place for place, one in enumerate(sorted(of_call))})
        ids += numbers[-1]
    customer_of = {}
    for table, many in many_of.items():
        found: list[int] = []
        try:
            for own, of_call in zip(numbers, _apart(rows_of[table], many), strict=True):
                found.extend(map(own.__getitem__, of_call))
        except KeyError:
            raise NotPlainError from None
        customer_of[table] = np.array(found, np.int32)
    return ids, customer_of


def _apart(rows: Rows, many: Sequence[int]) -> Iterator[Cells]:
    """The customers' ids of each call's rows, of which there are so many."""
    ids, first = rows["customer_id"], 0
    for end in accumulate(many):
        yield ids[first:end]
        first = end


def _dictionaries(rows: Rows, known: Known) -> dict[str, Sequence[str]]:
    """Words by code: the known ones, then the new ones in their own order."""
    held: dict[str, Sequence[str]] = {}
    for dictionary, column in coding.DICTIONARIES.items():
        of_before = known.words.get(dictionary, ())
        new = {word for word in rows[column] if word is not None} - known.codes[dictionary].keys()
        held[dictionary] = [*of_before, *sorted(new)] if new else of_before
    return held


def _ignored(calls: Sequence[Mapping[str, pa.Table | Sent]]) -> tuple[str, ...]:
    """Columns that are not read, as an ingest tells of them."""
    found = []
    for name in calls[0]:
        table = TABLE[name]
        if not table.open_ended:
            sent = {column for tables in calls for column in names_of(tables[name])}
            others = sorted(sent - COLUMNS[name].keys() - {PLACE})
            found += [f"column `{column}` of {name}" for column in others]
    return tuple(found)


def _ascends(events: Events) -> bool:
    """Whether each row comes after the one before it, as most are sent."""
    customer, at = events.customer, events.at
    if len(events) < 2:
        return True
    later = at[1:] > at[:-1]
    if customer[0] == customer[-1]:
        return bool(later.all() and (customer == customer[0]).all())
    later &= customer[1:] == customer[:-1]
    return bool((later | (customer[1:] > customer[:-1])).all())
