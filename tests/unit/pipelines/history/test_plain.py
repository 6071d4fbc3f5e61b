"""Plain rows are read without a database as the ingest's own rules read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import given as holds
from hypothesis import strategies as st

from models.contracts import CHANNELS, END_KINDS, KINDS
from pipelines.history.given import Known, given
from pipelines.history.lags import BINS, Lags
from pipelines.history.plain import plain
from pipelines.history.sent import Sent

UTC_ZONE = ZoneInfo("UTC")
NOW = int(datetime(2026, 7, 1, 3, tzinfo=UTC).timestamp())
OLD = datetime(2024, 1, 1, tzinfo=UTC)
TABLES = ("customers", "interactions", "terms")
Row = Mapping[str, Any]


def known(*, late: bool = False, tables: Sequence[str] = ()) -> Known:
    """What a home knows: some words, and of its only source how late it is."""
    cumulative = np.ones((1, len(KINDS), len(BINS)))
    if late:  # half of the rows within three hours
        cumulative[:, :, :3] = 0.5
    words = {"topic": ("invoice", "a"), "agent": ("anna",), "source": ("given",)}
    return Known(words, Lags(cumulative), {"c1": 41, "c2": 7}, frozenset(tables))


def tables(customers: Sequence[Row], interactions: Sequence[Row] = (), terms: Sequence[Row] = ()):
    found = zip(TABLES, (customers, interactions, terms), strict=True)
    return {name: Sent.of(rows) for name, rows in found if rows}


def moment(seconds: float, offset: str = "Z") -> str:
    """A time as it may be spelled, in full or as short as it can be."""
    at = OLD + timedelta(seconds=seconds)
    if offset[0] in "+-":
        hours, minutes = int(offset[:3]), int(offset[0] + offset[4:])
        at += timedelta(hours=hours, minutes=minutes)
    if offset == "date":
        return at.date().isoformat()
    whole = at.second == 0 and at.microsecond == 0
    spelled = "minutes" if whole else "microseconds"
    return at.replace(tzinfo=None).isoformat(" " if whole else "T", spelled) + offset


moments = st.builds(
    moment,
    st.one_of(
        st.integers(0, 40),
        st.sampled_from([60, 120]),
        st.floats(0, 9e7).map(lambda at: round(at, 6)),
    ),
    st.sampled_from(["Z", "Z", "+02:00", "-03:30", "date"]),
)
words = st.sampled_from(["a", "b", "Z", "é", "invoice", "anna", "", "\U0001f600", 17])
numbers = st.one_of(
    st.sampled_from(["12.5", "0", "007", "-3.25", "", 7, -2, 3.5]), st.none(),
    st.floats(-1e6, 1e6).map(lambda value: f"{value:.6f}"),  # 1e-05 is left to the ingest
)  # fmt: skip
amounts = numbers.map(
    lambda cell: cell.lstrip("-") if isinstance(cell, str) else cell and abs(cell)
)


def maybe(cells: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(st.none(), cells)


def rows_of(required: dict[str, Any], optional: dict[str, Any]) -> st.SearchStrategy[Row]:
    return st.fixed_dictionaries(required, optional=optional)


people = ["c1", "c2", "é", "Z"]
customer_rows = rows_of(
    {"joined_at": moments},
    {"left_at": maybe(moments), "value_per_month": amounts, "currency": maybe(words),
     "profiling_objection": st.sampled_from(["true", "false", "", None]), "recorded_at": moments,
     "segment": words, "shoe_size": st.sampled_from(["42", 4.5, "", None]), "source": maybe(words)},
)  # fmt: skip
interaction_rows = rows_of(
    {"customer_id": st.sampled_from(people), "occurred_at": moments,
     "kind": st.sampled_from(KINDS)},
    {"channel": maybe(st.sampled_from(CHANNELS)), "case_id": words, "agent_id": words,
     "topic": words, "value": numbers, "seconds": amounts, "wait_seconds": amounts,
     "score": st.sampled_from(["1", "5", None]), "score_kind": st.sampled_from(["csat", "nps", ""]),
     "caused_by": words, "recorded_at": maybe(moments), "source": maybe(words),
     "text": st.sampled_from(["I want to cancel", " thank you ", "", None]),
     "unknown": words},
)  # fmt: skip
term_rows = rows_of(
    {"customer_id": st.sampled_from(people), "started_at": moments},
    {"ends_at": maybe(moments), "notice_at": maybe(moments), "ended_at": maybe(moments),
     "end_kind": maybe(st.sampled_from(END_KINDS)), "paused_from": maybe(moments),
     "paused_to": maybe(moments), "product": words, "value_per_month": amounts,
     "currency": words, "recorded_at": maybe(moments)},
)  # fmt: skip


@st.composite
def told(draw: st.DrawFn) -> dict[str, Sent]:
    """Tables with ids of their own in each row, in any order of the columns."""
    customers = [
        {**draw(customer_rows), "customer_id": name} for name in draw(st.permutations(people))
    ]
    interactions = [
        {"interaction_id": f"i{number}", **row}
        for number, row in enumerate(draw(st.lists(interaction_rows, max_size=12)))
    ]
    terms = [
        {**row, "term_id": draw(st.sampled_from(["t", "T"])) + str(number)}
        for number, row in enumerate(draw(st.lists(term_rows, max_size=5)))
    ]
    return tables(customers, interactions, terms)


def same(one: Any, other: Any, what: str) -> None:
    if one is None or other is None:
        assert one is other, what
        return
    for field in fields(other):
        ours, theirs = getattr(one, field.name), getattr(other, field.name)
        if isinstance(theirs, np.ndarray):
            assert ours.dtype == theirs.dtype, (what, field.name)
            np.testing.assert_array_equal(ours, theirs, err_msg=f"{what}.{field.name}")
        else:
            assert ours == theirs, (what, field.name)


@holds(told(), st.booleans(), st.sampled_from([(), ("terms",)]))
@settings(deadline=None, max_examples=12, suppress_health_check=[HealthCheck.too_slow])
def test_plain_rows_become_what_an_ingest_makes_of_them(sent, late, at_home):
    home = known(late=late, tables=at_home)
    rows = {name: one.table for name, one in sent.items()}
    ours = plain(sent, zone=UTC_ZONE, seen=NOW, known=home)
    assert (plain(rows, zone=UTC_ZONE, seen=NOW, known=home) is None) == (ours is None)
    theirs = given(rows, zone=UTC_ZONE, seen=NOW, known=home)
    if ours is None:  # what rules refuse, or several versions
        assert theirs.rejected
        return
    assert (theirs.rejected, theirs.pending) == (0, 0)
    same(ours.versions(0), theirs.versions(0), "events")
    same(ours.people(), theirs.people(), "people")
    same(ours.terms(), theirs.terms(), "terms")
    same(ours.values(), theirs.values(), "values")
    for dictionary in ("customer", "topic", "agent", "source"):
        assert ours.words(dictionary) == theirs.words(dictionary)
    assert ours.manifest.tables.keys() == theirs.manifest.tables.keys()
    assert (ours.naive, ours.came, ours.ignored) == (theirs.naive, theirs.came, theirs.ignored)
    assert (ours.rows, ours.buckets) == (theirs.rows, theirs.buckets)


GOOD = {
    "customers": {"customer_id": "c1", "joined_at": "2025-01-01T00:00:00Z", "source": "crm",
                  "profiling_objection": "false", "value_per_month": "10"},
    "interactions": {"interaction_id": "1", "customer_id": "c1", "kind": "order",
                     "occurred_at": "2025-02-01T00:00:00Z", "value": 3.5, "source": "crm",
                     "score": 5, "score_kind": "csat"},
    "terms": {"customer_id": "c1", "term_id": "t1", "started_at": "2025-01-01T00:00:00Z"},
}  # fmt: skip
NOT_PLAIN = [
    ("customers", {"joined_at": None}),  # missing
    ("customers", {"joined_at": "2025-02-30T00:00:00Z"}),  # no such day
    ("customers", {"joined_at": "20250101"}),
    ("customers", {"joined_at": "2025-01-01T00:00:00+02"}),  # the rules read it
    ("customers", {"joined_at": "1825-01-01T00:00:00Z"}),
    ("customers", {"left_at": "2024-01-01T00:00:00Z"}),  # before joining
    ("customers", {"value_per_month": "-1"}),
    ("customers", {"value_per_month": "1e3"}),
    ("customers", {"customer_id": " c1"}),  # trimmed by the rules
    ("customers", {"Segment": "big"}),  # to DuckDB the column `segment`
    ("customers", {"profiling_objection": "yes"}),
    ("customers", {"preferred_channel": "pigeon"}),
    ("interactions", {"customer_id": "c2"}),  # waits for its customer
    ("interactions", {"kind": "pigeon"}),
    ("interactions", {"value": "ten"}),
    ("interactions", {"seconds": -1}),
    ("interactions", {"score": 6}),  # of csat
    ("interactions", {"score": 11, "score_kind": "nps"}),
    ("interactions", {"occurred_at": "2027-02-01T00:00:00Z"}),  # lies ahead
    ("interactions", {"updated_at": "2025-02-01T00:00:00Z"}),  # one of several versions
    ("interactions", {"deleted_at": "2025-02-01T00:00:00Z"}),
    ("interactions", {"case_id": 4.5}),
    ("interactions", {"value": True}),
    ("interactions", {"value": 2**60}),
    ("interactions", {"occurred_at": 1735725600}),
    ("interactions", {"occurred_at": "2025-02-01T00:00:00Z\n2025-02-02T00:00:00Z"}),
    ("interactions", {"topic": "a\n"}),
    ("terms", {"end_kind": "bored"}),
    ("terms", {"ended_at": "2024-01-01T00:00:00Z"}),
    ("terms", {"paused_from": "2025-03-01T00:00:00Z", "paused_to": "2025-02-01T00:00:00Z"}),
]


def good(**changed: Row) -> dict[str, Sent]:
    return {name: Sent.of([{**row, **changed.get(name, {})}]) for name, row in GOOD.items()}


def read(rows: Mapping[str, Sent], zone: ZoneInfo = UTC_ZONE):
    return plain(rows, zone=zone, seen=NOW, known=known())


@pytest.mark.parametrize(("name", "changed"), NOT_PLAIN)
def test_what_is_not_plain_is_left_to_the_rules(name, changed):
    assert read(good()) is not None
    assert read(good(**{name: changed})) is None


def test_several_rows_of_one_key_and_other_tables_are_left_to_the_rules():
    rows = good()
    for name in TABLES:
        assert read({**rows, name: Sent.of([GOOD[name]] * 2)}) is None
    assert read({**rows, "agents": Sent.of([{"agent_id": "anna"}])}) is None
    assert read({name: rows[name] for name in TABLES[1:]}) is None


def test_a_word_that_needs_trimming_is_left_to_the_rules_also_beside_itself():
    same = GOOD["interactions"]
    rows = [{**same, "topic": "a"}, {**same, "topic": " a", "interaction_id": "2"}]
    assert read({**good(), "interactions": Sent.of(rows)}) is None


def test_a_time_without_an_offset_is_read_in_the_zone_by_the_rules():
    rows = good(customers={"joined_at": "2025-01-01 10:00:00"})
    ours = read(rows)
    assert ours is not None
    assert ours.naive == 1
    assert ours.people().joined.tolist() == [1_735_725_600]
    assert read(rows, ZoneInfo("Europe/Berlin")) is None


def test_what_it_does_not_keep_is_read_by_the_rules_when_asked_for():
    ours = read(good())
    rows = {name: one.table for name, one in good().items()}
    theirs = given(rows, zone=UTC_ZONE, seen=NOW, known=known())
    assert ours is not None
    assert ours.events_of("c1").equals(theirs.events_of("c1"))
    assert ours.customers().equals(theirs.customers())
    assert ours.feeds().equals(theirs.feeds())
    assert ours.sources == theirs.sources
