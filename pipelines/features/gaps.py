"""Feed gaps: time in which rows could not reach us. A known outage of a feed is not silence.

A gap is of one kind, or of all. A stream of several kinds is dead while one of them is down and
none of the others is up; a kind that no feed has brought yet is not up. Where two feeds bring the
same kind, an outage of either counts for everyone: a customer's rows do not tell which feed would
have brought the next.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models.contracts import DAY, KIND_CODE, KINDS
from pipelines.features.elapsed import stretches
from pipelines.history.events import NEVER

if TYPE_CHECKING:
    import pandas as pd

    from pipelines.features.matrix import Night

Stretch = tuple[int, int]
# Stretches (see `elapsed`), and where each stream's start.
Table = tuple[NDArray[np.int64], NDArray[np.int64]]
ALL_KINDS = -1


@dataclass(frozen=True, order=True)
class Gap:
    """From `start` to `end` nothing came; a night with a cut-off from `known` on knew it.

    All in seconds since 1970 UTC.
    """

    kind: int  # models.contracts.KIND_CODE, or ALL_KINDS
    start: int
    end: int
    known: int

    def counts_for(self, night: Night) -> bool:
        """Whether the night knew of it, or is the same with it or without."""
        return self.known <= night.cutoff or self.start >= night.as_of


@dataclass(frozen=True, eq=False)
class Gaps:
    """The gaps of a history, and since when each kind was brought by any feed at all."""

    gaps: tuple[Gap, ...] = ()
    began: tuple[int, ...] = (0,) * len(KINDS)  # by kind code, seconds; NEVER: by none so far

    def by_night(self, nights: Sequence[Night]) -> list[tuple[Gaps, list[int]]]:
        """Positions of nights that use the same gaps, with those: nearly always one group."""
        groups: dict[tuple[Gap, ...], list[int]] = {}
        for position, night in enumerate(nights):
            used = tuple(gap for gap in self.gaps if gap.counts_for(night))
            groups.setdefault(used, []).append(position)
        return [
            (self if used == self.gaps else Gaps(used, self.began), positions)
            for used, positions in groups.items()
        ]

    def unbroken(self, night: Night) -> int:
        """Since when no feed was down, as far as the night knew; seconds since 1970 UTC."""
        known = (gap for gap in self.gaps if gap.known <= night.cutoff and gap.start < night.as_of)
        return max((min(gap.end, night.as_of) for gap in known), default=0)

    def dead(self, kinds: Iterable[str]) -> tuple[Stretch, ...]:
        """Stretches in which one of `kinds` was down and none was up, ascending."""
        codes = [KIND_CODE[kind] for kind in kinds]
        down = merged(stretch for code in codes for stretch in self._down[code])
        if not down or len(codes) == 1:
            return down
        missing = [
            merged([*self._down[code], (np.iinfo(np.int64).min, self.began[code])])
            for code in codes
        ]
        return common([down, *missing])

    def table(self, kinds: tuple[tuple[str, ...], ...]) -> Table:
        """Dead time for the kernel, by the `kinds` of each stream, made once."""
        if kinds not in self._tables:
            tables = [stretches(self.dead(of_stream)) for of_stream in kinds]
            start = np.cumsum([0, *map(len, tables)]).astype(np.int64)
            self._tables[kinds] = (np.concatenate([stretches([]), *tables]), start)
        return self._tables[kinds]

    @cached_property
    def _tables(self) -> dict[tuple[tuple[str, ...], ...], Table]:
        return {}

    @cached_property
    def _down(self) -> tuple[tuple[Stretch, ...], ...]:
        """The gaps of each kind, those of all kinds among them."""
        return tuple(
            merged((gap.start, gap.end) for gap in self.gaps if gap.kind in (code, ALL_KINDS))
            for code in range(len(KINDS))
        )


NO_GAPS = Gaps()


def merged(given: Iterable[Stretch]) -> tuple[Stretch, ...]:
    """The same time as ascending stretches that neither touch nor overlap; empty ones are gone."""
    found: list[Stretch] = []
    for start, end in sorted(given):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        elif start < end:
            found.append((start, end))
    return tuple(found)


def common(given: Sequence[tuple[Stretch, ...]]) -> tuple[Stretch, ...]:
    """The time that lies in every one of `given`, each ascending and without overlap."""
    edges = sorted(edge for one in given for start, end in one for edge in ((start, 1), (end, -1)))
    found: list[Stretch] = []
    depth, opened = 0, 0
    for moment, step in edges:
        if depth == len(given):
            found.append((opened, moment))
        depth += step
        opened = moment
    return merged(found)


def gaps_of(
    declared: pd.DataFrame | None,
    found: pd.DataFrame | None = None,
    feeds: pd.DataFrame | None = None,
) -> Gaps:
    """The gaps of the contract's table `feed_gaps` and those found in the feeds' own rhythm.

    Both name `source`, `kind`, `from`, `to`: times in UTC, or seconds since 1970. A gap counts for
    nights from its `recorded_at` on, where it has one, else from its beginning. One without a kind
    is of all that its source brings, or of every kind where that is not known. `feeds` is
    `History.feeds()`.
    """
    brings: dict[str, list[int]] = {}
    began = (0,) * len(KINDS)
    if feeds is not None and len(feeds):
        first = feeds.groupby("kind")["day"].min()
        began = tuple(int(first[kind]) * DAY if kind in first else NEVER for kind in KINDS)
        for source, kind in feeds[["source", "kind"]].drop_duplicates().itertuples(index=False):
            brings.setdefault(source, []).append(KIND_CODE[kind])
    gaps = {gap for table in (declared, found) if table is not None for gap in _gaps(table, brings)}
    return Gaps(tuple(sorted(gaps)), began)


def _gaps(table: pd.DataFrame, brings: dict[str, list[int]]) -> Iterable[Gap]:
    import pandas as pd

    for row in table.to_dict("records"):
        start, end = _second(row["from"]), _second(row["to"])
        recorded = row.get("recorded_at")
        known = start if recorded is None or pd.isna(recorded) else _second(recorded)
        kind = row["kind"]
        named = not (kind is None or pd.isna(kind) or kind == "")
        codes = [KIND_CODE[kind]] if named else brings.get(row["source"], [ALL_KINDS])
        for code in codes:
            yield Gap(code, start, end, known)


def _second(moment: datetime | int) -> int:
    """Seconds since 1970 of a time with a zone, or of a number that is that already."""
    return int(moment.timestamp() if isinstance(moment, datetime) else moment)
