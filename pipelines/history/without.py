"""A history as if one of its feeds had never been connected."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models.contracts import KIND_CODE
from pipelines.history.events import Events
from pipelines.history.ordering import merged
from pipelines.history.parts import placed_events, read_side
from pipelines.history.store import History

if TYPE_CHECKING:
    import pandas as pd

    from pipelines.history.manifest import Part
    from pipelines.history.terms import Terms


@dataclass(frozen=True)
class Without(History):
    """A history without the interactions of a source, or of some kinds, and without the contracts
    where no other source tells of them.

    Customers, those who serve, declared columns and rates stay: they say who is asked about, and
    by which name. So do the measured lags of all other rows.
    """

    source: str = ""  # empty: of every source
    kinds: tuple[str, ...] = ()  # empty: of every kind
    contracts: bool = True  # whether contracts are still told

    @classmethod
    def of(
        cls, history: History, *, source: str = "", kinds: tuple[str, ...] = (), contracts: bool
    ) -> Without:
        """`history` without the rows that are of `source` and of one of `kinds`."""
        past = (history.past, history.precedence)
        return cls(history.folder, history.manifest, *past, source, kinds, contracts)

    def versions(self, bucket: int, columns: Collection[str] | None = None) -> Events:
        pieces = self.pieces(bucket, Events.columns())
        if not pieces:
            return Events.empty()
        return pieces[0] if len(pieces) == 1 else merged(pieces)

    def pieces(self, bucket: int, columns: Collection[str]) -> list[Events]:
        parts = self.manifest.of_bucket(bucket)
        return [self.lags.applied(self._left(part)) for part in parts]

    def acts(self, bucket: int) -> list[Events]:
        return self.pieces(bucket, ("agent",))

    def feeds(self) -> pd.DataFrame:
        told = self._feeds
        gone = told["kind"].isin(self.kinds) if self.kinds else np.ones(len(told), np.bool_)
        if self.source:
            gone = gone & (told["source"] == self.source)
        return told[~gone]

    def terms_of(self, bucket: int) -> Terms | None:
        return super().terms_of(bucket) if self.contracts else None

    def _left(self, part: Part) -> Events:
        """The part's interactions in every version, without those that are left out."""
        events, rows = placed_events(self.folder, part, self._until)
        gone: NDArray[np.bool_] = np.ones(len(events), np.bool_)
        if self.kinds:
            gone &= np.isin(events.kind, [KIND_CODE[kind] for kind in self.kinds])
        if self.source:
            source = read_side(self.folder, part, ("source",))["source"].to_numpy()
            gone &= source[rows] == self.words("source").index(self.source)
        return events.take(~gone)
