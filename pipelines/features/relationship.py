"""Features of the contract, as known at each night: what runs, since when, at what price.

The readable version, a customer array a step; `contract_pass.py` computes the same, compiled.
What has no date of its own (a planned end, a price, a product) counts from the day it was known:
of a feed that tells only today's state those columns are empty on every night before it came.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.contracts import DAY, KIND_CODE
from pipelines.features.contract import ENDING_DAYS, EVENT_DAYS, PRICE_CHANGE_DAYS
from pipelines.features.contract import FEATURES as FEATURES
from pipelines.history.continuity import Relationships, relationships
from pipelines.history.derived import Derived, derived_events
from pipelines.history.rates import Instant, Money, one_currency
from pipelines.history.terms import NEVER, Terms


def fill(
    out: NDArray[np.float64],
    terms: Terms | None,
    customers: NDArray[np.int32],
    nights: Sequence[Instant],
    money: Money | None = None,
) -> None:
    """Write the features of `customers` (ascending) into `out`, [nights, customers, FEATURES].

    Amounts are in the home's currency by `money`; without it, only where a history has one
    currency at most are they summed at all. All is NaN without terms.
    """
    out[...] = np.nan
    if terms is None:
        return
    mine = terms.among(customers)
    money = money or one_currency(terms)
    for position, night in enumerate(nights):
        figures = _figures(mine, night, len(customers), money)
        for column, feature in enumerate(FEATURES):
            out[position, :, column] = figures[feature.name]


def joined(
    terms: Terms | None, customers: NDArray[np.int32], first: NDArray[np.int64], night: Instant
) -> NDArray[np.int64]:
    """When each customer's relationship began, as a night knew it, [customers].

    `first` is `joined_at`; who came back after a break began anew with the return.
    """
    if terms is None or len(terms) == 0:
        return first
    view = terms.among(customers).known(night.cutoff)
    found = relationships(view, night.as_of, len(customers))
    return np.where(found.earlier > 0, found.began, first)


def all_paused(terms: Terms | None, night: Instant, customers: int) -> NDArray[np.bool_]:
    """Whose running terms are all paused at a night, as it knew them, [customers]."""
    if terms is None or len(terms) == 0:
        return np.zeros(customers, np.bool_)
    view = terms.known(night.cutoff)
    return _paused(view, _running(view, night.as_of), night.as_of, customers) > 0


def _figures(
    mine: Terms, night: Instant, customers: int, money: Money | None
) -> dict[str, NDArray[np.float64]]:
    """Every feature by name, [customers] each."""
    as_of = night.as_of
    view = mine.known(night.cutoff)
    view = view.take(view.started < as_of)
    runs = _running(view, as_of)
    now = view.take(runs)
    count = np.bincount(now.customer, minlength=customers).astype(np.float64)
    price = _total(now, money, night, customers)
    before = _price_then(mine, night, customers, money)
    found = relationships(view, as_of, customers)
    return {
        "running_terms": count,
        "value_per_month": price,
        "days_since_term_began": _least(now.customer, (as_of - now.started) / DAY, customers),
        "earlier_terms": np.bincount(view.customer[~runs], minlength=customers),
        "price_change_180": np.divide(
            price, before, out=np.full(customers, np.nan), where=before > 0
        ),
        "terms_under_notice": np.bincount(now.customer[now.notice < as_of], minlength=customers),
        "paused": np.where(count > 0, _paused(view, runs, as_of, customers), np.nan),
        **_of_relationship(found, as_of, count > 0),
        **_of_events(derived_events(mine, night.cutoff), as_of, found.began),
        **_of_planned_ends(now, as_of, customers),
    }


def _running(view: Terms, as_of: int) -> NDArray[np.bool_]:
    running: NDArray[np.bool_] = (view.started < as_of) & (view.ended >= as_of)
    return running


def _of_relationship(
    found: Relationships, as_of: int, runs: NDArray[np.bool_]
) -> dict[str, NDArray[np.float64]]:
    back = (found.earlier > 0) & runs
    away = np.where(back, found.began - np.where(back, found.left_before, 0), 0) / DAY
    return {
        "relationship_days": np.where(runs, (as_of - np.where(runs, found.began, 0)) / DAY, np.nan),
        "earlier_relationships": found.earlier.astype(np.float64),
        "days_away": np.where(back, away, np.nan),
    }


def _of_events(
    events: Derived, as_of: int, began: NDArray[np.int64]
) -> dict[str, NDArray[np.float64]]:
    """Counts in the last year and days since the last, of what had happened before `as_of`.

    An end before the present relationship `began` [customers] is not a contract of several lost.
    """
    customers = len(began)
    earlier = (events.kind == KIND_CODE["term_ended"]) & (events.at < began[events.customer])
    events = events.take((events.at < as_of) & ~earlier)
    lately = events.take(events.at >= as_of - EVENT_DAYS * DAY)

    def count(among: Derived, kind: str) -> NDArray[np.float64]:
        return np.bincount(among.of(kind).customer, minlength=customers).astype(np.float64)

    def since(kind: str) -> NDArray[np.float64]:
        some = events.of(kind)
        return _least(some.customer, (as_of - some.at) / DAY, customers)

    return {
        "terms_lost_365": count(lately, "term_ended"),
        "days_since_term_lost": since("term_ended"),
        "plan_changes_365": count(lately, "plan_changed"),
        "days_since_plan_change": since("plan_changed"),
        "pauses_365": count(lately, "paused"),
        "days_since_resumed": since("resumed"),
        "renewals": count(events, "renewed"),
        "days_since_renewal": since("renewed"),
    }


def _of_planned_ends(now: Terms, as_of: int, customers: int) -> dict[str, NDArray[np.float64]]:
    """Of the running terms whose planned end is known that night."""
    now = now.take(now.ends_at < NEVER)
    known = np.bincount(now.customer, minlength=customers) > 0
    ahead = now.ends_at >= as_of
    left = _least(now.customer[ahead], (now.ends_at[ahead] - as_of) / DAY, customers)
    past = np.bincount(now.customer[~ahead], minlength=customers) > 0
    return {
        "days_to_term_end": left,
        "term_ends_in_60": np.where(known, left <= ENDING_DAYS, np.nan),
        "runs_past_end": np.where(known, past, np.nan),
    }


def _paused(
    view: Terms, runs: NDArray[np.bool_], as_of: int, customers: int
) -> NDArray[np.float64]:
    """1 where every running term is paused, else 0, [customers]."""
    still = runs & (view.paused_from < as_of) & (view.paused_to >= as_of)
    paused = np.bincount(view.customer[still], minlength=customers)
    running = np.bincount(view.customer[runs], minlength=customers)
    return np.asarray((paused > 0) & (paused == running), np.float64)


def _price_then(
    mine: Terms, night: Instant, customers: int, money: Money | None
) -> NDArray[np.float64]:
    """Monthly value half a year before, of the versions of then, at tonight's rates.

    Tonight's rates, so that a change is one of the price and not of a currency.
    """
    then = night.as_of - PRICE_CHANGE_DAYS * DAY
    cutoff = night.cutoff - PRICE_CHANGE_DAYS * DAY
    stood = (mine.recorded <= cutoff) & (cutoff < mine.until) & (mine.seen <= night.cutoff)
    stood &= (mine.started < then) & (mine.ended >= then)
    return _total(mine.take(stood), money, night, customers)


def _total(
    terms: Terms, money: Money | None, night: Instant, customers: int
) -> NDArray[np.float64]:
    """Sum of the monthly values of terms, [customers].

    NaN where none is known; where one cannot be converted, too: the rest is not what they pay.
    """
    if money is None:
        return np.full(customers, np.nan)
    value = money.values(terms, night)
    priced = ~np.isnan(value)
    foreign = ~priced & ~np.isnan(terms.value)
    total = np.bincount(terms.customer[priced], weights=value[priced], minlength=customers)
    some = np.bincount(terms.customer[priced], minlength=customers) > 0
    wrong = np.bincount(terms.customer[foreign], minlength=customers) > 0
    return np.where(some & ~wrong, total, np.nan)


def _least(
    owner: NDArray[np.int32], figure: NDArray[np.float64], customers: int
) -> NDArray[np.float64]:
    """The smallest figure of each customer, NaN where there is none."""
    least = np.full(customers, np.inf)
    np.minimum.at(least, owner, figure)
    return np.where(np.isfinite(least), least, np.nan)
