"""Decisions as rows of the worklist and of the log of assignments."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import TYPE_CHECKING, Any

from outreach.assign import Draw, decision_id
from outreach.decide import CHECK_IN, Contact, Decision, Hold, Policy, Refer, eligible
from outreach.evidence import Evidence
from outreach.ranking import raising
from outreach.worklist import assignments_schema, worklist_schema

if TYPE_CHECKING:
    import pyarrow as pa

COMPLAINT = "unanswered-complaint"  # the play behind a referral
MODE = "draft"  # nothing goes out by itself until there is sending
WORKDAY_ENDS = time(17)  # what is due today is due by then, in the home's zone
SATURDAY = 5


def worklist_rows(
    listed: pa.Table,
    decisions: Sequence[Decision],
    evidence: Evidence,
    policy: Policy,
    draw: Draw,
    due_at: datetime,
) -> pa.Table:
    """The worklist of `listed`, in its order."""
    import pyarrow as pa

    schema = worklist_schema()
    ids = listed["customer_id"].to_pylist()
    arms = [_arm(decision) for decision in decisions]
    held = [isinstance(decision, Hold) for decision in decisions]
    columns: dict[str, Any] = {
        "rank": range(1, len(ids) + 1),
        "customer_id": ids,
        "contact_id": pa.nulls(len(ids)),
        "decision": [type(decision).__name__.lower() for decision in decisions],
        "hold_reasons": [d.reasons if isinstance(d, Hold) else [] for d in decisions],
        "reasons": [
            [d.reason, *words] if isinstance(d, Refer) else words
            for d, words in zip(decisions, raising(listed["reasons"]), strict=True)
        ],
        "what_changed": [words or [] for words in listed["what_changed"].to_pylist()],
        "playbook": [COMPLAINT if isinstance(d, Refer) else CHECK_IN for d in decisions],
        "mode": [None if hold else MODE for hold in held],
        "channel": [d.channel if isinstance(d, Contact) else None for d in decisions],
        "expected_saved_value": pa.nulls(len(ids)),
        "value_at_risk": listed["value_at_risk"],
        "churn_probability": listed["churn_probability"],
        "silent": listed["silent"],
        "due_at": [None if hold else due_at for hold in held],
        "owner_id": [evidence.people[customer_id].owner_id for customer_id in ids],
        "assignment": arms,
        "propensity": [None if arm == "outside" else draw.propensity(arm) for arm in arms],
        "policy_version": pa.repeat(policy.version, len(ids)),
    }
    return pa.table([_typed(columns[field.name], field.type) for field in schema], schema=schema)


def _typed(values: Any, kind: pa.DataType) -> Any:
    import pyarrow as pa

    if isinstance(values, (pa.Array, pa.ChunkedArray)):
        return values.cast(kind)
    return pa.array(values, kind)


def _arm(decision: Decision) -> str:
    if not eligible(decision):
        return "outside"
    return "treat" if isinstance(decision, Contact) else "control"


def assignment_rows(
    rows: pa.Table, decisions: Sequence[Decision], key: bytes, as_of: date, night: datetime
) -> pa.Table:
    """The log of assignments, one row a row of the list."""
    import pyarrow as pa

    pairs = zip(rows["customer_id"].to_pylist(), rows["playbook"].to_pylist(), strict=True)
    schema = assignments_schema()
    columns = [
        pa.array([decision_id(key, as_of, *pair) for pair in pairs], pa.string()),
        rows["customer_id"],
        pa.array([night] * rows.num_rows, schema.field("as_of").type),
        rows["playbook"],
        pa.array([eligible(decision) for decision in decisions], pa.bool_()),
        rows["assignment"],
        rows["propensity"],
        rows["policy_version"],
    ]
    return pa.table(columns, schema=schema)


def due(as_of: date, zone: tzinfo) -> datetime:
    """The end of the working day that the list is for: that day, or Monday after a weekend."""
    days = max(0, 7 - as_of.weekday()) if as_of.weekday() >= SATURDAY else 0
    return datetime.combine(as_of + timedelta(days=days), WORKDAY_ENDS, zone).astimezone(UTC)
