"""Who is to be told to the CRM tonight, and whose fields are to be emptied."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from outreach.channels.crm import Record
from outreach.push.fields import Naming, chunks, digests, records
from outreach.push.memory import Known

if TYPE_CHECKING:
    import pyarrow as pa

    from models.batch import ScoreBatch


@dataclass(frozen=True)
class Due:
    """What a push has to do. `digests` and `due` have a place for each row of the batch."""

    batch: ScoreBatch
    naming: Naming
    refresh_days: int
    digests: NDArray[np.int64]
    due: NDArray[np.bool_]
    gone: list[str]  # told before, and not scored any more

    @property
    def many(self) -> int:
        """How many are to be told."""
        return int(self.due.sum())

    def records(self) -> Iterator[tuple[Record, int]]:
        """Each record that is to be told, with the digest of it."""
        import pyarrow as pa

        first = 0
        for rows in chunks(self.batch, self.naming):
            here = slice(first, first + rows.num_rows)
            first += rows.num_rows
            wanted = rows.filter(pa.array(self.due[here]))
            told = records(
                wanted, self.naming, as_of=self.batch.as_of, refresh_days=self.refresh_days
            )
            yield from zip(told, self.digests[here][self.due[here]].tolist(), strict=True)


def due(batch: ScoreBatch, known: Known, naming: Naming, *, key: bytes, refresh_days: int) -> Due:
    """Whose record differs from what the CRM was told last, or was told too long ago.

    Who has not changed is told again on every `refresh_days`-th night, each on a night of their
    own, so that no night has all of them.
    """
    import pyarrow.compute as pc

    night = batch.as_of.toordinal()
    found, wanted = [], []
    seen = np.zeros(len(known.digests), dtype=bool)
    for rows in chunks(batch, naming):
        new = digests(rows, naming, key)
        places = pc.fill_null(pc.index_in(rows["customer_id"], known.customer_ids), -1)
        place = places.to_numpy(zero_copy_only=False)
        is_known = place >= 0
        seen[place[is_known]] = True
        before, then = _at(known.digests, place), _at(known.nights, place)
        changed = ~is_known | (before != new)
        found.append(new)
        wanted.append(changed | _again(rows["customer_id"], night, then, refresh_days))
    gone = known.customer_ids.take(np.flatnonzero(~seen)).to_pylist()
    return Due(
        batch, naming, refresh_days,
        np.concatenate(found or [np.empty(0, np.int64)]),
        np.concatenate(wanted or [np.empty(0, bool)]),
        gone,
    )  # fmt: skip


def _again(
    names: pa.Array, night: int, then: NDArray[np.int64], refresh_days: int
) -> NDArray[np.bool_]:
    """Whose turn it is, or was."""
    slots = np.fromiter(
        (zlib.crc32(name.encode()) % refresh_days for name in names.to_pylist()),
        dtype=np.int64, count=len(names),
    )  # fmt: skip
    theirs = slots == night % refresh_days
    return np.asarray((night - then >= refresh_days) | (theirs & (night > then)))


def _at(values: NDArray[np.int64], place: NDArray[np.int64]) -> NDArray[np.int64]:
    """The value at each place; 0 where it is -1."""
    if not len(values):
        return np.zeros(len(place), dtype=np.int64)
    return np.where(place >= 0, values[np.maximum(place, 0)], 0)
