"""What the plan knows of its candidates: who they are, what they refused, what is going on.

Looked up once, as Arrow columns beside the scores, so that a million customers stay small; what is
known of few lies beside them by customer.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from models.contracts import CustomerBook, Timeline
from models.settings import Plan
from outreach import columns, frequency
from outreach.candidate import Override, Sent, Shown
from outreach.ledger import Ledger
from outreach.owners import Owners
from outreach.permission import Permission, asked_about, permissions
from outreach.persons import persons
from outreach.playbooks import Playbooks
from outreach.points import Points
from outreach.triggers import NO_DATE, Fired

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


@dataclass(frozen=True)
class Evidence:
    """`rows`: the candidates' scores and what is known of each; the rest by customer.

    Columns beside those of the scores: play (position in the playbooks), evidence_at, also, figures
    (on which the playbook fired, in words; null: on none), unit, owner_id (who works it), owned_by,
    preferred_channel, objects_to_profiling, region, timezone, team, case_open_since, answered_at,
    and `frequency.COUNTS`.
    """

    rows: pa.Table
    owners: Owners
    permission: Permission
    persons: dict[str, str] = field(default_factory=dict)  # who is written to
    gone: dict[str, str] = field(default_factory=dict)  # the person who has left, in words
    sent_here: dict[str, Sent] = field(default_factory=dict)
    overrides: dict[str, list[tuple[str | None, Override]]] = field(default_factory=dict)
    shown: dict[tuple[str, str], Shown] = field(default_factory=dict)
    offered: dict[str, int] = field(default_factory=dict)  # customers by playbook, over 30 days

    @cached_property
    def few(self) -> frozenset[str]:
        """Customers of whom more is known than stands in `rows`."""
        return frozenset().union(
            self.permission.closed, self.permission.granted, self.sent_here, self.overrides,
            (customer for customer, _ in self.shown),
        )  # fmt: skip

    def override(self, customer_id: str, playbook: str) -> Override | None:
        """The one that lasts longest, of those that bear on the playbook."""
        said = self.overrides.get(customer_id, ())
        bearing = [each for name, each in said if name in (None, playbook)]
        return max(bearing, key=lambda each: each.until, default=None)


@dataclass(frozen=True)
class Sources:
    """Where facts come from, and the moments they are asked for: those of history as of `night`,
    refusals as of `now` where that is later, since a no counts at once."""

    book: CustomerBook
    timeline: Timeline
    ledger: Ledger
    key: bytes
    night: datetime
    now: datetime

    @property
    def latest(self) -> datetime:
        return max(self.night, self.now)

    @cached_property
    def consents(self) -> pd.DataFrame:
        """Of the history; asked for once."""
        return self.book.consents(self.latest)


def gather(
    scores: pa.Table, fired: Fired, books: Playbooks, sources: Sources, settings: Plan
) -> Evidence:
    """`scores` (in the order of `fired`) with what is known of each customer.

    Whoever the book does not know is left out: they were erased after they were scored.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    rows = scores
    for name, values in (("play", fired.play), ("also", fired.also)):
        rows = rows.append_column(name, pa.array(values))
    rows = rows.append_column("evidence_at", _evidence(rows, fired, sources.night))
    features = sources.timeline.features() if fired.figures else ()
    rows = rows.append_column("figures", fired.words(books, features))
    people = _people(sources.book.customers(rows["customer_id"].combine_chunks()))
    rows = rows.filter(pc.is_in(rows["customer_id"], value_set=people["customer_id"]))
    ids = rows["customer_id"].combine_chunks()
    owners = Owners.of(sources.book.owners())
    for name, column in _columns(people, owners, sources, settings).items():
        rows = rows.append_column(name, column)
    for name, column in _counts(rows, books, sources).items():
        rows = rows.append_column(name, column)
    named, gone = persons(sources.book.contacts(), sources.night, people)
    points = _points(ids, sources)
    return Evidence(
        rows=rows,
        owners=owners,
        permission=permissions(
            ids, named, sources.consents, sources.ledger, points, now=sources.latest
        ),
        persons=named,
        gone=gone,
        sent_here=_sent_here(points, sources),
        overrides=_overrides(sources.ledger, sources.latest),
        shown=_shown(sources.ledger, sources.night),
        offered=_offered(sources.ledger, sources.night.date()),
    )


def _evidence(rows: pa.Table, fired: Fired, night: datetime) -> pa.Array:
    """When the newest dated evidence came: the fact, else tonight where anything changed."""
    import pyarrow as pa
    import pyarrow.compute as pc

    instant = pa.timestamp("us", tz="UTC")
    at = np.where(fired.at == NO_DATE, 0, fired.at)
    dated = pa.array(at, mask=fired.at == NO_DATE).cast(pa.timestamp("s", tz="UTC")).cast(instant)
    changed = pc.fill_null(pc.greater(pc.list_value_length(rows["what_changed"]), 0), False)
    tonight = pc.if_else(changed, pa.scalar(night, instant), pa.scalar(None, instant))
    return pc.coalesce(dated, tonight.combine_chunks())


def _columns(
    people: pa.Table, owners: Owners, sources: Sources, settings: Plan
) -> dict[str, pa.ChunkedArray | pa.Array]:
    """What is known of each of `people`, in their order."""
    import pyarrow as pa
    import pyarrow.compute as pc

    beside = partial(columns.beside, people["customer_id"].combine_chunks())
    owned = people["owner_id"]
    distinct = owned.unique()
    working = [owners.working(owner, sources.night) for owner in distinct.to_pylist()]
    teams = [owners.team(owner) for owner in distinct.to_pylist()]
    place = pc.index_in(owned, value_set=distinct)
    kinds = {"customer_id": None, "opened_at": "at", "last_at": "at"}
    alive = pc.field("last_at") >= sources.night - timedelta(days=settings.open_case_days)
    cases = columns.table(sources.timeline.open_cases(sources.night), kinds).filter(alive)
    return {
        "unit": people["unit"],
        "owned_by": owned,
        "owner_id": pa.array(working, pa.string()).take(place.combine_chunks()),
        "team": pa.array(teams, pa.string()).take(place.combine_chunks()),
        "preferred_channel": people["preferred_channel"],
        "objects_to_profiling": people["profiling_objection"],
        "region": people["region"],
        "timezone": people["timezone"],
        "case_open_since": beside(columns.one_each(cases, "opened_at", "min"), "opened_at"),
        "answered_at": beside(_answers(sources, settings), "at"),
    }


def _answers(sources: Sources, settings: Plan) -> pa.Table:
    """The last answer of each customer, as the history or the ledger tells it."""
    import pyarrow as pa
    import pyarrow.compute as pc

    instant = pa.timestamp("us", tz="UTC")
    since = sources.night - timedelta(days=settings.cool_down_days)
    latest = sources.timeline.latest(sources.night)
    told = latest.select(["customer_id", "answered_at"]).rename_columns(["customer_id", "at"])
    told = told.filter(pc.is_valid(told["at"]))
    ours = sources.ledger.answers(since, sources.night).select(["customer_id", "at"])
    schema = pa.schema([("customer_id", pa.string()), ("at", instant)])
    return columns.one_each(pa.concat_tables([told.cast(schema), ours.cast(schema)]), "at", "max")


def _counts(rows: pa.Table, books: Playbooks, sources: Sources) -> dict[str, pa.ChunkedArray]:
    """How often each one's household or account was contacted, by a playbook of the same kind."""
    import pyarrow as pa
    import pyarrow.compute as pc

    since = sources.night - frequency.WINDOWS["month"]
    history = sources.timeline.contacted(since, sources.night)
    ledger = sources.ledger.contacts(since, sources.night)
    units = pc.coalesce(
        _units_of(history["customer_id"], rows, sources.book), history["customer_id"]
    )
    told = frequency.unasked(history, units, ledger)
    kind = pa.array([book.transactional for book in books.plays], pa.bool_()).take(rows["play"])
    found: dict[str, Any] = {}
    for transactional in (False, True):
        some = told.filter(pc.equal(told["transactional"], transactional))
        counted = frequency.counted(some, "unit", sources.night)
        place = pc.index_in(rows["unit"], value_set=counted["unit"])
        wanted = pc.equal(kind, transactional)
        for name in frequency.COUNTS:
            column = pc.if_else(wanted, counted[name].take(place), None)
            found[name] = pc.coalesce(found[name], column) if name in found else column
    return found


def _units_of(customers: pa.ChunkedArray, rows: pa.Table, book: CustomerBook) -> pa.ChunkedArray:
    """The household or account of each, candidates or not."""
    import pyarrow as pa
    import pyarrow.compute as pc

    known = rows.select(["customer_id", "unit"])
    wanted = pc.unique(customers)
    others = wanted.filter(pc.invert(pc.is_in(wanted, value_set=known["customer_id"])))
    if len(others):
        more = _people(book.customers(others)).select(["customer_id", "unit"])
        known = pa.concat_tables([known, more.cast(known.schema)])
    return known["unit"].take(pc.index_in(customers, value_set=known["customer_id"]))


def _points(ids: pa.Array, sources: Sources) -> Points:
    """Contact points, where there is anything to compare them with."""
    import pyarrow as pa
    import pyarrow.compute as pc

    said, hashed = asked_about(sources.consents, sources.ledger, sources.latest)
    since = sources.night - frequency.WINDOWS["month"]
    sent = sources.ledger.contacts(since, sources.night)["contact_point"].drop_null()
    if not (len(said) or hashed or len(sent)):
        return Points.none()
    wanted = pc.unique(pa.concat_arrays([ids, said]))
    return Points.of(sources.book, wanted, sources.key if hashed or len(sent) else None)


def _sent_here(points: Points, sources: Sources) -> dict[str, Sent]:
    """How often each customer's own contact points were written to, the most used one's count."""
    import pyarrow.compute as pc

    since = sources.night - frequency.WINDOWS["month"]
    sent = sources.ledger.contacts(since, sources.night)
    sent = sent.filter(
        pc.and_(pc.is_valid(sent["contact_point"]), pc.invert(sent["transactional"]))
    )
    if not sent.num_rows:
        return {}
    counts = dict(
        frequency.each(frequency.counted(sent, "contact_point", sources.night), "contact_point")
    )
    found: dict[str, Sent] = {}
    pairs = (points.table[name].to_pylist() for name in ("customer_id", "point"))
    for customer, point in zip(*pairs, strict=True):
        here = Sent(*counts[point]) if point in counts else None
        if here and here.month >= found.get(customer, Sent()).month:
            found[customer] = here
    return found


def _overrides(ledger: Ledger, now: datetime) -> dict[str, list[tuple[str | None, Override]]]:
    found: dict[str, list[tuple[str | None, Override]]] = {}
    for row in ledger.overrides(now).to_pylist():
        said = Override(row["by"], row["until"], row["why"] or "")
        found.setdefault(row["customer_id"], []).append((row["playbook"], said))
    return found


def _shown(ledger: Ledger, night: datetime) -> dict[tuple[str, str], Shown]:
    told = (ledger.items(night)[name].to_pylist() for name in (
        "customer_id", "reason_key", "state", "closed_as", "since", "evidence_at"))  # fmt: skip
    rows = zip(*told, strict=True)
    return {(customer, key): Shown(*left) for customer, key, *left in rows}


def _offered(ledger: Ledger, tonight: date) -> dict[str, int]:
    made = ledger.offers(tonight - frequency.WINDOWS["month"], tonight)
    return dict(zip(made["playbook"].to_pylist(), made["customers"].to_pylist(), strict=True))


def _people(people: pa.Table) -> pa.Table:
    """With the household or account of each."""
    import pyarrow.compute as pc

    parent = pc.if_else(pc.equal(people["parent_id"], ""), None, people["parent_id"])
    return people.append_column("unit", pc.coalesce(parent, people["customer_id"]))


def sent_of(day: int | None, week: int | None, month: int | None, at: datetime | None) -> Sent:
    """As a candidate has it."""
    return Sent(day or 0, week or 0, month or 0, at) if at is not None else NOBODY


NOBODY = Sent()
