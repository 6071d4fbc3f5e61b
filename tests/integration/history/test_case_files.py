"""Few files are left of many nights. Cases keep their numbers and ids, however many buckets are."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.history import cases
from pipelines.history.buckets import bucket_of
from pipelines.history.manifest import File, manifest_name
from tests.integration.history.conftest import NOW, Place

PEOPLE = [f"p{number:02d}" for number in range(40)]
CUSTOMERS = "customer_id,joined_at\n" + "".join(f"{who},2025-01-01T00:00Z\n" for who in PEOPLE)
HEAD = "interaction_id,customer_id,occurred_at,kind,case_id,topic,agent_id\n"
NIGHTS = 12


def night(number):
    """Two of everybody's words in the case of that night, and one in the first one."""
    at = (NOW - timedelta(days=NIGHTS - number + 1)).isoformat()
    return HEAD + "".join(
        f"{who}-{number}-{word},{who},{at},message_in,{case},t{number},a{number}\n"
        for who in PEOPLE
        for word, case in enumerate((f"k{number}", f"k{number}", "k0"))
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    place = Place(tmp_path_factory.mktemp("made"))
    place.ingest(place.source(customers=CUSTOMERS))
    for number in range(NIGHTS):
        agents = f"agent_id,team\na{number},team {number}\na0,team {number}\n"
        place.ingest(place.source(interactions=night(number), agents=agents))
    return place


@pytest.fixture
def many(made, place):
    """A history to which many nights came, each with new cases, topics and agents."""
    shutil.copytree(made.history, place.history)
    return place


def said(history):
    """Customer, case id, topic and agent of each interaction, by its id."""
    rows = history.table("interactions")
    columns = ("customer_id", "case_id", "topic", "agent_id")
    return dict(
        zip(
            rows["interaction_id"], zip(*(rows[name] for name in columns), strict=True), strict=True
        )
    )


def expected():
    return {
        f"{who}-{number}-{word}": (who, case, f"t{number}", f"a{number}")
        for number in range(NIGHTS)
        for who in PEOPLE
        for word, case in enumerate((f"k{number}", f"k{number}", "k0"))
    }


def test_few_files_are_left_of_many_nights(many):
    manifest = many.open().manifest
    assert sum(file.rows for file in manifest.cases) == len(PEOPLE) * NIGHTS
    assert len(manifest.cases) <= 5
    assert all(len(manifest.dictionaries[name]) <= 5 for name in ("topic", "agent"))
    assert len(manifest.feeds) <= 5
    assert len(manifest.tables["agents"]) <= 5
    on_disk = {str(path.relative_to(many.history)) for path in many.history.glob("g*/cases*")}
    former = json.loads((many.history / manifest_name(manifest.generation - 1)).read_text())
    assert on_disk == {file.path for file in manifest.cases} | {f["path"] for f in former["cases"]}


def test_each_word_keeps_its_case_topic_and_agent(many):
    assert said(many.open()) == expected()


def test_each_nights_rows_of_a_small_table_and_its_counts_are_kept(many):
    history = many.open()
    counts = history.feeds().groupby("day")["rows"].sum()
    assert counts.tolist() == [3 * len(PEOPLE)] * NIGHTS
    agents = history.table("agents").set_index("agent_id")["team"]
    assert agents.to_dict() == {
        f"a{number}": f"team {number or NIGHTS - 1}" for number in range(NIGHTS)
    }
    then = history.at(history.generation - 3).table("agents").set_index("agent_id")["team"]
    assert then["a0"] == f"team {NIGHTS - 4}"
    assert len(then) == NIGHTS - 3


def test_cases_are_numbered_by_first_mention(many):
    history = many.open()
    for bucket in range(history.buckets):
        events = history.bucket(bucket)
        for who in history.members(bucket):
            mine = events.take(events.customer == who)
            assert np.unique(mine.case).tolist() == list(range(NIGHTS))
            assert mine.case[np.argsort(mine.at, kind="stable")][0] == 0


def test_the_next_nights_find_the_cases_of_all_earlier_ones(many):
    at = NOW.isoformat()
    more = HEAD + "".join(f"late-{n},p07,{at},message_in,k{n},,\n" for n in range(NIGHTS))
    before = sum(file.rows for file in many.open().manifest.cases)
    many.ingest(many.source(interactions=more), now=NOW + timedelta(days=1))
    rows = many.open().events_of("p07")
    late = rows[rows["interaction_id"].str.startswith("late")]
    assert dict(zip(late["interaction_id"], late["case_id"], strict=True)) == {
        f"late-{n}": f"k{n}" for n in range(NIGHTS)
    }
    assert sum(file.rows for file in many.open().manifest.cases) == before


def test_more_buckets_need_no_new_files_of_cases(many, monkeypatch):
    monkeypatch.setattr("pipelines.history.buckets.MOST_ROWS", 100)
    monkeypatch.setattr("pipelines.history.buckets.TARGET_ROWS", 100)
    before = many.open().manifest.cases
    usage = HEAD + f"u,p01,{NOW.isoformat()},usage,,,\n"
    many.ingest(many.source(interactions=usage), now=NOW + timedelta(days=1))
    history = many.open()
    assert history.buckets > 1
    assert history.manifest.cases == before
    found = said(history)
    del found["u"]
    assert found == expected()


def test_one_customers_cases_are_read_without_all_others(many, monkeypatch):
    monkeypatch.setattr(cases, "GROUP_ROWS", 2_048)  # the least that DuckDB keeps to
    text = HEAD + "".join(
        f"m-{who}-{n},{who},{NOW.isoformat()},message_in,m{n},,\n"
        for who in PEOPLE
        for n in range(500)
    )
    many.ingest(many.source(interactions=text), now=NOW + timedelta(days=1))
    manifest = many.open().manifest
    (large,) = manifest.cases
    groups = pq.ParquetFile(many.history / large.path).num_row_groups
    assert groups > 5
    read = []

    def counting(file, which, *given):
        read.append(len(which))
        return original(file, which, *given)

    original = pq.ParquetFile.read_row_groups
    monkeypatch.setattr(pq.ParquetFile, "read_row_groups", counting)
    number = many.open().words("customer").index("p11")
    of = np.full(3, number, np.int32)
    found = cases.ids(many.history, manifest.cases, of, np.array([0, 3, 99_999], np.int32))
    assert found.tolist() == ["k0", "k3", None]
    assert sum(read) <= 2


def test_cases_by_bucket_are_read_and_become_one_file_with_the_next(many):
    """As format 3 had them: a file a bucket and ingest, without the customers' place."""
    history = many.open()
    rows = cases_of(many)
    path = many.history / manifest_name(history.manifest.generation)
    bucket = bucket_of(rows["customer"].to_numpy(), 4)
    folder = many.history / "g000001" / "cases"
    old = {}
    for number in range(4):
        part = folder / f"bucket={number}" / "data_0.parquet"
        part.parent.mkdir(parents=True)
        pq.write_table(rows.filter(bucket == number), part)
        file = File.of(many.history, part, int((bucket == number).sum()))
        old[str(number)] = [vars(file)]
    content = json.loads(path.read_text()) | {"format": 3, "cases": old}
    path.write_text(json.dumps(content))
    assert said(many.open()) == expected()
    at = NOW.isoformat()
    more = HEAD + f"new,p07,{at},message_in,k3,,\nfresh,p07,{at},call_in,z,,\n"
    many.ingest(many.source(interactions=more), now=NOW + timedelta(days=1))
    after = many.open()
    found = said(after)
    assert [found.pop(one)[1] for one in ("new", "fresh")] == ["k3", "z"]
    assert found == expected()
    (file,) = after.manifest.cases
    assert "place" in pq.read_schema(many.history / file.path).names


def cases_of(place):
    tables = [pq.read_table(place.history / file.path) for file in place.open().manifest.cases]
    return pa.concat_tables(tables).drop_columns(["place"])
