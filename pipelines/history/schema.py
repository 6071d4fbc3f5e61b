"""The contract tables, declared once: columns, types, keys. Source: CONTRACTS.md, Input.

Validation, storage, the documentation and the mappings all read these declarations.
"""

from __future__ import annotations

from dataclasses import dataclass

from models.contracts import CHANNELS, END_KINDS, KINDS, SCORE_KINDS


@dataclass(frozen=True)
class Column:
    """One column. `type` is text, time, date, number or flag; `one_of` closes the values."""

    name: str
    type: str = "text"
    required: bool = False
    one_of: tuple[str, ...] = ()
    least: float | None = None
    most: float | None = None
    personal: bool = False  # never a feature, never in a score file or a log
    past: bool = False  # a time that cannot lie ahead


@dataclass(frozen=True)
class Check:
    """A rule over several columns: a row for which `broken` (SQL) holds is rejected."""

    column: str  # the one that is reported
    broken: str
    reason: str


@dataclass(frozen=True)
class Table:
    """One table: `key` identifies a row within it (`source` is added for interactions)."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    open_ended: bool = False  # other columns are kept as attributes
    checks: tuple[Check, ...] = ()

    def column(self, name: str) -> Column | None:
        return next((column for column in self.columns if column.name == name), None)


# Columns that every table may carry.
PROVENANCE = (
    Column("source"),
    Column("recorded_at", "time", past=True),
    Column("updated_at", "time"),
    Column("deleted_at", "time"),
)

CUSTOMERS = Table(
    "customers",
    (
        Column("customer_id", required=True),
        Column("joined_at", "time", required=True),
        Column("left_at", "time"),
        Column("left_reason"),
        Column("value_per_month", "number", least=0),
        Column("currency"),
        Column("parent_id"),
        Column("segment"),
        Column("region"),
        Column("locale"),
        Column("timezone"),
        Column("owner_id"),
        Column("name", personal=True),
        Column("email", personal=True),
        Column("phone", personal=True),
        Column("preferred_channel", one_of=CHANNELS),
        Column("profiling_objection", "flag"),
    ),
    key=("customer_id",),
    open_ended=True,
    checks=(Check("left_at", "left_at < joined_at", "is before joined_at"),),
)

INTERACTIONS = Table(
    "interactions",
    (
        Column("interaction_id", required=True),
        Column("customer_id", required=True),
        Column("contact_id"),
        Column("occurred_at", "time", required=True, past=True),
        Column("kind", required=True, one_of=KINDS),
        Column("channel", one_of=CHANNELS),
        Column("case_id"),
        Column("agent_id"),
        Column("topic"),
        Column("value", "number"),
        Column("seconds", "number", least=0),
        Column("wait_seconds", "number", least=0),
        Column("score", "number", least=0, most=10),
        Column("score_kind", one_of=SCORE_KINDS),
        Column("caused_by"),
        Column("text", personal=True),
    ),
    key=("source", "interaction_id"),
    checks=(
        Check("score", "score_kind = 'csat' AND score NOT BETWEEN 1 AND 5", "is not 1 to 5 (csat)"),
        Check("score", "score_kind = 'ces' AND score NOT BETWEEN 1 AND 7", "is not 1 to 7 (ces)"),
    ),
)

TERMS = Table(
    "terms",
    (
        Column("customer_id", required=True),
        Column("term_id", required=True),
        Column("product"),
        Column("value_per_month", "number", least=0),
        Column("currency"),
        Column("started_at", "time", required=True),
        Column("ends_at", "time"),
        Column("notice_at", "time"),
        Column("ended_at", "time"),
        Column("end_kind", one_of=END_KINDS),
        Column("paused_from", "time"),
        Column("paused_to", "time"),
    ),
    key=("customer_id", "term_id"),
    checks=(
        Check("ended_at", "ended_at < started_at", "is before started_at"),
        Check("paused_to", "paused_to < paused_from", "is before paused_from"),
    ),
)

IDENTITIES = Table(
    "identities",
    (
        Column("system", required=True),
        Column("external_id", required=True),
        Column("customer_id", required=True),
        Column("merged_into"),
    ),
    key=("system", "external_id"),
)

CONTACTS = Table(
    "contacts",
    (
        Column("contact_id", required=True),
        Column("customer_id", required=True),
        Column("name", personal=True),
        Column("email", personal=True),
        Column("phone", personal=True),
        Column("role"),
        Column("left_at", "time"),
    ),
    key=("contact_id",),
)

CONSENTS = Table(
    "consents",
    (
        Column("customer_id", required=True),
        Column("contact_id"),
        Column("channel", required=True, one_of=CHANNELS),
        Column("purpose"),
        Column("state", required=True, one_of=("granted", "refused", "unknown")),
        Column("at", "time", required=True),
    ),
    key=("customer_id", "contact_id", "channel", "purpose", "at"),
)

OWNERS = Table(
    "owners",
    (
        Column("owner_id", required=True),
        Column("name", personal=True),
        Column("email", personal=True),
        Column("team"),
        Column("capacity_per_day", "number", least=0),
        Column("away_from", "time"),
        Column("away_to", "time"),
        Column("delegate_id"),
        Column("active", "flag"),
    ),
    key=("owner_id",),
)

AGENTS = Table(
    "agents",
    (
        Column("agent_id", required=True),
        Column("team"),
        Column("is_bot", "flag"),
        Column("started_at", "time"),
        Column("left_at", "time"),
    ),
    key=("agent_id",),
)

CALENDARS = Table(
    "calendars",
    (
        Column("team", required=True),
        Column("weekday", "number", required=True, least=0, most=6),
        Column("opens", required=True),
        Column("closes", required=True),
        Column("timezone"),
    ),
    key=("team", "weekday", "opens"),
)

HOLIDAYS = Table(
    "holidays", (Column("team"), Column("date", "date", required=True)), key=("team", "date")
)

ATTRIBUTES = Table(
    "attributes",
    (
        Column("customer_id", required=True),
        Column("name", required=True),
        Column("value"),
        Column("valid_from", "time", required=True),
    ),
    key=("customer_id", "name", "valid_from"),
)

FEED_GAPS = Table(
    "feed_gaps",
    (
        Column("source", required=True),
        Column("kind", one_of=KINDS),
        Column("from", "time", required=True),
        Column("to", "time", required=True),
    ),
    key=("source", "kind", "from"),
)

RATES = Table(
    "rates",
    (
        Column("currency", required=True),
        Column("date", "date", required=True),
        Column("rate", "number", required=True, least=0),
    ),
    key=("currency", "date"),
)

TABLES = (
    CUSTOMERS, INTERACTIONS, TERMS, IDENTITIES, CONTACTS, CONSENTS, OWNERS, AGENTS, CALENDARS,
    HOLIDAYS, ATTRIBUTES, FEED_GAPS, RATES,
)  # fmt: skip
TABLE = {table.name: table for table in TABLES}
REQUIRED_TABLES = ("customers", "interactions")
