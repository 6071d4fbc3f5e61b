"""What a customer is worth a month at a date, in the home's currency."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pipelines.history.rates import Instant, Money
from pipelines.history.terms import Terms

if TYPE_CHECKING:
    from pipelines.history.store import History


@dataclass(frozen=True)
class Worth:
    """Monthly value of every customer, [customers], NaN where unknown.

    `without_rate`: the number of each customer's currency (in `currencies`) that has no rate, -1
    for all others.
    """

    amount: NDArray[np.float64]
    without_rate: NDArray[np.int32]
    currencies: tuple[str, ...]

    def missing(self, among: NDArray[np.int32]) -> Mapping[str, int]:
        """How many of these customers have a value in each currency without a rate, by currency."""
        codes = self.without_rate[among]
        many = np.bincount(codes[codes >= 0], minlength=len(self.currencies))
        return {
            word: count for word, count in zip(self.currencies, many.tolist(), strict=True) if count
        }

    def notes(self, among: NDArray[np.int32]) -> list[str]:
        """For people: whose value at risk is unknown for want of a rate, and what to bring."""
        return [
            f"Value at risk of {many:,} customer{'' if many == 1 else 's'} in {currency} is "
            "unknown, so they are not ranked by it: bring `rates` (docs/history.md)."
            for currency, many in self.missing(among).items()
        ]


def worth(history: History, night: Instant, currency: str, money: Money | None = None) -> Worth:
    """What each customer is worth at a night, by the terms that run, else by the customer's row.

    In `currency`, the home's, at the night's rate, by `money` where the history's own rates are not
    meant; without one it is unknown. Where no value was
    known yet that night the earliest one that ever was stands in: this ranks customers and is no
    feature, and an unknown value would rank a customer behind all others.
    """
    customers = history.manifest.customers
    money = money or Money.of_history(history, currency)
    terms = history.terms()
    if terms is None or len(terms) == 0:
        return _of_terms(history.values(), customers, money, night)
    contracted = np.zeros(customers, np.bool_)
    contracted[terms.owners(night.cutoff)] = True
    found = _of_terms(terms, customers, money, night)
    if contracted.all():
        return found
    return _where(contracted, found, _of_terms(history.values(), customers, money, night))


def monthly_values(history: History, night: Instant, currency: str) -> NDArray[np.float64]:
    """The amounts of `worth`."""
    return worth(history, night, currency).amount


def _of_terms(terms: Terms, customers: int, money: Money, night: Instant) -> Worth:
    """Sum of the running terms; all is unknown of whom a currency has no rate."""
    view = _stood_in(terms, terms.known(night.cutoff))
    view = view.take((view.started < night.as_of) & (view.ended >= night.as_of))
    value = money.values(view, night)
    priced = ~np.isnan(value)
    foreign = ~priced & ~np.isnan(view.value)
    owner = view.customer
    amount = np.bincount(owner[priced], weights=value[priced], minlength=customers)
    without = np.full(customers, -1, np.int32)
    without[owner[foreign]] = view.currency[foreign]
    some = np.bincount(owner[priced], minlength=customers) > 0
    return Worth(np.where(some & (without < 0), amount, np.nan), without, terms.currencies)


def _stood_in(terms: Terms, view: Terms) -> Terms:
    """`view` with each term's earliest known value where that night knew none."""
    if not np.isnan(view.value).any():
        return view
    priced = np.flatnonzero(~np.isnan(terms.value))
    first = priced[np.lexsort((terms.seen[priced], terms.term[priced]))]
    first = first[np.unique(terms.term[first], return_index=True)[1]]
    if len(first) == 0:
        return view
    place = np.minimum(np.searchsorted(terms.term[first], view.term), len(first) - 1)
    stands = np.isnan(view.value) & (terms.term[first[place]] == view.term)
    return replace(
        view,
        value=np.where(stands, terms.value[first[place]], view.value),
        currency=np.where(stands, terms.currency[first[place]], view.currency),
    )


def _where(which: NDArray[np.bool_], one: Worth, other: Worth) -> Worth:
    """One answer for some customers, the other for the rest."""
    words = tuple(sorted({*one.currencies, *other.currencies}))
    codes = [
        np.array([*map(words.index, worth.currencies), -1], np.int32)[worth.without_rate]
        for worth in (one, other)
    ]
    return Worth(np.where(which, one.amount, other.amount), np.where(which, *codes), words)
