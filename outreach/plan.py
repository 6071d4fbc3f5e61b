"""The night's plan: from a ScoreBatch to decisions, the worklist and the log of assignments."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, tzinfo
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from models.batch import ScoreBatch
from models.contracts import DECISIONS, CustomerBook, Timeline
from models.settings import Plan
from outreach import worklist
from outreach.assign import Draw, too_few
from outreach.decide import Decision, Hold, Policy, decide, eligible
from outreach.evidence import COMPLAINT_DAYS, Complaints, Evidence
from outreach.ranking import candidates, ranked
from outreach.rows import assignment_rows, due, worklist_rows

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


@dataclass(frozen=True, eq=False)
class PlanResult:
    """One night's decisions. The list holds everyone in the risk bands that count, and referrals;
    the others are counted only."""

    as_of: date
    run: str  # of the ScoreBatch
    policy_version: str
    rows: pa.Table  # worklist_schema(), by rank
    assigned: pa.Table  # assignments_schema(), in the same order
    bands: Sequence[str]  # the risk band of each row
    counts: dict[str, int]  # scored, below_band, unknown, listed, each decision, held_<gate>
    notes: tuple[str, ...]  # what a reader of the list must know, in sentences

    @cached_property
    def worklist(self) -> pd.DataFrame:
        """The list: `WORKLIST_COLUMNS`, by rank; columns of lists hold arrays."""
        frame: pd.DataFrame = self.rows.to_pandas()
        return frame

    @cached_property
    def assignments(self) -> pd.DataFrame:
        """Who was eligible, arm and propensity: the columns of CONTRACTS.md, `assignments/`."""
        frame: pd.DataFrame = self.assigned.to_pandas()
        return frame


def run(
    home: Path,
    scores: Path,
    book: CustomerBook,
    timeline: Timeline,
    settings: Plan,
    *,
    key: bytes,
    now: datetime,
    as_of: date | None = None,
    zone: tzinfo = UTC,
) -> PlanResult:
    """Plans the published scores of `as_of` (the newest by default) and publishes the list.

    Raises `WarmlineError` where there are no scores.
    """
    batch = ScoreBatch.latest(scores) if as_of is None else ScoreBatch.open(scores, as_of)
    result = plan(batch, book, timeline, settings, key=key, now=now, zone=zone)
    write(result, home)
    return result


def write(result: PlanResult, home: Path) -> Path:
    """Publishes the list and the assignments in `home`; gives the folder of the list."""
    return worklist.publish(home, result.as_of, result.rows, result.assigned)


def plan(
    batch: ScoreBatch,
    book: CustomerBook,
    timeline: Timeline,
    settings: Plan,
    *,
    key: bytes,
    now: datetime,
    zone: tzinfo = UTC,
) -> PlanResult:
    """Decides about everyone in `batch` who is at risk, and about every unanswered complaint.

    `zone` is the home's; the night is midnight at the start of `batch.as_of` there, and the
    same night gives the same decisions whenever it is planned. Only a refusal counts until `now`.
    `key` is the home's secret, which draws the control group.
    """
    policy = Policy(settings, zone)
    night = datetime.combine(batch.as_of, time(), zone)
    complaints = Complaints.of(timeline, night)
    waiting = complaints.waiting["customer_id"]
    found = ranked(at_risk(batch, settings.min_band, waiting), waiting)
    known = evidence(
        found, book, timeline, complaints, purpose=settings.purpose, night=night, now=now
    )
    draw = Draw.of(key, settings.control_share, as_of=batch.as_of, horizon_days=_horizon(known))
    tonight = Night(batch.as_of, night, zone, policy, draw)
    gates: Counter[str] = Counter()
    rows, assigned = [worklist_schema().empty_table()], [assignments_schema().empty_table()]
    for slice_, decisions in _decisions(known, tonight):
        part = worklist_rows(slice_, decisions, tonight, first_rank=sum(map(len, rows)) + 1)
        rows.append(part)
        assigned.append(assignment_rows(part, decisions, tonight))
        gates.update(_gates(decisions))
    listed = pa.concat_tables(rows)
    return PlanResult(
        as_of=batch.as_of,
        run=batch.run,
        policy_version=policy.version,
        rows=rows,
        assigned=assignment_rows(rows, decisions, key, batch.as_of, night),
        bands=listed["band"].to_pylist(),
        counts=_counts(batch, found, decisions),
        notes=tuple(_notes(batch, listed, complaints, settings, now)),
    )


def _known(found: pa.Table, evidence: Evidence) -> pa.Table:
    """Without whoever the book does not know: they were erased after they were scored."""
    import pyarrow as pa
    import pyarrow.compute as pc

    people = pa.array(list(evidence.people), pa.string())
    return found.filter(pc.is_in(found["customer_id"], value_set=people))


def _horizon(listed: pa.Table) -> int:
    """The batch's main horizon in days; 0 where nobody is at risk."""
    import pyarrow.compute as pc

    return pc.max(listed["horizon_days"]).as_py() or 0


def _decisions(
    listed: pa.Table, evidence: Evidence, policy: Policy, draw: Draw, night: datetime
) -> Iterator[Decision]:
    """From the top of the list; each who takes part in the experiment takes a place of tonight."""
    place = 0
    columns = listed["customer_id"].to_pylist(), listed["band"].to_pylist()
    for customer_id, band in zip(*columns, strict=True):
        arm = draw.arm(evidence.people[customer_id].unit(customer_id))
        candidate = evidence.candidate(customer_id, band, place=place, arm=arm)
        decision = decide(candidate, policy, night)
        place += eligible(decision)
        yield decision


def _counts(batch: ScoreBatch, found: pa.Table, decisions: Sequence[Decision]) -> dict[str, int]:
    scored = found.num_rows - found["churn_probability"].null_count
    kinds = Counter(type(decision).__name__.lower() for decision in decisions)
    gates = Counter(held.gate for d in decisions if isinstance(d, Hold) for held in d.held)
    return {
        "scored": batch.manifest.rows,
        "below_band": batch.manifest.rows - scored,
        "unknown": found.num_rows - len(decisions),
        "listed": len(decisions),
        **{kind: kinds[kind] for kind in DECISIONS},
        **{f"held_{gate}": gates[gate] for gate in sorted(gates)},
    }


def _notes(
    batch: ScoreBatch, listed: pa.Table, complaints: Complaints, settings: Plan, now: datetime
) -> Iterator[str]:
    import pyarrow.compute as pc

    expires = pc.min(listed["expires_at"]).as_py()
    if expires is not None and now > expires:
        yield f"these scores of {batch.as_of} have expired: score again with `warmline score`"
    if warning := too_few(batch.manifest.rows, settings.control_share):
        yield warning
    unknown = listed["value_at_risk"].null_count
    if unknown and unknown == listed.num_rows:
        yield "no value at risk is known: ranked by the probability of leaving alone"
    elif unknown:
        yield (
            f"{unknown:,} of {listed.num_rows:,} have no known value at risk: they come after all "
            "others, by the probability of leaving"
        )
    if complaints.forgotten:
        yield (
            f"{complaints.forgotten:,} customers wait more than {COMPLAINT_DAYS} days for an "
            "answer to a complaint: not referred any more"
        )
