"""Decisions as rows of the worklist, of the log of assignments and of the record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from outreach.assign import CONTROL, OUTSIDE, TREAT, Draw, decision_ids
from outreach.candidates import fingerprints, whys
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


def table(
    rows: pa.Table,
    decided: Sequence[Decision],
    evidence: Evidence,
    tonight: Tonight,
    *,
    first: int,
    chance: float = 1.0,
    alike: NDArray[np.int64] | None = None,
) -> pa.Table:
    """The decisions about `rows` (a part of `evidence.rows`) as columns of all three. `chance`:
    with which a place of tonight's capacity was given. `alike`: of each row its place in
    `decided`, where several are held for one and the same reason."""
    import pyarrow as pa

    fields = {field.name: field for schema in schemas() for field in schema}
    place = np.arange(len(decided)) if alike is None else alike
    own = rows.take(np.unique(place, return_index=True)[1])  # one of each decision
    told = {
        **_of_decisions(own, decided, tonight, chance),
        **_of_moments(own, decided, tonight),
    }
    columns = {
        **_of_scores(rows, tonight, first),
        **_of_plays(rows, tonight),
        **{name: _typed(each, fields[name].type).take(place) for name, each in told.items()},
        "decision_id": _ids(rows, tonight),
        "contact_id": [evidence.persons.get(who) for who in rows["customer_id"].to_pylist()],
        "reasons": _reasons(decided, place, whys(rows, evidence, tonight.policy)),
        "fingerprint": fingerprints(rows, evidence, tonight.policy),
        "stratum": strata(rows),
    }
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
    return [_stratum(band, silent) for band, silent in pairs]


@cache
def _stratum(band: str, silent: bool | None) -> str:
    return f"{band} {'silent' if silent else 'vocal'}"


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


def _of_plays(rows: pa.Table, tonight: Tonight) -> dict[str, Any]:
    """What stands in the playbook of each row."""
    import pyarrow as pa

    plays = tonight.policy.playbooks.plays
    kinds = {"playbook": [play.name for play in plays], "purpose": [play.purpose for play in plays]}
    names = rows["play"]
    columns = {
        name: pa.array(words, pa.string()).take(names.combine_chunks())
        for name, words in kinds.items()
    }
    flags = pa.array([play.transactional for play in plays], pa.bool_())
    return {**columns, "transactional": flags.take(names.combine_chunks())}


def _of_decisions(
    rows: pa.Table, decided: Sequence[Decision], tonight: Tonight, chance: float
) -> dict[str, Any]:
    plays = [tonight.policy.playbooks.plays[play] for play in rows["play"].to_pylist()]
    held = [isinstance(decision, Hold) for decision in decided]
    takes_part = [eligible(decision) for decision in decided]
    arms = [
        OUTSIDE if not (part and play.randomised) else CONTROL if hold else TREAT
        for part, play, hold in zip(takes_part, plays, held, strict=True)
    ]
    return {
        "decision": [type(decision).__name__.lower() for decision in decided],
        "hold_reasons": [d.reasons if isinstance(d, Hold) else [] for d in decided],
        "held_by": [[h.gate for h in d.held] if isinstance(d, Hold) else [] for d in decided],
        "mode": [None if hold else play.mode for hold, play in zip(held, plays, strict=True)],
        "channel": [d.channel if isinstance(d, Contact) else None for d in decided],
        "due_at": [None if hold else tonight.due_at for hold in held],
        "assignment": arms,
        "arm": arms,
        "eligible": takes_part,
        "propensity": [
            None if arm == OUTSIDE else chance * tonight.draw.propensity(arm) for arm in arms
        ],
    }


def _ids(rows: pa.Table, tonight: Tonight) -> list[str]:
    names = [play.name for play in tonight.policy.playbooks.plays]
    customers, plays = (rows[name].to_pylist() for name in ("customer_id", "play"))
    about = zip(customers, (names[play] for play in plays), strict=True)
    return decision_ids(tonight.draw.key, tonight.as_of, about)


def _reasons(
    decided: Sequence[Decision], place: NDArray[np.int64], whys: list[list[str]]
) -> list[list[str]]:
    """Whoever is referred is so for one reason above all."""
    first = [[each.reason] if isinstance(each, Refer) else [] for each in decided]
    return [first[each] + why for each, why in zip(place.tolist(), whys, strict=True)]


def _of_moments(
    rows: pa.Table, decided: Sequence[Decision], tonight: Tonight
) -> dict[str, list[datetime | None]]:
    """The first moment in the waking hours of each who is to be contacted."""
    where = (rows[name].to_pylist() for name in ("timezone", "region", "team"))
    return {
        "not_before": [
            tonight.waking.not_before(*place) if isinstance(each, Contact) else None
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
