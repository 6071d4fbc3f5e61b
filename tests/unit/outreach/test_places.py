"""Who gets a place of tonight's capacity, and who works for whom."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from models.settings import Plan
from outreach.owners import Owner, Owners
from outreach.places import Places, Wanting
from outreach.playbooks import Offer, Playbook

PLAY = Playbook(name="check-in", title="C", urgency=1)
CAPPED = Playbook(name="few", title="F", urgency=1, cap=1)
BY_ITSELF = Playbook(name="auto", title="A", urgency=1, mode="auto")
NOW = datetime(2026, 7, 1, tzinfo=UTC)
NOBODY = Owners({})
TEAM = "beyond tonight's capacity of 2"


def asked(
    settings: Plan, wanting: list[tuple[Playbook, str | None]], owners: Owners = NOBODY
) -> list[str | None]:
    places = Places(settings, owners)
    return [places.ask(Wanting(n, *each, n)) for n, each in enumerate(wanting)]


def test_places_go_from_the_top_by_team_owner_and_play() -> None:
    two = Plan(capacity=2, explore_share=0)
    assert asked(two, [(PLAY, None)] * 3) == [None, None, TEAM]
    owners = Owners({"ines": Owner("ines", capacity=1)})
    wanting = [(PLAY, "ines"), (PLAY, "ines"), (PLAY, "tom")]
    assert asked(two, wanting, owners) == [None, "beyond the capacity of ines (1 a day)", None]
    assert asked(two, [(CAPPED, None)] * 2) == [None, "beyond tonight's 1 of few"]
    assert asked(two, [(BY_ITSELF, None)] * 5) == [None] * 5  # takes nobody's time


def test_an_offer_goes_as_far_as_its_money() -> None:
    gift = Playbook(name="gift", title="G", urgency=1, offer=Offer(budget=40, total=130))
    places = Places(Plan(capacity=9, explore_share=0.2), NOBODY, {"gift": 1, "check-in": 7})
    words = [places.ask(Wanting(n, gift, None, n)) for n in range(4)]
    used_up = "beyond the budget of gift (130 in 30 days)"
    assert words == [None, None, used_up, used_up]
    assert places.ask(Wanting(4, PLAY, None, 4)) is None
    assert places.drawn()[0] == []  # nor does chance spend what is not there


def test_a_total_without_a_price_is_refused() -> None:
    with pytest.raises(ValueError, match="total needs a budget"):
        Offer(total=100)


def test_a_share_of_the_places_is_drawn_among_the_others_at_a_probability_on_record() -> None:
    settings = Plan(capacity=20, explore_share=0.25)
    given: Counter[int] = Counter()
    for night in range(400):
        places = Places(settings, NOBODY)
        words = [places.ask(Wanting(n, PLAY, None, hash((night, n)) % 10_007)) for n in range(65)]
        assert [n for n, full in enumerate(words) if full is None] == list(range(15))
        drawn, chance = places.drawn()
        assert (len(drawn), chance) == (5, 0.1)
        given.update(drawn)
    assert set(given) == set(range(15, 65))
    assert max(given.values()) < 70  # each is given 40 times of 400, five deviations


AWAY = {"away_from": NOW - timedelta(days=1), "away_to": NOW + timedelta(days=1)}
ROWS = [
    {"owner_id": "here"},
    {"owner_id": "away", **AWAY, "delegate_id": "here"},
    {"owner_id": "away-too", **AWAY, "delegate_id": "away"},
    {"owner_id": "back", "away_from": NOW - timedelta(days=9), "away_to": NOW},
    {"owner_id": "open-end", "away_from": NOW, "delegate_id": "here"},
    {"owner_id": "alone", **AWAY},
    {"owner_id": "left", "active": False, "delegate_id": "here"},
    {"owner_id": "to-left", **AWAY, "delegate_id": "left"},
    {"owner_id": "round", **AWAY, "delegate_id": "about"},
    {"owner_id": "about", **AWAY, "delegate_id": "round"},
]
WORKS = {"here": "here", "away": "here", "away-too": "here", "back": "back", "open-end": "here",
         "alone": None, "left": None, "to-left": None, "round": None, "stranger": "stranger",
         None: None}  # fmt: skip


@pytest.mark.parametrize(("owner", "works"), WORKS.items())
def test_absence_hands_on_to_the_delegate_and_who_left_to_the_queue(
    owner: str | None, works: str | None
) -> None:
    columns = ["owner_id", "team", "capacity_per_day", "away_from", "away_to", "delegate_id",
               "active"]  # fmt: skip
    frame = pd.DataFrame([{"active": True} | row for row in ROWS], columns=columns)
    assert Owners.of(frame).working(owner, NOW) == works
