"""The first schema: decisions, assignments, work items, the outbox, permissions and the audit."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
AT = sa.DateTime(timezone=True)


def text(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.Text) for name in names]


def required(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.Text, nullable=False) for name in names]


def at(*names: str, nullable: bool = True) -> list[sa.Column[Any]]:
    return [sa.Column(name, AT, nullable=nullable) for name in names]


def flag(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Boolean, nullable=False)


def count(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Integer, nullable=False)


def date(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Date, nullable=False)


def json(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.JSON, nullable=False)


def number() -> sa.Column[Any]:
    return sa.Column("id", NUMBER, primary_key=True, autoincrement=True)


def key(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.Text, primary_key=True) for name in names]


def upgrade() -> None:
    _decisions()
    _items()
    _messages()
    _permissions()
    _sending()
    op.create_table(
        "audit", number(), *at("at", nullable=False), *required("by", "verb", "subject"),
        *text("customer_id"), json("details"),
    )  # fmt: skip
    op.create_index("audit_of_subject", "audit", ["subject"])
    op.create_index("audit_of_customer", "audit", ["customer_id"])


def _decisions() -> None:
    op.create_table(
        "decisions", *key("decision_id"), date("as_of"), *required("customer_id", "unit"),
        *text("contact_id"), *required("decision", "playbook", "mode"), *text("channel"),
        *required("purpose"), flag("transactional"), *required("arm"),
        sa.Column("propensity", sa.Float), *text("stratum"), *at("not_before", "due_at"),
        *text("owner_id"), json("reasons"), *required("reason_key"), *at("evidence_at"),
        json("gates"), *required("inputs_fingerprint"), sa.Column("churn_probability", sa.Float),
        *text("model_version"), *required("run", "policy_version"),
        *at("recorded_at", nullable=False),
    )  # fmt: skip
    op.create_index("decisions_of_night", "decisions", ["as_of"])
    op.create_index("decisions_of_customer", "decisions", ["customer_id"])
    op.create_table(
        "assignments", *key("unit", "period"), *required("arm"),
        sa.Column("propensity", sa.Float, nullable=False), *text("stratum"), date("as_of"),
        *required("policy_version"),
    )  # fmt: skip


def _items() -> None:
    op.create_table(
        "work_items", number(), *required("customer_id", "reason_key"), *text("contact_id"),
        *required("decision", "playbook"), *text("channel", "owner_id"), json("reasons"),
        sa.Column("churn_probability", sa.Float), *at("due_at", "evidence_at"),
        *required("decision_id", "state"), *at("since", nullable=False), *at("snoozed_until"),
        *text("closed_as", "why"), *at("created_at", "seen_at", nullable=False),
        count("rank"),
    )  # fmt: skip
    unfinished = sa.text("state <> 'closed'")
    op.create_index(
        "one_open_item", "work_items", ["customer_id", "reason_key"], unique=True,
        sqlite_where=unfinished, postgresql_where=unfinished,
    )  # fmt: skip
    op.create_index(
        "items_to_do", "work_items", ["seen_at", "rank"],
        sqlite_where=unfinished, postgresql_where=unfinished,
    )  # fmt: skip
    op.create_index("items_of_customer", "work_items", ["customer_id", "reason_key", "id"])
    reasons = op.create_table("close_reasons", *key("name"), *required("words"))
    op.bulk_insert(
        reasons,
        [
            {"name": "saved", "words": "they stay"},
            {"name": "lost", "words": "they leave"},
            {"name": "false_alarm", "words": "they were never about to leave"},
            {"name": "not_reachable", "words": "nobody could be reached"},
            {"name": "declined_by_manager", "words": "the manager decided against it"},
        ],
    )


def _messages() -> None:
    op.create_table(
        "messages", *key("id"), sa.Column("item_id", NUMBER, sa.ForeignKey("work_items.id")),
        *text("decision_id"), *required("customer_id", "unit"),
        *text("contact_id", "contact_point"), *required("channel"), *text("domain"),
        *required("playbook", "purpose"), flag("transactional"), *required("state"), *text("why"),
        *at("not_before", "queued_at"), *at("next_try_at", nullable=False),
        *text("address", "name", "from_name", "language", "subject", "text", "html",
              "in_reply_to", "claimed_by"),
        *at("lease_until"), count("attempts"), *at("sent_at"), flag("redirected"),
        *text("remote_id"), *at("created_at", "updated_at", nullable=False),
    )  # fmt: skip
    op.create_index("messages_due", "messages", ["state", "channel", "next_try_at", "id"])
    op.create_index("messages_of_customer", "messages", ["customer_id"])
    op.create_index("messages_sent", "messages", ["sent_at"])
    op.create_index("messages_of_item", "messages", ["item_id"])


def _permissions() -> None:
    op.create_table(
        "suppressions", number(), *required("contact_point"), *text("channel"),
        *required("reason"), *at("at", nullable=False), *at("lifted_at"),
    )  # fmt: skip
    op.create_index("suppressed_points", "suppressions", ["contact_point"])
    op.create_table(
        "consents", number(), *required("customer_id"),
        *text("contact_point", "channel", "purpose"), *required("state"), *at("at", nullable=False),
    )  # fmt: skip
    op.create_index("consents_of_customer", "consents", ["customer_id"])
    op.create_index("consents_of_point", "consents", ["contact_point"])
    op.create_table(
        "overrides", number(), *required("customer_id"), *text("playbook"),
        *at("until", nullable=False), *required("by", "why"), *at("at", nullable=False),
    )  # fmt: skip
    op.create_index("overrides_of_customer", "overrides", ["customer_id"])
    op.create_table(
        "answers", number(), *required("customer_id"), *text("message_id", "channel"),
        *at("at", nullable=False),
    )  # fmt: skip
    op.create_index("answers_in_time", "answers", ["at"])


def _sending() -> None:
    op.create_table(
        "stops", number(), *required("by", "why"), *at("at", nullable=False), *at("lifted_at"),
        *text("lifted_by"),
    )  # fmt: skip
    op.create_table("interactions", *key("id"), *required("customer_id"), json("row"))
    op.create_table("closures", number(), *required("customer_id"), json("row"))
    op.create_table("rate_limits", *key("key"), *at("free_at", nullable=False))
    op.create_table("breakers", *key("channel"), count("failures"), *at("open_until"), *text("why"))
