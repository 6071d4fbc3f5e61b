"""Plain rows are read without a database as the ingest's own rules read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
from hypothesis import HealthCheck, settings
from hypothesis import given as holds
from hypothesis import strategies as st

from models.contracts import CHANNELS, END_KINDS, KINDS
from pipelines.history.given import Known, given
from pipelines.history.lags import BINS, Lags
from pipelines.history.plain import plain

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


def table(rows: Sequence[Row]) -> pa.Table:
    """As the endpoint makes it of JSON: texts, whole numbers, numbers or flags."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    return pa.table({name: pa.array([row.get(name) for row in rows]) for name in columns})


def tables(customers: Sequence[Row], interactions: Sequence[Row] = (), terms: Sequence[Row] = ()):
    found = zip(TABLES, (customers, interactions, terms), strict=True)
    return {name: table(rows) for name, rows in found if rows}


def moment(seconds: float, offset: str = "Z") -> str:
    at = OLD + timedelta(seconds=seconds)
    if offset != "Z":
        hours, minutes = int(offset[:3]), int(offset[0] + offset[4:])
        at += timedelta(hours=hours, minutes=minutes)
    return at.replace(tzinfo=None).isoformat(timespec="microseconds") + offset


moments = st.builds(
    moment,
    st.one_of(st.integers(0, 40), st.floats(0, 9e7).map(lambda at: round(at, 6))),
    st.sampled_from(["Z", "Z", "+02:00", "-03:30"]),
)
words = st.sampled_from(["a", "b", "Z", "é", "invoice", "anna", "", "\U0001f600"])
numbers = st.one_of(
    st.sampled_from(["12.5", "0", "007", "-3.25", ""]), st.none(),
    st.floats(-1e6, 1e6).map(lambda value: str(round(value, 6))),
)  # fmt: skip
amounts = numbers.map(lambda cell: None if cell is None else cell.lstrip("-"))


def maybe(cells: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(st.none(), cells)


def rows_of(required: dict[str, Any], optional: dict[str, Any]) -> st.SearchStrategy[Row]:
    return st.fixed_dictionaries(required, optional=optional)


people = ["c1", "c2", "é", "Z"]
customer_rows = rows_of(
    {"joined_at": moments},
    {"left_at": maybe(moments), "value_per_month": amounts, "currency": maybe(words),
     "profiling_objection": st.sampled_from(["true", "false", "", None]), "recorded_at": moments,
     "segment": words, "shoe_size": st.sampled_from(["42", "", None]), "source": maybe(words)},
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
def told(draw: st.DrawFn) -> dict[str, pa.Table]:
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
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
def test_plain_rows_become_what_an_ingest_makes_of_them(rows, late, at_home):
    home = known(late=late, tables=at_home)
    ours = plain(rows, zone=UTC_ZONE, seen=NOW, known=home)
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
