"""Whom nobody may contact, for the endpoint: a snapshot after each plan (`contactability/`).

Refusals, closed addresses and objections of everybody; of those on the list also what holds them
for now. What only a plan weighs (capacity, the control group, worth) closes nobody to a person who
asks.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, tzinfo
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from models.contactability import schema
from models.contracts import OBJECTS
from outreach.candidate import REFUSED, Closed
from outreach.permission import Permission, asked_about, permissions
from outreach.points import Points
from outreach.words import opted_out, suppressed

if TYPE_CHECKING:
    import pyarrow as pa

    from models.batch import ScoreBatch
    from models.contracts import CustomerBook
    from outreach.ledger import Ledger

ROWS_AT_ONCE = 50_000  # as objects, which are large
# Gates that hold whoever would write, not only tonight's plan; refusals have rows of their own.
HOLDING = ("no_consent", "open_case", "too_often", "answered", "known_better", "harm")


def closures(
    batch: ScoreBatch,
    rows: pa.Table,
    record: pa.Table,
    everybody: Permission,
    *,
    now: datetime,
    zone: tzinfo,
) -> pa.Table:
    """Rows of `contactability.schema()` as of `now`. `rows` and `record` are those of a plan of
    `batch`, one decision a row; dates in reasons are written in `zone`."""
    import pyarrow as pa

    told = chain(_objecting(batch, now), _refused(everybody, zone))
    parts = [schema().empty_table()]
    while some := list(islice(told, ROWS_AT_ONCE)):
        parts.append(pa.Table.from_pylist(some, schema()))
    held = pa.table({"customer_id": rows["customer_id"], "reasons": rows["hold_reasons"],
                     "gates": record["held_by"]})  # fmt: skip
    for start in range(0, held.num_rows, ROWS_AT_ONCE):
        parts.append(_held(held.slice(start, ROWS_AT_ONCE).combine_chunks(), now))
    return pa.concat_tables(parts)


def closed_to(rows: pa.Table) -> Iterator[tuple[str, str | None, str | None, str]]:
    """Customer, channel, purpose and reason, one each, of rows that `closures` gave."""
    for start in range(0, rows.num_rows, ROWS_AT_ONCE):
        for row in rows.slice(start, ROWS_AT_ONCE).to_pylist():
            for reason in row["reasons"]:
                yield row["customer_id"], row["channel"], row["purpose"], reason


def _objecting(batch: ScoreBatch, now: datetime) -> Iterator[dict[str, Any]]:
    import pyarrow.compute as pc

    left_out = batch.not_scored().filter(pc.field("why") == OBJECTS)
    for customer in left_out["customer_id"].to_pylist():
        yield _row(customer, None, None, [OBJECTS], now)


def of_everybody(book: CustomerBook, ledger: Ledger, key: bytes, now: datetime) -> Permission:
    """The permission of whoever said anything, or has an address that is closed."""
    import pyarrow as pa
    import pyarrow.compute as pc

    history = book.consents(now)
    said, hashed = asked_about(history, ledger, now)
    if not (len(said) or hashed):
        return Permission()
    whole = [book.addresses(kind)["customer_id"].combine_chunks() for kind in ("email", "phone")]
    wanted = pc.unique(pa.concat_arrays([said, *whole]))
    points = Points.of(book, wanted, key if hashed else None)
    return permissions(wanted, {}, history, ledger, points, now=now)


def _refused(permission: Permission, zone: tzinfo) -> Iterator[dict[str, Any]]:
    for customer, found in permission.closed.items():
        for purpose, closed in dict.fromkeys(found):  # said of them and of their address
            yield _row(customer, closed.channel, purpose, [_words(closed, zone)], closed.at)


def _words(closed: Closed, zone: tzinfo) -> str:
    if closed.why == REFUSED:
        return opted_out(closed.channel, closed.at, zone)
    return suppressed(closed.why, closed.channel, closed.at, zone)


def _held(rows: pa.Table, now: datetime) -> pa.Table:
    """In columns: a large night holds hundreds of thousands."""
    import pyarrow as pa
    import pyarrow.compute as pc

    gates, reasons = (rows[name].combine_chunks() for name in ("gates", "reasons"))
    each = pa.table(
        {"row": pc.list_parent_indices(gates), "gate": pc.list_flatten(gates),
         "reason": pc.list_flatten(reasons)}
    )  # fmt: skip
    mine = each.filter(pc.field("gate").isin(HOLDING)).group_by("row", use_threads=False)
    held = mine.aggregate([("reason", "list")])
    nothing = pa.nulls(held.num_rows, pa.string())
    return pa.table(
        [
            rows["customer_id"].take(held["row"]), nothing, nothing,
            pa.repeat(pa.scalar(False), held.num_rows), held["reason_list"],
            pa.repeat(pa.scalar(now, schema().field("at").type), held.num_rows),
        ],
        schema=schema(),
    )  # fmt: skip


def _row(
    customer: str, channel: str | None, purpose: str | None, reasons: list[str], at: datetime
) -> dict[str, Any]:
    return {
        "customer_id": customer, "channel": channel, "purpose": purpose, "may_contact": False,
        "reasons": reasons, "at": at,
    }  # fmt: skip
