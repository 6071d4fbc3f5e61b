"""Amounts in the home's currency, by the rates that were known at a night.

Source: CONTRACTS.md, `rates`: `currency, date, rate` to the home's currency.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from pipelines.history import knowledge
from pipelines.history.schema import RATES
from pipelines.history.terms import Terms

if TYPE_CHECKING:
    from pipelines.history.store import History

RATES_SQL = """
SELECT currency, epoch("date")::BIGINT AS day, rate, _recorded AS recorded, _until AS until
FROM ({spans}) WHERE rate > 0 ORDER BY currency, day, recorded
"""
# A rate that does not say when it was recorded counts from its date.
DATE = 'epoch("date")::BIGINT'


class Instant(Protocol):
    """A night: what had happened before `as_of` and was known by `cutoff`, both in seconds."""

    @property
    def as_of(self) -> int: ...
    @property
    def cutoff(self) -> int: ...


@dataclass(frozen=True)
class Rates:
    """n rates to the home's currency, by `currency` and `at` (midnight UTC of the date, seconds).

    A night knows those with `recorded` <= cut-off < `until`.
    """

    currency: NDArray[np.object_]
    at: NDArray[np.int64]
    rate: NDArray[np.float64]
    recorded: NDArray[np.int64]
    until: NDArray[np.int64]

    @classmethod
    def of_history(cls, history: History) -> Rates:
        """The rates that a history knows, none where none came."""
        if "rates" not in history.manifest.tables:
            return cls.none()
        with history.connection() as connection:
            spans = knowledge.spans(history.folder, history.manifest, RATES, DATE)
            table = knowledge.read(connection, RATES_SQL, spans=spans)
        frame = table.to_pandas()
        return cls(*(frame[name].to_numpy() for name in table.column_names))

    @classmethod
    def none(cls) -> Rates:
        """No rate at all."""
        whole = np.empty(0, np.int64)
        return cls(np.empty(0, object), whole, np.empty(0), whole, whole)

    def at_night(self, night: Instant) -> Mapping[str, float]:
        """Of each currency its latest rate at or before `as_of` that was known."""
        known = (self.at <= night.as_of) & (self.recorded <= night.cutoff)
        known &= night.cutoff < self.until
        # Ascending by date, so that the latest one stays.
        return dict(zip(self.currency[known].tolist(), self.rate[known].tolist(), strict=True))


@dataclass(frozen=True)
class Money:
    """Amounts into `home`, the home's currency (ISO 4217), at a night's rate."""

    home: str
    rates: Rates

    @classmethod
    def of_history(cls, history: History, home: str) -> Money:
        """With the rates of a history."""
        return cls(home, Rates.of_history(history))

    def factor(self, currency: str | None, night: Instant) -> float:
        """What one unit is worth in the home's currency; NaN without a rate.

        An amount without a currency is in the home's own.
        """
        if currency is None or currency == self.home:
            return 1.0
        return self.rates.at_night(night).get(currency, np.nan)

    def values(self, terms: Terms, night: Instant) -> NDArray[np.float64]:
        """Monthly value of each term in the home's currency, NaN where it is not known."""
        return np.asarray(terms.value * self.factors(terms.currencies, night)[terms.currency])

    def factors(self, currencies: Sequence[str], night: Instant) -> NDArray[np.float64]:
        """What one unit of each currency is worth, NaN without a rate; the last of no currency."""
        known = {**self.rates.at_night(night), self.home: 1.0}
        return np.array([*(known.get(word, np.nan) for word in currencies), 1.0])


def one_currency(terms: Terms) -> Money | None:
    """Money of a history that has one currency at most: the home's, whatever it is.

    None where there are several: without rates their sum means nothing.
    """
    if len(terms.currencies) > 1:
        return None
    return Money(terms.currencies[0] if terms.currencies else "", Rates.none())
