"""What outreach's own record tells a plan: whom it reached, what they answered and refused, what
people have set aside. The store implements it; a home without one plans as if nothing had happened.

Every answer is as of an instant that the caller gives; instants are UTC (`timestamp[us, tz=UTC]`).
A *contact point* is an address in its canonical form, kept as a keyed hash
(`outreach/contact_point.py`): it can be compared and never read.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import pyarrow as pa

REASONS = ("bounce", "complaint", "unsubscribe", "erased", "manual")  # of a suppression
CONSENT = ("granted", "refused", "unknown")
STATES = ("open", "in_progress", "waiting", "snoozed", "closed")  # of a work item
# CAPABILITIES.md, conventions: how a work item ends.
CLOSED_AS = ("saved", "lost", "false_alarm", "not_reachable", "declined_by_manager")

# Columns and their kinds: `text`, `at` (an instant), `flag`.
SHAPES: Mapping[str, Mapping[str, str]] = {
    "contacts": {
        "customer_id": "text", "unit": "text", "contact_point": "text", "channel": "text",
        "purpose": "text", "transactional": "flag", "at": "at",
    },
    "answers": {"customer_id": "text", "at": "at"},
    "suppressions": {"contact_point": "text", "channel": "text", "reason": "text", "at": "at"},
    "consents": {
        "customer_id": "text", "contact_point": "text", "channel": "text", "purpose": "text",
        "state": "text", "at": "at",
    },
    "overrides": {
        "customer_id": "text", "playbook": "text", "until": "at", "by": "text", "why": "text",
    },
    "offers": {"playbook": "text", "customers": "number"},
    "items": {
        "customer_id": "text", "playbook": "text", "reason_key": "text", "state": "text",
        "closed_as": "text", "evidence_at": "at", "since": "at", "owner_id": "text",
    },
}  # fmt: skip


class Ledger(Protocol):
    """Outreach's own record, as tables of `SHAPES`; nulls where a text or an instant is unknown."""

    def contacts(self, since: datetime, until: datetime) -> pa.Table:
        """What was sent or booked in `[since, until)`, a row a contact. `unit`: the `parent_id`,
        or else the `customer_id`."""
        ...

    def answers(self, since: datetime, until: datetime) -> pa.Table:
        """What customers answered in `[since, until)`."""
        ...

    def suppressions(self, now: datetime) -> pa.Table:
        """Contact points that are closed at `now`. `channel` null: on every channel."""
        ...

    def consents(self, now: datetime) -> pa.Table:
        """The newest state of each consent that was given to outreach itself, until `now`.

        `contact_point` null: the customer's, whichever it is; `channel` or `purpose` null: every
        one. Those of the history come through `CustomerBook`."""
        ...

    def overrides(self, now: datetime) -> pa.Table:
        """Who asked, still valid at `now`, that a customer be left alone. `playbook` null: all."""
        ...

    def offers(self, since: date, until: date) -> pa.Table:
        """To how many customers the nights of `[since, until)` decided to go, by playbook."""
        ...

    def items(self, now: datetime) -> pa.Table:
        """The newest work item of each customer and `reason_key`.

        `evidence_at`: of the newest dated evidence when it was last shown; `since`: when it came
        into its present state."""
        ...


def shape(name: str) -> pa.Schema:
    """The columns of one table of the ledger. Raises `KeyError` for a name not in `SHAPES`."""
    import pyarrow as pa

    types = {"text": pa.string(), "at": pa.timestamp("us", tz="UTC"), "flag": pa.bool_(),
             "number": pa.int64()}  # fmt: skip
    return pa.schema([(column, types[kind]) for column, kind in SHAPES[name].items()])


class Empty:
    """A ledger that knows nothing: of a home in which outreach has kept no record yet."""

    def contacts(self, since: datetime, until: datetime) -> pa.Table:
        return shape("contacts").empty_table()

    def answers(self, since: datetime, until: datetime) -> pa.Table:
        return shape("answers").empty_table()

    def suppressions(self, now: datetime) -> pa.Table:
        return shape("suppressions").empty_table()

    def consents(self, now: datetime) -> pa.Table:
        return shape("consents").empty_table()

    def overrides(self, now: datetime) -> pa.Table:
        return shape("overrides").empty_table()

    def offers(self, since: date, until: date) -> pa.Table:
        return shape("offers").empty_table()

    def items(self, now: datetime) -> pa.Table:
        return shape("items").empty_table()
