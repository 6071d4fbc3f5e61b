"""Contract terms in two times: what ran when, and since when that was known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.contracts import DAY, END_KINDS
from pipelines.history.events import NEVER as NEVER  # a date that has not come

END_KIND_CODE = {kind: code for code, kind in enumerate(END_KINDS)}
# A renewal booked a day after the end is a renewal: exports give inclusive end dates.
RENEWAL_GRACE = DAY
# What stands for a column that is not given.
ABSENT = {
    "end_kind": np.int8(-1), "value": np.nan, "currency": np.int32(-1), "product": np.int32(-1),
}  # fmt: skip
DATES = ("ends_at", "notice", "ended", "paused_from", "paused_to", "until")  # NEVER, likewise
# A group and a second in one number that sorts by both: 34 bits reach the year 2514.
SECOND_BITS = 34


@dataclass(frozen=True)
class Terms:
    """n versions of terms, sorted by `customer`, `started`, `term`, `recorded`.

    Times are seconds since 1970 UTC; NEVER if none. A night knows a version if `recorded` <=
    cut-off < `until`: of one term at most one. Before `seen` only those of its dates count that
    have come; then all of it does, dates ahead and what has no date of its own included.
    """

    customer: NDArray[np.int32]
    term: NDArray[np.int64]  # the same number in all versions of a term
    started: NDArray[np.int64]
    ends_at: NDArray[np.int64]  # the planned end; has no date of its own
    notice: NDArray[np.int64]
    ended: NDArray[np.int64]
    end_kind: NDArray[np.int8]  # END_KIND_CODE, -1 where it has not ended or no kind was given
    value: NDArray[np.float64]  # value_per_month in its own currency, NaN where unknown
    currency: NDArray[np.int32]  # position in `currencies`, -1 where none was given
    product: NDArray[np.int32]  # equal where the product is, -1 where unknown
    paused_from: NDArray[np.int64]
    paused_to: NDArray[np.int64]
    recorded: NDArray[np.int64]
    seen: NDArray[np.int64]
    until: NDArray[np.int64]  # superseded or deleted from then; NEVER for what counts today
    dated: NDArray[np.bool_]  # the version itself says when the source knew it
    currencies: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.customer)

    @classmethod
    def of(cls, *, currencies: tuple[str, ...] = (), **columns: Any) -> Terms:
        """Terms from unsorted columns, named and typed as the fields.

        Needed are `customer` and `started`. What is left out is not known; without `recorded` a
        term is known from its start and not dated, without `seen` all of it from `recorded`.
        """
        given = _defaults(len(columns["customer"]), columns)
        keys = ("recorded", "term", "started", "customer")
        if _is_sorted([given[key] for key in reversed(keys)]):
            return cls(**{name: given[name] for name in cls.columns()}, currencies=currencies)
        order = np.lexsort([given[key] for key in keys])
        return cls(**{name: given[name][order] for name in cls.columns()}, currencies=currencies)

    @classmethod
    def columns(cls) -> tuple[str, ...]:
        """Names of the arrays."""
        return tuple(field.name for field in fields(cls))[:-1]

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_] | slice) -> Terms:
        """The given versions, in the given order."""
        if isinstance(rows, np.ndarray) and rows.dtype == np.bool_ and rows.all():
            return self
        taken = {name: getattr(self, name)[rows] for name in self.columns()}
        return Terms(**taken, currencies=self.currencies)

    def known(self, cutoff: int = NEVER) -> Terms:
        """One version of each term, as a night with this cut-off knew it; NEVER: as it counts now.

        Dates that had not come and what has no date are blank where they were not known yet. What
        was recorded later is not there, what was corrected or deleted later still is.
        """
        told = self.told(cutoff)
        return told.take(told.until == NEVER if cutoff == NEVER else cutoff < told.until)

    def owners(self, cutoff: int = NEVER) -> NDArray[np.int32]:
        """Customer of each term that a night knew, running or over but not deleted."""
        stands = self.until == NEVER if cutoff == NEVER else cutoff < self.until
        return self.customer[stands & (self.recorded <= cutoff)]

    def told(self, cutoff: int) -> Terms:
        """Every version that had been recorded by the cut-off, blank where not seen yet."""
        view = self.take(self.recorded <= cutoff)
        partly = view.seen > cutoff
        if not partly.any():
            return view
        dates: dict[str, Any] = {
            name: np.where(partly & (getattr(view, name) > cutoff), NEVER, getattr(view, name))
            for name in ("notice", "ended", "paused_from", "paused_to")
        }
        return replace(
            view,
            **dates,
            ends_at=np.where(partly, NEVER, view.ends_at),
            end_kind=np.where(dates["ended"] < NEVER, view.end_kind, np.int8(-1)),
            value=np.where(partly, np.nan, view.value),
            currency=np.where(partly, np.int32(-1), view.currency),
            product=np.where(partly, np.int32(-1), view.product),
        )

    def moved(self, survivors: NDArray[np.int32]) -> Terms:
        """With the terms of merged customers under who survives, by customer number."""
        columns = {name: getattr(self, name) for name in self.columns()}
        columns["customer"] = survivors[self.customer]
        return Terms.of(**columns, currencies=self.currencies)

    def among(self, customers: NDArray[np.int32]) -> Terms:
        """The versions of `customers` (ascending numbers), `customer` being the position there."""
        rows, owner = rows_of(self.customer, customers)
        return replace(self.take(rows), customer=owner)

    @property
    def told_until(self) -> int:
        """How far the feed has told: whether a term was renewed after it is not known.

        The last start, notice, end or pause that had come when it was told, or the last version
        that says when it was recorded. A date ahead tells nothing of the time until then.
        Seconds since 1970; 0 without terms.
        """
        latest = int(self.seen[self.dated].max(initial=0))
        for name in ("started", "notice", "ended", "paused_from", "paused_to"):
            moments = getattr(self, name)
            latest = max(latest, int(moments[moments <= self.seen].max(initial=0)))
        return latest


def rows_of(
    sorted_numbers: NDArray[np.int32], customers: NDArray[np.int32]
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Rows of `customers` (ascending) among rows sorted by number, and whose each is (position)."""
    first = np.searchsorted(sorted_numbers, customers, side="left")
    many = np.searchsorted(sorted_numbers, customers, side="right") - first
    owner = np.repeat(np.arange(len(customers), dtype=np.int32), many)
    before = np.cumsum(many) - many
    return np.arange(many.sum()) + np.repeat(first - before, many), owner


def end_kind_codes(counted: Sequence[str]) -> NDArray[np.int8]:
    """Codes of the end kinds that count; an end without a kind always does."""
    return np.array([END_KIND_CODE[kind] for kind in counted] + [-1], np.int8)


def keyed(group: NDArray[Any], second: NDArray[Any]) -> NDArray[np.int64]:
    """Group (a customer, a term) and second as one number; years past 2514 are cut, as NEVER is."""
    most = (1 << SECOND_BITS) - 1
    return np.asarray((group.astype(np.int64) << SECOND_BITS) | np.clip(second, 0, most))


def announced(terms: Terms) -> Terms:
    """With the notice that lies in an end recorded ahead, for whatever feed gives no `notice_at`.

    An end with its kind that was recorded before it came is notice from then on. A planned end
    that a feed writes into `ended_at` has no kind, and is none.
    """
    ahead = terms.dated & (terms.seen < terms.ended) & (terms.ended < NEVER)
    rows = np.flatnonzero(ahead & (terms.end_kind >= 0))
    if not len(rows):
        return terms
    _, group = np.unique(keyed(terms.term[rows], terms.ended[rows]), return_inverse=True)
    told = np.full(len(rows), NEVER)
    np.minimum.at(told, group, terms.seen[rows])
    notice = terms.notice.copy()
    notice[rows] = np.minimum(notice[rows], told[group])
    return replace(terms, notice=notice)


def _is_sorted(keys: Sequence[NDArray[Any]]) -> bool:
    """Whether rows ascend by `keys`, the first one first."""
    pairs = max(0, len(keys[0]) - 1)
    if not pairs:
        return True
    more, same = np.zeros(pairs, np.bool_), np.ones(pairs, np.bool_)
    for key in keys:
        more |= same & (key[1:] > key[:-1])
        same &= key[1:] == key[:-1]
    return bool((more | same).all())


def _defaults(many: int, columns: dict[str, Any]) -> dict[str, Any]:
    never = np.full(many, NEVER)
    dates = dict.fromkeys(
        ("ends_at", "notice", "ended", "paused_from", "paused_to", "until"), never
    )
    given = dates | columns
    for name, absent in ABSENT.items():
        if name not in columns:
            given[name] = np.full(many, absent)
    given.setdefault("term", np.arange(many))
    given.setdefault("recorded", given["started"])
    given.setdefault("dated", np.full(many, "recorded" in columns))
    given.setdefault("seen", given["recorded"])
    return given
