"""What follows on what: renewals, changes of plan, and relationships that began anew."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipelines.history.terms import NEVER, RENEWAL_GRACE, SECOND_BITS, Terms, keyed


@dataclass(frozen=True)
class Relationships:
    """The latest relationship of each customer, [customers]: terms without a gap between them.

    Times are seconds since 1970, NEVER where there is none. Who returns after a gap of more than
    `RENEWAL_GRACE` has begun anew.
    """

    began: NDArray[np.int64]
    earlier: NDArray[np.int64]  # how many relationships came before it
    left_before: NDArray[np.int64]  # when the one before it ended


def relationships(view: Terms, as_of: int, customers: int) -> Relationships:
    """Of the terms that had begun before `as_of`; `view` holds one version of each term, sorted."""
    view = view.take(view.started < as_of)
    reach = np.maximum.accumulate(keyed(view.customer, view.ended))
    starts = keyed(view.customer, view.started - RENEWAL_GRACE)
    anew = np.ones(len(view), np.bool_)
    anew[1:] = starts[1:] > reach[:-1]
    first = np.flatnonzero(anew)
    owner = view.customer[first]
    began = np.full(customers, NEVER)
    began[owner] = view.started[first]  # ascending: the last one stays
    earlier = np.maximum(np.bincount(owner, minlength=customers) - 1, 0)
    left_before = np.full(customers, NEVER)
    again = first[1:][owner[1:] == owner[:-1]]
    left_before[view.customer[again]] = reach[again - 1] & ((1 << SECOND_BITS) - 1)
    return Relationships(began, earlier, left_before)


def continued_by(view: Terms) -> NDArray[np.intp]:
    """Position of the term that follows each ended one at once, -1 where none does.

    Within `RENEWAL_GRACE` of the end, of the same product before any other; a term that continues
    its own product is no change of plan of another one. `view` holds one version of each term.
    """
    _, product = np.unique(keyed(view.customer, view.product + 1), return_inverse=True)
    following = _starting_at_the_end(view, product, np.ones(len(view), np.bool_))
    free = np.ones(len(view), np.bool_)
    free[following[following >= 0]] = False
    other = _starting_at_the_end(view, view.customer, free)
    return np.where(following >= 0, following, other)


def _starting_at_the_end(
    view: Terms, group: NDArray[np.integer], free: NDArray[np.bool_]
) -> NDArray[np.intp]:
    """The first free term of the same group that starts around the end of each, -1 if none."""
    starters = np.flatnonzero(free)
    keys = keyed(group[starters], view.started[starters])
    order = np.argsort(keys, kind="stable")
    starters, keys = starters[order], keys[order]
    found = np.full(len(view), -1, np.intp)
    ended = np.flatnonzero(view.ended < NEVER)
    if len(starters) == 0 or len(ended) == 0:
        return found
    place = np.searchsorted(keys, keyed(group[ended], view.ended[ended] - RENEWAL_GRACE))
    # A term of a day starts around its own end.
    place += starters[np.minimum(place, len(starters) - 1)] == ended
    last = keyed(group[ended], view.ended[ended] + RENEWAL_GRACE)
    inside = place < len(starters)
    inside[inside] = keys[place[inside]] <= last[inside]
    found[ended[inside]] = starters[place[inside]]
    return found
