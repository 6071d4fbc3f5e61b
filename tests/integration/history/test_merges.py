"""Customers found to be one, and found not to be."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from models.answers import MERGED
from pipelines.features.matrix import Night
from pipelines.history.store import History
from pipelines.population import Population, Why
from tests.integration.history.conftest import NOW, Place

PEOPLE = "customer_id,joined_at\n" + "".join(f"{c},2025-01-0{n}\n" for n, c in enumerate("abcd", 1))
HEADER = "interaction_id,customer_id,occurred_at,kind,case_id,topic,updated_at\n"
ROWS = HEADER + (
    "1,a,2026-01-01T00:00Z,case_opened,k1,red,\n"
    "2,b,2026-01-02T00:00Z,case_opened,k1,red,\n"
    "3,b,2026-01-03T00:00Z,case_opened,k2,red,\n"
    "4,hd-9,2026-01-04T00:00Z,order,,red,\n"
    "5,c,2026-01-05T00:00Z,order,,red,\n"
)
SYSTEMS = "system,external_id,customer_id,merged_into,updated_at\n"
NINE_IS_B = SYSTEMS + "hd,hd-9,b,,\n"


@pytest.fixture
def merged(place: Place) -> Place:
    place.ingest(place.source(customers=PEOPLE, interactions=ROWS, identities=NINE_IS_B))
    return tell(place, "crm,b,b,a,2026-02-01\n")


def tell(place: Place, rows: str, **tables: str) -> Place:
    tables = {"identities": SYSTEMS + rows} | tables
    for old in (place.root / "crm").glob("*.csv"):
        old.unlink()
    place.report = place.ingest(place.source(**tables))
    return place


def whose(place: Place) -> dict[str, list[str]]:
    history = place.open()
    return {one: history.events_of(one)["interaction_id"].tolist() for one in "abcd"}


def test_a_merge_moves_the_history_to_the_surviving_id(merged):
    assert whose(merged) == {"a": ["1", "2", "3", "4"], "b": [], "c": ["5"], "d": []}
    assert merged.open().survivors().tolist() == [0, 0, 2, 3]
    assert merged.open().rows == 5


def test_every_id_that_leads_to_a_customer_is_told(merged):
    tell(merged, "crm,a,a,d,2026-02-02\nshop,hd-9,c,,\n")
    rows = merged.open().names().to_pylist()
    told = {(row["system"], row["external_id"]): row["customer_id"] for row in rows}
    assert told == {
        ("crm", "a"): "d", ("crm", "b"): "d", ("hd", "hd-9"): "d", ("shop", "hd-9"): "c",
        (None, "a"): "d", (None, "b"): "d", (MERGED, "a"): "d", (MERGED, "b"): "d",
    }  # fmt: skip


def test_the_survivor_has_been_a_customer_as_long_as_any_of_them_and_the_others_are_not_scored(
    merged: Place,
) -> None:
    tell(merged, "crm,a,a,d,2026-02-02\n")
    history = merged.open()
    people = Population.of(history.people(), history.terms())
    joined = history.customers()["joined_at"].tolist()
    assert joined[3] == second("2025-01-01")
    why = people.excluded(Night(second("2026-03-01"), second("2026-03-02")))
    assert why.tolist() == [Why.MERGED, Why.MERGED, Why.SCORED, Why.SCORED]


def second(day: str) -> int:
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp())


def test_cases_of_both_come_together_by_their_ids(merged):
    assert cases(merged, "a") == ["k1", "k1", "k2", ""]
    history = merged.open()
    coded = history.bucket(0)
    assert coded.case[coded.customer == 0].tolist() == [0, 0, 1, -1]


def cases(place: Place, customer: str) -> list[str]:
    return place.open().events_of(customer)["case_id"].fillna("").tolist()


def test_what_comes_later_for_the_merged_id_goes_to_the_survivor(merged):
    more = HEADER + "6,b,2026-03-01T00:00Z,order,k2,red,\n7,hd-9,2026-03-02T00:00Z,order,,red,\n"
    tell(merged, "crm,b,b,a,2026-02-01\n", interactions=more)
    assert whose(merged)["a"] == ["1", "2", "3", "4", "6", "7"]
    assert cases(merged, "a") == ["k1", "k1", "k2", "", "k2", ""]


def test_a_merge_taken_back_gives_each_their_own_again(merged):
    before = whose(merged)
    more = HEADER + "6,b,2026-03-01T00:00Z,order,k2,red,\n"
    tell(merged, "crm,b,b,a,2026-02-01\n", interactions=more)
    tell(merged, "crm,b,b,,2026-03-01\n")
    assert whose(merged) == {"a": ["1"], "b": ["2", "3", "4", "6"], "c": ["5"], "d": []}
    assert cases(merged, "b") == ["k1", "k2", "", "k2"]
    assert whose_at(merged, 2) == before


def whose_at(place: Place, generation: int) -> dict[str, list[str]]:
    history = place.open().at(generation)
    return {one: history.events_of(one)["interaction_id"].tolist() for one in "abcd"}


def test_the_generation_before_a_merge_is_read_again_as_it_was(merged):
    assert whose_at(merged, 1) == {"a": ["1"], "b": ["2", "3", "4"], "c": ["5"], "d": []}
    assert merged.open().at(1).survivors().tolist() == [0, 1, 2, 3]


def test_merges_in_a_row_end_at_the_last(merged):
    tell(merged, "crm,a,a,d,2026-02-02\n")
    assert whose(merged) == {"a": [], "b": [], "c": ["5"], "d": ["1", "2", "3", "4"]}
    tell(merged, "crm,a,a,,2026-02-03\n")
    assert whose(merged)["a"] == ["1", "2", "3", "4"]


def test_an_id_of_another_system_that_was_given_wrongly_goes_where_it_belongs(place):
    place.ingest(place.source(customers=PEOPLE, interactions=ROWS, identities=NINE_IS_B))
    tell(place, "hd,hd-9,d,,2026-02-01\n")
    assert whose(place) == {"a": ["1"], "b": ["2", "3"], "c": ["5"], "d": ["4"]}


def test_a_survivor_may_be_named_by_another_systems_id(place):
    place.ingest(place.source(customers=PEOPLE, interactions=ROWS, identities=NINE_IS_B))
    tell(place, "crm,c,c,hd-9,2026-02-01\n")
    assert whose(place)["b"] == ["2", "3", "4", "5"]


def test_older_versions_move_as_well(place):
    newer = ROWS + "3,b,2026-01-03T00:00Z,case_opened,k2,blue,2026-01-10\n"
    place.ingest(place.source(customers=PEOPLE, interactions=newer, identities=NINE_IS_B))
    tell(place, "crm,b,b,a,2026-02-01\n")
    events = place.open().versions(0)
    words = place.open().words("topic")
    assert [words[code] for code in events.topic[events.customer == 0]] == [
        "red", "red", "red", "blue", "red",
    ]  # fmt: skip
    assert (events.customer == 1).sum() == 0


@pytest.mark.parametrize(
    ("rows", "accepted"),
    [
        ("crm,a,a,b,2026-03-01\n", "b into a"),
        ("crm,a,a,c,2026-03-01\ncrm,c,c,b,2026-03-02\n", "b into a, a into c"),
        ("crm,d,d,d2,\n", "b into a"),
    ],
)
def test_a_circle_is_refused_and_listed(merged, rows, accepted):
    ok = {"max_reject_share": 1.0}
    merged.report = merged.ingest(merged.source(identities=SYSTEMS + rows), **ok)
    refused = 0 if "d2" in rows else 1
    assert merged.report.tables["identities"].rejected == refused
    if refused:
        assert "closes a circle" in merged.report.reject_reasons[0]
    expected = {
        "b into a": [0, 0, 2, 3],
        "b into a, a into c": [2, 2, 2, 3],
    }[accepted]
    assert merged.open().survivors().tolist() == expected


def test_a_merge_waits_for_a_survivor_that_nobody_knows_yet(merged):
    tell(merged, "crm,c,c,e,2026-03-01\n")
    assert whose(merged)["c"] == ["5"]
    people = PEOPLE + "e,2025-05-01\n"
    tell(merged, "crm,c,c,e,2026-03-01\n", customers=people)
    history = merged.open()
    assert history.survivors().tolist() == [0, 0, 4, 3, 4]
    assert history.events_of("e")["interaction_id"].tolist() == ["5"]


def test_a_merge_that_is_told_again_changes_nothing(merged):
    assert not merged.ingest(merged.root / "crm", now=NOW).changed


def test_a_merge_holds_where_several_sources_tell_of_the_customers(place: Place) -> None:
    place.ingest(place.source("crm", customers=PEOPLE, interactions=ROWS, identities=NINE_IS_B))
    place.ingest(
        place.source("shop", customers="customer_id,joined_at,region\nd,2025-01-09,north\n")
    )
    merge = SYSTEMS + "crm,a,a,d,2026-02-01\n"
    place.ingest(place.source("late", identities=merge))
    history = History.open(place.history, ("shop", "crm"))
    people = history.customers()
    assert people["joined_at"].tolist()[3] == second("2025-01-01")
    assert people["region"].tolist()[3] == "north"
    why = Population.of(history.people(), None).excluded(
        Night(second("2026-03-01"), second("2026-03-02"))
    )
    assert why.tolist() == [Why.MERGED, Why.SCORED, Why.SCORED, Why.SCORED]
