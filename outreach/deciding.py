"""All decisions of a night: gate by gate for each, tonight's places from the top, then the arms."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from outreach.candidates import Arms, candidates
from outreach.decide import full, screened, settled
from outreach.evidence import Evidence
from outreach.places import Places, Wanting
from outreach.rows import Decided, Tonight, strata, table

if TYPE_CHECKING:
    import pyarrow as pa

ROWS_AT_ONCE = 25_000  # decided on as objects at a time: some 50 MB of them


@dataclass(frozen=True)
class _Night:
    """What the decisions of one night share."""

    evidence: Evidence
    tonight: Tonight
    arms: Arms
    places: Places

    def decide(self, rows: pa.Table, first: int) -> Iterator[Decided]:
        """In the order of the list, of which `rows` begin at the row `first`."""
        policy, midnight = self.tonight.policy, self.tonight.midnight
        ties = rows["tie"].to_pylist()
        people = candidates(rows, self.evidence, policy, self.arms)
        for row, (known, tie) in enumerate(zip(people, ties, strict=True), first):
            candidate = known.candidate
            found = screened(candidate, policy, midnight)
            if found is not None:
                yield Decided(known, found)
                continue
            words = self.places.ask(Wanting(row, candidate.playbook, candidate.owner_id, tie))
            if words is not None:
                yield Decided(known, full(candidate, words))
            else:
                yield Decided(known, settled(candidate, policy, midnight))

    def by_chance(self) -> Iterator[tuple[int, pa.Table]]:
        """Rows that get a place by chance after all, and what is decided of each."""
        rows, chance = self.places.drawn()
        policy, midnight = self.tonight.policy, self.tonight.midnight
        for row in sorted(rows):
            part = self.evidence.rows.slice(row, 1)
            (known,) = candidates(part, self.evidence, policy, self.arms)
            made = Decided(known, settled(known.candidate, policy, midnight), chance)
            yield row, table(part, [made], self.evidence, self.tonight, first=row + 1)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without the collector of cycles: there are none among so many small objects, and looking
    for them takes a third of the time."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


@_uncollected()
def decided(evidence: Evidence, tonight: Tonight) -> tuple[pa.Table, dict[str, str]]:
    """Every decision as columns (`rows.schemas`), from the top of the list, and the arms of the
    period that are to be kept.

    Some rows at a time become Python objects, which are large, and columns again.
    """
    import pyarrow as pa

    arms, drawn = _experiment(evidence, tonight)
    night = _Night(evidence, tonight, arms, Places(tonight.policy.settings, evidence.owners))
    parts = []
    for first in range(0, max(evidence.rows.num_rows, 1), ROWS_AT_ONCE):
        rows = evidence.rows.slice(first, ROWS_AT_ONCE)
        made = list(night.decide(rows, first))
        parts.append(table(rows, made, evidence, tonight, first=first + 1))
    whole, last = pa.concat_tables(parts), 0
    pieces = []
    for row, again in night.by_chance():
        pieces += [whole.slice(last, row - last), again]
        last = row + 1
    return pa.concat_tables([*pieces, whole.slice(last)]), drawn


def _experiment(evidence: Evidence, tonight: Tonight) -> tuple[Arms, dict[str, str]]:
    """Drawn over all whose playbook is randomised, held or not: who takes part hangs on no draw."""
    import pyarrow.compute as pc

    randomised = [n for n, play in enumerate(tonight.policy.playbooks.plays) if play.randomised]
    rows = evidence.rows.filter(pc.field("play").isin(randomised))
    units = rows["unit"].to_pylist()
    arms, new = tonight.draw.arms(units, strata(rows))
    drawn = {**tonight.draw.kept, **new} if tonight.draw.kept and new else new
    return Arms(dict(zip(units, arms, strict=True)), _turn(tonight)), drawn


def _turn(tonight: Tonight) -> str | None:
    if not tonight.draw.timing:
        return None
    begins = tonight.draw.turn_begins()
    return f"{begins.day} {begins:%B %Y}"
