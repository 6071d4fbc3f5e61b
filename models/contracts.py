"""The shapes that the parts of Warmline exchange. Source: CONTRACTS.md; changes break others.

Codes are positions in the tuples below and are written to disk: append, never reorder.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

CUSTOMER_KINDS = (
    "case_opened", "message_in", "call_in", "case_reopened", "complaint", "survey_answered",
    "public_mention", "bot_session", "usage", "order", "payment", "referral", "meeting_held",
    "meeting_missed", "contact_left",
)  # fmt: skip
COMPANY_KINDS = (
    "message_out", "call_out", "case_assigned", "case_transferred", "case_escalated",
    "case_pending", "case_solved", "case_closed", "bot_handoff", "survey_sent", "promise_made",
    "promise_kept", "promise_broken", "outage", "payment_failed", "refund",
)  # fmt: skip
CONTRACT_KINDS = ("plan_changed", "paused", "resumed", "notice_given", "renewed", "term_ended")
OUTREACH_KINDS = (
    "outreach_sent", "outreach_opened", "outreach_answered", "outreach_bounced",
    "outreach_unsubscribed",
)  # fmt: skip
KINDS = CUSTOMER_KINDS + COMPANY_KINDS + CONTRACT_KINDS + OUTREACH_KINDS
KIND_CODE = {kind: code for code, kind in enumerate(KINDS)}

CHANNELS = ("email", "phone", "chat", "web", "social", "sms", "app", "in_person", "bot")
CHANNEL_CODE = {channel: code for code, channel in enumerate(CHANNELS)}

SCORE_KINDS = ("csat", "nps", "ces")
SCORE_KIND_CODE = {kind: code for code, kind in enumerate(SCORE_KINDS)}

END_KINDS = ("cancelled", "not_renewed", "non_payment", "deceased", "moved", "company")

# A word from the customer: what ends silence (CONTRACTS.md, definitions).
WORD_KINDS = (
    "message_in", "call_in", "case_opened", "case_reopened", "complaint", "survey_answered",
    "public_mention", "meeting_held",
)  # fmt: skip
# Kinds whose words are looked at: the customer's own, and the company's answers.
TONE_KINDS = (
    "message_in", "call_in", "case_opened", "case_reopened", "complaint", "survey_answered",
    "public_mention", "bot_session", "outreach_answered",
)  # fmt: skip
ANSWER_KINDS = ("message_out", "call_out")
# What an interaction's words say: bit n of its `said` is the n-th of these. `text`: that there are
# words at all; `refused`: the company's "there is nothing we can do".
SAID = ("text", "negative", "positive", "effort", "leaving", "refused")
# What counts as staying where there is no contract.
STAYING_KINDS = ("order", "usage", "payment")

DAY = 86_400  # seconds; a window of w days is [as_of - w * DAY, as_of)

# How one who serves acts for a customer, as far as figures of agents go. The history keeps these
# rows aside (pipelines/history/parts.py): another choice holds for parts written after it.
SERVING_KINDS = ("message_out", "call_out", "case_solved")

SCORE_BATCH_VERSION = 1
CONTEXT_VERSION = 1  # of what a night publishes in context/
BANDS = ("low", "medium", "high")  # higher is worse
TOLD = 3  # reasons of a customer in a ScoreBatch, at most
OBJECTS = "objects to profiling"  # why somebody is neither scored nor contacted
DECISIONS = ("contact", "hold", "refer")
# What of a score a CRM can be told (outreach/push/fields.py).
PUSHED = (
    "churn_probability", "band", "percentile", "value_at_risk", "silent", "reasons", "as_of",
    "scored_at", "expires_at",
)  # fmt: skip
# Of a yearly contract that ends past the horizon; a CRM is told where its fields have names.
RENEWAL = ("renewal_at", "non_renewal_probability")
WORKLIST_COLUMNS = (
    "rank", "customer_id", "contact_id", "decision", "hold_reasons", "reasons", "what_changed",
    "playbook", "mode", "channel", "expected_saved_value", "value_at_risk", "churn_probability",
    "silent", "due_at", "owner_id", "assignment", "propensity", "policy_version",
)  # fmt: skip


@dataclass(frozen=True)
class Feature:
    """One column of the matrix: its name, the sentence a manager reads, and where it belongs.

    `says` may hold `{value}`, and `{window}` for the window in words ("30 days").
    """

    name: str
    says: str
    system: str  # "S1" to "S21" of CAPABILITIES.md
    group: str  # the stream or family; a system's reason is told by its strongest groups
    stat: str = ""
    window_days: int | None = None  # None: the whole history, or no window at all
    definition: str = ""  # what it is computed from; another definition needs another model


@dataclass(frozen=True)
class Reason:
    """Why a customer's risk is what it is. `weight` is in log-odds; positive raises the risk."""

    feature: str
    system: str
    words: str
    direction: str  # "raises" | "lowers"
    weight: float


def score_schema() -> pa.Schema:
    """Columns of a ScoreBatch part, version 1 (CONTRACTS.md, Output)."""
    import pyarrow as pa

    instant = pa.timestamp("us", tz="UTC")
    horizon = pa.struct(
        [("days", pa.int32()), ("probability", pa.float64()), ("low", pa.float64()),
         ("high", pa.float64())]
    )  # fmt: skip
    reason = pa.struct(
        [("feature", pa.string()), ("system", pa.string()), ("words", pa.string()),
         ("direction", pa.string()), ("weight", pa.float64())]
    )  # fmt: skip
    effect = pa.struct(
        [("playbook", pa.string()), ("effect", pa.float64()), ("low", pa.float64()),
         ("high", pa.float64())]
    )  # fmt: skip
    return pa.schema(
        [
            ("customer_id", pa.string()),
            ("as_of", instant),
            ("horizon_days", pa.int32()),
            ("churn_probability", pa.float64()),
            ("horizons", pa.list_(horizon)),
            ("expected_days", pa.float64()),  # until leaving; not in runs of before it
            ("band", pa.string()),
            ("percentile", pa.float64()),
            ("value_at_risk", pa.float64()),
            ("silent", pa.bool_()),
            ("fading", pa.float64()),
            ("reasons", pa.list_(reason)),
            ("what_changed", pa.list_(pa.string())),
            ("effects", pa.list_(effect)),
            ("model_version", pa.string()),
            ("scored_at", instant),
            ("expires_at", instant),
        ]
    )


def renewals_schema() -> pa.Schema:
    """Columns of `renewals.parquet`: of scored customers with a yearly contract that ends past the
    horizon, the planned end, and the probability that it is not renewed then."""
    import pyarrow as pa

    return pa.schema(
        [
            ("customer_id", pa.string()),
            ("renewal_at", pa.timestamp("us", "UTC")),
            ("non_renewal_probability", pa.float64()),
        ]
    )


def not_scored_schema() -> pa.Schema:
    """Columns of `not_scored.parquet`."""
    import pyarrow as pa

    return pa.schema([("customer_id", pa.string()), ("why", pa.string())])


# What last happened to a customer, each the instant of the newest (`Timeline.latest`).
LATEST = (
    "complaint_at",  # the oldest that no word of the company followed
    "promise_broken_at",  # followed by no word of the company, nor a promise kept
    "detractor_at",  # an answer at the low end (NPS to 6, CSAT and CES to 2), likewise
    "outage_at",  # likewise
    "payment_failed_at",  # followed by no payment
    "repeated_at",  # a case of the same topic within 7 days of a solved one
    "asked_at",  # the newest case of a topic that the customer opened three of in 90 days
    "solved_at",  # a case, since when none was opened and no survey was sent
    "order_at",
    "touched_at",  # a word of the company, asked for or not
    "answered_at",  # outreach or a survey
    "contact_left_at",
    "joined_at",  # in the last year
    "renews_at",  # lies ahead: the planned end of a running term that is under no notice
)

# Of these, what has a topic (CONTRACTS.md: category of the issue, item ordered) or a case.
MATTERS = (
    "promise_broken_at", "outage_at", "payment_failed_at", "repeated_at", "asked_at", "solved_at",
    "order_at",
)  # fmt: skip


class CustomerBook(Protocol):
    """What outreach may know of customers; implemented in `pipelines/history`.

    Texts are missing (`pandas.isna`) where unknown; instants are UTC, NaT where unknown."""

    def customers(self, customer_ids: pa.Array) -> pa.Table:
        """One row a known customer, in the order asked: customer_id, parent_id, owner_id,
        preferred_channel, segment, region, timezone, profiling_objection (bool)."""
        ...

    def parents(self) -> pa.Table:
        """The parent account of each customer who has one: customer_id, parent_id."""
        ...

    def consents(self, as_of: datetime) -> pd.DataFrame:
        """What was granted and refused before `as_of`, each time it was said: customer_id,
        contact_id (None: the customer's own address), channel, purpose (None: every one), state,
        at. An `outreach_unsubscribed` refuses its channel for every purpose."""
        ...

    def contacts(self) -> pd.DataFrame:
        """The persons of accounts: contact_id, customer_id, role, left_at (an instant)."""
        ...

    def addresses(self, channel: str) -> pa.Table:
        """Addresses for `email` or `phone`: customer_id, contact_id (null: the customer's own),
        address. Personal data: only to be compared or written to, never shown or kept."""
        ...

    def owners(self) -> pd.DataFrame:
        """Who works the list: owner_id, team, capacity_per_day (NaN: no limit known), away_from,
        away_to (instants), delegate_id, active (bool)."""
        ...

    def holidays(self) -> pd.DataFrame:
        """Days on which nobody is written to: team (None: everybody's), date."""
        ...


class Correspondence(Protocol):
    """Who is written to and who signs; implemented in `pipelines/history`. Personal data: read
    only to write to them, and never shown elsewhere or kept."""

    def recipients(self, customer_ids: Sequence[str]) -> pa.Table:
        """Customers (contact_id null) and the persons of their accounts: customer_id, contact_id,
        name, address (e-mail), locale (BCP 47) and timezone (the customer's), joined_at (the
        customer's; an instant); null where unknown."""
        ...

    def senders(self) -> pa.Table:
        """The owners: owner_id, name, email; null where unknown."""
        ...

    def matters(self, customer_ids: Sequence[str], as_of: datetime) -> pa.Table:
        """What customers' dated facts (`Timeline.latest` of `as_of`) were about: customer_id, fact
        (of `MATTERS`), topic, case_id; null where unknown, or where several things happened at
        that moment; no row where neither is known. Never an interaction's words."""
        ...


class Timeline(Protocol):
    """What outreach may know of what happened; implemented in `pipelines/history`."""

    def open_cases(self, as_of: datetime) -> pd.DataFrame:
        """Cases opened and not solved or closed before `as_of`.

        customer_id, case_id, opened_at, last_at (when anything last happened in it)."""
        ...

    def latest(self, as_of: datetime) -> pa.Table:
        """What last happened to each customer before `as_of`: customer_id, and an instant
        (`timestamp[s, tz=UTC]`) for each of `LATEST`, null where it never did."""
        ...

    def contacted(self, since: datetime, as_of: datetime) -> pa.Table:
        """Each time the company wrote or called unasked in `[since, as_of)`: customer_id, at,
        channel (null where unknown), recorded (bool: an `outreach_sent`).

        Unasked: `outreach_sent`, or a `message_out` or `call_out` that belongs to no case."""
        ...

    def features(self) -> Sequence[Feature]:
        """All features that `figures` can tell (docs/features.md), a company's own among them."""
        ...

    def remedies(self, customer_ids: Sequence[str], as_of: datetime) -> Mapping[str, list[str]]:
        """What would lower the risk that the company can do something about, or could have, in
        sentences by customer: by the model that scored the night `as_of`, an association. Who is
        not there, of them there is nothing."""
        ...

    def figures(self, customer_ids: pa.Array, names: Sequence[str], as_of: datetime) -> pa.Table:
        """Features as the scores of the night `as_of` saw them: customer_id, and a double for each
        of `names`, null where not known. One row a known customer, in any order."""
        ...
