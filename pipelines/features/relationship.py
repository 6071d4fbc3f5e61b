"""Features of the contract: what runs, since when, at what price, as known at each night.

Nothing here looks at a planned end: only its latest value is known, and one that was rolled on at
renewal tells the future.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from models.contracts import DAY, Feature
from pipelines.history.terms import Terms

PRICE_CHANGE_DAYS = 180

FEATURES = (
    Feature(
        "running_terms",
        "{value} contract{s} running|no contract running",
        system="S8",
        group="contract",
        stat="last",
    ),
    Feature(
        "value_per_month",
        "pays {value} a month|pays nothing a month|what they pay is not known",
        system="S8",
        group="contract",
        stat="value",
    ),
    Feature(
        "days_since_term_began",
        "the present contract began {value} day{s} ago|the present contract began today|"
        "no contract running",
        system="S8",
        group="contract",
        stat="days",
    ),
    Feature(
        "earlier_terms",
        "{value} earlier contract{s} ran out|the first contract",
        system="S8",
        group="contract",
        stat="count",
    ),
    Feature(
        "price_change_180",
        "pays {value} times what it was half a year ago|pays nothing any more|"
        "no price to compare with half a year ago",
        system="S8",
        group="price",
        stat="ratio",
        window_days=PRICE_CHANGE_DAYS,
    ),
)


class Instant(Protocol):
    """A night: what had happened before `as_of` and was known by `cutoff`, both in seconds."""

    @property
    def as_of(self) -> int: ...
    @property
    def cutoff(self) -> int: ...


def fill(
    out: NDArray[np.float64],
    terms: Terms | None,
    customers: NDArray[np.int32],
    nights: Sequence[Instant],
) -> None:
    """Write the features of `customers` (ascending) into `out`, [nights, customers, FEATURES]."""
    for position, night in enumerate(nights):
        out[position] = _one_night(terms, customers, night.as_of, night.cutoff)


def _one_night(
    terms: Terms | None, customers: NDArray[np.int32], as_of: int, cutoff: int
) -> NDArray[np.float64]:
    row = np.full((len(customers), len(FEATURES)), np.nan)
    if terms is None or len(terms) == 0:
        return row
    mine = np.flatnonzero(np.isin(terms.customer, customers))
    owner = np.searchsorted(customers, terms.customer[mine])
    known = (terms.recorded[mine] <= cutoff) & (terms.started[mine] < as_of)
    runs = known & (terms.ended[mine] >= as_of)
    count = np.bincount(owner[runs], minlength=len(customers))
    began = np.full(len(customers), np.inf)
    np.minimum.at(began, owner[runs], (as_of - terms.started[mine][runs]) / DAY)
    price = _value_at(terms, mine, owner, len(customers), runs)
    then = as_of - PRICE_CHANGE_DAYS * DAY
    earlier = known & (terms.started[mine] < then) & (terms.ended[mine] >= then)
    before = _value_at(terms, mine, owner, len(customers), earlier)
    row[:, 0] = count
    row[:, 1] = price
    row[:, 2] = np.where(np.isfinite(began), began, np.nan)
    row[:, 3] = np.bincount(owner[known & ~runs], minlength=len(customers))
    row[:, 4] = np.divide(price, before, out=np.full_like(price, np.nan), where=before > 0)
    return row


def _value_at(
    terms: Terms,
    mine: NDArray[np.intp],
    owner: NDArray[np.int64],
    customers: int,
    which: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """Sum of the known monthly values of the chosen terms; NaN where none is known."""
    value = terms.value[mine]
    priced = which & ~np.isnan(value)
    total = np.bincount(owner[priced], weights=value[priced], minlength=customers)
    some = np.bincount(owner[priced], minlength=customers) > 0
    return np.where(some, total, np.nan)
