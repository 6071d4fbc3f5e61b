"""What a customer is worth a month at a date, in the home's currency."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pipelines.features.relationship import FEATURES, Instant, fill

if TYPE_CHECKING:
    from pipelines.history.store import History

_PRICE = next(i for i, feature in enumerate(FEATURES) if feature.name == "value_per_month")


def monthly_values(history: History, night: Instant, currency: str) -> NDArray[np.float64]:
    """Monthly value of every customer, [customers]; NaN where unknown or in another currency.

    From the terms that run at the night, else from the customer's own row. Amounts in other
    currencies are left out: without dated rates they cannot be ranked together.
    """
    frame = history.customers()
    value = frame["value_per_month"].to_numpy(np.float64, na_value=np.nan).copy()
    foreign = (frame["currency"].notna() & (frame["currency"] != currency)).to_numpy(np.bool_)
    terms = history.terms()
    if terms is not None and len(terms):
        columns = np.empty((1, len(frame), len(FEATURES)))
        fill(columns, terms, np.arange(len(frame), dtype=np.int32), [night])
        contracted = np.zeros(len(frame), np.bool_)
        contracted[terms.customer] = True
        value = np.where(contracted, columns[0, :, _PRICE], value)
        rows = history.table("terms")
        if rows is not None:
            other = rows.loc[rows["currency"].notna() & (rows["currency"] != currency)]
            foreign = foreign | frame["customer_id"].isin(other["customer_id"]).to_numpy(np.bool_)
    value[foreign] = np.nan
    return value
