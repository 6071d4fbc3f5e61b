"""How the customers are parted for the report: by segment, by region, by how long they have been.

Segment and region are today's: a table of customers that is not dated knows no other. They part
the report and are no features.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models.groups import Grouping
from pipelines.features import matrix

if TYPE_CHECKING:
    from models.dataset import Dataset
    from pipelines.history.store import History

COLUMNS = ("segment", "region")
# Upper ends in days. The hazard of leaving falls with tenure, fastest in the first year (Fader,
# Hardie, "How to project customer retention", Journal of Interactive Marketing 21, 2007).
TENURE = ((90, "under 3 months"), (365, "3 to 12 months"), (1095, "1 to 3 years"))
LONGER = "over 3 years"


def groupings(history: History, data: Dataset) -> tuple[Grouping, ...]:
    """The groupings of the rows of `data`; a column that holds one value or none parts nobody."""
    found = [_of_column(history, data.customer, column) for column in COLUMNS]
    found.append(_of_tenure(data.X[:, matrix.column("tenure_days")]))
    return tuple(one for one in found if len(one.names) > 1)


def _of_column(history: History, customer: NDArray[np.int64], column: str) -> Grouping:
    import pandas as pd

    words = pd.Categorical(history.customers()[column])
    names = tuple(str(name) for name in words.categories)
    return Grouping(column, names, words.codes.astype(np.int64)[customer])


def _of_tenure(days: NDArray[np.float64]) -> Grouping:
    ends = [end for end, _ in TENURE]
    code = np.searchsorted(ends, days, side="right")
    code[np.isnan(days)] = -1
    return Grouping("tenure", (*(name for _, name in TENURE), LONGER), code.astype(np.int64))
