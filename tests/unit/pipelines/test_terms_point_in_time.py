"""What is recorded after a night's cut-off changes nothing for that night, on random terms."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from models.contracts import DAY
from pipelines.features.matrix import Night
from pipelines.features.relationship import joined
from pipelines.history.derived import derived_events
from pipelines.history.rates import Money, Rates
from pipelines.history.terms import NEVER, Terms, announced
from pipelines.population import Population
from tests.unit.pipelines.term_tables import features, night, population

NIGHT = night("2026-03-01")
CUSTOMERS = 3
DATES = ("ends_at", "notice", "ended", "paused_from", "paused_to")
MONEY = Money("EUR", Rates.none())
DAYS = st.integers(-500, 400).map(lambda day: NIGHT.as_of + day * DAY)
SOMETIMES = st.one_of(st.just(NEVER), DAYS)


@st.composite
def version(draw: st.DrawFn, customer: int, term: int, recorded: int) -> dict[str, Any]:
    ended = draw(SOMETIMES)
    return {
        "customer": customer,
        "term": term,
        "started": draw(DAYS),
        "end_kind": draw(st.integers(-1, 5)) if ended < NEVER else -1,
        "value": draw(st.sampled_from([np.nan, 10.0, 20.0])),
        "currency": draw(st.integers(-1, 1)),
        "product": draw(st.integers(-1, 1)),
        "recorded": recorded,
        "seen": recorded + draw(st.sampled_from([0, 0, 30, 400])) * DAY,
        "until": NEVER,
        "dated": draw(st.booleans()),
    } | {name: ended if name == "ended" else draw(SOMETIMES) for name in DATES}


@st.composite
def histories(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Versions of up to five terms, each until the next one."""
    found: list[dict[str, Any]] = []
    for term in range(draw(st.integers(1, 5))):
        customer, recorded = draw(st.integers(0, CUSTOMERS - 1)), draw(DAYS)
        for _ in range(draw(st.integers(1, 3))):
            found.append(draw(version(customer, term, recorded)))
            recorded += draw(st.integers(1, 300)) * DAY
            found[-1]["until"] = recorded
        if draw(st.booleans()):
            found[-1]["until"] = NEVER
    return found


def read(rows: list[dict[str, Any]]) -> Terms:
    columns = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    columns["customer"] = columns["customer"].astype(np.int32)
    return announced(Terms.of(**columns, currencies=("CHF", "EUR")))


def as_of_the_night(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the feed had told by the cut-off: later versions unwritten, dates not seen yet too."""
    cutoff = NIGHT.cutoff
    told = []
    for row in rows:
        if row["recorded"] > cutoff:
            continue
        row = dict(row)
        if row["until"] > cutoff:
            row["until"] = NEVER
        if row["seen"] > cutoff:
            late = {name: NEVER for name in DATES if row[name] > cutoff or name == "ends_at"}
            row |= late | {"value": np.nan, "currency": -1, "product": -1}
            row["end_kind"] = -1 if row["ended"] == NEVER else row["end_kind"]
        told.append(row)
    return told


def seen(terms: Terms) -> dict[str, Any]:
    """All that the night derives from terms."""
    everyone = np.arange(CUSTOMERS, dtype=np.int32)
    people: Population = population(terms, CUSTOMERS)
    events = derived_events(terms, NIGHT.cutoff)
    order = np.lexsort((events.recorded, events.at, events.kind, events.term))
    first = np.zeros(CUSTOMERS, np.int64)
    return {
        "features": features(terms, [NIGHT], CUSTOMERS, MONEY),
        "excluded": people.excluded(NIGHT),
        "joined": joined(terms, everyone, first, NIGHT),
        "events": [events.take(order).kind, events.take(order).at, events.take(order).term],
    }


@settings(max_examples=60, deadline=None)
@given(histories())
def test_what_is_recorded_later_changes_nothing_for_a_night(rows):
    told = as_of_the_night(rows)
    if not told:  # no table of terms at all is not the same as one that says nothing yet
        assert len(read(rows).known(NIGHT.cutoff)) == 0
        return
    np.testing.assert_equal(seen(read(rows)), seen(read(told)))


@settings(max_examples=60, deadline=None)
@given(histories(), st.integers(-600, 500))
def test_of_each_term_a_night_knows_one_version_at_most(rows, day):
    view = read(rows).known(NIGHT.as_of + day * DAY)
    assert len(np.unique(view.term)) == len(view)


@settings(max_examples=300, deadline=None)
@given(histories(), st.lists(st.integers(-600, 500), min_size=1, max_size=3))
def test_the_compiled_way_and_the_readable_one_agree_on_any_nights(rows, days):
    moments = [NIGHT.as_of + day * DAY for day in days]
    nights = [Night(moment, moment + late) for late, moment in enumerate(moments)]
    table = features(read(rows), [NIGHT, *nights], CUSTOMERS + 1, MONEY)
    assert np.isnan(table[:, CUSTOMERS, 0]).sum() == 0  # nobody's terms are no terms
