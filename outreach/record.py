"""The decisions of a plan as the store keeps them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING, Any

from outreach.gates import GATES, LAST_GATES
from outreach.planned import NOT_LOOKED_AT, Planned

if TYPE_CHECKING:
    import pyarrow as pa

AT_ONCE = 10_000
_SAME = (
    "decision_id", "customer_id", "unit", "contact_id", "decision", "playbook", "channel",
    "purpose", "transactional", "propensity", "stratum", "not_before", "due_at", "owner_id",
    "reasons", "evidence_at", "churn_probability", "model_version", "policy_version", "arm",
)  # fmt: skip
# A hold keeps the mode that its contact would have had.
DEFAULT_MODE = "draft"


def planned(
    rows: pa.Table, assigned: pa.Table, record: pa.Table, *, as_of: date, run: str
) -> Iterator[Planned]:
    """One a row of the three tables, which are in the same order."""
    for start in range(0, rows.num_rows, AT_ONCE):
        parts = (some.slice(start, AT_ONCE).to_pylist() for some in (rows, assigned, record))
        for listed, drawn, kept in zip(*parts, strict=True):
            yield _planned({**listed, **drawn, **kept}, as_of, run)


def _planned(row: dict[str, Any], as_of: date, run: str) -> Planned:
    return Planned(
        **{name: row[name] for name in _SAME},
        as_of=as_of,
        mode=row["mode"] or DEFAULT_MODE,
        reason_key=row["playbook"],
        gates=_gates(row),
        inputs_fingerprint=row["fingerprint"],
        run=run,
    )


def _gates(row: dict[str, Any]) -> dict[str, str | None]:
    """Every gate in its order with its outcome."""
    held = dict(zip(row["held_by"], row["hold_reasons"], strict=True))
    found: dict[str, str | None] = {}
    for gate in GATES:
        looked = row["decision"] != "refer" or gate.name == "erased"
        found[gate.name] = held.get(gate.name) if looked else NOT_LOOKED_AT
    settled = row["decision"] == "refer" or any(found.values())
    for gate in LAST_GATES:
        found[gate.name] = NOT_LOOKED_AT if settled else held.get(gate.name)
        settled = settled or found[gate.name] is not None
    return found
