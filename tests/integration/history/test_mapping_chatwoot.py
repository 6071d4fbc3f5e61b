"""A Chatwoot export becomes a history: messages, and what reporting events date."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.integration.history.exports import Export, claim, expected, rows, table

EVENTS = ("case_id", "occurred_at", "kind", "channel", "agent_id", "score")


@pytest.fixture
def export(tmp_path: Path) -> Export:
    return Export.of("chatwoot", tmp_path)


@pytest.mark.parametrize(
    ("customer", "told"),
    [
        (
            "u-17",
            """
                1 | 2026-01-05 09:00:00 | case_opened      | email |     |
                1 | 2026-01-05 09:01:00 | case_assigned    | email |     |
                1 | 2026-01-05 09:42:00 | message_out      | email | 701 |
                1 | 2026-01-05 09:43:00 | case_pending     | email | 701 |
                1 | 2026-01-06 10:00:00 | message_in       | email |     |
                1 | 2026-01-06 10:30:00 | case_transferred | email | 701 |
                1 | 2026-01-06 10:31:00 | case_escalated   | email | 701 |
                1 | 2026-01-06 10:59:00 | message_out      | email | 702 |
                1 | 2026-01-06 11:00:00 | case_solved      | email | 702 |
                1 | 2026-01-06 11:00:01 | survey_sent      | email |     |
                1 | 2026-01-07 10:00:00 | message_in       | email |     |
                1 | 2026-01-07 10:00:01 | case_reopened    | email |     |
                1 | 2026-01-07 11:00:00 | message_out      | email | 702 |
                1 | 2026-01-08 09:00:00 | case_solved      | email | 702 |
                1 | 2026-01-08 09:30:00 | survey_answered  | email |     | 4.0
                3 | 2026-01-13 09:00:00 | case_opened      | email | 701 |
                3 | 2026-01-13 09:00:00 | message_out      | email | 701 |
                3 | 2026-01-13 11:00:00 | message_in       | email |     |
            """,
        ),
        (
            "chatwoot-contact-902",
            """
                2 | 2026-01-08 08:00:00 | case_opened | chat |
                2 | 2026-01-08 08:00:10 | message_out | chat | bot-agent_bot-9
                2 | 2026-01-08 08:03:00 | message_in  | chat |
                2 | 2026-01-08 08:03:10 | bot_handoff | chat |
                2 | 2026-01-08 09:00:00 | message_out | chat | 701
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
                chatwoot-contact-902 | 2026-01-08 07:59:00 | Tom Ray
                u-17                 | 2025-03-02 08:00:00 | Ann Smith
            """,
        ),
        (
            "contacts",
            ("contact_id", "customer_id"),
            """
                901 | u-17
                902 | chatwoot-contact-902
            """,
        ),
        (
            "identities",
            ("system", "external_id", "customer_id"),
            """
                chatwoot | 901 | u-17
                chatwoot | 902 | chatwoot-contact-902
            """,
        ),
        (
            "agents",
            ("agent_id", "is_bot"),
            """
                701             | False
                702             | False
                bot-agent_bot-9 | True
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


def test_private_notes_greetings_and_spam_are_left_out_and_counted(export: Export) -> None:
    assert export.ingest().left_out == {
        "private notes": 1,
        "automatic greetings and forms": 1,
        "activities that are no assignment, snoozing or urgency": 2,
        "conversations of blocked contacts (spam)": 1,
    }
    words = export.history().events_of("u-17")["text"].dropna().tolist()
    assert words[0] == "You charged us twice."
    assert not any("double run" in word for word in words)


def test_durations_of_reporting_events_check_the_derived_figures(export: Export) -> None:
    report = export.ingest()
    assert [(c.metric, c.compared, c.equal, c.skipped) for c in report.claims] == [
        ("first_reply_seconds", 2, 1, 2),
        ("resolution_seconds", 1, 1, 1),
    ]
    # The export says 7,800 s for conversation 2; its messages say an hour.
    planted = claim(report, "first_reply_seconds")
    assert (planted.case_id, planted.largest_difference) == ("2", 7800 - 3600)
    assert export.history().events_of("u-17")["wait_seconds"].isna().all()


def test_a_conversation_that_is_resolved_later_adds_its_new_rows_only(export: Export) -> None:
    export.ingest()
    export.later("messages-2-later.jsonl", {
        "id": 206, "conversation_id": 2, "message_type": 1, "content_type": "text",
        "content": "All well?", "private": False, "created_at": 1767866400,
        "sender": {"id": 701, "type": "user"}, "content_attributes": {},
    })  # fmt: skip
    export.later("reporting_events/later-2.jsonl", {
        "id": 204, "name": "conversation_resolved", "value": 7200.0,
        "value_in_business_hours": 7200.0, "event_end_time": "2026-01-08T10:00:00.000Z",
        "user_id": 701,
    })  # fmt: skip
    report = export.ingest()
    assert (report.interactions.new, report.interactions.corrected) == (2, 0)
    assert rows(export.history(), "chatwoot-contact-902", *EVENTS).endswith(
        expected(
            """
            2 | 2026-01-08 10:00:00 | case_solved | chat | 701 |
            2 | 2026-01-08 10:00:00 | message_out | chat | 701 |
            """
        )
    )


def test_words_of_a_message_that_was_deleted_are_gone_and_the_contact_stays(
    export: Export,
) -> None:
    export.ingest()
    events = export.history().events_of("chatwoot-contact-902")
    deleted = events[events["interaction_id"] == "message-204"]
    assert deleted["kind"].tolist() == ["message_in"]
    assert deleted["text"].isna().all()


def test_of_two_agents_with_one_name_neither_is_held_to_have_acted(export: Export) -> None:
    export.later("agents-2.jsonl", {"id": 799, "name": "Bea"})
    export.ingest()
    events = export.history().events_of("u-17")
    transferred = events[events["kind"] == "case_transferred"]
    assert transferred["agent_id"].isna().all()
    written = events[events["interaction_id"] == "message-104"]
    assert written["agent_id"].tolist() == ["701"]


def test_what_a_conversation_is_today_becomes_no_row(export: Export) -> None:
    export.ingest()
    path = export.root / "chatwoot" / "conversations.json"
    conversation = json.loads(path.read_text())["data"]["payload"][1]
    conversation |= {"status": "resolved", "priority": "urgent", "first_reply_created_at": 1}
    conversation["updated_at"] += 3600
    export.later("conversations-2.jsonl", conversation)
    export.ingest_what_says_nothing_new()
