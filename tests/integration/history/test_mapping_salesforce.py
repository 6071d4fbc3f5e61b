"""Salesforce: cases and accounts by their field history, never by what they are today."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from pipelines.history.report import IngestReport
from tests.integration.history.mapped_sources import Export, shown, table

ACME, BOLT, MERGED = "001Hs000000ACMEIAA", "001Hs000000BOLTIAA", "001Hs000BOLTOLDIAA"
CASE, OTHER = "500Hs00000CASE1IAA", "500Hs00000CASE2IAA"


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> tuple[Export, IngestReport]:
    export = Export.of("salesforce", tmp_path_factory.mktemp("salesforce"))
    return export, export.ingest()


@pytest.fixture
def export(tmp_path: Path) -> Export:
    export = Export.of("salesforce", tmp_path)
    export.ingest()
    return export


def rows_of(export: Export, name: str) -> pd.DataFrame:
    rows = export.history().table(name)
    assert rows is not None
    return rows


def edit(export: Export, file: str, change: Callable[[list[dict[str, str]]], None]) -> None:
    """Changes the rows of a CSV file as a later export would have them."""
    path = export.folder / file
    with path.open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    header = list(rows[0])
    change(rows)
    with path.open("w", newline="") as lines:
        writer = csv.DictWriter(lines, header, restval="", quoting=csv.QUOTE_ALL)
        writer.writeheader()
        writer.writerows(rows)


def test_a_case_is_what_its_history_messages_and_calls_say(
    read: tuple[Export, IngestReport],
) -> None:
    events = read[0].history().events_of(ACME)
    events = events[events["case_id"] == CASE]
    columns = "occurred_at kind channel agent_id contact_id topic seconds recorded_at"
    assert shown(events, columns) == table("""
    2025-05-12 08:01 | case_opened      | email |                    | 003Hs0000000ANNIAA | Question |     | 2025-05-12 08:01
    2025-05-12 08:30 | case_assigned    |       | 005Hs0000000LEEIAA |                    |          |     | 2025-05-12 08:30
    2025-05-12 09:10 | message_out      | email | 005Hs0000000LEEIAA |                    |          |     | 2025-05-12 09:10
    2025-05-12 09:15 | case_pending     |       | 005Hs0000000LEEIAA |                    |          |     | 2025-05-12 09:15
    2025-05-12 14:00 | message_in       | email |                    | 003Hs0000000ANNIAA |          |     | 2025-05-12 14:02
    2025-05-12 16:00 | case_solved      |       | 005Hs0000000LEEIAA |                    |          |     | 2025-05-12 16:00
    2025-05-13 07:40 | call_in          | phone | 005Hs0000000LEEIAA | 003Hs0000000ANNIAA |          | 240 | 2025-05-13 07:50
    2025-05-13 07:45 | case_reopened    |       | 005Hs00000ROBOTIAA |                    |          |     | 2025-05-13 07:45
    2025-05-13 08:00 | case_transferred |       | 005Hs0000000LEEIAA |                    |          |     | 2025-05-13 08:00
    2025-05-13 09:00 | case_escalated   |       | 005Hs00000ROBOTIAA |                    |          |     | 2025-05-13 09:00
    2025-05-13 10:00 | message_out      | web   | 005Hs0000000KIMIAA |                    |          |     | 2025-05-13 10:00
    2025-05-13 11:00 | message_in       | web   |                    |                    |          |     | 2025-05-13 11:00
    2025-05-14 15:00 | case_solved      |       | 005Hs0000000KIMIAA |                    |          |     | 2025-05-14 15:00
    """)  # fmt: skip # noqa: E501


def test_what_belongs_to_no_tracked_case_comes_with_its_own_dates(
    read: tuple[Export, IngestReport],
) -> None:
    events = read[0].history().events_of(BOLT)
    assert shown(events, "occurred_at kind channel seconds case_id") == table("""
        2025-03-03 12:00 | case_opened | phone |     | 500Hs00000CASE3IAA
        2025-03-04 12:00 | case_solved |       |     | 500Hs00000CASE3IAA
        2025-05-02 09:00 | message_out | email |     |
        2025-05-05 13:10 | call_out    | phone | 600 |
        2025-05-18 10:00 | case_opened | web   |     | 500Hs00000CASE2IAA
    """)


def test_a_meeting_about_an_opportunity_is_its_accounts_and_known_when_it_is_over(
    read: tuple[Export, IngestReport],
) -> None:
    events = read[0].history().events_of(ACME)
    held = events[events["kind"] == "meeting_held"]
    assert shown(held, "occurred_at seconds recorded_at") == (
        "2025-05-07 09:00 | 3600 | 2025-05-07 10:00"
    )


@pytest.mark.parametrize(
    ("name", "columns", "expected"),
    [
        ("customers", "customer_id joined_at parent_id segment region name", f"""
            {ACME} | 2024-03-01 09:00 |        | Energy  | Germany | Acme, Inc.
            {BOLT} | 2024-06-10 10:30 | {ACME} | Apparel | France  | Bolt "Fast" Ltd
        """),
        ("contacts", "contact_id customer_id name role", f"""
            003Hs0000000ANNIAA | {ACME} | Ann Ames | Head of IT
            003Hs0000000BENIAA | {BOLT} | Ben Bolt | CEO
        """),
        ("consents", "customer_id contact_id channel state at",
            f"{BOLT} | 003Hs0000000BENIAA | email | refused | 2025-02-01 07:00"),
        ("attributes", "customer_id name value valid_from recorded_at", f"""
        {ACME} | NumberOfEmployees     | 250                | 2024-11-03 10:00 | 2024-11-03 10:00
        {ACME} | Opportunity.CloseDate | 2025-06-30         | 2025-05-08 08:00 | 2025-05-08 08:00
        {ACME} | Opportunity.StageName | Negotiation        | 2025-05-01 08:00 | 2025-05-01 08:00
        {ACME} | Owner                 | 005Hs0000000KIMIAA | 2025-05-20 08:00 | 2025-05-20 08:00
        """),
        ("owners", "owner_id name team active", """
            005Hs0000000KIMIAA | Kim Success | Success | True
            005Hs0000000LEEIAA | Lee Support | Support | True
        """),
        ("agents", "agent_id team is_bot", """
            005Hs0000000KIMIAA | Success | False
            005Hs0000000LEEIAA | Support | False
            005Hs00000ROBOTIAA |         | True
        """),
    ],
)  # fmt: skip
def test_the_small_tables_are(
    read: tuple[Export, IngestReport], name: str, columns: str, expected: str
) -> None:
    assert shown(rows_of(read[0], name), columns) == table(expected)


@pytest.mark.parametrize(
    ("external", "customer"),
    [(ACME, ACME), (ACME[:15], ACME), ("003Hs0000000BENIAA", BOLT), (MERGED, BOLT)],
)
def test_an_id_of_salesforce_leads_to_the_customer(
    read: tuple[Export, IngestReport], external: str, customer: str
) -> None:
    known = rows_of(read[0], "identities").query("system == 'salesforce'")
    assert known.set_index("external_id")["customer_id"][external] == customer


def test_columns_of_today_do_not_come_in(read: tuple[Export, IngestReport]) -> None:
    customers = rows_of(read[0], "customers")
    assert not {"NumberOfEmployees", "Rating", "Type", "AnnualRevenue"} & set(customers.columns)


def test_what_is_left_behind_is_counted(read: tuple[Export, IngestReport]) -> None:
    assert read[1].left_out == {
        "accounts whose type, rating, employees or revenue are known only as of today": 2,
        "calls of which nobody noted who called": 1,
        "cases without an account": 1,
        "changes of a case that are no event": 2,
        "changes of names, numbers and addresses": 1,
        "contacts without an account": 1,
        "e-mail drafts": 1,
        "e-mails that opened a case: the opening itself": 1,
        "internal comments": 1,
        "invitations and patterns of meetings that have a row of their own": 1,
        "meetings that had not been held yet": 1,
        "tasks and calls that are not done": 1,
        "tasks that are no call": 1,
    }


def test_nothing_is_rejected_and_every_time_has_an_offset(
    read: tuple[Export, IngestReport],
) -> None:
    _, report = read
    assert not any(counts.rejected for counts in report.tables.values())
    assert (report.naive_timestamps, report.interactions.pending) == (0, 0)


def test_the_closing_that_a_case_claims_is_the_one_that_its_history_tells(
    read: tuple[Export, IngestReport],
) -> None:
    (claim,) = read[1].claims
    assert (claim.metric, claim.compared, claim.equal) == ("resolution_seconds", 2, 2)


def test_a_case_that_claims_another_closing_is_reported(tmp_path: Path) -> None:
    export = Export.of("salesforce", tmp_path)
    export.replace(
        "Case.csv",
        '"2025-05-14T15:00:00.000+0000","2025-05-12',
        '"2025-05-15T15:00:00.000+0000","2025-05-12',
    )
    (claim,) = export.ingest().claims
    assert (claim.equal, claim.largest_difference, claim.case_id) == (1, 86_400, CASE)


def test_the_same_export_again_changes_nothing(export: Export) -> None:
    assert not export.ingest().changed


def test_a_later_export_adds_what_happened_since(export: Export) -> None:
    def closed(cases: list[dict[str, str]]) -> None:
        (case,) = [row for row in cases if row["Id"] == OTHER]
        case |= {"Status": "Resolved", "IsClosed": "true"}
        case["ClosedDate"] = case["SystemModstamp"] = "2025-05-22T09:00:00.000+0000"

    def tracked(changes: list[dict[str, str]]) -> None:
        changes.append(
            changes[-1] | {
                "Id": "017Hs00000000C1IAA", "CaseId": OTHER, "OldValue": "New",
                "NewValue": "Resolved", "CreatedDate": "2025-05-22T09:00:00.000+0000",
            }
        )  # fmt: skip

    edit(export, "Case.csv", closed)
    edit(export, "CaseHistory.csv", tracked)
    report = export.ingest()
    assert (report.interactions.new, report.interactions.corrected) == (1, 0)
    newest = export.history().events_of(BOLT).iloc[-1:]
    assert shown(newest, "occurred_at kind case_id") == f"2025-05-22 09:00 | case_solved | {OTHER}"


def test_a_meeting_that_was_moved_is_corrected(export: Export) -> None:
    def moved(events: list[dict[str, str]]) -> None:
        events[0] |= {
            "StartDateTime": "2025-05-09T09:00:00.000+0000",
            "EndDateTime": "2025-05-09T09:30:00.000+0000",
            "SystemModstamp": "2025-05-06T09:30:00.000+0000",
        }

    edit(export, "Event.csv", moved)
    assert export.ingest().interactions.corrected == 1
    events = export.history().events_of(ACME)
    held = events[events["kind"] == "meeting_held"]
    assert shown(held, "occurred_at seconds") == "2025-05-09 09:00 | 1800"


def test_a_deleted_case_takes_its_history_and_messages_with_it(export: Export) -> None:
    def deleted(cases: list[dict[str, str]]) -> None:
        cases[0] |= {"IsDeleted": "true", "SystemModstamp": "2025-05-23T09:00:00.000+0000"}

    edit(export, "Case.csv", deleted)
    assert export.ingest().interactions.removed == 12
    # A call is a row of its own, and deleted by itself.
    assert set(export.history().events_of(ACME)["kind"]) == {"meeting_held", "call_in"}


def test_an_export_without_history_and_activities_brings_what_it_has(tmp_path: Path) -> None:
    export = Export.of("salesforce", tmp_path)
    for path in export.folder.glob("*.csv"):
        if path.stem not in {"Account", "Case"}:
            path.unlink()
    export.ingest()
    events = export.history().events_of(ACME)
    assert shown(events, "occurred_at kind topic") == table("""
        2025-05-12 08:01 | case_opened | Billing
        2025-05-14 15:00 | case_solved |
    """)


def test_times_without_an_offset_are_utc(tmp_path: Path) -> None:
    export = Export.of("salesforce", tmp_path)
    path = export.folder / "Account.csv"
    path.write_text(path.read_text().replace("T09:00:00.000+0000", " 09:00:00"))
    report = export.ingest()
    joined = rows_of(export, "customers").set_index("customer_id")["joined_at"][ACME]
    assert (str(joined), report.naive_timestamps) == ("2024-03-01 09:00:00+00:00", 0)
