"""Chance and lags of a company: like the world's, a function of seed, purpose, day and id."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from data_samples.company.settings import CompanySettings
from data_samples.draws import Draws, Floats

Ids = NDArray[np.int64]


class Luck:
    """The draws of one company; apart from those of its world, whatever the two seeds are."""

    def __init__(self, settings: CompanySettings, world_seed: int) -> None:
        self._settings = settings
        # Another multiplier for each: (1, 2) and (2, 1) are different companies.
        self.draws = Draws(1_000_003 * (settings.seed + 1) + world_seed)

    def lag(self, source: str, kind: str, day: int, ids: Ids) -> NDArray[np.int64]:
        """Seconds between happening and arrival, n."""
        law = self._settings.lag(source, kind)
        if law.median_hours == 0.0:
            return np.zeros(len(ids), np.int64)
        spread = np.exp(law.sigma * self.draws.normal(f"lag {source}/{kind}", day, ids))
        seconds: NDArray[np.int64] = np.rint(3_600 * law.median_hours * spread).astype(np.int64)
        return seconds

    def waits(self, purpose: str, day: int, ids: Ids, mean_days: float) -> NDArray[np.int64]:
        """Exponential waits in seconds, n, of at least an hour."""
        wait = self.draws.exponential(purpose, day, ids) * mean_days * 86_400
        return 3_600 + wait.astype(np.int64)

    def daily(self, purpose: str, day: int, ids: Ids, a_year: float | Floats) -> Ids:
        """Those of `ids` whom something strikes today that strikes `a_year` times a year."""
        return ids[self.draws.chance(purpose, day, ids, a_year / 365.0)]
