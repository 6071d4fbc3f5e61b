"""Stripe: contracts rebuilt from invoice lines, as each night could have known them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from pipelines.history.report import IngestReport
from tests.integration.history.mapped_sources import Export, shown, table

DAY = "%Y-%m-%d"
STATE = "product value_per_month currency started_at ends_at ended_at end_kind"


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> tuple[Export, IngestReport]:
    export = Export.of("stripe", tmp_path_factory.mktemp("stripe"))
    return export, export.ingest()


@pytest.fixture
def export(tmp_path: Path) -> Export:
    export = Export.of("stripe", tmp_path)
    export.ingest()
    return export


def terms_of(export: Export, customer: str) -> pd.DataFrame:
    terms = export.history().table("terms")
    assert terms is not None
    return terms[terms["customer_id"] == customer].sort_values(["started_at", "term_id"])


def known_of(export: Export, customer: str, night: str) -> pd.DataFrame:
    """The customer's terms as they had been recorded before `night`."""
    rows = export.every_version("terms")
    rows = rows[
        (rows["customer_id"] == customer) & (rows["recorded_at"] < pd.Timestamp(night, tz="UTC"))
    ]
    newest = rows.sort_values("recorded_at").groupby("term_id", as_index=False).tail(1)
    return newest.sort_values(["started_at", "term_id"])


TODAY = {
    "acme": """
        prod_basic | 20   | USD | 2025-01-01 | 2025-04-01 | 2025-03-16 |
        prod_pro   | 50   | USD | 2025-03-16 | 2025-08-01 |            |
    """,
    "bolt": "prod_basic | 100  | EUR | 2024-06-15 | 2026-06-15 |            |",
    "calm": "prod_seat  | 9000 | JPY | 2025-04-01 | 2025-08-01 |            |",
    "dusk": "prod_basic | 20   | USD | 2025-01-01 | 2025-05-01 | 2025-05-01 | non_payment",
    "echo": """
        prod_basic | 20   | USD | 2025-01-01 | 2025-03-01 | 2025-03-01 | not_renewed
        prod_basic | 20   | USD | 2025-05-01 | 2025-08-01 |            |
    """,
    "fern": "prod_basic | 20   | USD | 2025-01-01 | 2025-08-01 |            |",
    "gale": """
        prod_pro   | 50   | USD | 2025-02-01 | 2025-07-01 | 2025-07-01 | cancelled
        prod_addon | 10   | USD | 2025-03-10 | 2026-03-10 |            |
    """,
    "halo": "",
    "iris": "prod_pro   | 50   | USD | 2025-05-15 | 2025-07-15 |            |",
}


@pytest.mark.parametrize("customer", TODAY)
def test_terms_stand_today_as_the_invoices_tell(
    read: tuple[Export, IngestReport], customer: str
) -> None:
    assert shown(terms_of(read[0], f"cus_{customer}"), STATE, DAY) == table(TODAY[customer])


@pytest.mark.parametrize(
    ("customer", "night", "state"),
    [
        ("acme", "2025-01-01", ""),
        ("acme", "2025-01-02", "prod_basic | 20 | USD | 2025-01-01 | 2025-02-01 | |"),
        # The change of 16 March stands on the invoice of 1 April, and is not known before.
        ("acme", "2025-04-01", "prod_basic | 20 | USD | 2025-01-01 | 2025-04-01 | |"),
        ("acme", "2025-04-02", """
            prod_basic | 20 | USD | 2025-01-01 | 2025-04-01 | 2025-03-16 |
            prod_pro   | 50 | USD | 2025-03-16 | 2025-05-01 |            |
        """),
        # A yearly contract at a fifth off is 80 a month; it renews at the full price. The first
        # payment took four days: until then nobody knew that it would be a contract.
        ("bolt", "2024-06-19", ""),
        ("bolt", "2024-06-20", "prod_basic | 80 | EUR | 2024-06-15 | 2025-06-15 | |"),
        ("bolt", "2025-06-15", "prod_basic | 80 | EUR | 2024-06-15 | 2025-06-15 | |"),
        ("bolt", "2025-06-16", "prod_basic | 100 | EUR | 2024-06-15 | 2026-06-15 | |"),
        ("calm", "2025-06-01", "prod_seat | 6000 | JPY | 2025-04-01 | 2025-06-01 | |"),
        ("calm", "2025-06-02", "prod_seat | 9000 | JPY | 2025-04-01 | 2025-07-01 | |"),
        # An end is known when the next invoice has failed to come for a day.
        ("dusk", "2025-05-02", "prod_basic | 20 | USD | 2025-01-01 | 2025-05-01 | |"),
        ("dusk", "2025-05-03",
            "prod_basic | 20 | USD | 2025-01-01 | 2025-05-01 | 2025-05-01 | non_payment"),
        ("echo", "2025-04-30",
            "prod_basic | 20 | USD | 2025-01-01 | 2025-03-01 | 2025-03-01 | not_renewed"),
    ],
)  # fmt: skip
def test_a_night_knows_what_had_been_invoiced_by_then(
    read: tuple[Export, IngestReport], customer: str, night: str, state: str
) -> None:
    assert shown(known_of(read[0], f"cus_{customer}", night), STATE, DAY) == table(state)


def test_a_pause_is_seen_from_its_first_voided_invoice_and_ends_with_the_next_that_counts(
    read: tuple[Export, IngestReport],
) -> None:
    pauses = "paused_from paused_to ends_at ended_at"
    assert [
        shown(known_of(read[0], "cus_fern", night), pauses, DAY)
        for night in ("2025-03-01", "2025-03-02", "2025-05-01", "2025-05-02")
    ] == [
        table("           |            | 2025-03-01 |"),
        table("2025-03-01 |            | 2025-04-01 |"),
        table("2025-03-01 |            | 2025-05-01 |"),
        table("2025-03-01 | 2025-05-01 | 2025-06-01 |"),
    ]


def test_notice_is_known_from_the_day_the_customer_cancelled(
    read: tuple[Export, IngestReport],
) -> None:
    notices = "product ends_at notice_at ended_at"
    before, after = (
        shown(known_of(read[0], "cus_gale", night), notices, DAY)
        for night in ("2025-05-20", "2025-05-21")
    )
    assert before == table("""
        prod_pro   | 2025-06-01 |            |
        prod_addon | 2026-03-10 |            |
    """)
    assert after == table("""
        prod_pro   | 2025-06-01 | 2025-05-20 |
        prod_addon | 2026-03-10 |            |
    """)


INTERACTIONS = {
    "acme": "2025-01-01 00:00 | payment | | 20 | 2025-01-01 00:00",
    "bolt": "2024-06-15 01:00 | payment | | 960 | 2024-06-19 08:00",
    "calm": "2025-04-01 01:00 | payment | | 6000 | 2025-04-01 01:00",
    "dusk": """
        2025-04-01 01:00 | payment_failed | card_declined                 | 20   | 2025-04-01 01:00
        2025-04-08 01:00 | payment_failed | card_declined                 | 20   | 2025-04-08 01:00
    """,
    "echo": """
        2025-01-01 00:00 | payment        |                               | 20   | 2025-01-01 00:00
        2025-02-20 12:00 | complaint      | dispute: product_unacceptable | 20   | 2025-02-20 12:00
    """,
    "gale": """
        2025-02-01 00:00 | payment        |                               | 50   | 2025-02-01 00:00
        2025-02-05 09:30 | refund         | requested_by_customer         | 15   | 2025-02-05 09:30
    """,
    "iris": "2025-06-20 01:00 | order | | 400 | 2025-06-20 01:00",
}  # fmt: skip


@pytest.mark.parametrize("customer", INTERACTIONS)
def test_money_that_moved_is_an_interaction(
    read: tuple[Export, IngestReport], customer: str
) -> None:
    events = read[0].history().events_of(f"cus_{customer}")
    events = events[events["source"] == "stripe"]
    columns = "occurred_at kind topic value recorded_at"
    assert shown(events, columns) == table(INTERACTIONS[customer])


def test_what_is_left_behind_is_counted(read: tuple[Export, IngestReport]) -> None:
    assert read[1].left_out == {
        "charges of which it is not known yet whether they succeed": 1,
        "charges without a customer": 1,
        "deleted customers, of whom nothing but the id is left": 1,
        "disputes for a reason of the bank or of a stolen card": 1,
        "invoices in preparation": 1,
        "invoices voided later than the day they were made": 1,
        "refunds that did not go through": 1,
        "subscription lines of nothing (trials, free plans)": 2,
        "subscriptions of which no invoice was ever paid": 1,
    }


def test_nothing_is_rejected_and_every_time_has_an_offset(
    read: tuple[Export, IngestReport],
) -> None:
    _, report = read
    assert not any(counts.rejected for counts in report.tables.values())
    assert not any(counts.conflicting for counts in report.tables.values())
    assert report.naive_timestamps == 0
    assert report.interactions.pending == 0


def test_the_same_export_again_changes_nothing(export: Export) -> None:
    assert not export.ingest().changed


def later(template: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """An invoice like `template`, a month on."""
    month = 31 * 86_400
    lines = [
        line | {"period": {edge: at + month for edge, at in line["period"].items()}}
        for line in template["lines"]["data"]
    ]
    return template | {
        "id": template["id"] + "_next",
        "created": template["created"] + month,
        "lines": template["lines"] | {"data": lines},
    } | changes  # fmt: skip


def test_a_later_export_adds_what_was_invoiced_since_and_ends_what_was_not(export: Export) -> None:
    before = export.every_version("terms")

    def a_month_on(page: dict[str, Any]) -> None:
        page["data"] += [
            later(invoice)
            for invoice in page["data"]
            if invoice["id"] in {"in_acme_2025-07", "in_calm_2025-07", "in_fern_2025-07"}
        ]

    export.change("invoices-2.json", a_month_on)
    report = export.ingest()
    after = export.every_version("terms")
    fresh = after[~after["_content"].isin(before["_content"])]
    # Iris had no invoice since 15 July. Echo's of 1 August may still be on its way.
    assert shown(fresh, "customer_id ends_at ended_at end_kind recorded_at", DAY) == table("""
        cus_iris | 2025-07-15 | 2025-07-15 | not_renewed | 2025-07-16
        cus_acme | 2025-09-01 |            |             | 2025-08-01
        cus_calm | 2025-09-01 |            |             | 2025-08-01
        cus_fern | 2025-09-01 |            |             | 2025-08-01
    """)
    assert len(after) == len(before) + len(fresh)
    assert (report.interactions.new, report.interactions.corrected) == (0, 0)


def test_a_debit_that_succeeds_later_is_a_payment_known_from_then(export: Export) -> None:
    def paid(page: dict[str, Any]) -> None:
        invoice = next(one for one in page["data"] if one["id"] == "in_bolt_2025")
        invoice["status"] = "paid"
        invoice["status_transitions"]["paid_at"] = invoice["created"] + 4 * 86_400

    export.replace("charges.json", '"status": "pending"', '"status": "succeeded"')
    export.change("invoices-2.json", paid)
    report = export.ingest()
    assert (report.interactions.new, report.interactions.corrected) == (1, 0)
    payments = export.history().events_of("cus_bolt").iloc[-1:]
    assert shown(payments, "occurred_at kind value recorded_at") == (
        "2025-06-15 01:00 | payment | 1200 | 2025-06-19 00:00"
    )


def test_a_one_off_invoice_that_is_voided_takes_its_order_back(export: Export) -> None:
    def voided(page: dict[str, Any]) -> None:
        for invoice in page["data"]:
            if invoice["id"] == "in_iris_training":
                invoice["status"] = "void"
                invoice["status_transitions"]["voided_at"] = invoice["created"] + 5 * 86_400

    export.change("invoices-2.json", voided)
    report = export.ingest()
    assert report.interactions.removed == 1
    assert "order" not in set(export.history().events_of("cus_iris")["kind"])
