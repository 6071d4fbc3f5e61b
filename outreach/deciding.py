"""All decisions of a night: gate by gate for each, tonight's places from the top, then the arms."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from outreach.assign import Draw
from outreach.candidate import Candidate
from outreach.candidates import candidates
from outreach.decide import Contact, Decision, Hold, full, screened, settled
from outreach.evidence import Evidence
from outreach.kept import Kept
from outreach.places import Places, Wanting
from outreach.rows import Tonight, strata, table
from outreach.unheld import unheld

if TYPE_CHECKING:
    import pyarrow as pa

ROWS_AT_ONCE = 10_000  # become objects at a time: some 20 MB of them


@dataclass(frozen=True)
class _Night:
    """What the decisions of one night share. `unheld`: which rows of the evidence no gate holds."""

    evidence: Evidence
    tonight: Tonight
    places: Places
    unheld: NDArray[np.bool_]

    def decide(self, first: int, many: int) -> pa.Table:
        """What is decided of `many` rows of the list from `first` on, as columns.

        Only those whom a gate might hold, or who get a place, become objects: they are large.
        """
        rows = self.evidence.rows.slice(first, many)
        beyond = self._beyond(rows, first)
        asking = np.flatnonzero(~beyond)
        made = self._asked(rows.take(asking), first + asking)
        alike = np.full(rows.num_rows, len(made))
        alike[asking] = np.arange(len(made))
        if beyond.any():
            made.append(full("", self.places.beyond))
        return table(rows, made, self.evidence, self.tonight, first=first + 1, alike=alike)

    def _beyond(self, rows: pa.Table, first: int) -> NDArray[np.bool_]:
        """Whom nothing holds but the team's capacity, which is used up: on a large night almost
        everybody."""
        if self.places.left:
            return np.zeros(rows.num_rows, np.bool_)
        plays = self.tonight.policy.playbooks.plays
        unbounded = np.array([not self.places.bounds(play) for play in plays], np.bool_)
        beyond: NDArray[np.bool_] = unbounded[rows["play"].to_numpy()]
        beyond &= self.unheld[first : first + rows.num_rows]
        left_out = np.flatnonzero(beyond)
        self.places.leave_out(first + left_out, rows["tie"].to_numpy()[left_out])
        return beyond

    def _asked(self, rows: pa.Table, numbers: NDArray[np.int64]) -> list[Decision]:
        """What is decided of each of `rows`, whose places on the list are `numbers`."""
        import pyarrow as pa

        plain = self.unheld[numbers]
        plain[: self.places.left] = False  # who may get a place becomes an object anyway
        looked_at = self._candidates(rows.filter(pa.array(~plain)))
        plays = self.tonight.policy.playbooks.plays
        columns = (rows[name].to_pylist() for name in ("customer_id", "play", "owner_id", "tie"))
        made: list[Decision] = []
        for number, is_plain, who, play, owner, tie in zip(
            numbers.tolist(), plain.tolist(), *columns, strict=True
        ):
            candidate = None if is_plain else next(looked_at)
            if candidate is not None:
                found = screened(candidate, self.tonight.policy, self.tonight.midnight)
                if found is not None:
                    made.append(found)
                    continue
            words = self.places.ask(Wanting(number, plays[play], owner, tie))
            made.append(self._settled(number, candidate) if words is None else full(who, words))
        return made

    def by_chance(self) -> Iterator[tuple[int, pa.Table]]:
        """Rows that get a place by chance after all, and what is decided of each."""
        rows, chance = self.places.drawn()
        for row in sorted(rows):
            part, made = self.evidence.rows.slice(row, 1), [self._settled(row)]
            yield row, table(part, made, self.evidence, self.tonight, first=row + 1, chance=chance)

    def _settled(self, row: int, candidate: Candidate | None = None) -> Contact | Hold:
        if candidate is None:
            (candidate,) = self._candidates(self.evidence.rows.slice(row, 1))
        return settled(candidate, self.tonight.policy, self.tonight.midnight)

    def _candidates(self, rows: pa.Table) -> Iterator[Candidate]:
        return candidates(rows, self.evidence, self.tonight.policy, self.tonight.draw)


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
def decided(evidence: Evidence, tonight: Tonight) -> tuple[pa.Table, Kept | None]:
    """Every decision as columns (`rows.schemas`), from the top of the list, and the arms of the
    period where they are to be kept anew."""
    import pyarrow as pa

    known = len(tonight.draw.kept)
    tonight = replace(tonight, draw=_experiment(evidence, tonight))
    places = Places(tonight.policy.settings, evidence.owners, evidence.offered)
    night = _Night(evidence, tonight, places, unheld(evidence, tonight.policy))
    starts = range(0, max(evidence.rows.num_rows, 1), ROWS_AT_ONCE)
    parts = [night.decide(first, ROWS_AT_ONCE) for first in starts]
    whole, last = pa.concat_tables(parts), 0
    pieces = []
    for row, again in night.by_chance():
        pieces += [whole.slice(last, row - last), again]
        last = row + 1
    kept = tonight.draw.kept
    drawn = kept if len(kept) > known else None
    return pa.concat_tables([*pieces, whole.slice(last)]), drawn


def _experiment(evidence: Evidence, tonight: Tonight) -> Draw:
    """With the arms of all whose playbook is randomised, held or not: who takes part hangs on no
    draw."""
    import pyarrow.compute as pc

    randomised = [n for n, play in enumerate(tonight.policy.playbooks.plays) if play.randomised]
    needed = evidence.rows.select(["play", "unit", "band", "silent"])
    rows = needed.filter(pc.field("play").isin(randomised))
    _, kept = tonight.draw.arms(rows["unit"].to_pylist(), strata(rows))
    return replace(tonight.draw, kept=kept)
