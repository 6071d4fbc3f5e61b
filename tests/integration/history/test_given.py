"""Rows that are given are read as an ingest of the same rows into an empty history reads them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from models.errors import WarmlineError
from models.settings import Settings
from pipelines.features import matrix, reference
from pipelines.history.events import Events
from pipelines.history.given import Given, Known, given
from pipelines.history.ingest import ingest
from pipelines.history.rejects import by_reason
from pipelines.history.schema import TABLE
from pipelines.history.store import History
from pipelines.history.terms import Terms
from tests.integration.history.conftest import CUSTOMERS, INTERACTIONS, NOW, Place

SAMPLE = Path(__file__).parents[3] / "data_samples" / "sample"
ROME = ZoneInfo("Europe/Rome")
AFTER = datetime(2026, 7, 1, 6, tzinfo=UTC)  # the sample ends the day before
# Whatever an ingest has a rule for: each source is one folder of contract tables.
SOURCES = {
    "plain": {"customers": CUSTOMERS, "interactions": INTERACTIONS},
    "naive times, odd cells": {
        "customers": "customer_id,joined_at,plan\nacme,2025-01-01,3\n bolt ,2025-02-01 10:00,\n",
        "interactions": "interaction_id,customer_id,occurred_at,kind,value\n"
        "1,acme,2026-03-29 02:30,order, 12.5 \n2,bolt,2026-03-29T10:00+02:00,order,\n",
    },
    "bad rows": {
        "customers": "customer_id,joined_at\nacme,2025-01-01T00:00Z\nbolt,yesterday\n",
        "interactions": "interaction_id,customer_id,occurred_at,kind,score,score_kind\n"
        "1,acme,2026-01-01T10:00Z,order,,\n2,acme,2026-01-01T10:00Z,ordered,,\n"
        "3,acme,,order,,\n4,acme,2026-01-01T10:00Z,survey_answered,9,csat\n"
        "5,acme,2029-01-01T10:00Z,order,,\n,acme,2026-01-01T10:00Z,order,,\n",
    },
    "versions, tombstones, repeats": {
        "customers": CUSTOMERS,
        "interactions": "interaction_id,customer_id,occurred_at,kind,topic,recorded_at,updated_at,"
        "deleted_at\n"
        "1,acme,2026-01-01T00:00Z,order,red,2026-01-01T00:00Z,,\n"
        "1,acme,2026-01-01T00:00Z,order,green,2026-01-01T00:00Z,2026-03-01T00:00Z,\n"
        "1,acme,2026-01-01T00:00Z,order,blue,2026-01-01T00:00Z,2026-02-01T00:00Z,\n"
        "1,acme,2026-01-01T00:00Z,order,blue,2026-01-01T00:00Z,2026-02-03T00:00Z,\n"
        "2,acme,2026-01-02T00:00Z,order,red,,,\n2,acme,2026-01-02T00:00Z,order,red,,,\n"
        "2,acme,2026-01-02T00:00Z,order,blue,,,\n"
        "3,bolt,2026-01-03T00:00Z,order,red,2026-01-04T00:00Z,,\n"
        "3,bolt,,,,,,2026-02-05T00:00Z\n4,bolt,,,,,,2026-02-05T00:00Z\n"
        "5,nobody,2026-01-03T00:00Z,order,red,,,\n",
    },
    "merges and other systems' ids": {
        "customers": CUSTOMERS + "old,2024-01-01T00:00:00Z\n",
        "interactions": "interaction_id,customer_id,occurred_at,kind,case_id\n"
        "1,acme,2026-01-01T00:00Z,case_opened,c\n2,old,2026-01-02T00:00Z,case_opened,c\n"
        "3,77,2026-01-03T00:00Z,order,\n4,old,2025-01-02T00:00Z,case_opened,d\n",
        "identities": "system,external_id,customer_id,merged_into\n"
        "crm,77,bolt,\nbilling,old,old,acme\n",
        "terms": "customer_id,term_id,started_at,value_per_month\nold,1,2024-01-01T00:00Z,10\n"
        "77,2,2024-01-01T00:00Z,20\n",
    },
    "terms in two times, agents": {
        "customers": "customer_id,joined_at,left_at,updated_at\nacme,2025-01-01T00:00Z,,\n"
        "acme,2025-01-01T00:00Z,2026-04-01T00:00Z,2026-03-01T00:00Z\nbolt,2025-02-01T00:00Z,,\n",
        "interactions": INTERACTIONS.replace("kind,", "kind,agent_id,", 1)
        .replace("case_opened,", "case_opened,,")
        .replace("message_out,", "message_out,robot,")
        .replace("order,", "order,,"),
        "terms": "customer_id,term_id,product,value_per_month,currency,started_at,ends_at,"
        "notice_at,ended_at,end_kind,recorded_at,updated_at,deleted_at\n"
        "acme,1,a,10,EUR,2025-01-01T00:00Z,2026-01-01T00:00Z,,,,2025-01-01T00:00Z,,\n"
        "acme,1,a,12,EUR,2025-01-01T00:00Z,2027-01-01T00:00Z,,,,2025-01-01T00:00Z,2025-12-01T00:00Z,\n"
        "bolt,2,b,9,USD,2025-02-01T00:00Z,2026-02-01T00:00Z,2026-01-01T00:00Z,,,,,\n"
        "bolt,3,b,9,,2025-02-01T00:00Z,,,2025-09-01T00:00Z,cancelled,2025-08-01T00:00Z,,\n"
        "bolt,4,b,9,,2025-02-01T00:00Z,,,,,2025-02-01T00:00Z,,\nbolt,4,,,,,,,,,,,2026-02-01T00:00Z\n",
        "agents": "agent_id,team,is_bot\nrobot,night,true\nann,day,\n",
        "rates": "currency,date,rate\nUSD,2026-01-01,0.9\n",
    },
    "nobody": {"customers": "customer_id,joined_at\n", "interactions": INTERACTIONS},
}


def as_text(texts: dict[str, str], folder: Path) -> dict[str, pa.Table]:
    """The tables with every cell as text, empty ones absent: as JSON would bring them."""
    return {
        table: pa.Table.from_pandas(
            pd.read_csv(folder / f"{table}.csv", dtype=str, keep_default_na=False),
            preserve_index=False,
        )
        for table in texts
    }


def same(ours: Given, theirs: History) -> None:
    """All that a reader can get is the same."""
    for bucket in range(theirs.buckets):
        events = theirs.versions(bucket)
        mine = ours.versions(0).take(np.isin(ours.versions(0).customer, theirs.members(bucket)))
        for name in Events.columns():
            column = getattr(events, name)
            np.testing.assert_array_equal(getattr(mine, name), column, err_msg=name)
            assert getattr(mine, name).dtype == column.dtype, name
    assert ours.span == theirs.span
    assert ours.sources == theirs.sources
    assert ours.rows == theirs.rows
    for dictionary in ("customer", "topic", "agent", "source"):
        assert ours.words(dictionary) == theirs.words(dictionary), dictionary
    pd.testing.assert_frame_equal(ours.feeds(), theirs.feeds())
    pd.testing.assert_frame_equal(ours.customers(), theirs.customers())
    for name, column in vars(theirs.people()).items():
        np.testing.assert_array_equal(getattr(ours.people(), name), column, err_msg=name)
    for mine, terms in ((ours.terms(), theirs.terms()), (ours.values(), theirs.values())):
        assert (mine is None) == (terms is None)
        if mine is not None and terms is not None:
            for name in Terms.columns():
                np.testing.assert_array_equal(getattr(mine, name), getattr(terms, name))
            assert mine.currencies == terms.currencies
    assert ours.bots().tolist() == theirs.bots().tolist()
    assert ours.teams() == theirs.teams()
    for table in TABLE:
        one, other = ours.table(table), theirs.table(table)
        assert (one is None) == (other is None), table
        if one is not None:
            pd.testing.assert_frame_equal(one, other)


@pytest.mark.parametrize("name", [name for name in SOURCES if name != "nobody"])
def test_given_rows_are_read_as_an_ingest_reads_them(place: Place, name):
    texts = SOURCES[name]
    folder = place.source(**texts)
    report = place.ingest(folder, timezone="Europe/Rome", max_reject_share=1.0)
    read = given(as_text(texts, folder), zone=ROME, seen=int(NOW.timestamp()), source="crm")
    same(read, place.open())
    rejected = [f"{one.why} (first: {one.file}" for one in read.rejects]
    assert read.rejected == sum(counts.rejected for counts in report.tables.values())
    assert len(rejected) == read.rejected
    assert read.pending == report.interactions.pending
    assert read.naive == report.naive_timestamps
    told, of_ingest = (
        sorted(one.split(" x ")[1].split(" (first")[0] for one in lines)
        for lines in (map(str, by_reason(read.rejects)), report.reject_reasons)
    )
    assert told == of_ingest


def test_bad_rows_say_which_row_of_which_table_and_why(place: Place):
    texts = SOURCES["bad rows"]
    tables = as_text(texts, place.source(**texts))
    found = given(tables, zone=ROME, seen=int(NOW.timestamp())).rejects
    assert [(one.file, one.line, one.column, one.value) for one in found] == [
        ("customers", 2, "joined_at", "yesterday"),
        ("interactions", 2, "kind", "ordered"),
        ("interactions", 3, "occurred_at", ""),
        ("interactions", 4, "score", "9"),
        ("interactions", 5, "occurred_at", "2029-01-01T10:00Z"),
        ("interactions", 6, "interaction_id", ""),
    ]


def test_columns_may_come_typed_coded_or_all_empty(place: Place):
    texts = SOURCES["plain"]
    text = as_text(texts, place.source(**texts))
    rows = text["interactions"]
    typed = {
        "occurred_at": pa.array(pd.to_datetime(rows["occurred_at"].to_pandas()).to_numpy(),
                                pa.timestamp("ns", "UTC")),
        "kind": rows["kind"].combine_chunks().dictionary_encode(),
        "value": pa.array([None, None, 12.5]),
        "agent_id": pa.nulls(3),
    }  # fmt: skip
    for name, column in typed.items():
        place_of = rows.schema.get_field_index(name)
        rows = rows.append_column(name, column) if place_of < 0 else rows.set_column(
            place_of, name, column
        )  # fmt: skip
    seen = int(NOW.timestamp())
    one = given(text, zone=ROME, seen=seen).versions(0)
    other = given({**text, "interactions": rows}, zone=ROME, seen=seen).versions(0)
    for name in Events.columns():
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)


def test_a_table_or_a_column_that_will_not_do_is_refused_with_what_to_do():
    customers = pa.table({"customer_id": ["a"], "joined_at": ["2025-01-01T00:00Z"]})
    with pytest.raises(WarmlineError, match="There is no table 'orders' in the contract"):
        given({"customers": customers, "orders": customers}, zone=ROME, seen=0)
    with pytest.raises(WarmlineError, match="interactions has no column `interaction_id`"):
        given({"customers": customers, "interactions": customers}, zone=ROME, seen=0)
    numbers = pa.table({"customer_id": ["a"], "joined_at": [1_700_000_000]})
    with pytest.raises(WarmlineError, match="`joined_at` holds numbers, whose unit is not known"):
        given({"customers": numbers}, zone=ROME, seen=0)


def test_nobody_given_is_no_error_and_interactions_of_nobody_wait(place: Place):
    tables = as_text(SOURCES["nobody"], place.source(**SOURCES["nobody"]))
    read = given(tables, zone=ROME, seen=int(NOW.timestamp()))
    assert (len(read.versions(0)), len(read.people()), read.pending) == (0, 0, 3)
    empty = pa.table({"customer_id": pa.array([], pa.string()), "joined_at": pa.nulls(0)})
    assert len(given({"customers": empty}, zone=ROME, seen=0).people()) == 0


def test_with_the_homes_words_rows_of_one_second_come_in_the_homes_order(place: Place):
    header = "interaction_id,customer_id,occurred_at,kind,topic,agent_id\n"
    first = header + "1,bolt,2026-01-01T00:00Z,order,zebra,zoe\n"
    place.ingest(place.source(customers=CUSTOMERS, interactions=first))
    tied = "2,acme,2026-01-02T00:00Z,order,ant,amy\n3,acme,2026-01-02T00:00Z,order,zebra,\n"
    place.ingest(place.source(interactions=header + tied))
    home = place.open()
    assert home.words("topic") == ["zebra", "ant"]
    tables = as_text(dict.fromkeys(("customers", "interactions"), ""), place.root / "crm")
    seen = int(NOW.timestamp())
    alone = given(tables, zone=ROME, seen=seen, source="crm")
    known = given(tables, zone=ROME, seen=seen, source="crm", known=Known.of(home))
    assert [alone.words("topic")[code] for code in alone.versions(0).topic] == ["ant", "zebra"]
    assert [known.words("topic")[code] for code in known.versions(0).topic] == ["zebra", "ant"]
    stored = home.versions(0).take(home.versions(0).customer == home.numbers["acme"])
    for name in set(Events.columns()) - {"customer"}:
        np.testing.assert_array_equal(getattr(known.versions(0), name), getattr(stored, name))


def test_who_has_no_contract_is_told_from_a_home_without_contracts():
    tables = {"customers": pa.table({"customer_id": ["a"], "joined_at": ["2025-01-01T00:00Z"]})}
    assert given(tables, zone=ROME, seen=0).terms() is None
    told = given(tables, zone=ROME, seen=0, known=Known(tables=frozenset({"terms"}))).terms()
    assert told is not None
    assert len(told) == 0


def test_the_example_of_the_documentation_holds():
    text = (Path(__file__).parents[3] / "docs" / "history.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"^```python\n(.*?)^```", text, flags=re.M | re.S)
    exec(compile(code, "docs/history.md", "exec"), {})  # noqa: S102 - our own page


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    """The sample as stored, and its tables as they are given."""
    folder = tmp_path_factory.mktemp("history")
    ingest(folder, SAMPLE, now=AFTER)
    tables = {
        path.stem: duckdb.sql(f"FROM read_csv('{path}', all_varchar = true)").to_arrow_table()
        for path in sorted(SAMPLE.glob("*.csv"))
    }
    return History.open(folder), tables


NIGHTS = [matrix.Night(at, at + 6 * 3_600) for at in (1_767_225_600, 1_772_323_200, 1_782_864_000)]


def test_the_samples_features_are_the_same_stored_given_and_by_the_reference(sample):
    stored, tables = sample
    read = given(tables, zone=ZoneInfo("UTC"), seen=int(AFTER.timestamp()), source="sample")
    same(read, stored)
    where = matrix.context(stored, Settings(), NIGHTS)
    one, other = (
        list(matrix.stream(history, NIGHTS, matrix.context(history, Settings(), NIGHTS)))
        for history in (stored, read)
    )
    for mine, theirs in zip(one, other, strict=True):
        np.testing.assert_array_equal(mine.values, theirs.values)
    few = np.arange(0, len(stored.people()), 100, dtype=np.int32)
    slow = reference.compute(read.versions(0), few, read.people().joined[few], NIGHTS, where)
    values = np.concatenate([block.values for block in other], axis=1)
    order = np.argsort(np.concatenate([block.customers for block in other]))
    fast = values[:, order][:, few, : slow.shape[2]]
    np.testing.assert_allclose(fast, slow, rtol=reference.TOLERANCE, atol=reference.TOLERANCE)


def test_a_customer_of_the_sample_alone_has_the_features_it_has_among_all(sample):
    stored, tables = sample
    where, known = matrix.context(stored, Settings(), NIGHTS), Known.of(stored)
    numbers = [stored.numbers[name] for name in ("C00152", "C00001", "C00042", "C01999")]
    for number in numbers:
        own = {name: _of(tables[name], stored.words("customer")[number])
               for name in ("customers", "interactions", "terms")}  # fmt: skip
        alone = given(own, zone=ZoneInfo("UTC"), seen=int(AFTER.timestamp()), source="sample",
                      known=known)  # fmt: skip
        one = matrix.compute(alone.versions(0), np.zeros(1, np.int32), alone.people().joined,
                             NIGHTS, where, alone.terms())  # fmt: skip
        among = matrix.compute(stored.versions(0), np.array([number], np.int32),
                               stored.people().joined[[number]], NIGHTS, where,
                               stored.terms())  # fmt: skip
        np.testing.assert_array_equal(one, among)


def _of(table: pa.Table, customer: str) -> pa.Table:
    return table.filter(pa.compute.equal(table["customer_id"], customer))


def test_many_readers_at_once_do_not_touch_each_other(sample):
    """A service's threads share one engine of DuckDB; each history has its own tables in it."""
    from concurrent.futures import ThreadPoolExecutor

    _, tables = sample
    names = [f"C{number:05}" for number in range(1, 25)]

    def rows(name: str) -> list[int]:
        own = {table: _of(tables[table], name) for table in ("customers", "interactions")}
        return given(own, zone=ROME, seen=int(AFTER.timestamp())).versions(0).at.tolist()

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(rows, names))
    assert found == [rows(name) for name in names]
    assert sum(map(len, found)) > 100


def test_a_given_history_leaves_nothing_behind():
    """The tables of a history are gone with it."""
    from pipelines.history.engine import _engine

    tables = {"customers": pa.table({"customer_id": ["a"], "joined_at": ["2025-01-01T00:00Z"]})}
    databases = "SELECT count(*) FROM duckdb_databases()"

    def many() -> int:
        return int(_engine(1.0, 1).cursor().execute(databases).fetchall()[0][0])

    before = many()
    kept = given(tables, zone=ROME, seen=0)
    assert many() == before + 1
    del kept
    assert many() == before
