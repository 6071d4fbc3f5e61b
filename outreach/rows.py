"""Decisions as rows of the worklist, of the log of assignments and of the record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import TYPE_CHECKING, Any

from outreach.assign import CONTROL, OUTSIDE, TREAT, Draw, decision_id
from outreach.candidates import Known
from outreach.decide import Contact, Decision, Hold, Policy, Refer, eligible
from outreach.evidence import Evidence
from outreach.waking import Waking
from outreach.worklist import assignments_schema, record_schema, worklist_schema

if TYPE_CHECKING:
    import pyarrow as pa

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
    waking: Waking


@dataclass(frozen=True, slots=True)
class Decided:
    """One decision with what it was taken from."""

    known: Known
    decision: Decision
    chance: float = 1.0  # with which a place of tonight's capacity was given

    @property
    def arm(self) -> str:
        """`treat` or `control` in the experiment, else `outside`."""
        if not self.known.candidate.playbook.randomised or not eligible(self.decision):
            return OUTSIDE
        return TREAT if isinstance(self.decision, Contact) else CONTROL


def table(
    rows: pa.Table, decided: Sequence[Decided], evidence: Evidence, tonight: Tonight, *, first: int
) -> pa.Table:
    """The decisions about `rows` (a part of `evidence.rows`) as columns of all three."""
    import pyarrow as pa

    columns = {
        **_of_scores(rows, tonight, first),
        **_of_decisions(decided, evidence, tonight),
        **_of_moments(rows, decided, tonight),
    }
    columns["stratum"] = strata(rows)
    fields = {field.name: field for schema in schemas() for field in schema}
    return pa.table(
        [_typed(columns[name], field.type) for name, field in fields.items()],
        schema=pa.schema(list(fields.values())),
    )


def schemas() -> tuple[pa.Schema, ...]:
    """Of the worklist, the assignments and the record; `as_of` stands in the last two."""
    return worklist_schema(), assignments_schema(), record_schema()


def strata(rows: pa.Table) -> list[str]:
    """Within which the control group is drawn: risk, and silent or vocal."""
    pairs = zip(rows["band"].to_pylist(), rows["silent"].to_pylist(), strict=True)
    return [f"{band} {'silent' if silent else 'vocal'}" for band, silent in pairs]


def _of_scores(rows: pa.Table, tonight: Tonight, first: int) -> dict[str, Any]:
    import pyarrow as pa

    many = rows.num_rows
    names = (
        "customer_id", "value_at_risk", "churn_probability", "silent", "owner_id", "unit",
        "evidence_at", "model_version", "band",
    )  # fmt: skip
    return {
        **{name: rows[name] for name in names},
        "rank": range(first, first + many),
        "what_changed": [words or [] for words in rows["what_changed"].to_pylist()],
        "expected_saved_value": rows["saved"],
        "policy_version": pa.repeat(tonight.policy.version, many),
        "as_of": pa.repeat(pa.scalar(tonight.midnight, pa.timestamp("us", tz="UTC")), many),
    }


def _of_decisions(
    decided: Sequence[Decided], evidence: Evidence, tonight: Tonight
) -> dict[str, Any]:
    made = [each.decision for each in decided]
    people = [each.known.candidate for each in decided]
    held = [isinstance(decision, Hold) for decision in made]
    arms = [each.arm for each in decided]
    return {
        "contact_id": [evidence.persons.get(person.customer_id) for person in people],
        "decision": [type(decision).__name__.lower() for decision in made],
        "hold_reasons": [d.reasons if isinstance(d, Hold) else [] for d in made],
        "held_by": [[h.gate for h in d.held] if isinstance(d, Hold) else [] for d in made],
        "reasons": [
            [d.reason, *each.known.why] if isinstance(d, Refer) else each.known.why
            for d, each in zip(made, decided, strict=True)
        ],
        "playbook": [person.playbook.name for person in people],
        "mode": [
            None if hold else person.playbook.mode
            for hold, person in zip(held, people, strict=True)
        ],
        "purpose": [person.playbook.purpose for person in people],
        "transactional": [person.playbook.transactional for person in people],
        "channel": [d.channel if isinstance(d, Contact) else None for d in made],
        "due_at": [None if hold else tonight.due_at for hold in held],
        "assignment": arms,
        "arm": arms,
        "eligible": [eligible(decision) for decision in made],
        "propensity": [
            None if arm == OUTSIDE else each.chance * tonight.draw.propensity(arm)
            for arm, each in zip(arms, decided, strict=True)
        ],
        "decision_id": [
            decision_id(tonight.draw.key, tonight.as_of, person.customer_id, person.playbook.name)
            for person in people
        ],
        "fingerprint": [each.known.fingerprint for each in decided],
    }


def _of_moments(
    rows: pa.Table, decided: Sequence[Decided], tonight: Tonight
) -> dict[str, list[datetime | None]]:
    """The first moment in the waking hours of each who is to be contacted."""
    where = (rows[name].to_pylist() for name in ("timezone", "region", "team"))
    return {
        "not_before": [
            tonight.waking.not_before(*place) if isinstance(each.decision, Contact) else None
            for each, *place in zip(decided, *where, strict=True)
        ]
    }


def _typed(values: Any, kind: pa.DataType) -> Any:
    import pyarrow as pa

    if isinstance(values, (pa.Array, pa.ChunkedArray)):
        return values.cast(kind)
    return pa.array(values, kind)


def due(as_of: date, zone: tzinfo) -> datetime:
    """The end of the working day that the list is for: that day, or Monday after a weekend."""
    days = max(0, 7 - as_of.weekday()) if as_of.weekday() >= SATURDAY else 0
    return datetime.combine(as_of + timedelta(days=days), WORKDAY_ENDS, zone).astimezone(UTC)
