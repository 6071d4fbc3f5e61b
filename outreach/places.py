"""Tonight's capacity: who gets a place, from the top of the list, and a few by chance.

Places are taken in either arm of the experiment, so that who takes part hangs on no draw.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from models.settings import Plan
from outreach.owners import Owners
from outreach.playbooks import Playbook


@dataclass(frozen=True)
class Wanting:
    """One whom nothing holds but capacity, from the top of the list."""

    playbook: Playbook
    owner_id: str | None
    tie: int  # by which chance decides


@dataclass(frozen=True)
class Place:
    """What was decided: `full` says in words whose capacity is used up, None gives a place.
    `chance` is the probability with which a place was given."""

    full: str | None
    chance: float


def allot(wanting: Sequence[Wanting], settings: Plan, owners: Owners) -> list[Place]:
    """A place, or why none, for each.

    Most places go from the top. A share of them (`explore_share`) is drawn among whom the rest
    would leave out, so that what becomes of those is known, too; their probability is on record.
    What goes out by itself (`auto`) takes no person's time.
    """
    tonight = _Tonight(settings, owners)
    explored = int(settings.capacity * settings.explore_share)
    places: list[Place | None] = [
        tonight.place(each, settings.capacity - explored) for each in wanting
    ]
    left = [n for n, place in enumerate(places) if place is None]
    drawn = sorted(left, key=lambda n: wanting[n].tie)
    chance = min(1.0, explored / len(left)) if left else 1.0
    for n in drawn:
        found = tonight.place(wanting[n], settings.capacity)
        full = f"beyond tonight's capacity of {settings.capacity}"
        places[n] = Place(full, 1 - chance) if found is None else Place(found.full, chance)
    return [place for place in places if place is not None]


class _Tonight:
    """What is taken so far."""

    def __init__(self, settings: Plan, owners: Owners) -> None:
        self._settings, self._owners = settings, owners
        self._team = 0
        self._of_owner: Counter[str | None] = Counter()
        self._of_play: Counter[str] = Counter()

    def place(self, each: Wanting, team: int) -> Place | None:
        """A place, or whose own limit is reached; None where `team` places are taken."""
        play = each.playbook
        if play.cap is not None and self._of_play[play.name] >= play.cap:
            return Place(f"beyond tonight's {play.cap} of {play.name}", 1.0)
        by_person = play.mode != "auto"
        most = self._owners.capacity(each.owner_id)
        if by_person and most is not None and self._of_owner[each.owner_id] >= most:
            return Place(f"beyond the capacity of {each.owner_id} ({most} a day)", 1.0)
        if by_person and self._team >= team:
            return None
        self._of_play[play.name] += 1
        self._team += by_person
        self._of_owner[each.owner_id] += by_person
        return Place(None, 1.0)
