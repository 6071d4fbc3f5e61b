"""How the customers are parted for the report: by segment, by region, by how long they have been,
by whether they were contacted, and by protected attributes that `customers` or `attributes` tell.

Segment, region and protected attributes are today's: a table of customers that is not dated knows
no other. They part the report and are no features.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models.groups import Grouping
from models.protected import PERSONAL_DATA, held
from pipelines.features import matrix
from pipelines.history.schema import CUSTOMERS

if TYPE_CHECKING:
    import pandas as pd

    from models.dataset import Contacts, Dataset
    from models.settings import Training
    from pipelines.history.store import History

COLUMNS = ("segment", "region")
# Upper ends in days. The hazard of leaving falls with tenure, fastest in the first year (Fader,
# Hardie, "How to project customer retention", Journal of Interactive Marketing 21, 2007).
TENURE = ((90, "under 3 months"), (365, "3 to 12 months"), (1095, "1 to 3 years"))
LONGER = "over 3 years"
LEFT_ALONE, CONTACTED = "left alone", "contacted"
MOST_LEVELS = 12  # a number or a date of more values is parted in thirds, as ages are
THIRDS = (1 / 3, 2 / 3)


def groupings(history: History, data: Dataset, training: Training) -> tuple[Grouping, ...]:
    """The groupings of the rows of `data`; a column that holds one value or none parts nobody."""
    found = [_of_column(history, data.customer, column) for column in COLUMNS]
    found.append(_of_tenure(data.X[:, matrix.column("tenure_days")]))
    found.extend(by_contact(data.contacts) if data.contacts else [])
    found.extend(protected_groupings(history, data.customer, training))
    return tuple(one for one in found if len(one.names) > 1)


def by_contact(contacts: Contacts) -> list[Grouping]:
    """Who was left alone over the horizon, and who was not; nothing where nobody was contacted.

    The contacted are those who had not left before their turn came, so both are more than the
    contact apart: what it changes is for the control group to tell.
    """
    if not contacts.within.any():
        return []
    return [Grouping("contact", (LEFT_ALONE, CONTACTED), contacts.within.astype(np.int64))]


def protected_groupings(
    history: History, customer: NDArray[np.int64], training: Training
) -> list[Grouping]:
    """By each protected attribute that is known; `customer` [n] are the rows' customer numbers."""
    found = []
    for name, values in _protected(history, training):
        numbers = history.surviving(values.index.to_series()).map(history.numbers)
        values = values[numbers.notna().to_numpy()].reset_index(drop=True)
        of_number = np.full(len(history.people()), -1, np.int64)
        names, codes = _parted(values)
        of_number[numbers.dropna().astype(np.int64)] = codes
        if len(names) > 1:
            found.append(Grouping(name, names, of_number[customer]))
    return found


def _protected(history: History, training: Training) -> Iterator[tuple[str, pd.Series]]:
    """Name and newest values, by customer id, of each protected attribute of the history."""

    def wanted(names: list[str]) -> list[str]:
        found = held(names, training.protected, training.not_protected)
        return [name for name, what in found.items() if what != PERSONAL_DATA]

    people = history.table("customers")
    if people is not None:
        own = {column.name for column in CUSTOMERS.columns}
        for name in wanted([column for column in people.columns if column not in own]):
            yield name, people.set_index("customer_id")[name].dropna()
    dated = history.table("attributes")
    if dated is not None:
        newest = dated.sort_values("valid_from", kind="stable")
        newest = newest.drop_duplicates(["customer_id", "name"], keep="last").dropna(
            subset=["value"]
        )
        for name in wanted(sorted(newest["name"].unique())):
            yield name, newest[newest["name"] == name].set_index("customer_id")["value"]


def _parted(values: pd.Series) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """The groups of some values, and the group of each: words as they are, of many numbers or
    dates (by year) three groups of equal size."""
    import pandas as pd

    words = values.astype(str)
    if words.nunique() > MOST_LEVELS:
        years = pd.to_datetime(words, errors="coerce", utc=True, format="ISO8601").dt.year
        for numbers in (pd.to_numeric(words, errors="coerce"), years):
            if numbers.notna().mean() > 1 / 2:
                return _thirds(numbers.to_numpy().astype(np.float64))
    found = pd.Categorical(words)
    return tuple(map(str, found.categories)), found.codes.astype(np.int64)


def _thirds(numbers: NDArray[np.float64]) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    low, high = np.nanquantile(numbers, THIRDS, method="nearest")
    code = np.searchsorted([low, high], numbers, side="left").astype(np.int64)
    code[np.isnan(numbers)] = -1
    return (f"up to {low:g}", f"over {low:g} to {high:g}", f"over {high:g}"), code


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
