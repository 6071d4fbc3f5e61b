"""Decisions as rows of the worklist and of the log of assignments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import TYPE_CHECKING, Any

from outreach.assign import Draw, decision_id
from outreach.decide import CHECK_IN, Contact, Decision, Hold, Policy, Refer, eligible
from outreach.ranking import raising
from outreach.worklist import assignments_schema, worklist_schema

if TYPE_CHECKING:
    import pyarrow as pa

COMPLAINT = "unanswered-complaint"  # the play behind a referral
MODE = "draft"  # nothing goes out by itself until there is sending
WORKDAY_ENDS = time(17)  # what is due today is due by then, in the home's zone
SATURDAY = 5


@dataclass(frozen=True)
class Tonight:
    """What all decisions of one night share."""

    as_of: date
    midnight: datetime  # at the start of `as_of`, in the home's zone
    due_at: datetime
    policy: Policy
    draw: Draw


def worklist_rows(
    known: pa.Table, decisions: Sequence[Decision], tonight: Tonight, *, first_rank: int
) -> pa.Table:
    """The decisions about `known` (a slice of `evidence`) as rows of the worklist, in its order."""
    import pyarrow as pa

    schema = worklist_schema()
    rows = known.num_rows
    arms = [_arm(decision) for decision in decisions]
    held = [isinstance(decision, Hold) for decision in decisions]
    columns: dict[str, Any] = {
        "rank": range(first_rank, first_rank + rows),
        "customer_id": known["customer_id"],
        "contact_id": pa.nulls(rows),
        "decision": [type(decision).__name__.lower() for decision in decisions],
        "hold_reasons": [d.reasons if isinstance(d, Hold) else [] for d in decisions],
        "reasons": [
            [d.reason, *words] if isinstance(d, Refer) else words
            for d, words in zip(decisions, raising(known["reasons"]), strict=True)
        ],
        "what_changed": [words or [] for words in known["what_changed"].to_pylist()],
        "playbook": [COMPLAINT if isinstance(d, Refer) else CHECK_IN for d in decisions],
        "mode": [None if hold else MODE for hold in held],
        "channel": [d.channel if isinstance(d, Contact) else None for d in decisions],
        "expected_saved_value": pa.nulls(rows),
        "value_at_risk": known["value_at_risk"],
        "churn_probability": known["churn_probability"],
        "silent": known["silent"],
        "due_at": [None if hold else tonight.due_at for hold in held],
        "owner_id": known["owner_id"],
        "assignment": arms,
        "propensity": [None if arm == "outside" else tonight.draw.propensity(arm) for arm in arms],
        "policy_version": pa.repeat(tonight.policy.version, rows),
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


def assignment_rows(rows: pa.Table, decisions: Sequence[Decision], tonight: Tonight) -> pa.Table:
    """The log of assignments, one row a row of the worklist."""
    import pyarrow as pa

    pairs = zip(rows["customer_id"].to_pylist(), rows["playbook"].to_pylist(), strict=True)
    schema = assignments_schema()
    columns = [
        pa.array(
            [decision_id(tonight.draw.key, tonight.as_of, *pair) for pair in pairs], pa.string()
        ),
        rows["customer_id"],
        pa.repeat(pa.scalar(tonight.midnight, schema.field("as_of").type), rows.num_rows),
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
