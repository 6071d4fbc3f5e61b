"""The night's plan: from a ScoreBatch to decisions, the worklist and the log of assignments."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, tzinfo
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from models.batch import ScoreBatch
from models.contracts import DECISIONS, CustomerBook, Timeline
from models.settings import Plan
from outreach import worklist
from outreach.assign import Draw, too_few
from outreach.candidate import Candidate
from outreach.decide import Decision, Hold, Policy, decide, eligible
from outreach.evidence import COMPLAINT_DAYS, Complaints, evidence, facts_and_units
from outreach.ranking import at_risk, ranked
from outreach.rows import Tonight, assignment_rows, due, worklist_rows

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

ROWS_AT_ONCE = 50_000  # decided on as objects at a time: some 50 MB of them


@dataclass(frozen=True, eq=False)
class PlanResult:
    """One night's decisions. The list holds everyone in the risk bands that count, and referrals;
    the others are counted only."""

    as_of: date
    origin: worklist.Origin
    policy_version: str
    rows: pa.Table  # worklist_schema(), by rank
    assigned: pa.Table  # assignments_schema(), in the same order
    bands: Sequence[str]  # the risk band of each row
    counts: dict[str, int]  # scored, below_band, unknown, listed, each decision, held_<gate>
    notes: tuple[str, ...]  # what a reader of the list must know, in sentences

    @property
    def run(self) -> str:
        """The ScoreBatch that was planned."""
        return self.origin.run

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
    generation: int | None = None,
) -> PlanResult:
    """Plans the published scores of `as_of` (the newest by default) and publishes the list.

    `generation` says which state of the history `book` and `timeline` read; with it the list can
    be made again. Raises `WarmlineError` where there are no scores.
    """
    batch = ScoreBatch.latest(scores) if as_of is None else ScoreBatch.open(scores, as_of)
    result = plan(batch, book, timeline, settings, key=key, now=now, zone=zone)
    result = replace(result, origin=replace(result.origin, history_generation=generation))
    write(result, home)
    return result


def write(result: PlanResult, home: Path) -> Path:
    """Publishes the list and the assignments in `home`; gives the folder of the list."""
    return worklist.publish(home, result.as_of, result.rows, result.assigned, result.origin)


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
    night = datetime.combine(batch.as_of, time(), zone)
    complaints = Complaints.of(timeline, night)
    waiting = complaints.waiting["customer_id"].combine_chunks()
    found = ranked(at_risk(batch, settings.min_band, waiting), waiting)
    known = evidence(found, book, timeline, complaints, settings=settings, night=night, now=now)
    draw = Draw.of(key, settings.control_share, as_of=batch.as_of, horizon_days=_horizon(known))
    tonight = Tonight(batch.as_of, night, due(batch.as_of, zone), Policy(settings, zone), draw)
    rows, assigned, held = _decided(known, tonight)
    return PlanResult(
        as_of=batch.as_of,
        origin=worklist.Origin(batch.run, now),
        policy_version=tonight.policy.version,
        rows=rows,
        assigned=assigned,
        bands=known["band"].to_pylist(),
        counts=_counts(batch, found, rows, held),
        notes=tuple(_notes(batch, known, complaints, settings, now)),
    )


def _horizon(known: pa.Table) -> int:
    """The batch's main horizon in days; 0 where nobody is at risk."""
    import pyarrow.compute as pc

    return pc.max(known["horizon_days"]).as_py() or 0


def _decided(known: pa.Table, tonight: Tonight) -> tuple[pa.Table, pa.Table, Counter[str]]:
    """The worklist, the assignments, and how many each gate held.

    From the top of the list; whoever takes part in the experiment takes a place of tonight. Some
    rows at a time become Python objects, which are large, and columns again.
    """
    import pyarrow as pa

    rows = [worklist.worklist_schema().empty_table()]
    assigned = [worklist.assignments_schema().empty_table()]
    held: Counter[str] = Counter()
    place = 0
    for start in range(0, known.num_rows, ROWS_AT_ONCE):
        part = known.slice(start, ROWS_AT_ONCE)
        decisions = list(_decisions(part, tonight, place))
        place += sum(map(eligible, decisions))
        held.update(gate.gate for d in decisions if isinstance(d, Hold) for gate in d.held)
        rows.append(worklist_rows(part, decisions, tonight, first_rank=start + 1))
        assigned.append(assignment_rows(rows[-1], decisions, tonight))
    return pa.concat_tables(rows), pa.concat_tables(assigned), held


def _decisions(part: pa.Table, tonight: Tonight, place: int) -> Iterator[Decision]:
    for facts, unit in facts_and_units(part):
        candidate = Candidate(*[*facts, place, tonight.draw.arm(unit)])
        decision = decide(candidate, tonight.policy, tonight.midnight)
        place += eligible(decision)
        yield decision


def _counts(
    batch: ScoreBatch, found: pa.Table, rows: pa.Table, held: Counter[str]
) -> dict[str, int]:
    scored = found.num_rows - found["churn_probability"].null_count
    kinds = Counter(rows["decision"].to_pylist())
    return {
        "scored": batch.manifest.rows,
        "below_band": batch.manifest.rows - scored,
        "unknown": found.num_rows - rows.num_rows,
        "listed": rows.num_rows,
        **{kind: kinds[kind] for kind in DECISIONS},
        **{f"held_{gate}": held[gate] for gate in sorted(held)},
    }


def _notes(
    batch: ScoreBatch, known: pa.Table, complaints: Complaints, settings: Plan, now: datetime
) -> Iterator[str]:
    import pyarrow.compute as pc

    expires = pc.min(known["expires_at"]).as_py()
    if expires is not None and now > expires:
        yield f"these scores of {batch.as_of} have expired: score again with `warmline score`"
    if warning := too_few(batch.manifest.rows, settings.control_share):
        yield warning
    unknown = known["value_at_risk"].null_count
    if unknown and unknown == known.num_rows:
        yield "no value at risk is known: ranked by the probability of leaving alone"
    elif unknown:
        yield (
            f"{unknown:,} of {known.num_rows:,} have no known value at risk: they come after all "
            "others, by the probability of leaving"
        )
    if complaints.forgotten:
        yield (
            f"complaints without an answer for more than {COMPLAINT_DAYS} days are not referred "
            f"any more: {complaints.forgotten:,}"
        )
