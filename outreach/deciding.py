"""All decisions of a night: gate by gate for each, then tonight's places, then the arms."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from outreach.candidates import Known, candidates
from outreach.decide import screened, settled
from outreach.evidence import Evidence, slices
from outreach.places import Place, Wanting, allot
from outreach.rows import Decided, Tonight, strata, table

if TYPE_CHECKING:
    import pyarrow as pa

ROWS_AT_ONCE = 50_000  # decided on as objects at a time: some 50 MB of them


@dataclass(frozen=True)
class Experiment:
    """The arm of each row whose playbook is randomised, by unit, and all arms of the period."""

    arms: dict[str, str]
    drawn: dict[str, str]


def decided(evidence: Evidence, tonight: Tonight) -> tuple[pa.Table, dict[str, str]]:
    """Every decision as columns (`rows.schemas`), from the top of the list, and the arms of the
    period that are to be kept.

    Looked at twice: which gates hold hangs on the customer alone, capacity on all who are left.
    Some rows at a time become Python objects, which are large, and columns again.
    """
    import pyarrow as pa

    experiment = _experiment(evidence, tonight)
    places = _places(evidence, tonight)
    parts, first = [], 1
    for rows in slices(evidence.rows, ROWS_AT_ONCE):
        made = list(_settled(rows, evidence, tonight, places, experiment))
        parts.append(table(rows, made, evidence, tonight, first=first))
        first += rows.num_rows
    if not parts:
        parts = [table(evidence.rows, [], evidence, tonight, first=1)]
    return pa.concat_tables(parts), experiment.drawn


def _experiment(evidence: Evidence, tonight: Tonight) -> Experiment:
    """Drawn over all whose playbook is randomised, held or not: who takes part hangs on no draw."""
    import pyarrow.compute as pc

    randomised = [n for n, play in enumerate(tonight.policy.playbooks.plays) if play.randomised]
    rows = evidence.rows.filter(pc.field("play").isin(randomised))
    units = rows["unit"].to_pylist()
    arms, new = tonight.draw.arms(units, strata(rows))
    drawn = {**tonight.draw.kept, **new} if new else {}
    return Experiment(dict(zip(units, arms, strict=True)), drawn)


def _places(evidence: Evidence, tonight: Tonight) -> Iterator[Place]:
    """A place, or why none, for each whom nothing else holds, from the top of the list."""
    policy, wanting = tonight.policy, []
    for rows in slices(evidence.rows, ROWS_AT_ONCE):
        ties = rows["tie"].to_pylist()
        for known, tie in zip(candidates(rows, evidence, policy), ties, strict=True):
            candidate = known.candidate
            if screened(candidate, policy, tonight.midnight) is None:
                wanting.append(Wanting(candidate.playbook, candidate.owner_id, tie))
    return iter(allot(wanting, policy.settings, evidence.owners))


def _settled(
    rows: pa.Table,
    evidence: Evidence,
    tonight: Tonight,
    places: Iterator[Place],
    experiment: Experiment,
) -> Iterator[Decided]:
    units = rows["unit"].to_pylist()
    for known, unit in zip(candidates(rows, evidence, tonight.policy), units, strict=True):
        found = screened(known.candidate, tonight.policy, tonight.midnight)
        if found is not None:
            yield Decided(known, found)
            continue
        place = next(places)
        candidate = replace(
            known.candidate,
            full=place.full,
            arm=experiment.arms.get(unit, "treat"),
            turn=_turn(tonight),
        )
        decision = settled(candidate, tonight.policy, tonight.midnight)
        yield Decided(Known(candidate, known.why, known.fingerprint), decision, place.chance)


def _turn(tonight: Tonight) -> str | None:
    if not tonight.draw.timing:
        return None
    begins = tonight.draw.turn_begins()
    return f"{begins.day} {begins:%B %Y}"
