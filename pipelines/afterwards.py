"""What customers did after a night: the surrogates of training (`models.surrogate`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models.contracts import KIND_CODE
from models.dataset import sampled
from pipelines.history.events import Events
from pipelines.labels import Readable

if TYPE_CHECKING:
    from pipelines.walks import Engine

KINDS = ("usage", "order")  # of each how often, and how much at a time


@dataclass(frozen=True)
class Doing:
    """Use and orders of a bucket's customers, of the `share` that is sampled, in the `horizon`
    seconds from each of `as_ofs`; none that a message of ours brought about."""

    as_ofs: tuple[int, ...]
    horizon: int
    share: float

    def __call__(self, events: Events) -> list[tuple[NDArray[np.int32], NDArray[np.float64]]]:
        """For each date: who did anything, [m], and what, [m, 2 x KINDS]: the logarithm of how
        often, and the mean of the logarithms of amounts, NaN where there is none."""
        some = np.isin(events.kind, [KIND_CODE[kind] for kind in KINDS]) & ~events.provoked
        some &= sampled(events.customer, self.share)
        acts = events.take(some)
        return [self._within(acts, as_of) for as_of in self.as_ofs]

    def _within(self, acts: Events, as_of: int) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        acts = acts.take((acts.at >= as_of) & (acts.at < as_of + self.horizon))
        who, place = np.unique(acts.customer, return_inverse=True)
        did = np.empty((len(who), 2 * len(KINDS)))
        for number, kind in enumerate(KINDS):
            mine = acts.kind == KIND_CODE[kind]
            told = mine & (acts.value > 0)
            amounts = np.bincount(place[told], np.log1p(acts.value[told]), len(who))
            did[:, 2 * number] = np.log1p(np.bincount(place[mine], minlength=len(who)))
            with np.errstate(invalid="ignore"):  # nothing over nothing is not known
                did[:, 2 * number + 1] = amounts / np.bincount(place[told], minlength=len(who))
        return who, did


def afterwards(
    history: Readable,
    as_ofs: Sequence[int],
    horizon: int,
    row: tuple[NDArray[np.intp], NDArray[np.int64]],
    share: float = 1.0,
    engine: Engine | None = None,
) -> NDArray[np.float64]:
    """What the customers of rows [n] did within `horizon` seconds of their night, [n, 2 x KINDS].

    `row`: of each the position among `as_ofs` and the customer, by both in order; `share`: of the
    customers, as `sampled` takes them. Everything that is known today counts, as for labels.
    `engine`: where the history is read, this machine by default.
    """
    from pipelines.walks import Local  # which computes features

    out = np.tile([0.0, np.nan], (len(row[0]), len(KINDS)))
    night, customer = row
    begins = np.searchsorted(night, np.arange(len(as_ofs) + 1))
    for of_bucket in (engine or Local()).buckets(history, Doing(tuple(as_ofs), horizon, share)):
        for position, (who, did) in enumerate(of_bucket):
            first, last = begins[position : position + 2]
            places = first + np.searchsorted(customer[first:last], who)
            found = places < last
            found[found] = customer[places[found]] == who[found]
            out[places[found]] = did[found]
    return out
