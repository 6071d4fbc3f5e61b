"""Contract terms as arrays: what was running, under notice or ended, as known at a date."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.contracts import END_KINDS

NEVER = np.iinfo(np.int64).max  # a date that has not come
END_KIND_CODE = {kind: code for code, kind in enumerate(END_KINDS)}


@dataclass(frozen=True)
class Terms:
    """n terms, sorted by `customer`, `started`. Times are seconds since 1970 UTC; NEVER if none.

    `ends_at` (the planned end) is left out on purpose: only today's value of it is known, and a
    date that was rolled on at renewal tells the future.
    """

    customer: NDArray[np.int32]
    started: NDArray[np.int64]
    notice: NDArray[np.int64]
    ended: NDArray[np.int64]
    end_kind: NDArray[np.int8]  # END_KIND_CODE, -1 where it has not ended or no kind was given
    value: NDArray[np.float64]  # value_per_month in its own currency, NaN where unknown
    recorded: NDArray[np.int64]  # when the source knew of the term

    @property
    def told_until(self) -> int:
        """The last start, notice or end that is known: whether a term was renewed after it is not.

        Seconds since 1970; 0 without terms.
        """
        moments = np.concatenate([self.started, self.notice, self.ended])
        return int(moments[moments < NEVER].max(initial=0))

    def __len__(self) -> int:
        return len(self.customer)

    @classmethod
    def of(cls, **columns: Any) -> Terms:
        """Terms from unsorted columns, named and typed as the fields."""
        order = np.lexsort((columns["ended"], columns["started"], columns["customer"]))
        return cls(**{field.name: columns[field.name][order] for field in fields(cls)})
