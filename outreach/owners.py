"""Who works what: an owner who is away hands on to the delegate, one who left to the queue."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Owner:
    """One who works the list. `capacity`: contacts a day, None where no limit is known."""

    owner_id: str
    team: str | None = None
    capacity: int | None = None
    away_from: datetime | None = None
    away_to: datetime | None = None
    delegate_id: str | None = None
    active: bool = True

    def here(self, at: datetime) -> bool:
        """Whether they work at `at`."""
        since, until = self.away_from, self.away_to
        away = since is not None and since <= at and (until is None or at < until)
        return self.active and not away


@dataclass(frozen=True)
class Owners:
    """All of them, by id."""

    by_id: dict[str, Owner]

    @classmethod
    def of(cls, frame: pd.DataFrame) -> Owners:
        """From `CustomerBook.owners`."""
        rows = (dict(zip(frame.columns, row, strict=True)) for row in frame.to_numpy(object))
        return cls({row["owner_id"]: _owner(row) for row in rows})

    def working(self, owner_id: str | None, at: datetime) -> str | None:
        """Who works for `owner_id` at `at`; None: the queue. One of whom nothing is known works."""
        seen: set[str] = set()
        while owner_id is not None and owner_id not in seen:
            owner = self.by_id.get(owner_id)
            if owner is None or owner.here(at):
                return owner_id
            seen.add(owner_id)
            owner_id = owner.delegate_id if owner.active else None
        return None

    def capacity(self, owner_id: str | None) -> int | None:
        """Contacts a day; None: no limit."""
        owner = self.by_id.get(owner_id) if owner_id else None
        return owner.capacity if owner else None

    @cached_property
    def have_limits(self) -> bool:
        """Whether any of them has one."""
        return any(owner.capacity is not None for owner in self.by_id.values())

    def team(self, owner_id: str | None) -> str | None:
        owner = self.by_id.get(owner_id) if owner_id else None
        return owner.team if owner else None


def _owner(row: dict[str, Any]) -> Owner:
    import pandas as pd

    known: dict[str, Any] = {n: None if pd.isna(value) else value for n, value in row.items()}
    capacity = known.pop("capacity_per_day")
    known["capacity"] = None if capacity is None else int(capacity)
    known["active"] = known["active"] is not False
    return Owner(**known)
