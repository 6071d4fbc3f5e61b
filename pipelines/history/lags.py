"""How long after it happened a source tells of it: measured, and standing in where it does not say.

A source that gives no `recorded_at` shows its lag all the same once it is read regularly: a row
that happened before the last reading and comes only now was late. What was loaded in bulk shows
nothing; there the measured lag of the same source and kind stands in, each row drawing its own from
what was measured, so that as many rows are late in training as at night.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.contracts import DAY, KIND_CODE, KINDS
from pipelines.history.events import Events

HOUR = 3_600
# Upper edges of the bins, in seconds; what is later than the last counts as that late.
BINS = (
    0, HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 3 * DAY, 4 * DAY, 5 * DAY, 7 * DAY,
    10 * DAY, 14 * DAY, 21 * DAY, 30 * DAY, 60 * DAY, 90 * DAY,
)  # fmt: skip
UNKNOWN = -1  # the bin of rows whose lag shows nowhere
# A source read again this soon is still being loaded, and rows this old are a load of the past:
# neither tells a lag.
REGULAR_AFTER = HOUR
LOAD_OF_THE_PAST = 30 * DAY
FEW = 30  # rows: a lag is not judged from fewer
_MIX = np.uint64(0x9E3779B97F4A7C15)  # golden ratio; finaliser of SplitMix64 (Steele et al. 2014)


def bin_of(lag: NDArray[np.int64]) -> NDArray[np.int8]:
    """The bin of each lag in seconds."""
    found = np.searchsorted(np.array(BINS, np.int64), lag, side="left")
    return np.minimum(found, len(BINS) - 1).astype(np.int8)


def arrived(
    at: NDArray[np.int64], recorded: NDArray[np.int64], dated: NDArray[np.bool_],
    source: NDArray[np.int32], read_at: NDArray[np.int64], now: int,
) -> NDArray[np.int64]:  # fmt: skip
    """`recorded` of rows that arrive at `now`, all in seconds.

    `read_at` is when each row's source was read before, 0 for never. Where the source does not
    date its knowledge: at once, if the row happened after that reading; just after that reading,
    if it was missing then; and where no reading tells, `stand_in` of its source.
    """
    late = read_at - at
    regular = (read_at > 0) & (now - read_at >= REGULAR_AFTER) & (late <= LOAD_OF_THE_PAST)
    seen = np.where(late > 0, read_at + 1, at)
    undated = np.where(regular, seen, stand_in(at, source))
    return np.where(dated, np.maximum(recorded, at), undated)


def stand_in(at: NDArray[np.int64], source: NDArray[np.int32]) -> NDArray[np.int64]:
    """A `recorded` that says only from which source the row is: before `at`, by code."""
    return at - 1 - source


@dataclass(frozen=True)
class Lags:
    """What was measured: `cumulative` is [sources, kinds, bins], shares up to each bin; 1 in the
    first bin where nothing was."""

    cumulative: NDArray[np.float64]

    @classmethod
    def measured(cls, feeds: pd.DataFrame, sources: list[str]) -> Lags:
        """From `History.feeds()`. A kind without a measure has that of its whole source."""
        rows = np.zeros((len(sources), len(KINDS), len(BINS)))
        known = feeds[feeds["lag"] != UNKNOWN]
        place = {source: code for code, source in enumerate(sources)}
        codes = (known["source"].map(place), known["kind"].map(KIND_CODE), known["lag"])
        np.add.at(rows, tuple(np.asarray(code, np.int64) for code in codes), known["rows"])
        whole = rows.sum(axis=1, keepdims=True)
        at_once = np.eye(1, len(BINS))[None]
        whole = np.where(whole.sum(axis=2, keepdims=True) >= FEW, whole, at_once)
        rows = np.where(rows.sum(axis=2, keepdims=True) >= FEW, rows, whole)
        return cls(np.cumsum(rows, axis=2) / rows.sum(axis=2, keepdims=True))

    @classmethod
    def none(cls) -> Lags:
        """Nothing was measured of any source."""
        return cls(np.ones((0, len(KINDS), len(BINS))))

    @cached_property
    def any_late(self) -> bool:
        """Whether any row was late at all."""
        return bool((self.cumulative[:, :, 0] < 1).any())

    def covering(self, sources: int) -> Lags:
        """The same for at least so many sources: of further ones nothing was measured."""
        more = sources - len(self.cumulative)
        if more <= 0:
            return self
        return Lags(np.concatenate([self.cumulative, np.ones((more, *self.cumulative.shape[1:]))]))

    def applied(self, events: Events, numbers: NDArray[np.int32] | None = None) -> Events:
        """The events with a lag drawn for each row whose `recorded` only stands in for one.

        It is drawn by the customer's number, or by that of `numbers` in its place."""
        if events.recorded is events.at:
            return events
        rows = np.flatnonzero(events.recorded < events.at)
        if not len(rows):
            return events
        at = events.at[rows]
        if not self.any_late:
            events.recorded[rows] = at
            return events
        source, kind = at - 1 - events.recorded[rows], events.kind[rows]
        customer = events.customer[rows] if numbers is None else numbers[events.customer[rows]]
        drawn = _between_0_and_1(customer, at, kind)
        late = (self.cumulative[source, kind] < drawn[:, None]).sum(axis=1)
        edges = np.array(BINS, np.int64)
        events.recorded[rows] = at + edges[np.minimum(late, len(BINS) - 1)]
        return events


@dataclass(frozen=True)
class Lateness:
    """How late one kind of row of one source was, as measured, and where that stands in."""

    source: str
    kind: str
    measured: int  # rows that showed a lag
    half: int  # seconds within which half of those were known
    most: int  # and 95% of them
    stands_in: int  # rows whose lag shows nowhere, for which this stands in

    @property
    def words(self) -> str:
        """For people."""
        if self.measured < FEW:
            return f"{self.source} {self.kind}: how late is not known yet"
        late = f"{self.source} {self.kind}: half known {_span(self.half)}, 95% {_span(self.most)}"
        return late + (f"; stands in for {self.stands_in:,} rows" if self.stands_in else "")


def lateness(feeds: pd.DataFrame) -> list[Lateness]:
    """Of each source and kind in `History.feeds()`, by name."""
    found = []
    for (source, kind), rows in feeds.groupby(["source", "kind"]):
        known = rows[rows["lag"] != UNKNOWN]
        counts = np.bincount(known["lag"], known["rows"], len(BINS))
        measured = int(counts.sum())
        shares = np.cumsum(counts) / max(measured, 1)
        half, most = (BINS[min(int((shares < q).sum()), len(BINS) - 1)] for q in (0.5, 0.95))
        unknown = int(rows.loc[rows["lag"] == UNKNOWN, "rows"].sum())
        stands_in = unknown if measured >= FEW else 0
        found.append(Lateness(str(source), str(kind), measured, half, most, stands_in))
    return found


def stood_in(feeds: pd.DataFrame) -> list[str]:
    """A line for each source whose measured lag stands in for what it does not say."""
    rows: dict[str, int] = {}
    for one in lateness(feeds):
        if one.stands_in:
            rows[one.source] = rows.get(one.source, 0) + one.stands_in
    return [
        f"Of {many:,} interactions {source} does not say when it knew them: its measured lag "
        "stands in."
        for source, many in rows.items()
    ]


def _span(seconds: int) -> str:
    if seconds == 0:
        return "at once"
    hours = seconds // HOUR
    return f"within {hours} h" if hours < 48 else f"within {hours // 24} days"


def _between_0_and_1(*columns: NDArray[np.integer]) -> NDArray[np.float64]:
    """A number for each row that looks random and is always the same."""
    mixed = np.zeros(len(columns[0]), np.uint64)
    for column in columns:
        mixed = (mixed + column.astype(np.int64).view(np.uint64)) * _MIX
        mixed ^= mixed >> np.uint64(31)
    spread: NDArray[np.float64] = (mixed >> np.uint64(11)) / float(1 << 53)
    return spread
