"""What the plan knows of its candidates: who they are, what they refused, what is going on.

Looked up once, as Arrow columns beside the scores, so that a million customers stay small.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from models.contracts import CustomerBook, Timeline
from models.settings import Plan
from outreach.candidate import Refusal

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

# A complaint that has waited longer is history, which the score knows of, and no conversation to
# take up again: an answer after a quarter of a year would surprise more than it mends.
COMPLAINT_DAYS = 90
# The columns of a row of evidence that make a candidate, in the order of its fields.
_OF_CANDIDATE = (
    "customer_id", "owner_id", "band", "preferred_channel", "objects_to_profiling", "refusals",
    "case_open_since", "last_contact_at", "complaint_at",
)  # fmt: skip

_NEEDED = (*(name for name in _OF_CANDIDATE if name != "refusals"), "refused", "refused_at", "unit")


@dataclass(frozen=True)
class Complaints:
    """Who waits for an answer."""

    waiting: pa.Table  # customer_id, at: the oldest complaint of the last `COMPLAINT_DAYS`
    forgotten: int  # customers whose complaints are all older

    @classmethod
    def of(cls, timeline: Timeline, night: datetime) -> Complaints:
        """As of `night`."""
        import pyarrow.compute as pc

        found = _table(timeline.unanswered_complaints(night), {"customer_id": None, "at": "at"})
        fresh = found.filter(pc.field("at") >= night - timedelta(days=COMPLAINT_DAYS))
        waiting = _one_each(fresh, "at", "min")
        return cls(waiting, len(found["customer_id"].unique()) - waiting.num_rows)


def evidence(
    scores: pa.Table,
    book: CustomerBook,
    timeline: Timeline,
    complaints: Complaints,
    *,
    settings: Plan,
    night: datetime,
    now: datetime,
) -> pa.Table:
    """`scores` with what is known of each customer beside them, in the same order.

    Facts are as of `night`; refusals as of `now` where that is later, since a no counts at once.
    Whoever the book does not know is left out: they were erased after they were scored.
    """
    import pyarrow.compute as pc

    people = _people(book.customers(scores["customer_id"].to_pylist()))
    known = scores.filter(pc.is_in(scores["customer_id"], value_set=people["customer_id"]))
    ids = known["customer_id"].combine_chunks()
    refusals = _refusals(book.refusals(max(night, now)), settings.purpose, ids)
    kinds = {"customer_id": None, "opened_at": "at", "last_at": "at"}
    alive = pc.field("last_at") >= night - timedelta(days=settings.open_case_days)
    cases = _table(timeline.open_cases(night), kinds).filter(alive)
    contacts = _table(timeline.last_contacts(night), {"customer_id": None, "at": "at"})
    beside = partial(_beside, ids)
    columns = {
        "unit": beside(people, "unit"),
        "owner_id": beside(people, "owner_id"),
        "preferred_channel": beside(people, "preferred_channel"),
        "objects_to_profiling": beside(people, "profiling_objection"),
        "refused": beside(refusals, "channel_list"),
        "refused_at": beside(refusals, "at_list"),
        "case_open_since": beside(_one_each(cases, "opened_at", "min"), "opened_at"),
        "last_contact_at": beside(_one_each(contacts, "at", "max"), "at"),
        "complaint_at": beside(complaints.waiting, "at"),
    }
    for name, column in columns.items():
        known = known.append_column(name, column)
    return known


def facts_and_units(known: pa.Table) -> Iterator[tuple[list[Any], str]]:
    """Each row of `evidence` as the first fields of a `Candidate`, and the unit that the control
    group is drawn over: the household or parent account, or else the customer."""
    columns = {name: known[name].to_pylist() for name in _NEEDED}
    columns["refusals"] = list(map(_said_no, columns["refused"], columns["refused_at"]))
    rows = zip(columns["unit"], *(columns[name] for name in _OF_CANDIDATE), strict=True)
    for unit, *facts in rows:
        yield facts, unit


def _said_no(channels: list[str | None] | None, at: list[datetime] | None) -> tuple[Refusal, ...]:
    return tuple(map(Refusal, channels or (), at or ()))


def _people(found: pd.DataFrame) -> pa.Table:
    import pyarrow.compute as pc

    kinds = dict.fromkeys(("customer_id", "parent_id", "owner_id", "preferred_channel"))
    people = _table(found, {**kinds, "profiling_objection": "flag"})
    parent = pc.if_else(pc.equal(people["parent_id"], ""), None, people["parent_id"])
    return people.append_column("unit", pc.coalesce(parent, people["customer_id"]))


def _refusals(found: pd.DataFrame, purpose: str, wanted: pa.Array) -> pa.Table:
    """Those that bear on `purpose`, a list a customer: without a purpose it is of every one."""
    import pyarrow.compute as pc

    kinds = {"customer_id": None, "channel": None, "purpose": None, "at": "at"}
    bears = pc.field("purpose").is_null() | (pc.field("purpose") == purpose)
    asked = pc.field("customer_id").isin(wanted)
    said = _table(found, kinds).filter(bears & asked)
    return said.group_by("customer_id", use_threads=False).aggregate(
        [("channel", "list"), ("at", "list")]
    )


def _one_each(found: pa.Table, column: str, which: str) -> pa.Table:
    """The earliest (`min`) or latest (`max`) instant of each customer."""
    each = found.group_by("customer_id").aggregate([(column, which)])
    return each.rename_columns(["customer_id", column])


def _beside(ids: pa.Array, found: pa.Table, column: str) -> pa.ChunkedArray:
    """The column of `found` for each of `ids`; null where it has none."""
    import pyarrow.compute as pc

    return found[column].take(pc.index_in(ids, value_set=found["customer_id"]))


def _table(found: pd.DataFrame, kinds: dict[str, str | None]) -> pa.Table:
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
