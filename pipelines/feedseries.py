"""Rows a day of each feed, from what the ingests counted, as far as they had come by a cut-off."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models.contracts import DAY, OUTREACH_KINDS
from pipelines.history.lags import BINS, UNKNOWN

if TYPE_CHECKING:
    import pandas as pd

LEAST_ROWS_FOR_LAG = 30


@dataclass(frozen=True)
class Series:
    """Rows a day of one feed: `counts[i]` of the UTC day `first + i`, as far as they had come.

    `arrived` is the share of a day's rows that comes by then, by the feed's usual lag; `known`
    marks days of a known outage, on which nothing is expected.
    """

    source: str
    kind: str  # empty: all kinds of the source together
    first: int
    counts: NDArray[np.float64]  # [days]
    arrived: NDArray[np.float64]  # [days], 0 to 1
    known: NDArray[np.bool_]  # [days]
    people: NDArray[np.float64]  # [days], customers of the day's rows, each once an ingest

    @property
    def name(self) -> str:
        return f"{self.source}/{self.kind}" if self.kind else self.source

    @property
    def end(self) -> int:
        """Position after the last day."""
        return len(self.counts)

    @property
    def quiet(self) -> int:
        """Days without a row at the end."""
        some = np.flatnonzero(self.counts > 0)
        return self.end - (int(some[-1]) + 1) if len(some) else self.end

    def window(self, days: int) -> slice:
        return slice(max(self.end - days, 0), self.end)


def series_of(feeds: pd.DataFrame, as_of: int, cutoff: int) -> Iterator[Series]:
    """The days of each source, then of each of its kinds, until the last whole day before `as_of`.

    What Warmline itself writes is no feed.
    """
    end = as_of // DAY
    heard = feeds[(feeds["day"] < end) & ~feeds["kind"].isin(OUTREACH_KINDS)]
    for source, of_source in heard.groupby("source", sort=True):
        pooled = _shares(of_source, np.eye(len(BINS))[0])
        yield _series(str(source), "", of_source, pooled, end, cutoff)
        for kind, rows in of_source.groupby("kind", sort=True):
            yield _series(str(source), str(kind), rows, _shares(rows, pooled), end, cutoff)


def _shares(rows: pd.DataFrame, otherwise: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shares of the rows by lag, [bins]; `otherwise` where too few tell theirs."""
    told = rows[rows["lag"] != UNKNOWN]
    found = np.bincount(told["lag"].to_numpy(np.int64), told["rows"], len(BINS))
    return found / found.sum() if found.sum() >= LEAST_ROWS_FOR_LAG else otherwise


def _series(
    source: str,
    kind: str,
    rows: pd.DataFrame,
    shares: NDArray[np.float64],
    end: int,
    cutoff: int,
) -> Series:
    """Rows a day, of those that had come by `cutoff`; where the lag is unknown, the usual share."""
    first = int(rows["day"].min())
    days = end - first
    arrived = arrived_by(shares, first, days, cutoff)
    place, lag = rows["day"].to_numpy(np.int64) - first, rows["lag"].to_numpy(np.int64)
    many = rows["rows"].to_numpy(np.float64)
    told = lag != UNKNOWN
    come = (place + first + 1) * DAY + np.array(BINS, np.int64)[np.where(told, lag, 0)] <= cutoff
    counts = np.bincount(place, np.where(told, come, arrived[place]) * many, days).astype(float)
    people = np.zeros(days)
    np.add.at(people, place, rows["customers"].to_numpy(np.float64))
    return Series(source, kind, first, counts, arrived, np.zeros(days, np.bool_), people)


def arrived_by(
    shares: NDArray[np.float64], first: int, days: int, cutoff: int
) -> NDArray[np.float64]:
    """The share of each day's rows that has come by `cutoff`, [days].

    `shares` [bins] is the feed's lag; a row counts once its bin's upper edge has passed after the
    end of its day, so that what is told is on the safe side.
    """
    ends = (first + np.arange(days) + 1)[:, None] * DAY + np.array(BINS, np.int64)[None, :]
    seen: NDArray[np.float64] = (ends <= cutoff) @ shares
    return seen
