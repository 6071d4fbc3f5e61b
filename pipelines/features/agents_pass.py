"""The compiled pre-pass: of each night and agent, whom they served and how many of those had left.

It looks at rows that somebody who is no bot acted in (`SERVES`), and where activity tells who has
left, at the kinds that tell it (`STAYS`). Rows come customer by customer, so that a mark of the
last customer counted for an agent is all that different customers need.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.compiling import in_place
from models.contracts import DAY
from pipelines.history.events import NEVER

Ints = NDArray[np.int64]

MONTH, YEAR = 30 * DAY, 365 * DAY
# What a kind is to us.
NOTHING, SERVES, STAYS = range(3)
# How a customer stands at a night.
UNTOLD, STAYING, GONE = range(3)
# Columns of a tally. EARLIER: acts of the year before the last month. FIRST: the first act of the
# year, in seconds; NEVER without one. TOLD: customers of the year of whom it is known whether they
# stayed; LEFT: those who had not.
MONTH_ACTS, EARLIER_ACTS, FIRST, MONTH_CUSTOMERS, TOLD, LEFT = range(6)
TALLIES = 6


class Rows(NamedTuple):
    """The rows of a bucket that the pre-pass looks at, customer by customer."""

    customer: NDArray[np.int32]
    at: Ints
    recorded: Ints
    until: Ints
    agent: NDArray[np.int32]  # NONE where the row tells that the customer stays


class Nights(NamedTuple):
    """Nights in the order of `as_of`, and what is found out of them."""

    as_of: Ints
    cutoff: Ints
    standing: NDArray[np.int8]  # [nights, customers] UNTOLD, STAYING or GONE
    tally: Ints  # [nights, agents, TALLIES]
    last: NDArray[np.int32]  # [nights, agents, 2] who was served last: in the month, the year
    active: int  # seconds without a sign after which a customer has left; 0: `standing` is known


class Contracts(NamedTuple):
    """The columns of `Terms` that tell who has left, customer by customer."""

    customer: NDArray[np.int32]
    notice: Ints
    ended: Ints
    end_kind: NDArray[np.int8]
    recorded: Ints
    seen: Ints
    until: Ints


@in_place
def by_contract(
    terms: Contracts, joined: Ints, as_of: int, cutoff: int, counted: NDArray[np.bool_],
    out: NDArray[np.int8],
) -> None:  # fmt: skip
    """Write how each customer with a term stands at a night by what it knew.

    Staying: a known term whose notice or end has not come. Gone: all have, and the last was left in
    a way that is `counted` (by code, the last for no kind). Twelve nights of a million terms took
    5 s through `Population.leaving`, which follows renewals to their end, and take 0.1 s here.
    """
    i = 0
    while i < len(terms.customer):
        who, knows, stays, last, counts = terms.customer[i], False, False, np.int64(0), False
        while i < len(terms.customer) and terms.customer[i] == who:
            if terms.recorded[i] <= cutoff < terms.until[i]:
                knows = True
                whole, ended = terms.seen[i] <= cutoff, terms.ended[i]
                leaves = min(terms.notice[i], ended)
                if leaves >= as_of or not (whole or leaves <= cutoff):
                    stays = True
                elif leaves >= last:
                    last = leaves
                    counts = counted[terms.end_kind[i] if whole or ended <= cutoff else -1]
            i += 1
        if knows and joined[who] < as_of and (stays or counts):
            out[who] = STAYING if stays else GONE


@in_place
def select(
    kind: NDArray[np.int16], agent: NDArray[np.int32], provoked: NDArray[np.bool_],
    bots: NDArray[np.bool_], agents: int, meaning: NDArray[np.int8], out: NDArray[np.int32],
) -> int:  # fmt: skip
    """Write into `out` the rows that the pre-pass looks at. Returns how many.

    Of agents only those are counted for whom there is room, whatever a file says.
    """
    many = 0
    for row in range(len(kind)):
        means = meaning[kind[row]]
        if means == NOTHING:
            continue
        if means == SERVES:
            who = agent[row]
            if who < 0 or who >= agents or (who < len(bots) and bots[who]):
                continue
        elif provoked[row]:
            continue
        out[many] = row
        many += 1
    return many


@in_place
def _judge(rows: Rows, first: int, end: int, nights: Nights) -> None:
    """Whether a customer was active lately enough at each night."""
    who = rows.customer[first]
    for k in range(len(nights.as_of)):
        as_of, cutoff = nights.as_of[k], nights.cutoff[k]
        if nights.standing[k, who] == UNTOLD:
            continue
        nights.standing[k, who] = GONE
        for row in range(end - 1, first - 1, -1):
            seen = rows.recorded[row] <= cutoff < rows.until[row]
            lately = as_of - nights.active <= rows.at[row] < as_of
            if rows.agent[row] < 0 and seen and lately:
                nights.standing[k, who] = STAYING
                break


@in_place
def _count(rows: Rows, row: int, nights: Nights) -> None:
    """One act of an agent, at each night that sees it."""
    who, agent, at = rows.customer[row], rows.agent[row], rows.at[row]
    for k in range(len(nights.as_of)):
        ago = nights.as_of[k] - at
        if ago > YEAR:
            break
        if ago <= 0 or rows.recorded[row] > nights.cutoff[k] or nights.cutoff[k] >= rows.until[row]:
            continue
        mine, last = nights.tally[k, agent], nights.last[k, agent]
        mine[FIRST] = min(mine[FIRST], at)
        if ago <= MONTH:
            mine[MONTH_ACTS] += 1
            if last[0] != who:
                last[0] = who
                mine[MONTH_CUSTOMERS] += 1
        else:
            mine[EARLIER_ACTS] += 1
        if last[1] != who:
            last[1] = who
            standing = nights.standing[k, who]
            mine[TOLD] += standing != UNTOLD
            mine[LEFT] += standing == GONE


@in_place
def tally(rows: Rows, nights: Nights) -> None:
    """Count a bucket's rows into the tallies of the nights."""
    first = 0
    while first < len(rows.customer):
        end = first + 1
        while end < len(rows.customer) and rows.customer[end] == rows.customer[first]:
            end += 1
        if nights.active:
            _judge(rows, first, end, nights)
        for row in range(first, end):
            if rows.agent[row] >= 0:
                _count(rows, row, nights)
        first = end


def empty_tally(nights: int, agents: int) -> Ints:
    """Nothing counted yet."""
    found = np.zeros((nights, agents, TALLIES), np.int64)
    found[:, :, FIRST] = NEVER
    return found
