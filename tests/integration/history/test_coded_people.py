"""Customers and terms as an ingest coded them are what the tables say."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from models.person import Person
from pipelines.history.erasing import erase
from pipelines.history.store import History
from pipelines.history.terms import Terms
from tests.integration.history.conftest import NOW, Place

PEOPLE = """customer_id,joined_at,left_at,profiling_objection,value_per_month,currency
acme,2025-01-01T00:00Z,,,10,EUR
bolt,2025-02-01T00:00Z,2026-01-01T00:00Z,true,,
calm,2025-03-01T00:00Z,,,30,USD
"""
TERMS = """customer_id,term_id,started_at,ended_at,value_per_month,currency
calm,c1,2025-03-01T00:00Z,,30,USD
acme,a1,2025-01-01T00:00Z,2025-06-01T00:00Z,10,EUR
acme,a2,2025-06-01T00:00Z,,12,EUR
"""
CORRECTED = """customer_id,term_id,started_at,value_per_month,currency,updated_at
acme,a2,2025-06-01T00:00Z,15,EUR,2026-03-02T00:00Z
"""
ROWS = "interaction_id,customer_id,occurred_at,kind\n1,acme,2026-03-01T00:00Z,usage\n"


@pytest.fixture
def told(place: Place) -> Place:
    place.ingest(place.source("crm", customers=PEOPLE, terms=TERMS, interactions=ROWS), now=NOW)
    return place


def said(history: History) -> dict[str, object]:
    """All that passes ask of customers and terms."""
    by_bucket = [history.terms_of(bucket) for bucket in range(history.buckets)]
    return {
        "people": {name: column.tolist() for name, column in vars(history.people()).items()},
        "terms": columns(history.terms()),
        "values": columns(history.values()),
        "by bucket": [columns(some) for some in by_bucket],
    }


def columns(terms: Terms | None) -> dict[str, object] | None:
    if terms is None:
        return None
    found = {name: np.nan_to_num(getattr(terms, name), nan=-1) for name in Terms.columns()}
    return {name: column.tolist() for name, column in found.items()} | {
        "currencies": terms.currencies
    }


def from_tables(place: Place, *precedence: str) -> History:
    """A reader that has only the tables."""
    history = History.open(place.history, precedence)
    return History(history.folder, replace(history.manifest, people=None), precedence=precedence)


def test_what_was_coded_is_what_the_tables_say(told: Place) -> None:
    assert told.open().manifest.people is not None
    assert said(told.open()) == said(from_tables(told))
    assert said(told.open())["people"]["objects"] == [False, True, False]
    assert [some.value.tolist() for some in [told.open().terms()]] == [[10.0, 12.0, 30.0]]


def test_the_same_holds_after_merges_and_corrections(told: Place) -> None:
    merge = (
        "system,external_id,customer_id,merged_into,updated_at\ncrm,b,bolt,acme,2026-03-01T00:00Z\n"
    )
    told.ingest(told.source("late", identities=merge), now=NOW)
    told.ingest(told.source("new", terms=CORRECTED), now=NOW)
    assert told.open().people().merged.tolist() == [False, True, False]
    assert 15.0 in told.open().terms().value
    assert said(told.open()) == said(from_tables(told))


def test_an_ingest_that_changes_no_customer_carries_the_files_on(told: Place) -> None:
    before = told.open().manifest.people
    told.ingest(told.source("app", interactions=ROWS.replace("1,acme", "2,acme")), now=NOW)
    assert told.open().generation == 2
    assert told.open().manifest.people == before


def test_a_reader_of_the_past_or_with_another_precedence_asks_the_tables(told: Place) -> None:
    told.ingest(told.source("shop", customers=PEOPLE.replace("2025-03-01", "2024-03-01")), now=NOW)
    for history, tables in (
        (History.open(told.history, ("shop",)), from_tables(told, "shop")),
        (told.open().at(1), from_tables(told).at(1)),
    ):
        assert said(history) == said(tables)
    assert said(told.open()) != said(told.open().at(1))


def test_a_history_without_terms_has_none_in_any_bucket(place: Place) -> None:
    place.ingest(place.source("crm", customers=PEOPLE, interactions=ROWS), now=NOW)
    assert place.open().terms() is None
    assert place.open().terms_of(0) is None
    assert said(place.open()) == said(from_tables(place))


def test_who_is_erased_leaves_no_term_behind(told: Place) -> None:
    person = Person("acme", ids=("acme",), numbers=(0,))
    erase(told.history, person, b"key", datetime(2026, 3, 5, tzinfo=UTC))
    history = told.open()
    assert said(history) == said(from_tables(told))
    assert history.manifest.people is not None
    assert history.terms().customer.tolist() == [2]
    left = {path.relative_to(told.history).as_posix() for path in told.history.rglob("*.arrow")}
    assert left == {file.path for file in history.manifest.people.files()}
