"""The tables of the outreach store. A change here needs a migration beside it (`migrations/`)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect

# The newest migration's name: a store that says another is older or newer than this code.
SCHEMA = "0008"


class Instant(sa.types.TypeDecorator[datetime]):
    """A moment with its time zone, given back in UTC; one without is refused."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant needs a time zone")
        there = value.astimezone(UTC)
        # SQLite has no type for it: text in UTC, which sorts as time does.
        return there.replace(tzinfo=None) if dialect.name == "sqlite" else there

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")  # SQLite counts up INTEGER only

metadata = sa.MetaData()


def _text(name: str, *, required: bool = False, key: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Text, nullable=not (required or key), primary_key=key)


def _at(name: str, *, required: bool = False) -> sa.Column[Any]:
    return sa.Column(name, Instant, nullable=not required)


def _flag(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Boolean, nullable=False, default=False)


def _count(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Integer, nullable=False, default=0)


def _count_or_none(name: str) -> sa.Column[Any]:
    return sa.Column(name, _NUMBER)


def _id() -> sa.Column[Any]:
    return sa.Column("id", _NUMBER, primary_key=True, autoincrement=True)


UNSENT = ("draft", "awaiting_approval", "queued", "sending", "in_doubt", "parked")

# What was decided to do, and holds of whom a message waits for: never changed. Columns as in
# outreach/planned.py. Every decision of a night is in the file that it publishes
# (outreach/worklist.py).
decisions = sa.Table(
    "decisions", metadata,
    _text("decision_id", key=True),
    sa.Column("as_of", sa.Date, nullable=False),
    _text("customer_id", required=True), _text("unit", required=True), _text("contact_id"),
    _text("decision", required=True), _text("playbook", required=True),
    _text("mode", required=True), _text("channel"), _text("purpose", required=True),
    _flag("transactional"),
    _text("arm", required=True), sa.Column("propensity", sa.Float), _text("stratum"),
    _at("not_before"), _at("due_at"), _text("owner_id"),
    sa.Column("reasons", sa.JSON, nullable=False), _text("reason_key", required=True),
    _at("evidence_at"), sa.Column("gates", sa.JSON, nullable=False),
    _text("inputs_fingerprint", required=True), sa.Column("churn_probability", sa.Float),
    _text("model_version"), _text("run", required=True), _text("policy_version", required=True),
    _at("recorded_at", required=True),
    sa.Index("decisions_of_night", "as_of"),
    sa.Index("decisions_of_customer", "customer_id"),
)  # fmt: skip

# Who was drawn into which arm. `period` names the draw; within it nobody is drawn again.
assignments = sa.Table(
    "assignments", metadata,
    _text("unit", key=True), _text("period", key=True),
    _text("arm", required=True), sa.Column("propensity", sa.Float, nullable=False),
    _text("stratum"), sa.Column("as_of", sa.Date, nullable=False),
    _text("policy_version", required=True),
)  # fmt: skip

work_items = sa.Table(
    "work_items", metadata,
    _id(),
    _text("customer_id", required=True), _text("reason_key", required=True),
    _text("contact_id"), _text("decision", required=True), _text("playbook", required=True),
    _text("channel"), _text("owner_id"), sa.Column("reasons", sa.JSON, nullable=False),
    sa.Column("remedies", sa.JSON),  # what would lower the risk, in sentences; null: not asked
    sa.Column("churn_probability", sa.Float),
    _at("due_at"), _at("evidence_at"),
    _text("decision_id", required=True),  # the newest that led here
    _text("state", required=True), _at("since", required=True), _at("snoozed_until"),
    _text("closed_as"), _text("why"),
    _at("came_back_at"),  # an answer or bounce that nobody has acted on yet
    _at("handed_over_at"),  # by hand: no plan changes its owner any more
    _at("created_at", required=True), _at("seen_at", required=True),  # when last planned ...
    sa.Column("rank", sa.Integer, nullable=False),  # ... and its place in that plan
    sa.Index(
        "one_open_item", "customer_id", "reason_key", unique=True,
        sqlite_where=sa.text("state <> 'closed'"),
        postgresql_where=sa.text("state <> 'closed'"),
    ),
    sa.Index(
        "items_to_do", "seen_at", "rank",
        sqlite_where=sa.text("state <> 'closed'"),
        postgresql_where=sa.text("state <> 'closed'"),
    ),
    sa.Index(
        "items_that_came_back", "came_back_at",
        sqlite_where=sa.text("came_back_at IS NOT NULL"),
        postgresql_where=sa.text("came_back_at IS NOT NULL"),
    ),
    sa.Index("items_of_customer", "customer_id", "reason_key", "id"),
)  # fmt: skip

# Written out and not bound: neither database finds its partial index by a bound value.
unfinished = work_items.c.state != sa.literal_column("'closed'")

# The outbox. Address, name and words stand here until retention clears them, and nowhere else.
messages = sa.Table(
    "messages", metadata,
    _text("id", key=True),  # also the idempotency key
    sa.Column("item_id", _NUMBER, sa.ForeignKey("work_items.id")), _text("decision_id"),
    _text("customer_id", required=True), _text("unit", required=True), _text("contact_id"),
    _text("contact_point"), _text("channel", required=True), _text("domain"),
    _text("playbook", required=True), _text("purpose", required=True), _flag("transactional"),
    _text("state", required=True), _text("why"),
    _at("not_before"), _at("queued_at"), _at("next_try_at", required=True),
    _text("address"), _text("name"), _text("from_name"), _text("language"),
    _text("subject"), _text("text"), _text("html"), _text("in_reply_to"),
    _text("rewritten_by"), _text("drafted_text"),  # a language model, and the words before it
    _text("claimed_by"), _at("lease_until"), _count("attempts"),
    _at("sent_at"), _flag("redirected"), _text("remote_id"),
    _at("created_at", required=True), _at("updated_at", required=True),
    sa.Index("messages_due", "state", "channel", "next_try_at", "id"),
    sa.Index("messages_of_customer", "customer_id"),
    sa.Index("messages_of_unit", "unit"),
    sa.Index("messages_of_point", "contact_point"),
    sa.Index("messages_sent", "sent_at"),
    sa.Index("messages_of_item", "item_id"),
)  # fmt: skip

# Contact points that nobody may write to. `channel` null: on any. Keyed hashes, so they outlive
# an erasure.
suppressions = sa.Table(
    "suppressions", metadata,
    _id(), _text("contact_point", required=True), _text("channel"), _text("reason", required=True),
    _at("at", required=True), _at("lifted_at"),
    sa.Index("suppressed_points", "contact_point"),
)  # fmt: skip

# What was said to outreach itself. Null contact point, channel or purpose: whichever it is.
consents = sa.Table(
    "consents", metadata,
    _id(), _text("customer_id", required=True), _text("contact_point"), _text("channel"),
    _text("purpose"), _text("state", required=True), _at("at", required=True),
    sa.Index("consents_of_customer", "customer_id"),
    sa.Index("consents_of_point", "contact_point"),
)  # fmt: skip

# "I know better until then": nobody is contacted by plan, by that playbook or by any.
overrides = sa.Table(
    "overrides", metadata,
    _id(), _text("customer_id", required=True), _text("playbook"), _at("until", required=True),
    _text("by", required=True), _text("why", required=True), _at("at", required=True),
    sa.Index("overrides_of_customer", "customer_id"),
)  # fmt: skip

answers = sa.Table(
    "answers", metadata,
    _id(), _text("customer_id", required=True), _text("message_id"), _text("channel"),
    _at("at", required=True),
    sa.Index("answers_in_time", "at"),
)  # fmt: skip

# What came in about our messages, each once: answers, bounces, complaints, unsubscribes. Neither
# whose it is nor its words: `id` is a keyed hash; `mailbox` and `uid` say where it lies.
received = sa.Table(
    "received", metadata,
    _text("id", key=True), _at("at", required=True), _text("kind", required=True),
    _text("became", required=True), _text("why"),
    _text("message_id"), _text("customer_id"),
    _flag("for_a_person"), _at("seen_at"),
    _text("mailbox"), _count_or_none("validity"), _count_or_none("uid"),
    _flag("to_file"),  # to be moved or marked as read in its mailbox
    sa.Index(
        "received_for_a_person", "at",
        sqlite_where=sa.text("for_a_person AND seen_at IS NULL"),
        postgresql_where=sa.text("for_a_person AND seen_at IS NULL"),
    ),
    sa.Index("received_to_file", "mailbox", "to_file"),
    sa.Index("received_of_message", "message_id"),
)  # fmt: skip

# How far each mailbox was read: to its highest `uid` under that UIDVALIDITY (RFC 9051, 2.3.1.1).
mailboxes = sa.Table(
    "mailboxes", metadata,
    _text("name", key=True), sa.Column("validity", _NUMBER, nullable=False),
    sa.Column("uid", _NUMBER, nullable=False), _at("read_at", required=True),
)  # fmt: skip

# Contacts that other tools made or are about to: each booked once by its tool's own key.
claims = sa.Table(
    "claims", metadata,
    _text("tool", key=True), _text("key", key=True),
    _text("customer_id", required=True), _text("unit", required=True), _text("contact_point"),
    _text("channel", required=True), _text("purpose", required=True), _flag("transactional"),
    _at("at", required=True), _at("released_at"),
    sa.Index("claims_of_unit", "unit"),
    sa.Index("claims_of_point", "contact_point"),
    sa.Index("claims_of_customer", "customer_id"),
)  # fmt: skip

# What the newest plan knows of everybody, for claims: who may not be contacted and why, and who
# agreed (`reason` null). Null channel or purpose: whichever.
told = sa.Table(
    "told", metadata,
    _id(), _text("customer_id", required=True), _text("channel"), _text("purpose"), _text("reason"),
    sa.Index("told_of_customer", "customer_id"),
)  # fmt: skip

# The household or parent account of each who has one; likewise.
units = sa.Table("units", metadata, _text("customer_id", key=True), _text("unit", required=True))

# `[plan]`'s rules of a contact, for whoever claims one by SQL.
rules = sa.Table(
    "rules", metadata, _text("name", key=True), sa.Column("value", sa.JSON, nullable=False)
)

# How a work item may end; a company adds its own.
close_reasons = sa.Table(
    "close_reasons", metadata, _text("name", key=True), _text("words", required=True)
)

# While one of these is not lifted, nothing is claimed.
stops = sa.Table(
    "stops", metadata,
    _id(), _text("by", required=True), _text("why", required=True), _at("at", required=True),
    _at("lifted_at"), _text("lifted_by"),
)  # fmt: skip

# From when on a channel or a recipient's domain may be written to again ("email", "email/a.org").
rate_limits = sa.Table(
    "rate_limits", metadata, _text("key", key=True), _at("free_at", required=True)
)

# A channel that fails again and again rests until `open_until`.
breakers = sa.Table(
    "breakers", metadata,
    _text("channel", key=True), _count("failures"), _at("open_until"), _text("why"),
)  # fmt: skip

# What history is to be told (`inbox/`), as rows of its contract; each goes once it was told.
interactions = sa.Table(
    "interactions", metadata,
    _text("id", key=True), _text("customer_id", required=True),
    sa.Column("row", sa.JSON, nullable=False),
)  # fmt: skip

# Refusals, suppressions and contacts that `contactability/` is to be told; likewise.
closures = sa.Table(
    "closures", metadata,
    _id(), _text("customer_id", required=True), sa.Column("row", sa.JSON, nullable=False),
)  # fmt: skip

# What a CRM was told of each customer (outreach/push/memory.py): the digest of it and the night (a
# day number) it was answered, why it was refused. `job`: of the CRM, with the digest it was sent.
# Of those whom `forget` took out only the id stays, until the CRM has emptied their fields.
crm_records = sa.Table(
    "crm_records", metadata,
    _text("customer_id", key=True), sa.Column("digest", sa.BigInteger),
    sa.Column("night", sa.Integer), _text("refused"), _text("job"),
    sa.Column("sent", sa.BigInteger), _flag("erased"),
    sa.Index("crm_jobs", "job", sqlite_where=sa.text("job IS NOT NULL"),
             postgresql_where=sa.text("job IS NOT NULL")),
)  # fmt: skip

# The CRM's task of each work item: what it was told last (a digest, and the status), and whether it
# is still to be done there. `erased`: its words go with the next push.
crm_tasks = sa.Table(
    "crm_tasks", metadata,
    sa.Column("item_id", _NUMBER, sa.ForeignKey("work_items.id"), primary_key=True),
    _text("remote_id"), sa.Column("digest", sa.BigInteger), _text("status"), _text("refused"),
    _flag("ended"), _flag("erased"),
    sa.Index("crm_tasks_to_do", "item_id", sqlite_where=sa.text("NOT ended"),
             postgresql_where=sa.text("NOT ended")),
)  # fmt: skip

# What an owner ('' for the queue) was told in chat: their list of a night, an urgent item.
chat_told = sa.Table(
    "chat_told",
    metadata,
    _text("owner_id", key=True),
    _text("subject", key=True),
    _at("at", required=True),
)

# One row a change of state, written with it. Never an address, a name or a message's words.
audit = sa.Table(
    "audit", metadata,
    _id(), _at("at", required=True), _text("by", required=True), _text("verb", required=True),
    _text("subject", required=True), _text("customer_id"),
    sa.Column("details", sa.JSON, nullable=False),
    sa.Index("audit_of_subject", "subject"),
    sa.Index("audit_of_customer", "customer_id"),
)  # fmt: skip
