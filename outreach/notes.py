"""What a reader of the list must know besides, in sentences."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from models.batch import ScoreBatch
from outreach.assign import Draw
from outreach.decide import Policy
from outreach.evidence import Evidence
from outreach.power import Power
from outreach.triggers import silent_ones

if TYPE_CHECKING:
    import pyarrow as pa

COMPLAINT = "unanswered-complaint"


def notes(
    batch: ScoreBatch,
    evidence: Evidence,
    latest: pa.Table,
    policy: Policy,
    power: Power,
    draw: Draw,
    now: datetime,
) -> Iterator[str]:
    """Each of them, the most urgent first. `latest`: `Timeline.latest` of the night."""
    import pyarrow.compute as pc

    rows = evidence.rows
    expires = pc.min(rows["expires_at"]).as_py()
    if expires is not None and now > expires:
        yield f"these scores of {batch.as_of} have expired: score again with `warmline score`"
    yield from _experiment(policy, power, draw)
    yield from _values(rows)
    if forgotten := _forgotten(latest, policy, batch):
        yield forgotten
    if silent := silent_ones(latest, policy.playbooks):
        yield f"playbooks that cannot fire, since the history tells nothing of it: {_list(silent)}"


def _experiment(policy: Policy, power: Power, draw: Draw) -> Iterator[str]:
    share = policy.settings.control_share
    if share == 0:
        yield (
            "there is no control group (plan.control_share = 0): what contacts do will stay unknown"
        )
    elif power.units and (draw.timing or power.tells):
        yield power.words


def _values(rows: pa.Table) -> Iterator[str]:
    unknown = rows["value_at_risk"].null_count
    if unknown and unknown == rows.num_rows:
        yield "no value at risk is known: ranked by the probability of leaving alone"
    elif unknown:
        yield (
            f"{unknown:,} of {rows.num_rows:,} have no known value at risk: they come after all "
            "others, by the probability of leaving"
        )


def _forgotten(latest: pa.Table, policy: Policy, batch: ScoreBatch) -> str | None:
    """Complaints that are older than the playbook looks back."""
    import pyarrow.compute as pc

    days = next((p.trigger.to_days for p in policy.playbooks.plays if p.name == COMPLAINT), None)
    if days is None:
        return None
    night = datetime.combine(batch.as_of, datetime.min.time(), policy.zone)
    old = pc.less(latest["complaint_at"], night - timedelta(days=days))
    many = pc.sum(old).as_py() or 0
    return (
        f"complaints without an answer for more than {days:.0f} days are not referred any more: "
        f"{many:,}"
        if many
        else None
    )


def _list(names: list[str]) -> str:
    return ", ".join(names)
