"""Whom the company contacted around a night: the treated customers of training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models.contracts import DAY, KIND_CODE
from models.dataset import Contacts
from pipelines.history.events import Events
from pipelines.labels import Readable

if TYPE_CHECKING:
    from pipelines.walks import Engine

# In the field experiment of Ascarza, Iyengar and Schleicher (JMR 2016) the contacted left more
# often over the three months after.
LASTS_DAYS = 90


@dataclass(frozen=True)
class Sent:
    """Contacts around each of `as_ofs`, of a bucket's rows: in the `LASTS_DAYS` before it, and in
    [as_of, as_of + horizon)."""

    as_ofs: tuple[int, ...]
    horizon: int

    def __call__(
        self, events: Events
    ) -> list[tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int64]]]:
        """For each date: who was contacted before; who within the horizon, and when first."""
        sent = events.kind == KIND_CODE["outreach_sent"]
        customer, at = events.customer[sent], events.at[sent]
        found = []
        for as_of in self.as_ofs:
            lately = (at >= as_of - LASTS_DAYS * DAY) & (at < as_of)
            within = (at >= as_of) & (at < as_of + self.horizon)
            # Rows are sorted by customer and time: the first of each is the earliest.
            who, first = np.unique(customer[within], return_index=True)
            found.append((np.unique(customer[lately]), who, at[within][first]))
        return found


def contacted(
    history: Readable, as_ofs: Sequence[int], horizon: int, engine: Engine | None = None
) -> list[Contacts]:
    """Contacts of all customers around each date, for a horizon in seconds, [customers] each.

    Everything that is known today counts, as for labels. `engine`: where the rows are read, this
    machine by default.
    """
    from pipelines.walks import Local  # which computes features

    many = len(history.people())
    after = np.full((len(as_ofs), many), np.nan)
    lately = np.zeros((len(as_ofs), many), np.bool_)
    for of_bucket in (engine or Local()).buckets(history, Sent(tuple(as_ofs), horizon)):
        for position, (before, who, at) in enumerate(of_bucket):
            lately[position, before] = True
            after[position, who] = (at - as_ofs[position]) / DAY
    return [Contacts(*pair) for pair in zip(after, lately, strict=True)]
