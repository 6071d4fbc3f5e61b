"""An Intercom export becomes a history: each part of a conversation, dated by itself."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.integration.history.exports import Export, claim, expected, rows, table

EVENTS = ("case_id", "occurred_at", "kind", "channel", "agent_id", "score")


@pytest.fixture
def export(tmp_path: Path) -> Export:
    return Export.of("intercom", tmp_path)


@pytest.mark.parametrize(
    ("customer", "told"),
    [
        (
            "acme",
            """
                1001 | 2026-01-05 09:00:00 | case_opened      | email |         |
                1001 | 2026-01-05 09:01:00 | case_assigned    | email | bot-900 |
                1001 | 2026-01-05 09:01:30 | message_out      | email | bot-900 |
                1001 | 2026-01-05 09:42:00 | message_out      | email | 701     |
                1001 | 2026-01-05 09:42:05 | case_pending     | email | 701     |
                1001 | 2026-01-06 10:00:00 | message_in       | email |         |
                1001 | 2026-01-06 10:30:00 | case_transferred | email | 701     |
                1001 | 2026-01-06 11:00:00 | message_out      | email | 702     |
                1001 | 2026-01-06 11:00:00 | case_solved      | email | 702     |
                1001 | 2026-01-07 10:00:00 | message_in       | email |         |
                1001 | 2026-01-07 10:00:00 | case_reopened    | email |         |
                1001 | 2026-01-07 11:00:00 | message_out      | email | 702     |
                1001 | 2026-01-08 09:00:00 | case_solved      | email | 702     |
                1001 | 2026-01-08 09:01:00 | survey_sent      | email |         |
                1001 | 2026-01-08 09:30:00 | survey_answered  | email |         | 4.0
                1003 | 2026-01-13 09:00:00 | case_opened      | email | 701     |
                1003 | 2026-01-13 09:00:00 | message_out      | email | 701     |
                1003 | 2026-01-13 11:00:00 | message_in       | email |         |
                1004 | 2026-01-14 09:00:00 | message_out      | chat  | bot-900 |
            """,
        ),
        (
            "intercom-contact-5ba2",
            """
                1002 | 2026-01-08 08:00:00 | message_out | chat | bot-900
                1002 | 2026-01-08 08:01:00 | case_opened | chat |
                1002 | 2026-01-08 08:01:10 | message_out | chat | bot-900
                1002 | 2026-01-08 08:03:00 | message_in  | chat |
                1002 | 2026-01-08 09:00:00 | message_out | chat | 701
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
                acme                  | 2025-03-01 08:00:00 | Acme Ltd
                intercom-contact-5ba2 | 2026-01-08 07:59:00 | Tom Ray
            """,
        ),
        (
            "contacts",
            ("contact_id", "customer_id"),
            """
                5ba1 | acme
                5ba2 | intercom-contact-5ba2
            """,
        ),
        (
            "identities",
            ("system", "external_id", "customer_id"),
            """
                intercom         | 5ba1 | acme
                intercom         | 5ba2 | intercom-contact-5ba2
                intercom-company | 66c1 | acme
            """,
        ),
        (
            "agents",
            ("agent_id", "is_bot"),
            """
                701     | False
                702     | False
                bot-900 | True
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


def test_private_notes_and_system_events_are_left_out_and_counted(export: Export) -> None:
    assert export.ingest().left_out == {
        "private notes": 1,
        "parts of long conversations, of which Intercom gives 500": 500,
        "conversations that a bot began and nobody answered: no case": 1,
        "system events (tags, participants, unsnoozing and the like)": 2,
    }
    words = export.history().events_of("acme")["text"].dropna().tolist()
    assert words[0] == "You charged us twice."
    assert not any("double run" in word for word in words)


def test_statistics_check_the_derived_figures_and_become_no_row(export: Export) -> None:
    report = export.ingest()
    assert [(c.metric, c.compared, c.equal, c.skipped) for c in report.claims] == [
        ("first_reply_seconds", 2, 1, 2),
        ("resolution_seconds", 1, 1, 1),
        ("reopens", 3, 3, 0),
    ]
    # The export says that a person replied to 1002 at 11:00; the part says 09:00.
    planted = claim(report, "first_reply_seconds")
    assert (planted.case_id, planted.largest_difference) == ("1002", 2 * 3600)


def test_a_conversation_that_a_bot_began_opens_once_with_the_customers_first_word(
    export: Export,
) -> None:
    export.ingest()
    events = export.history().events_of("intercom-contact-5ba2")
    opening = events[events["kind"] == "case_opened"]
    assert opening[["contact_id", "text"]].to_numpy().tolist() == [["5ba2", "I cannot log in."]]


def test_a_conversation_that_is_closed_later_adds_its_new_rows_only(export: Export) -> None:
    first = export.ingest()
    line = (export.root / "intercom" / "conversations.jsonl").read_text().splitlines()[1]
    conversation = json.loads(line)
    conversation["updated_at"] += 3600
    conversation["state"] = "closed"
    conversation["conversation_parts"]["conversation_parts"].append(
        {
            "type": "conversation_part", "id": "26", "part_type": "close", "body": None,
            "created_at": conversation["updated_at"], "assigned_to": None, "redacted": False,
            "author": {"type": "admin", "id": "701"},
        }
    )  # fmt: skip
    export.later("conversations-2.jsonl", conversation)
    report = export.ingest()
    assert (report.interactions.new, report.interactions.corrected) == (1, 0)
    assert report.kinds["case_solved"] == first.kinds["case_solved"] + 1
    assert "1002 | 2026-01-08 10:00:00 | case_solved | chat | 701" in rows(
        export.history(), "intercom-contact-5ba2", *EVENTS
    )


def test_words_that_were_redacted_later_are_gone(export: Export) -> None:
    export.ingest()
    line = (export.root / "intercom" / "conversations.jsonl").read_text().splitlines()[1]
    conversation = json.loads(line)
    conversation["updated_at"] += 3600
    part = conversation["conversation_parts"]["conversation_parts"][2]
    part |= {"redacted": True, "body": "<p>This message was deleted</p>"}
    export.later("conversations-2.jsonl", conversation)
    report = export.ingest()
    assert report.interactions.corrected == 1
    words = export.history().events_of("intercom-contact-5ba2")["text"]
    assert "Yes. A person please." not in set(words)


def test_what_a_conversation_is_today_becomes_no_row(export: Export) -> None:
    export.ingest()
    line = (export.root / "intercom" / "conversations.jsonl").read_text().splitlines()[1]
    conversation = json.loads(line)
    conversation |= {"state": "closed", "open": False, "admin_assignee_id": 702}
    conversation["statistics"] |= {"last_close_at": 1767900000, "count_reopens": 4}
    conversation["updated_at"] += 3600
    export.later("conversations-2.jsonl", conversation)
    export.ingest_what_says_nothing_new()
