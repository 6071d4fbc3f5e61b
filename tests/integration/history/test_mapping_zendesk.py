"""A Zendesk export becomes a history: each event once, dated by its audit."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.history.exports import Export, claim, expected, rows, table

EVENTS = ("case_id", "occurred_at", "kind", "channel", "agent_id", "score")


@pytest.fixture
def export(tmp_path: Path) -> Export:
    return Export.of("zendesk", tmp_path)


@pytest.mark.parametrize(
    ("customer", "told"),
    [
        (
            "acme",
            """
                101 | 2026-01-05 09:00:00 | case_opened      | email |     |
                101 | 2026-01-05 09:01:00 | case_assigned    | email | -1  |
                101 | 2026-01-05 09:42:00 | message_out      | email | 701 |
                101 | 2026-01-05 09:42:00 | case_pending     | email | 701 |
                101 | 2026-01-06 10:00:00 | message_in       | email |     |
                101 | 2026-01-06 11:00:00 | message_out      | email | 701 |
                101 | 2026-01-06 11:00:00 | case_solved      | email | 701 |
                101 | 2026-01-07 11:00:00 | survey_sent      | email | -1  |
                101 | 2026-01-07 12:00:00 | survey_answered  | email |     | 5.0
                101 | 2026-01-10 10:00:00 | case_closed      | email | -1  |
                102 | 2026-01-06 10:00:00 | case_assigned    | web   |     |
                102 | 2026-01-06 10:00:00 | case_opened      | web   |     |
                102 | 2026-01-06 12:00:00 | case_transferred | web   | 701 |
                102 | 2026-01-06 12:00:00 | case_escalated   | web   | 701 |
                102 | 2026-01-06 18:00:00 | promise_broken   | web   |     |
                102 | 2026-01-07 10:00:00 | message_out      | web   | 702 |
                102 | 2026-01-07 10:00:00 | case_solved      | web   | 702 |
                102 | 2026-01-08 10:00:00 | message_in       | email |     |
                102 | 2026-01-08 10:00:00 | case_reopened    | web   |     |
                102 | 2026-01-12 09:00:00 | message_out      | web   | 702 |
                102 | 2026-01-12 09:00:00 | case_solved      | web   | 702 |
                102 | 2026-01-12 09:30:00 | survey_answered  | web   |     | 1.0
                108 | 2026-01-14 10:00:00 | call_in          | phone | 702 |
                108 | 2026-01-14 10:00:00 | case_assigned    | phone | 702 |
                108 | 2026-01-14 10:00:00 | case_opened      | phone |     |
            """,
        ),
        (
            "zendesk-user-902",
            """
                103 | 2026-01-08 08:00:00 | case_opened   | chat  |
                103 | 2026-01-08 09:00:00 | case_closed   | chat  | 701
                104 | 2026-01-08 08:30:00 | case_opened   | chat  |
                104 | 2026-01-08 08:31:00 | message_out   | chat  | 703
                107 | 2026-01-13 09:00:00 | message_out   | web   | 701
                107 | 2026-01-13 09:00:00 | case_assigned | web   | 701
                107 | 2026-01-13 09:00:00 | case_pending  | web   | 701
                107 | 2026-01-13 09:00:00 | case_opened   | web   | 701
                107 | 2026-01-13 11:00:00 | message_in    | email |
                107 | 2026-01-13 13:00:00 | message_out   | web   | 701
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
                acme                      | 2025-03-01 08:00:00 | Acme Ltd
                zendesk-organization-5002 | 2025-04-01 08:00:00 | Bolt GmbH
                zendesk-user-902          | 2025-05-02 08:00:00 | Tom Ray
            """,
        ),
        (
            "contacts",
            ("contact_id", "customer_id"),
            """
                901 | acme
                902 | zendesk-user-902
            """,
        ),
        (
            "identities",
            ("system", "external_id", "customer_id"),
            """
                zendesk              | 901  | acme
                zendesk              | 902  | zendesk-user-902
                zendesk              | 904  | zendesk-organization-5002
                zendesk-organization | 5001 | acme
                zendesk-organization | 5002 | zendesk-organization-5002
            """,
        ),
        (
            "agents",
            ("agent_id", "is_bot"),
            """
                -1  | True
                701 | False
                702 | False
                703 | True
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


def test_private_notes_and_what_zendesk_wrote_itself_are_left_out_and_counted(
    export: Export,
) -> None:
    report = export.ingest()
    assert report.left_out == {
        "private notes": 2,
        "comments that Zendesk wrote itself when it merged tickets": 1,
        "tickets of suspended users (spam), whose known rows are taken out": 1,
    }
    words = export.history().events_of("acme")["text"].dropna().tolist()
    assert "You charged us twice." in words
    assert not any("double run" in word for word in words)


def test_metric_sets_check_the_derived_figures_and_become_no_row(export: Export) -> None:
    report = export.ingest()
    assert [(c.metric, c.compared, c.equal, c.not_derived, c.skipped) for c in report.claims] == [
        ("first_reply_seconds", 2, 1, 1, 3),  # only a bot replied to ticket 104
        ("resolution_seconds", 2, 2, 0, 2),
        ("requester_wait_seconds", 2, 2, 0, 2),
        ("replies", 3, 2, 0, 0),
        ("reopens", 3, 3, 0, 0),
    ]
    # The export says 1,368 minutes for ticket 102; its audits say 1,440.
    planted = claim(report, "first_reply_seconds")
    assert (planted.case_id, planted.largest_difference) == ("102", 72 * 60)
    assert export.history().events_of("acme")["wait_seconds"].isna().all()


SOLVED_LATER = {
    "id": 20303,
    "ticket_id": 104,
    "created_at": "2026-01-09T10:00:00Z",
    "author_id": 701,
    "via": {"channel": "web", "source": {"from": {}, "to": {}, "rel": None}},
    "events": [
        {"id": 30305, "type": "Comment", "author_id": 701, "body": "Unlocked.", "public": True},
        {"id": 30306, "type": "Change", "field_name": "status", "value": "solved",
         "previous_value": "open"},
    ],
}  # fmt: skip
TICKET = {
    "id": 104, "status": "solved", "requester_id": 902, "submitter_id": 902,
    "organization_id": None, "via": {"channel": "native_messaging", "source": {"rel": None}},
    "created_at": "2026-01-08T08:30:00Z", "updated_at": "2026-01-09T10:00:00Z",
    "generated_timestamp": 1767952800,
}  # fmt: skip


def test_a_ticket_that_is_solved_later_adds_its_new_rows_only(export: Export) -> None:
    export.ingest()
    export.later("tickets-2.jsonl", TICKET)
    export.later("ticket_audits-2.jsonl", SOLVED_LATER)
    report = export.ingest()
    assert (report.interactions.new, report.interactions.corrected) == (2, 0)
    told = rows(export.history(), "zendesk-user-902", *EVENTS)
    assert (
        expected(
            """
        104 | 2026-01-08 08:31:00 | message_out | chat | 703
        104 | 2026-01-09 10:00:00 | message_out | chat | 701
        104 | 2026-01-09 10:00:00 | case_solved | chat | 701
        """
        )
        in told
    )


def test_a_deleted_ticket_takes_its_rows_out_and_no_other(export: Export) -> None:
    export.ingest()
    before = rows(export.history(), "acme", *EVENTS)
    export.later("tickets-2.jsonl", TICKET | {"status": "deleted"})
    report = export.ingest()
    assert report.interactions.removed == 2
    assert report.left_out["deleted tickets, whose known rows are taken out"] == 1
    assert "104" not in set(export.history().events_of("zendesk-user-902")["case_id"])
    assert rows(export.history(), "acme", *EVENTS) == before


def test_an_answer_to_a_survey_brings_its_words(export: Export) -> None:
    export.ingest()
    events = export.history().events_of("acme")
    answers = events[events["kind"] == "survey_answered"]
    assert answers[["score", "score_kind", "text"]].to_numpy().tolist() == [
        [5.0, "csat", "Quick, thanks"],
        [1.0, "csat", "Took three tries"],
    ]


def test_a_breach_that_was_called_off_or_lies_ahead_is_none(export: Export) -> None:
    report = export.ingest()
    assert report.kinds["promise_broken"] == 1


def test_audits_and_ticket_events_of_the_same_event_are_one_row(export: Export) -> None:
    export.ingest()
    events = export.history().events_of("acme")
    assert (events["interaction_id"] == "event-30020-case_closed").sum() == 1


def test_what_a_ticket_is_today_becomes_no_row(export: Export) -> None:
    export.ingest()
    today = {"status": "solved", "priority": "urgent", "assignee_id": 702, "type": "problem"}
    rated = {"satisfaction_rating": {"id": 8104, "score": "good", "comment": "Fine"}}
    sums = {"metric_set": {"ticket_id": 104, "reopens": 4, "replies": 9}}
    export.later("tickets-2.jsonl", TICKET | today | rated | sums)
    export.ingest_what_says_nothing_new()
