"""Figures of those who serve for a past night: what later ingests bring does not change them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from models.settings import Settings
from pipelines.erasure.finding import find
from pipelines.features.agents import agents_of
from pipelines.features.matrix import Night
from pipelines.features.stream import AGENT_FIGURES
from pipelines.history.erasing import erase
from pipelines.history.manifest import Part
from pipelines.history.merging import Rows
from pipelines.history.parts import write_part
from pipelines.history.store import History
from tests.integration.history.conftest import Place

NIGHT_AT = datetime(2026, 3, 1, tzinfo=UTC)
NIGHT = Night(int(NIGHT_AT.timestamp()), int(NIGHT_AT.timestamp()) + 6 * 3_600)
THEN, LATER = NIGHT_AT + timedelta(hours=5), NIGHT_AT + timedelta(days=20)
CUSTOMERS = "customer_id,joined_at\n" + "".join(f"c{n},2025-01-01T00:00:00Z\n" for n in range(8))
TERMS = "customer_id,term_id,started_at,ended_at,end_kind,recorded_at\n" + "".join(
    f"c{n},t{n},2025-01-01T00:00:00Z,{'2026-02-01T00:00:00Z,cancelled' if n < 2 else ','},"
    "2026-02-02T00:00:00Z\n"
    for n in range(8)
)
AGENTS = """agent_id,team,is_bot,started_at,left_at,updated_at
ann,desk,false,2025-01-01T00:00:00Z,,2026-01-01T00:00:00Z
ben,desk,false,2025-06-01T00:00:00Z,2026-02-10T00:00:00Z,2026-02-10T00:00:00Z
robot,,true,2025-01-01T00:00:00Z,,2026-01-01T00:00:00Z
"""
HEAD = "interaction_id,customer_id,occurred_at,kind,agent_id,recorded_at,updated_at,deleted_at\n"
ROWS = HEAD + "".join(
    f"{n},c{n % 8},{at},message_out,{'ann' if n % 3 else 'ben'},{at},,\n"
    for n in range(30)
    for at in [(NIGHT_AT - timedelta(days=5 * n + 1)).isoformat()]
) + f"bot,c1,{(NIGHT_AT - timedelta(days=2)).isoformat()},message_out,robot,,,\n"  # fmt: skip


@pytest.fixture
def told(place: Place) -> Place:
    """What was known on the night."""
    tables = {"customers": CUSTOMERS, "terms": TERMS, "agents": AGENTS, "interactions": ROWS}
    place.ingest(place.source(**tables), now=THEN)
    return place


def figures(history: History, night: Night = NIGHT) -> dict[str, dict[str, float]]:
    found = agents_of(history, Settings(), [night]).at([night])[0]
    names = history.words("agent")
    return {
        name: dict(zip(AGENT_FIGURES, row, strict=True))
        for name, row in zip(names, found.tolist(), strict=True)
    }


def test_the_figures_are_those_of_the_rows(told: Place) -> None:
    found = figures(told.open())
    assert found["ann"]["tenure"] == 424
    assert found["ann"]["gone"] == 0
    assert found["ben"]["gone"] == 1
    assert found["ann"]["caseload"] == 4
    assert found["ben"]["caseload"] == 2
    assert found["ann"]["lost"] == pytest.approx(2 / 8)
    assert found["ann"]["turnover"] == pytest.approx(1 / 1.5)
    assert found["robot"]["caseload"] == 0
    assert np.isnan(found["robot"]["tenure"])


LATER_TABLES = {
    "a departure": {
        "agents": "agent_id,team,is_bot,started_at,left_at,updated_at\n"
        "ann,desk,false,2025-01-01T00:00:00Z,2026-02-20T00:00:00Z,2026-03-10T00:00:00Z\n"
    },
    "an agent who had been there": {
        "agents": "agent_id,team,is_bot,started_at,left_at,recorded_at\n"
        "cleo,desk,false,2025-01-01T00:00:00Z,,2026-03-10T00:00:00Z\n"
    },
    "an end": {
        "terms": "customer_id,term_id,started_at,ended_at,end_kind,recorded_at,updated_at\n"
        "c5,t5,2025-01-01T00:00:00Z,2026-02-20T00:00:00Z,cancelled,"
        "2026-02-02T00:00:00Z,2026-03-10T00:00:00Z\n"
    },
    "corrections, a deletion and late rows": {
        "interactions": HEAD
        + "1,c7,2026-02-23T00:00:00Z,message_out,ben,2026-02-23T00:00:00Z,2026-03-10T00:00:00Z,\n"
        + "2,c2,2026-02-18T00:00:00Z,message_out,ann,2026-02-18T00:00:00Z,,2026-03-11T00:00:00Z\n"
        + "late,c3,2026-02-18T00:00:00Z,message_out,ann,2026-03-09T00:00:00Z,,\n"
    },
}


@pytest.mark.parametrize("what", list(LATER_TABLES))
def test_what_is_told_later_changes_nothing(told: Place, what: str) -> None:
    before = figures(told.open())
    told.ingest(told.source("crm", **LATER_TABLES[what]), now=LATER)
    after = told.open()
    now = figures(after)
    assert repr({name: now[name] for name in before}) == repr(before)
    # What is known today is another matter.
    today = Night(NIGHT.as_of, int(LATER.timestamp()))
    assert repr(figures(after, today)) != repr(figures(told.open().at(1), today))


def test_an_earlier_generation_is_read_from_the_same_files(told: Place) -> None:
    night = Night(int(LATER.timestamp()), int(LATER.timestamp()))
    before = figures(told.open(), night)
    for tables in LATER_TABLES.values():
        told.ingest(told.source("crm", **tables), now=LATER)
    assert repr(figures(told.open().at(1), night)) == repr(before)
    assert repr(figures(told.open(), night)) != repr(before)


def test_figures_are_the_same_whether_acts_are_kept_aside_or_not(told: Place) -> None:
    """They are of a large part, and not of a small one or of an older version."""
    told.ingest(told.source("crm", **LATER_TABLES["corrections, a deletion and late rows"]))
    history = told.open()
    assert not any(part.acts for part in history.manifest.parts)
    large = replace(history, manifest=replace(history.manifest, parts=written_as_large(history)))
    assert all(part.acts for part in large.manifest.parts)
    for night in (NIGHT, Night(NIGHT.as_of, int(LATER.timestamp()))):
        assert repr(figures(large, night)) == repr(figures(history, night))


def written_as_large(history: History) -> tuple[Part, ...]:
    folder, parts = history.folder, []
    for number, part in enumerate(history.manifest.parts):
        rows = Rows.read(folder, part)
        where = folder / f"large-{number}"
        content = rows.events, rows.side, rows.notes
        parts.append(write_part(folder, where, part.bucket, *content, small=0))
    return tuple(parts)


def test_rows_of_merged_customers_count_for_who_survives(told: Place) -> None:
    before = figures(told.open())
    identities = "system,external_id,customer_id,merged_into\ncrm,x,c1,c2\n"
    told.ingest(told.source("crm", identities=identities), now=LATER)
    merged = figures(told.open())
    assert merged["ann"]["caseload"] <= before["ann"]["caseload"]
    assert merged["ann"]["lost"] == pytest.approx(1 / 7)


def test_what_was_done_for_an_erased_customer_is_not_kept_aside(told: Place) -> None:
    def served(history: History) -> set[int]:
        pieces = [piece for bucket in range(history.buckets) for piece in history.acts(bucket)]
        return {int(number) for piece in pieces for number in piece.customer}

    history = told.open()
    number, before = history.numbers["c3"], served(history)
    assert number in before
    erase(told.history, find(history, "c3"), b"k" * 32, LATER)
    assert served(told.open()) == before - {number}
