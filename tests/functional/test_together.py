"""Calls of `/score_history` that are answered together have the answers that each has alone."""

import asyncio
import re
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.home import Home
from models.problems import Problem
from serving.given import HistoryRequest, HistoryScorer
from serving.together import AT_ONCE, MOST_ROWS, Together

SAMPLE = Path(__file__).parents[2] / "data_samples" / "sample"
NIGHT = "2026-07-01"
NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
MOMENTS = re.compile(rb'"(scored|expires)_at":"[^"]+"')


@pytest.fixture(scope="module")
def sample():
    """The rows of each customer by table, empty cells left out."""
    told = defaultdict(lambda: {"customers": [], "interactions": [], "terms": []})
    for name in ("customers", "interactions", "terms"):
        found = duckdb.sql(f"FROM read_csv('{SAMPLE / name}.csv', all_varchar = true)")
        columns = found.columns
        for cells in found.fetchall():
            row = {column: cell for column, cell in zip(columns, cells, strict=True) if cell}
            told[row["customer_id"]][name].append(row)
    return dict(told)


@pytest.fixture(scope="module")
def scorer(demo_made, sample):
    scorer = HistoryScorer(Home(demo_made / "home"))
    scorer.answers(asked(sample["C00137"]), NOW)  # the first of a night is not answered at once
    return scorer


def asked(tables, **more):
    there = {name: rows for name, rows in tables.items() if rows or name != "terms"}
    return HistoryRequest(**there, **{"as_of": NIGHT, **more})


def alone(scorer, call):
    """What a call is answered, or which error it has, alone."""
    try:
        found = scorer.answers_at_once([call], NOW)
    except Problem as problem:
        return problem.detail
    return None if found is None else found[0]


def test_the_whole_sample_is_answered_together_to_the_byte_as_alone(scorer, sample):
    calls = [asked(tables) for tables in sample.values() if tables["terms"]]
    calls += [asked(tables) for tables in sample.values() if not tables["terms"]]
    scored = 0
    for start in range(0, len(calls), 9):
        several = [call for call in calls[start : start + 9] if call.kind == calls[start].kind]
        found = scorer.answers_at_once(several, NOW)
        assert found is not None
        assert found == [alone(scorer, call) for call in several]
        scored += sum(b'"scored"' in told.answers[0] for told in found)
    assert scored > 1_000


people = st.sampled_from([f"C{number:05}" for number in range(1, 60)])
cells = st.sampled_from(
    [
        ("customers", {"left_at": "2026-03-01T00:00Z"}),
        ("customers", {"left_at": "2026-08-01T00:00Z", "source": "desk"}),
        ("customers", {"value_per_month": 17, "currency": "USD"}),
        ("customers", {"profiling_objection": "true"}),
        ("customers", {"joined_at": "2025-01-01T00:00Z", "recorded_at": "2025-01-01T00:00Z"}),
        ("interactions", {"agent_id": "nobody knows"}),
        ("interactions", {"topic": "z new topic", "source": "other"}),
        ("interactions", {"topic": "a new topic", "text": "I want to cancel"}),
        ("interactions", {"recorded_at": None}),
        ("interactions", {"value": 3.5, "case_id": 7}),
        ("interactions", {"occurred_at": "2026-06-01T00:00Z"}),
        ("terms", {"product": "a new product", "currency": "CHF", "value_per_month": "12"}),
        ("terms", {"recorded_at": "2026-11-01T00:00Z"}),  # after the night
        ("terms", {"ended_at": "2026-01-01T00:00Z", "end_kind": None}),
        # Not plain, or wrong.
        ("customers", {"joined_at": "2025-01-01T00:00+02"}),
        ("interactions", {"kind": "pigeon"}),
        ("interactions", {"customer_id": "C00001"}),
        ("terms", {"ends_at": "soon"}),
    ]
)


@st.composite
def changed(draw):
    """Whose rows, which tables are left out, and what else their rows say."""
    without = draw(st.sets(st.sampled_from(["interactions", "terms"]), max_size=1))
    return draw(people), draw(st.booleans()), without, draw(st.lists(cells, max_size=2))


def call_of(sample, who, first_half, without, cells):
    tables = {name: [] if name in without else list(rows) for name, rows in sample[who].items()}
    if first_half:
        tables["interactions"] = tables["interactions"][: len(tables["interactions"]) // 2]
    for name, more in cells:
        tables[name] = [{**row, **more} for row in tables[name]]
    return asked(tables)


def without_moments(told):
    return told and told._replace(answers=[MOMENTS.sub(b"", one) for one in told.answers])


class Counted(Together):
    """Notes in `sizes` how many calls are answered at a time."""

    def __init__(self, scorer, sizes):
        super().__init__(scorer)
        self._sizes = sizes

    def _found(self, several):
        self._sizes.append(len(several))
        return super()._found(several)


def gathered(scorer, calls):
    """What they are answered at one moment, and how many were answered at a time."""
    sizes = []

    async def ask():
        together = Counted(scorer, sizes)
        found = await asyncio.gather(
            *(together.answers(call) for call in calls), return_exceptions=True
        )
        assert not together._waiting
        return found

    return asyncio.run(ask()), sizes


@given(st.lists(changed(), min_size=2, max_size=9))
@settings(
    deadline=None, max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
def test_whatever_others_ask_an_answer_is_the_same(scorer, sample, drawn):
    calls = [call_of(sample, *one) for one in drawn]
    found, _ = gathered(scorer, calls)
    for call, told in zip(calls, found, strict=True):
        if call.many > AT_ONCE:
            assert told is None
        elif isinstance(told, Exception):
            assert told.detail == alone(scorer, call)
        else:
            assert without_moments(told) == without_moments(alone(scorer, call))


def test_one_customer_may_be_asked_about_twice_with_other_rows(scorer, sample):
    calls = [call_of(sample, "C00137", half, set(), []) for half in (True, False, True)]
    found = scorer.answers_at_once(calls, NOW)
    assert found == [alone(scorer, call) for call in calls]
    assert found[0] == found[2] != found[1]


def test_calls_about_one_night_with_the_same_tables_are_answered_as_one(scorer, sample):
    calls = [call_of(sample, f"C{number:05}", False, set(), []) for number in (137, 2, 137, 3)]
    other = [
        asked(sample["C00137"], as_of="2026-06-30"),
        call_of(sample, "C00137", False, {"terms"}, []),
    ]
    found, sizes = gathered(scorer, [calls[0], *other, *calls[1:]])
    assert found[1] is None  # of another night what the home knows is looked up in a thread
    assert sizes == [4, 1, 1]


def test_a_bad_call_is_looked_for_among_halves(scorer, sample):
    calls = [call_of(sample, "C00137", False, set(), [])] * 8
    bad = ("interactions", {"kind": "pigeon"})
    found, sizes = gathered(scorer, [*calls[:7], call_of(sample, "C00137", False, set(), [bad])])
    assert found[7] is None
    assert all(found[:7])
    assert sizes == [8, 4, 4, 2, 2, 1, 1]


def test_so_many_rows_are_answered_at_a_time(scorer, sample):
    call = call_of(sample, "C00137", False, set(), [])
    found, sizes = gathered(scorer, [call] * 30)
    most = MOST_ROWS // call.many
    assert max(sizes) == most < 30 == sum(sizes)
    assert len({without_moments(told).answers[0] for told in found}) == 1


def test_who_asks_for_many_rows_or_has_gone_is_not_answered_with_others(scorer, sample):
    call = call_of(sample, "C00137", False, set(), [])
    large = call.model_copy(update={"interactions": call.interactions * 3})
    sizes = []

    async def ask():
        together = Counted(scorer, sizes)
        waiting = [asyncio.ensure_future(together.answers(one)) for one in (call, large, call)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        return await asyncio.gather(*waiting, return_exceptions=True)

    found = asyncio.run(ask())
    assert isinstance(found[0], asyncio.CancelledError)
    assert found[1] is None
    assert found[2]
    assert sizes == [1]


def test_more_customers_than_are_explained_are_not_answered_together(scorer, sample):
    """Of each call so many have reasons."""
    held = scorer._held
    few = held[1].settings.scoring.model_copy(update={"explain_at_least": 2})
    try:
        from dataclasses import replace

        settings = held[1].settings.model_copy(update={"scoring": few})
        scorer._held = held[0], replace(held[1], settings=settings)
        calls = [call_of(sample, f"C{number:05}", False, set(), []) for number in (137, 2, 3)]
        assert scorer.answers_at_once(calls, NOW) is None
        assert scorer.answers_at_once(calls[:2], NOW) is not None
    finally:
        scorer._held = held
