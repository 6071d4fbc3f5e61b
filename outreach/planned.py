"""What a plan hands to the store: one decision with all that it was taken from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class Planned:
    """One decision of one night. Instants carry a time zone.

    `gates` has every gate in its order: None where it let the customer pass, the reason in words
    where it held, `NOT_LOOKED_AT` where one before it had already settled the matter.
    """

    decision_id: str  # the same each time the same is decided
    as_of: date
    customer_id: str
    unit: str  # the parent_id, or else the customer_id
    contact_id: str | None  # which person of the account; None: the customer's own address
    decision: str  # contact | hold | refer
    playbook: str
    mode: str  # draft | approve | auto
    channel: str | None
    purpose: str
    transactional: bool
    arm: str  # treat | control | outside
    propensity: float | None  # of the arm; None outside the experiment
    stratum: str | None  # in which the arm was drawn
    not_before: datetime | None  # the first moment in the customer's own waking hours
    due_at: datetime | None
    owner_id: str | None  # whose task it is; None: the queue
    reasons: Sequence[str]  # why the customer, in sentences
    reason_key: str  # with the customer: names the work item
    evidence_at: datetime | None  # the newest dated evidence
    gates: Mapping[str, str | None]
    inputs_fingerprint: str  # sha-256 of the facts that were decided on
    churn_probability: float | None
    model_version: str | None
    run: str  # of the ScoreBatch
    policy_version: str


NOT_LOOKED_AT = "not looked at"
