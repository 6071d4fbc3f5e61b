"""Tonight's capacity: who gets a place, from the top of the list, and a few by chance.

Places are taken in either arm of the experiment, so that who takes part hangs on no draw.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.settings import Plan
from outreach.owners import Owners
from outreach.playbooks import Playbook


class Wanting(NamedTuple):
    """One whom nothing holds but capacity."""

    row: int  # of the list
    playbook: Playbook
    owner_id: str | None
    tie: int  # by which chance decides


class Places:
    """What is taken so far; asked from the top of the list.

    Most places go from the top. A share of them (`explore_share`) is drawn among whom the rest
    leaves out, so that what becomes of those is known, too; their probability is on record. What
    goes out by itself (`auto`) takes no person's time. `offered`: to how many customers each
    playbook's offer was made over the last 30 days.
    """

    def __init__(
        self, settings: Plan, owners: Owners, offered: Mapping[str, int] | None = None
    ) -> None:
        self._owners, self._offered = owners, offered or {}
        self._capacity = settings.capacity
        self._explored = int(settings.capacity * settings.explore_share)
        self._team = 0
        self._of_owner: Counter[str | None] = Counter()
        self._of_play: Counter[str] = Counter()
        self._left: dict[int, Wanting] = {}  # by row
        self._unbounded: list[NDArray[np.int64]] = []  # rows of the list and their ties
        self.beyond = f"beyond tonight's capacity of {self._capacity}"

    @property
    def left(self) -> int:
        """How many the team's capacity still holds from the top."""
        return max(0, self._capacity - self._explored - self._team)

    def ask(self, each: Wanting) -> str | None:
        """None: a place, now taken. Else whose capacity is used up, in words; chance may still
        give a place to whom the team's leaves out."""
        full = self._own_limit(each)
        if full is not None:
            return full
        if each.playbook.mode != "auto" and not self.left:
            self._left[each.row] = each
            return self.beyond
        self._take(each)
        return None

    def bounds(self, playbook: Playbook) -> bool:
        """Whether anything but the team's capacity bounds how many `playbook` is for."""
        return not playbook.is_unlimited or self._owners.have_limits

    def leave_out(self, rows: NDArray[np.int64], ties: NDArray[np.int64]) -> None:
        """What `ask` does where no place is left, for many at once: of playbooks that nothing else
        `bounds` and that do not go out by themselves."""
        self._unbounded.append(np.stack([rows, ties], axis=1))

    def drawn(self) -> tuple[list[int], float]:
        """Rows that chance gives a place, and with which probability; when all have asked."""
        asked = np.array([(each.row, each.tie) for each in self._left.values()], np.int64)
        left = np.concatenate([asked.reshape(-1, 2), *self._unbounded])
        found: list[int] = []
        for row in left[np.lexsort(left.T), 0].tolist():  # by tie, then by row
            if self._team >= self._capacity:
                break
            each = self._left.get(row)
            if each is not None and self._own_limit(each) is not None:
                continue
            self._take(each)
            found.append(row)
        return found, min(1.0, self._explored / len(left)) if len(left) else 1.0

    def _own_limit(self, each: Wanting) -> str | None:
        play = each.playbook
        if not self.bounds(play):
            return None
        if play.cap is not None and self._of_play[play.name] >= play.cap:
            return f"beyond tonight's {play.cap} of {play.name}"
        offers = play.offer.most
        made = self._offered.get(play.name, 0) + self._of_play[play.name]
        if offers is not None and made >= offers:
            return f"beyond the budget of {play.name} ({play.offer.total:,.0f} in 30 days)"
        most = self._owners.capacity(each.owner_id) if play.mode != "auto" else None
        if most is not None and self._of_owner[each.owner_id] >= most:
            return f"beyond the capacity of {each.owner_id} ({most} a day)"
        return None

    def _take(self, each: Wanting | None) -> None:
        """`None` stands for one of those whom nothing else bounds, by whom nobody counts."""
        if each is None:
            self._team += 1
            return
        by_person = each.playbook.mode != "auto"
        self._of_play[each.playbook.name] += 1
        self._team += by_person
        self._of_owner[each.owner_id] += by_person
