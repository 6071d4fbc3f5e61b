"""Stripe: each shape that a customer's invoices can have, and the terms that it becomes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.integration.history.mapped_sources import Export, shown, table

DAY = "%Y-%m-%d"


def terms_of(export: Export, customer: str) -> pd.DataFrame:
    terms = export.history().table("terms")
    assert terms is not None
    return terms[terms["customer_id"] == customer].sort_values(["started_at", "term_id"])


def seconds(day: str) -> int:
    return int(pd.Timestamp(day, tz="UTC").timestamp())


def invoice(begins: str, ends: str, *, cents: int = 3000, **given: Any) -> dict[str, Any]:
    """An invoice of one line; `price` and `line` change the line, the rest the invoice."""
    created = seconds(given.pop("created", begins))
    price = {
        "id": "price_x", "product": "prod_x", "unit_amount": 3000,
        "recurring": {"interval": "month", "interval_count": 1, "usage_type": "licensed"},
    } | given.pop("price", {})  # fmt: skip
    line = {
        "id": f"il_{begins}", "amount": cents, "currency": "usd", "discount_amounts": [],
        "period": {"start": seconds(begins), "end": seconds(ends)}, "price": price,
        "proration": False, "quantity": 1, "subscription": "sub_x",
    } | given.pop("line", {})  # fmt: skip
    at = dict.fromkeys(["finalized_at", "paid_at"], created)
    return {
        "id": f"in_{begins}_{cents}", "object": "invoice", "customer": "cus_halo",
        "created": created, "status": "paid", "auto_advance": False,
        "billing_reason": "subscription_cycle", "status_transitions": at,
        "lines": {"object": "list", "has_more": False, "data": [line]},
    } | given  # fmt: skip


JANUARY = invoice("2025-01-01", "2025-02-01")
FEBRUARY = invoice("2025-02-01", "2025-03-01")
YEARLY = {"recurring": {"interval": "year", "interval_count": 1}}
WEEKLY = {"recurring": {"interval": "week", "interval_count": 2}}
METERED = {"recurring": {"interval": "month", "interval_count": 1, "usage_type": "metered"}}
CREDIT = {"proration": True}
INCLUDED = {"tax_amounts": [{"amount": 500, "inclusive": True}, {"amount": 9, "inclusive": False}]}
SHAPES = {
    "a draft that is kept is a pause": (
        [JANUARY, invoice("2025-02-01", "2025-03-01", status="draft")],
        "30 | 2025-01-01 | 2025-03-01 | 2025-03-01 | not_renewed | 2025-02-01",
    ),
    "a draft that is still in preparation is nothing": (
        [JANUARY, invoice("2025-02-01", "2025-03-01", status="draft", auto_advance=True)],
        "30 | 2025-01-01 | 2025-02-01 | 2025-02-01 | not_renewed |",
    ),
    "what is voided after a week of dunning is no pause": (
        [JANUARY, invoice("2025-02-01", "2025-03-01", status="void",
            status_transitions={"voided_at": seconds("2025-02-08")})],
        "30 | 2025-01-01 | 2025-02-01 | 2025-02-01 | not_renewed |",
    ),
    "a last invoice that stays open is not paid": (
        [JANUARY, invoice("2025-02-01", "2025-03-01", status="open")],
        "30 | 2025-01-01 | 2025-03-01 | 2025-03-01 | non_payment |",
    ),
    "what is given back without anything new was cancelled in mid-term": (
        [JANUARY, invoice("2025-01-11", "2025-02-01", cents=-2032, line=CREDIT)],
        "30 | 2025-01-01 | 2025-02-01 | 2025-01-11 | cancelled |",
    ),
    "a gap of a day is none": (
        [JANUARY, invoice("2025-02-02", "2025-03-02")],
        "30 | 2025-01-01 | 2025-03-02 | 2025-03-02 | not_renewed |",
    ),
    "a longer gap is an end and a new beginning": (
        [JANUARY, invoice("2025-02-03", "2025-03-03")],
        """
        30 | 2025-01-01 | 2025-02-01 | 2025-02-01 | not_renewed |
        30 | 2025-02-03 | 2025-03-03 | 2025-03-03 | not_renewed |
        """,
    ),
    "another subscription that takes over within a day is a change": (
        [JANUARY, invoice("2025-02-01", "2025-03-01", cents=9000, line={"subscription": "sub_y"})],
        """
        30 | 2025-01-01 | 2025-02-01 | 2025-02-01 |             |
        90 | 2025-02-01 | 2025-03-01 | 2025-03-01 | not_renewed |
        """,
    ),
    "a year is twelve months": (
        [invoice("2024-01-01", "2025-01-01", cents=12000, price=YEARLY)],
        "10 | 2024-01-01 | 2025-01-01 | 2025-01-01 | not_renewed |",
    ),
    "two weeks are 14 of 30.4375 days": (
        [invoice("2025-01-01", "2025-01-15", cents=1400, price=WEEKLY)],
        "30.44 | 2025-01-01 | 2025-01-15 | 2025-01-15 | not_renewed |",
    ),
    "tax that the price includes is no income": (
        [invoice("2025-01-01", "2025-02-01", line=INCLUDED)],
        "25 | 2025-01-01 | 2025-02-01 | 2025-02-01 | not_renewed |",
    ),
    "a discount of everything is a contract of no value": (
        [JANUARY, invoice("2025-02-01", "2025-03-01",
            line={"discount_amounts": [{"amount": 3000, "discount": "di_1"}]})],
        "0 | 2025-01-01 | 2025-03-01 | 2025-03-01 | not_renewed |",
    ),
    "what is billed by use is no term": (
        [JANUARY, invoice("2025-02-01", "2025-03-01", price=METERED)],
        "30 | 2025-01-01 | 2025-02-01 | 2025-02-01 | not_renewed |",
    ),
}  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
def test_invoices_of_one_customer_become_terms(tmp_path: Path, shape: str) -> None:
    invoices, expected = SHAPES[shape]
    export = Export.of("stripe", tmp_path)
    (export.folder / "subscriptions.jsonl").unlink()
    (export.folder / "invoices-2.json").unlink()
    of_others = invoice("2025-04-01", "2025-05-01") | {"customer": "cus_iris"}
    of_others["lines"]["data"][0]["subscription"] = "sub_z"
    export.change("invoices-1.json", lambda _: {"object": "list", "data": [*invoices, of_others]})
    export.ingest()
    columns = "value_per_month started_at ends_at ended_at end_kind paused_from"
    assert shown(terms_of(export, "cus_halo"), columns, DAY) == table(expected)


def test_three_decimals_of_a_dinar_and_the_lines_of_tiers_add_up(tmp_path: Path) -> None:
    export = Export.of("stripe", tmp_path)
    tiers = invoice("2025-01-01", "2025-02-01", cents=10_000, line={"currency": "kwd"})
    tiers["lines"]["data"] *= 2
    export.change("invoices-1.json", lambda _: {"object": "list", "data": [tiers]})
    export.ingest()
    terms = terms_of(export, "cus_halo")
    assert shown(terms, "value_per_month currency") == "20 | KWD"


def test_a_subscription_that_ended_before_its_last_term_ends_with_it(tmp_path: Path) -> None:
    export = Export.of("stripe", tmp_path)
    over = {"canceled_at": seconds("2025-01-20"), "ended_at": seconds("2025-01-20")}
    subscription = {"id": "sub_x", "object": "subscription"} | over
    (export.folder / "subscriptions.jsonl").write_text(json.dumps(subscription))
    late = [JANUARY, invoice("2025-02-10", "2025-03-10")]
    export.change("invoices-1.json", lambda _: {"object": "list", "data": late})
    report = export.ingest()
    assert report.tables["terms"].rejected == 0
    assert shown(terms_of(export, "cus_halo"), "started_at ended_at", DAY) == table("""
        2025-01-01 | 2025-02-01
        2025-02-10 | 2025-02-10
    """)
