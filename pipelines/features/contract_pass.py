"""The features of the contract, compiled. What they mean: `relationship.py`, which this must equal.

One customer at one night at a time, from the versions of the customer's terms: what the night knew
of each, what runs, what follows on what, and what had happened by then.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.compiling import in_place
from models.contracts import DAY
from pipelines.features.contract import ENDING_DAYS, EVENT_DAYS, FEATURES, PRICE_CHANGE_DAYS
from pipelines.history.rates import Instant, Money, one_currency
from pipelines.history.terms import NEVER, RENEWAL_GRACE, SECOND_BITS, Terms

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

COLUMN = {feature.name: place for place, feature in enumerate(FEATURES)}
(RUNNING, PRICE, TERM_BEGAN, EARLIER_TERMS, PRICE_CHANGE, TOGETHER, EARLIER, AWAY, LOST, SINCE_LOST,
 NOTICED, PLANS, SINCE_PLAN, ALL_PAUSED, PAUSES, SINCE_RESUMED, RENEWALS, SINCE_RENEWAL, TO_END,
 ENDING, PAST_END) = (
    COLUMN[name]
    for name in (
        "running_terms", "value_per_month", "days_since_term_began", "earlier_terms",
        "price_change_180", "relationship_days", "earlier_relationships", "days_away",
        "terms_lost_365", "days_since_term_lost", "terms_under_notice", "plan_changes_365",
        "days_since_plan_change", "paused", "pauses_365", "days_since_resumed", "renewals",
        "days_since_renewal", "days_to_term_end", "term_ends_in_60", "runs_past_end",
    )
)  # fmt: skip
COLUMNS = len(FEATURES)
# Columns of a version as a night knew it.
(TERM, BEGAN, ENDED, NOTICE, ENDS_AT, PAUSED_FROM, PAUSED_TO, RECORDED, SEEN, UNTIL, CURRENCY,
 PRODUCT) = range(12)  # fmt: skip
TOLD = 12
# Kinds of events, and what is counted of each.
TERM_ENDED, PLAN_CHANGED, PAUSED, RESUMED, RENEWED = range(5)
KINDS = 5
LATELY, EVER, NEWEST = range(3)
MOST = (1 << SECOND_BITS) - 1


class Versions(NamedTuple):
    """The columns of `Terms`, and where each asked customer's begin and end."""

    first: Ints  # [customers]
    end: Ints  # [customers]
    term: Ints
    started: Ints
    ends_at: Ints
    notice: Ints
    ended: Ints
    value: Floats
    currency: NDArray[np.int32]
    product: NDArray[np.int32]
    paused_from: Ints
    paused_to: Ints
    recorded: Ints
    seen: Ints
    until: Ints


class Asked(NamedTuple):
    """The nights, and what an amount is worth at each."""

    as_of: Ints
    cutoff: Ints
    factor: Floats  # [nights, currencies + 1] the last for amounts without a currency
    priced: bool  # whether amounts can be told at all


class Room(NamedTuple):
    """Everything one thread writes into; n: the most versions of a customer."""

    told: Ints  # [n, TOLD] versions recorded by the cut-off, blank where not seen yet
    value: Floats  # [n]
    stands: NDArray[np.bool_]  # [n] the version of its term that the night knew
    follower: Ints  # [n] which one follows at once, -1: none
    free: NDArray[np.bool_]  # [n] follows none of its own product
    events: Ints  # [KINDS, 3]


def fill(
    out: Floats,
    terms: Terms | None,
    customers: NDArray[np.int32],
    nights: Sequence[Instant],
    money: Money | None = None,
    start: int = 0,
) -> None:
    """Write the features of `customers` (ascending) into `out` [nights, customers, columns], which
    is contiguous, from the column `start` on.

    Amounts are in the home's currency by `money`; without it, only where a history has one
    currency at most are they summed at all. All is NaN without terms.
    """
    if terms is None:
        out[:, :, start : start + len(FEATURES)] = np.nan
        return
    first = np.searchsorted(terms.customer, customers, side="left").astype(np.int64)
    end = np.searchsorted(terms.customer, customers, side="right").astype(np.int64)
    columns = {name: _read(getattr(terms, name), TYPES[name]) for name in Versions._fields[2:]}
    _run(
        Versions(first, end, **columns),
        _asked(terms, nights, money or one_currency(terms)),
        _room(int((end - first).max(initial=0))),
        start,
        out,
    )


TYPES: dict[str, type[np.generic]] = dict.fromkeys(Versions._fields, np.int64) | {
    "value": np.float64, "currency": np.int32, "product": np.int32,
}  # fmt: skip


def _read(array: NDArray[Any], dtype: type[np.generic]) -> NDArray[Any]:
    """Contiguous and not to be written: each other combination would compile once more."""
    view = np.ascontiguousarray(array, dtype).view()
    view.flags.writeable = False
    return view


def _asked(terms: Terms, nights: Sequence[Instant], money: Money | None) -> Asked:
    factor = np.full((len(nights), len(terms.currencies) + 1), np.nan)
    if money is not None:
        for place, night in enumerate(nights):
            factor[place] = money.factors(terms.currencies, night)
    as_of = np.array([night.as_of for night in nights], np.int64)
    cutoff = np.array([night.cutoff for night in nights], np.int64)
    return Asked(as_of, cutoff, factor, money is not None)


def _room(versions: int) -> Room:
    n = max(1, versions)
    return Room(
        told=np.empty((n, TOLD), np.int64),
        value=np.empty(n),
        stands=np.empty(n, np.bool_),
        follower=np.empty(n, np.int64),
        free=np.empty(n, np.bool_),
        events=np.empty((KINDS, 3), np.int64),
    )


@in_place
def _run(versions: Versions, asked: Asked, room: Room, start: int, out: Floats) -> None:
    """Night by night: rows of one night follow each other in memory."""
    for k in range(len(asked.as_of)):
        for c in range(len(versions.first)):
            row = out[k, c, start : start + COLUMNS]
            _one(versions, versions.first[c], versions.end[c], asked, k, room, row)


@in_place
def _one(
    versions: Versions, first: int, end: int, asked: Asked, k: int, room: Room, row: Floats
) -> None:
    """One customer's features at night `k`, from the versions `first` to `end`."""
    as_of, cutoff = asked.as_of[k], asked.cutoff[k]
    n = _know(versions, first, end, cutoff, room)
    began = _relationship(n, as_of, room, row)
    _running(n, as_of, room, row)
    row[PRICE] = np.nan
    row[PRICE_CHANGE] = np.nan
    if asked.priced:
        row[PRICE] = _price(n, as_of, asked.factor[k], room)
        before = _price_then(versions, first, end, as_of, cutoff, asked.factor[k])
        if before > 0.0:
            row[PRICE_CHANGE] = row[PRICE] / before
    room.events[:, LATELY] = 0
    room.events[:, EVER] = 0
    room.events[:, NEWEST] = NEVER
    _pauses(n, as_of, room)
    _follow(n, room)
    _ends(n, as_of, began, room)
    _change(n, as_of, cutoff, room)
    _write_events(as_of, room.events, row)


@in_place
def _know(versions: Versions, first: int, end: int, cutoff: int, room: Room) -> int:
    """Copy the versions that had been recorded by the cut-off. Returns how many.

    Of what was not seen as a whole yet, only the dates that had come count.
    """
    n = 0
    for r in range(first, end):
        if versions.recorded[r] > cutoff:
            continue
        until, told = versions.until[r], room.told[n]
        told[TERM], told[BEGAN] = versions.term[r], versions.started[r]
        told[RECORDED], told[SEEN], told[UNTIL] = versions.recorded[r], versions.seen[r], until
        told[ENDED], told[NOTICE] = versions.ended[r], versions.notice[r]
        told[PAUSED_FROM], told[PAUSED_TO] = versions.paused_from[r], versions.paused_to[r]
        told[ENDS_AT] = versions.ends_at[r]
        told[CURRENCY], told[PRODUCT] = versions.currency[r], versions.product[r]
        room.value[n] = versions.value[r]
        if versions.seen[r] > cutoff:
            for date in (ENDED, NOTICE, PAUSED_FROM, PAUSED_TO):
                if told[date] > cutoff:
                    told[date] = NEVER
            told[ENDS_AT] = NEVER
            told[CURRENCY] = told[PRODUCT] = -1
            room.value[n] = np.nan
        room.stands[n] = until == NEVER if cutoff == NEVER else cutoff < until
        n += 1
    return n


@in_place
def _clipped(second: int) -> int:
    """As `terms.keyed` cuts it."""
    return min(max(second, 0), MOST)


@in_place
def _relationship(n: int, as_of: int, room: Room, row: Floats) -> int:
    """When the present relationship began, NEVER if none did; writes what was before it.

    A term that begins more than `RENEWAL_GRACE` after all before it had ended begins anew.
    """
    began, reach, relationships, left_before, runs = NEVER, 0, 0, 0, False
    for v in range(n):
        told = room.told[v]
        if not room.stands[v] or told[BEGAN] >= as_of:
            continue
        if relationships == 0 or _clipped(told[BEGAN] - RENEWAL_GRACE) > reach:
            relationships += 1
            began, left_before = told[BEGAN], reach
        reach = max(reach, _clipped(told[ENDED]))
        runs |= told[ENDED] >= as_of
    earlier = max(relationships - 1, 0)
    row[EARLIER] = earlier
    row[TOGETHER] = (as_of - began) / DAY if runs else np.nan
    row[AWAY] = (began - left_before) / DAY if runs and earlier else np.nan
    return int(began)


@in_place
def _running(n: int, as_of: int, room: Room, row: Floats) -> None:
    """What runs at the night, and what is planned of it."""
    running, over, noticed, paused = 0, 0, 0, 0
    newest, next_end = np.iinfo(np.int64).min, NEVER
    planned, past = False, False
    for v in range(n):
        told = room.told[v]
        if not room.stands[v] or told[BEGAN] >= as_of:
            continue
        if told[ENDED] < as_of:
            over += 1
            continue
        running += 1
        newest = max(newest, told[BEGAN])
        noticed += told[NOTICE] < as_of
        paused += told[PAUSED_FROM] < as_of and told[PAUSED_TO] >= as_of
        if told[ENDS_AT] < NEVER:
            planned = True
            if told[ENDS_AT] >= as_of:
                next_end = min(next_end, told[ENDS_AT])
            else:
                past = True
    row[RUNNING], row[EARLIER_TERMS], row[NOTICED] = running, over, noticed
    row[TERM_BEGAN] = (as_of - newest) / DAY if running else np.nan
    row[ALL_PAUSED] = 1.0 * (paused > 0 and paused == running) if running else np.nan
    to_end = (next_end - as_of) / DAY if next_end < NEVER else np.nan
    row[TO_END] = to_end
    row[ENDING] = 1.0 * (to_end <= ENDING_DAYS) if planned else np.nan
    row[PAST_END] = 1.0 * past if planned else np.nan


@in_place
def _price(n: int, as_of: int, factor: Floats, room: Room) -> float:
    """Sum of what runs; NaN where none is known, or one cannot be converted."""
    total, known = 0.0, False
    for v in range(n):
        told = room.told[v]
        if not room.stands[v] or told[BEGAN] >= as_of or told[ENDED] < as_of:
            continue
        if np.isnan(room.value[v]):
            continue
        amount = room.value[v] * factor[told[CURRENCY]]
        if np.isnan(amount):
            return np.nan
        total += amount
        known = True
    return total if known else np.nan


@in_place
def _price_then(
    versions: Versions, first: int, end: int, as_of: int, cutoff: int, factor: Floats
) -> float:
    """The same half a year before, of the versions of then, at tonight's rates."""
    back = PRICE_CHANGE_DAYS * DAY
    total, known = 0.0, False
    for r in range(first, end):
        known_then = versions.recorded[r] <= cutoff - back < versions.until[r]
        ran = versions.started[r] < as_of - back <= versions.ended[r]
        if not (known_then and ran and versions.seen[r] <= cutoff):
            continue
        if np.isnan(versions.value[r]):
            continue
        amount = versions.value[r] * factor[versions.currency[r]]
        if np.isnan(amount):
            return np.nan
        total += amount
        known = True
    return total if known else np.nan


@in_place
def _happened(events: Ints, kind: int, at: int, as_of: int) -> None:
    if at >= as_of:
        return
    if at >= as_of - EVENT_DAYS * DAY:
        events[kind, LATELY] += 1
    if events[kind, EVER] == 0 or at > events[kind, NEWEST]:
        events[kind, NEWEST] = at
    events[kind, EVER] += 1


@in_place
def _pauses(n: int, as_of: int, room: Room) -> None:
    for v in range(n):
        told = room.told[v]
        if room.stands[v] and told[PAUSED_FROM] < told[ENDED]:
            _happened(room.events, PAUSED, told[PAUSED_FROM], as_of)
            if told[PAUSED_TO] < told[ENDED]:
                _happened(room.events, RESUMED, told[PAUSED_TO], as_of)


@in_place
def _starts_at_the_end(n: int, v: int, same: bool, room: Room) -> int:
    """The first term that starts around the end of `v`, itself left out, -1 if none does: of the
    `same` product, or one that is free."""
    ended = room.told[v, ENDED]
    for w in range(n):
        if not room.stands[w] or _clipped(room.told[w, BEGAN]) < _clipped(ended - RENEWAL_GRACE):
            continue
        if same and room.told[w, PRODUCT] != room.told[v, PRODUCT]:
            continue
        if w == v or not (same or room.free[w]):
            continue
        return w if _clipped(room.told[w, BEGAN]) <= _clipped(ended + RENEWAL_GRACE) else -1
    return -1


@in_place
def _follow(n: int, room: Room) -> None:
    """Which term follows at once on each: of the same product before any other."""
    for v in range(n):
        room.free[v] = True
    for same in (True, False):
        for v in range(n):
            if not room.stands[v] or (not same and room.follower[v] >= 0):
                continue
            room.follower[v] = -1
            if room.told[v, ENDED] < NEVER:
                room.follower[v] = _starts_at_the_end(n, v, same, room)
        for v in range(n):
            if same and room.stands[v] and room.follower[v] >= 0:
                room.free[room.follower[v]] = False


@in_place
def _ends(n: int, as_of: int, began: int, room: Room) -> None:
    """Ends, and what follows on them: the same again is a renewal, another a change of plan."""
    for v in range(n):
        if not room.stands[v]:
            continue
        follower, ended = room.follower[v], room.told[v, ENDED]
        if follower < 0:
            if ended >= began:  # before, it is not a contract of several that was lost
                _happened(room.events, TERM_ENDED, ended, as_of)
        else:
            changed = _differs(v, follower, room)
            kind = PLAN_CHANGED if changed else RENEWED
            _happened(room.events, kind, room.told[follower, BEGAN], as_of)


@in_place
def _differs(v: int, w: int, room: Room) -> bool:
    """Another product, price or currency, where both are known."""
    old, new = room.told[v], room.told[w]
    price = room.value[v] != room.value[w]
    if price and not np.isnan(room.value[v]) and not np.isnan(room.value[w]):
        return True
    if old[PRODUCT] != new[PRODUCT] and old[PRODUCT] >= 0 and new[PRODUCT] >= 0:
        return True
    return bool(old[CURRENCY] != new[CURRENCY] and old[CURRENCY] >= 0 and new[CURRENCY] >= 0)


@in_place
def _version_before(n: int, w: int, room: Room) -> int:
    """The version of the same term that `w` came after, -1 if none."""
    found, new = -1, room.told[w]
    for v in range(n):
        old = room.told[v]
        if v == w or old[TERM] != new[TERM] or not _precedes(v, w, room.told):
            continue
        if found < 0 or _precedes(found, v, room.told):
            found = v
    return found


@in_place
def _precedes(v: int, w: int, told: Ints) -> bool:
    """By when it was recorded, then by until when it stood, then by its place."""
    if told[v, RECORDED] != told[w, RECORDED]:
        return bool(told[v, RECORDED] < told[w, RECORDED])
    if told[v, UNTIL] != told[w, UNTIL]:
        return bool(told[v, UNTIL] < told[w, UNTIL])
    return v < w


@in_place
def _is_known(n: int, term: int, room: Room) -> bool:
    known = False
    for v in range(n):
        known |= room.stands[v] and room.told[v, TERM] == term
    return known


@in_place
def _change(n: int, as_of: int, cutoff: int, room: Room) -> None:
    """What one version of a term says otherwise than the one before it, both known."""
    for w in range(n):
        v = _version_before(n, w, room)
        if v < 0 or not _is_known(n, room.told[w, TERM], room):
            continue
        old, new = room.told[v], room.told[w]
        if max(old[SEEN], new[SEEN]) <= cutoff:
            if old[ENDS_AT] < new[ENDS_AT] < NEVER and old[ENDS_AT] < new[ENDED]:
                _happened(room.events, RENEWED, min(old[ENDS_AT], new[SEEN]), as_of)
            if _differs(v, w, room):
                _happened(room.events, PLAN_CHANGED, new[SEEN], as_of)
        # A pause that was over when the next one was put in its place did happen.
        if old[PAUSED_TO] < new[PAUSED_FROM] < NEVER:
            if min(old[SEEN], max(old[RECORDED], old[PAUSED_FROM])) <= cutoff:
                _happened(room.events, PAUSED, old[PAUSED_FROM], as_of)
            if min(old[SEEN], max(old[RECORDED], old[PAUSED_TO])) <= cutoff:
                _happened(room.events, RESUMED, old[PAUSED_TO], as_of)


@in_place
def _write_events(as_of: int, events: Ints, row: Floats) -> None:
    row[LOST], row[SINCE_LOST] = events[TERM_ENDED, LATELY], _since(events, TERM_ENDED, as_of)
    row[PLANS], row[SINCE_PLAN] = events[PLAN_CHANGED, LATELY], _since(events, PLAN_CHANGED, as_of)
    row[PAUSES], row[SINCE_RESUMED] = events[PAUSED, LATELY], _since(events, RESUMED, as_of)
    row[RENEWALS], row[SINCE_RENEWAL] = events[RENEWED, EVER], _since(events, RENEWED, as_of)


@in_place
def _since(events: Ints, kind: int, as_of: int) -> float:
    return (as_of - events[kind, NEWEST]) / DAY if events[kind, EVER] else np.nan
