"""Who left within the horizon. Source: CONTRACTS.md, Churn label.

Labels look at everything known today; features at only what a night knew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from models.contracts import DAY, KIND_CODE, STAYING_KINDS
from pipelines.history.continuity import continued_by
from pipelines.history.events import Events
from pipelines.history.people import People
from pipelines.history.rates import Instant
from pipelines.history.terms import NEVER, RENEWAL_GRACE, Terms, end_kind_codes
from pipelines.population import Population

if TYPE_CHECKING:
    from pipelines.walks import Engine

# A year less the two months by which first terms are often cut, to end with a season.
YEARLY_DAYS = 300


class Readable(Protocol):
    """What labels and snapshots need of a history; `pipelines.history.store.History` is one."""

    @property
    def buckets(self) -> int: ...
    @property
    def span(self) -> tuple[int, int] | None: ...
    def bucket(self, bucket: int) -> Events: ...
    def members(self, bucket: int) -> NDArray[np.int32]: ...
    def people(self) -> People: ...
    def terms(self) -> Terms | None: ...
    def bots(self) -> NDArray[np.bool_]: ...


@dataclass(frozen=True)
class Labels:
    """Of one snapshot, [customers]: `left` within the horizon, where it is `known`."""

    left: NDArray[np.bool_]
    known: NDArray[np.bool_]
    days: NDArray[np.float64] | None = None  # until leaving, NaN for who stays; None: not dated


def contractual(population: Population, as_of: int, horizon: int, counted: Sequence[str]) -> Labels:
    """Notice or end of the last running term (or `left_at`) in [as_of, as_of + horizon seconds).

    Whoever is under notice already is left out. An end of a kind that is not counted (a death, a
    move) is neither leaving nor staying, and a customer without any known contract or end tells
    nothing where others have terms. A pause is no end, and who returns after an end had left.
    """
    leaving = population.leaving(as_of)
    open_ended = leaving.runs & (leaving.at >= as_of)  # not under notice already
    within = open_ended & (leaving.at < as_of + horizon)
    counts = np.isin(leaving.end_kind, end_kind_codes(counted))
    with_terms = population.has_terms()
    told = with_terms if with_terms.any() else np.ones(len(population), bool)
    left = within & counts
    days = np.where(left, (leaving.at - as_of) / DAY, np.nan)
    return Labels(left=left, known=open_ended & told & (~within | counts), days=days)


@dataclass(frozen=True)
class Stayed:
    """Who has ordered, used or paid in each [as_of, as_of + horizon), of a bucket's rows."""

    as_ofs: tuple[int, ...]
    horizon: int

    def __call__(self, events: Events) -> list[NDArray[np.int32]]:
        """Customer numbers, each once, for each date."""
        staying = np.array([KIND_CODE[kind] for kind in STAYING_KINDS])
        counts = np.isin(events.kind, staying) & ~events.provoked
        customer, at = events.customer[counts], events.at[counts]
        return [
            np.unique(customer[(at >= as_of) & (at < as_of + self.horizon)])
            for as_of in self.as_ofs
        ]


def non_contractual(
    history: Readable, as_ofs: Sequence[int], horizon: int, engine: Engine | None = None
) -> list[Labels]:
    """No `order`, `usage` or `payment` in [as_of, as_of + horizon seconds), one for each date.

    An answer to our own message is not staying. Without a sign, whoever had paused in that time
    tells nothing. `engine`: where the rows are read, this machine by default.
    """
    from pipelines.walks import Local  # which computes features, some of them from labels

    stayed = np.zeros((len(as_ofs), len(history.people())), np.bool_)
    for of_bucket in (engine or Local()).buckets(history, Stayed(tuple(as_ofs), horizon)):
        for position, customers in enumerate(of_bucket):
            stayed[position, customers] = True
    people = Population.of(history.people(), history.terms())
    paused = [people.on_pause(as_of, as_of + horizon) for as_of in as_ofs]
    return [Labels(left=~row, known=row | ~away) for row, away in zip(stayed, paused, strict=True)]


@dataclass(frozen=True)
class Renewals:
    """Of one night, [customers]: the yearly term that ends next, if its end lies past the horizon.

    `lapses`: it is not renewed, where that is `known`.
    """

    ends_at: NDArray[np.int64]  # planned, as the night knew it, seconds; NEVER: no such term
    lapses: NDArray[np.bool_]
    known: NDArray[np.bool_]

    @property
    def asked(self) -> NDArray[np.bool_]:
        """Who has such a term, [customers]."""
        return self.ends_at < NEVER

    def take(self, rows: NDArray[np.bool_]) -> Renewals:
        """Those chosen by mask."""
        return Renewals(self.ends_at[rows], self.lapses[rows], self.known[rows])


def renewal(
    population: Population, night: Instant, horizon: int, counted: Sequence[str]
) -> Renewals:
    """The term that ends next is not renewed: yearly ones whose end lies past the horizon.

    Which term ends next is what the night knew; what became of it is what is known today. It was
    not renewed if notice or an end of a counted kind came by its planned end and no term followed
    at once. Known is that once the feed has told past the planned end, and not before, though
    notice may have come: to count those alone would be to count leavers. Source: CONTRACTS.md,
    *Renewal*.
    """
    many = len(population)
    ends_at = np.full(many, NEVER)
    lapses, known = np.zeros(many, np.bool_), np.zeros(many, np.bool_)
    if population.terms is None:
        return Renewals(ends_at, lapses, known)
    due = _ends_next(population.terms.known(night.cutoff), night.as_of)
    yearly = due.ends_at - due.started >= YEARLY_DAYS * DAY
    due = due.take(yearly & (due.ends_at >= night.as_of + horizon))
    ends_at[due.customer] = due.ends_at
    now = population.terms.known()
    due = due.take(np.isin(due.term, now.term))  # not deleted since
    by_term = np.argsort(now.term)
    place = by_term[np.searchsorted(now.term, due.term, sorter=by_term)]
    leaves = np.minimum(now.notice[place], now.ended[place])
    gone = (leaves <= due.ends_at + RENEWAL_GRACE) & (continued_by(now)[place] < 0)
    counts = np.isin(now.end_kind[place], end_kind_codes(counted))
    told = due.ends_at + RENEWAL_GRACE <= population.terms.told_until
    known[due.customer] = told & (~gone | counts)
    lapses[due.customer] = told & gone & counts
    return Renewals(ends_at, lapses, known)


def _ends_next(view: Terms, as_of: int) -> Terms:
    """Of each customer the running term, not under notice, whose planned end comes next."""
    runs = (view.started < as_of) & (view.ended >= as_of) & (view.notice >= as_of)
    view = view.take(runs & (view.ends_at >= as_of) & (view.ends_at < NEVER))
    order = np.lexsort((view.ends_at, view.customer))
    first = np.unique(view.customer[order], return_index=True)[1]
    return view.take(order[first])
