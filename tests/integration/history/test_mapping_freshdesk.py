"""A Freshdesk export becomes a history: words from conversations, the rest from activities."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.integration.history.exports import Export, claim, expected, rows, table

EVENTS = ("case_id", "occurred_at", "kind", "channel", "agent_id", "score")


@pytest.fixture
def export(tmp_path: Path) -> Export:
    return Export.of("freshdesk", tmp_path)


@pytest.mark.parametrize(
    ("customer", "told"),
    [
        (
            "freshdesk-company-5001",
            """
                1 | 2026-01-05 09:00:00 | case_opened      | email |        |
                1 | 2026-01-05 09:01:00 | case_assigned    | email | system |
                1 | 2026-01-05 09:42:00 | case_pending     | email | 701    |
                1 | 2026-01-05 09:42:00 | message_out      | email | 701    |
                1 | 2026-01-06 10:00:00 | message_in       | email |        |
                1 | 2026-01-06 10:30:00 | case_escalated   | email | 701    |
                1 | 2026-01-06 10:30:00 | case_transferred | email | 701    |
                1 | 2026-01-06 11:00:00 | case_solved      | email | 702    |
                1 | 2026-01-06 11:00:00 | message_out      | email | 702    |
                1 | 2026-01-07 10:00:00 | case_reopened    | email | system |
                1 | 2026-01-07 10:00:00 | message_in       | email |        |
                1 | 2026-01-07 11:00:00 | message_out      | email | 702    |
                1 | 2026-01-08 09:00:00 | case_solved      | email | 702    |
                1 | 2026-01-08 12:00:00 | case_closed      | email | system |
                1 | 2026-01-09 11:00:00 | survey_answered  | email |        | 4.0
                3 | 2026-01-13 09:00:00 | case_opened      | email | 702    |
                3 | 2026-01-13 09:00:00 | message_out      | email | 702    |
                3 | 2026-01-13 11:00:00 | message_in       | email |        |
            """,
        ),
        (
            "freshdesk-contact-902",
            """
                2 | 2026-01-06 10:00:00 | case_opened     | web |     |
                2 | 2026-01-06 12:00:00 | message_out     | web | 701 |
                2 | 2026-01-06 12:30:00 | survey_answered | web |     | 1.0
            """,
        ),
    ],
)
def test_each_event_becomes_one_row_at_its_own_time(
    export: Export, customer: str, told: str
) -> None:
    export.ingest()
    assert rows(export.history(), customer, *EVENTS) == expected(told)


@pytest.mark.parametrize(
    ("name", "columns", "told"),
    [
        (
            "customers",
            ("customer_id", "joined_at", "name"),
            """
                freshdesk-company-5001 | 2025-03-01 08:00:00 | Acme Ltd
                freshdesk-contact-902  | 2025-05-02 08:00:00 | Tom Ray
            """,
        ),
        (
            "contacts",
            ("contact_id", "customer_id"),
            """
                901 | freshdesk-company-5001
                902 | freshdesk-contact-902
            """,
        ),
        (
            "identities",
            ("system", "external_id", "customer_id"),
            """
                freshdesk         | 901  | freshdesk-company-5001
                freshdesk         | 902  | freshdesk-contact-902
                freshdesk-company | 5001 | freshdesk-company-5001
            """,
        ),
        (
            "agents",
            ("agent_id", "is_bot"),
            """
                701    | False
                702    | False
                system | True
            """,
        ),
    ],
)
def test_people_and_agents_come_with_the_customer_they_belong_to(
    export: Export, name: str, columns: tuple[str, ...], told: str
) -> None:
    export.ingest()
    assert table(export.history(), name, *columns) == expected(told)


def test_the_same_export_again_changes_nothing(export: Export) -> None:
    first = export.ingest()
    again = export.ingest()
    assert not again.changed
    assert again.interactions.repeated == first.interactions.rows


def test_private_notes_forwards_and_spam_are_left_out_and_counted(export: Export) -> None:
    assert export.ingest().left_out == {
        "private notes": 1,
        "mails forwarded to others, and survey remarks repeated as conversations": 1,
        "spam, whose known rows are taken out": 1,
        "activities that say neither status, agent nor urgency": 2,
    }
    words = export.history().events_of("freshdesk-company-5001")["text"].dropna().tolist()
    assert words[0] == "You charged us twice."
    assert not any("double run" in word or "look at 17" in word for word in words)


def test_stats_check_the_derived_figures_and_become_no_row(export: Export) -> None:
    report = export.ingest()
    assert [(c.metric, c.compared, c.equal) for c in report.claims] == [
        ("first_reply_seconds", 2, 1),
        ("resolution_seconds", 1, 1),
    ]
    # The export says that ticket 2 was answered at 13:12; the conversation says 12:00.
    planted = claim(report, "first_reply_seconds")
    assert (planted.case_id, planted.largest_difference) == ("2", 72 * 60)


def test_without_activities_nothing_is_solved_whatever_the_ticket_says(export: Export) -> None:
    for file in (export.root / "freshdesk").glob("ticket_activities*"):
        file.unlink()
    export.later("ticket_activities-none.json")
    report = export.ingest()
    assert set(report.kinds) == {"case_opened", "message_in", "message_out", "survey_answered"}
    assert claim(report, "resolution_seconds").not_derived == 1


def test_a_ticket_that_is_solved_later_adds_its_new_rows_only(export: Export) -> None:
    export.ingest()
    export.later("ticket_activities-2026-01-14.jsonl", {
        "performed_at": "14-01-2026 10:00:00 +0000", "ticket_id": 2, "performer_type": "user",
        "performer_id": 701, "activity": {"status": "Resolved"},
    })  # fmt: skip
    export.later("conversations-2.jsonl", {
        "id": 22, "ticket_id": 2, "user_id": 701, "incoming": False, "private": False,
        "source": 0, "body_text": "Fixed.", "created_at": "2026-01-14T10:00:00Z",
        "updated_at": "2026-01-14T10:00:00Z",
    })  # fmt: skip
    report = export.ingest()
    assert (report.interactions.new, report.interactions.corrected) == (2, 0)
    events = export.history().events_of("freshdesk-contact-902")
    assert sorted(events["kind"].tolist()[-2:]) == ["case_solved", "message_out"]


def test_a_deleted_ticket_takes_its_rows_out_and_no_other(export: Export) -> None:
    export.ingest()
    before = rows(export.history(), "freshdesk-company-5001", *EVENTS)
    export.later("tickets-deleted.jsonl", {
        "id": 2, "requester_id": 902, "company_id": None, "source": 2, "deleted": True,
        "spam": False, "created_at": "2026-01-06T10:00:00Z", "updated_at": "2026-01-15T10:00:00Z",
    })  # fmt: skip
    report = export.ingest()
    assert report.left_out["deleted tickets, whose known rows are taken out"] == 1
    assert export.history().events_of("freshdesk-contact-902").empty
    assert rows(export.history(), "freshdesk-company-5001", *EVENTS) == before


@pytest.mark.parametrize(
    ("face", "csat"),
    [(103, 5), (102, 5), (101, 4), (100, 3), (-101, 2), (-102, 1), (-103, 1)],
)
def test_a_face_becomes_a_score_of_which_happy_counts_as_satisfied(
    export: Export, face: int, csat: float
) -> None:
    export.later("satisfaction_ratings-2.jsonl", {
        "id": 83, "ticket_id": 3, "user_id": 901, "feedback": None,
        "ratings": {"default_question": face}, "created_at": "2026-01-20T10:00:00Z",
        "updated_at": "2026-01-20T10:00:00Z",
    })  # fmt: skip
    export.ingest()
    events = export.history().events_of("freshdesk-company-5001")
    assert events["score"].tolist()[-1] == csat


def test_what_a_ticket_is_today_becomes_no_row(export: Export) -> None:
    export.ingest()
    line = (export.root / "freshdesk" / "tickets.jsonl").read_text().splitlines()[1]
    today = {"status": 5, "priority": 4, "responder_id": 702, "is_escalated": True}
    export.later("tickets-2.jsonl", json.loads(line) | today | {
        "updated_at": "2026-01-20T10:00:00Z",
        "stats": {"resolved_at": "2026-01-20T10:00:00Z", "reopened_at": "2026-01-19T10:00:00Z"},
    })  # fmt: skip
    export.ingest_what_says_nothing_new()
