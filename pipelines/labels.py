"""Who left within the horizon. Source: CONTRACTS.md, Churn label.

Labels look at everything known today; features at only what a night knew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from models.contracts import KIND_CODE, STAYING_KINDS
from pipelines.history.events import Events
from pipelines.history.terms import END_KIND_CODE, Terms
from pipelines.population import Population

if TYPE_CHECKING:
    import pandas as pd


class Readable(Protocol):
    """What labels and snapshots need of a history; `pipelines.history.store.History` is one."""

    @property
    def buckets(self) -> int: ...
    @property
    def span(self) -> tuple[int, int] | None: ...
    def bucket(self, bucket: int) -> Events: ...
    def members(self, bucket: int) -> NDArray[np.int32]: ...
    def customers(self) -> pd.DataFrame: ...
    def terms(self) -> Terms | None: ...
    def bots(self) -> NDArray[np.bool_]: ...


@dataclass(frozen=True)
class Labels:
    """Of one snapshot, [customers]: `left` within the horizon, where it is `known`."""

    left: NDArray[np.bool_]
    known: NDArray[np.bool_]


def contractual(population: Population, as_of: int, horizon: int, counted: Sequence[str]) -> Labels:
    """Notice or end of the last running term (or `left_at`) in [as_of, as_of + horizon seconds).

    Whoever is under notice already is left out. An end of a kind that is not counted (a death, a
    move) is neither leaving nor staying, and a customer without any known contract or end tells
    nothing where others have terms.
    """
    leaving = population.leaving(as_of)
    open_ended = leaving.runs & (leaving.at >= as_of)  # not under notice already
    within = open_ended & (leaving.at < as_of + horizon)
    kinds = np.array([END_KIND_CODE[kind] for kind in counted] + [-1])
    counts = np.isin(leaving.end_kind, kinds)
    told = population.has_terms if population.has_terms.any() else np.ones(len(population), bool)
    return Labels(left=within & counts, known=open_ended & told & (~within | counts))


def non_contractual(history: Readable, as_ofs: Sequence[int], horizon: int) -> list[Labels]:
    """No `order`, `usage` or `payment` in [as_of, as_of + horizon seconds), one for each date.

    An answer to our own message is not staying.
    """
    stayed = np.zeros((len(as_ofs), len(history.customers())), np.bool_)
    staying = np.array([KIND_CODE[kind] for kind in STAYING_KINDS])
    for bucket in range(history.buckets):
        events = history.bucket(bucket)
        counts = np.isin(events.kind, staying) & ~events.provoked
        customer, at = events.customer[counts], events.at[counts]
        for position, as_of in enumerate(as_ofs):
            stayed[position, customer[(at >= as_of) & (at < as_of + horizon)]] = True
    return [Labels(left=~row, known=np.ones(len(row), np.bool_)) for row in stayed]
