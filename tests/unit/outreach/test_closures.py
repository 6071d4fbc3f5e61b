"""What a plan tells the endpoint: refusals of everybody, and what holds those on the list."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pandas as pd
import pyarrow as pa

from outreach import contact_point
from outreach.closures import closures, of_everybody
from outreach.ledger import Empty, shape

NOW = datetime(2026, 7, 1, 8, tzinfo=UTC)
JUNE = datetime(2026, 6, 9, 22, 30, tzinfo=UTC)
KEY = b"k" * 32


class Batch:
    def not_scored(self) -> pa.Table:
        why = ["objects to profiling", "the relationship has ended"]
        return pa.table({"customer_id": ["acme", "gone"], "why": why})


class Book:
    """What the history says: bolt refused e-mail, and shares an address with calm."""

    def consents(self, as_of: datetime) -> pd.DataFrame:
        said = [("bolt", None, "email", None, "refused", JUNE)]
        columns = ["customer_id", "contact_id", "channel", "purpose", "state", "at"]
        return pd.DataFrame(said, columns=columns)

    def addresses(self, channel: str) -> pa.Table:
        told = [("bolt", "b@example.org"), ("calm", "B+x@Example.org"), ("dent", "d@example.org")]
        if channel != "email":
            told = []
        kinds = pa.schema(
            [(name, pa.string()) for name in ("customer_id", "contact_id", "address")]
        )
        rows = [{"customer_id": who, "address": address} for who, address in told]
        return pa.Table.from_pylist(rows, kinds)


class Bounced(Empty):
    """A store in which mail to dent came back."""

    def suppressions(self, now: datetime) -> pa.Table:
        point = contact_point.keyed(KEY, "email", "d@example.org")
        row = {"contact_point": point, "channel": "email", "reason": "bounce", "at": JUNE}
        return pa.Table.from_pylist([row], shape("suppressions"))


PLAN: list[dict[str, Any]] = [
    {"customer_id": "echo", "decision": "hold", "hold_reasons": ["has an open case since May"],
     "held_by": ["open_case"]},
    {"customer_id": "fern", "decision": "hold", "hold_reasons": ["in the control group"],
     "held_by": ["control"]},
    {"customer_id": "glen", "decision": "contact", "hold_reasons": [], "held_by": []},
]  # fmt: skip


def published(ledger: Empty) -> dict[str, list[tuple[str | None, list[str]]]]:
    plan = pa.Table.from_pylist(PLAN)
    rows, record = plan.drop(["held_by"]), plan.select(["held_by"])
    everybody = of_everybody(Book(), ledger, KEY, NOW)  # type: ignore[arg-type]
    table = closures(Batch(), rows, record, everybody, now=NOW, zone=UTC)  # type: ignore[arg-type]
    found: dict[str, list[tuple[str | None, list[str]]]] = {}
    for row in table.to_pylist():
        assert not row["may_contact"]
        found.setdefault(row["customer_id"], []).append((row["channel"], row["reasons"]))
    return found


def test_refusals_objections_and_what_holds_are_told_and_the_experiment_is_not() -> None:
    no_mail = [("email", ["opted out of email on 9 June 2026"])]
    assert published(Empty()) == {
        "acme": [(None, ["objects to profiling"])],
        "bolt": no_mail,
        "calm": no_mail,  # the same address
        "echo": [(None, ["has an open case since May"])],
    }


def test_a_closed_address_closes_its_channel() -> None:
    assert published(Bounced())["dent"] == [("email", ["email: mail came back on 9 June 2026"])]
