"""What a source claims is checked against what its events say, by the contract's definitions."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from models.contracts import CHANNELS, DAY, KINDS
from models.errors import WarmlineError
from pipelines.features.facts import Row, facts_of, is_reply
from pipelines.history.claims import Claim
from pipelines.history.ingest import ingest
from pipelines.history.report import IngestReport
from tests.integration.history.conftest import NOW
from tests.integration.history.exports import Export

CUSTOMERS = "SELECT 'acme' AS customer_id, TIMESTAMPTZ '2025-01-01 00:00:00Z' AS joined_at"
AGENTS = "SELECT unnest(['bea', 'robo']) AS agent_id, agent_id = 'robo' AS is_bot"
INTERACTIONS = """
SELECT id AS interaction_id, 'acme' AS customer_id, to_timestamp("at") AS occurred_at, kind,
    "case" AS case_id, agent AS agent_id
FROM read_csv('${source}/events.csv', header = true, all_varchar = false,
    types = {'case': 'VARCHAR', 'agent': 'VARCHAR', 'at': 'BIGINT', 'id': 'VARCHAR'})
"""
CLAIMS = """
SELECT * FROM read_csv('${source}/claims.csv', header = true, types = {'case_id': 'VARCHAR'})
"""
START = 1_767_600_000  # 2026-01-05 08:00 UTC


def check(root: Path, events: str, claims: str, select: str = CLAIMS) -> IngestReport:
    """Ingests events (case, minute, kind, agent) and claims (case_id, metric, value, hours)."""
    mapping, source = root / "desk", root / "source"
    mapping.mkdir(exist_ok=True)
    source.mkdir()
    for name, sql in {
        "customers": CUSTOMERS, "agents": AGENTS, "interactions": INTERACTIONS, "claims": select,
    }.items():  # fmt: skip
        (mapping / f"{name}.sql").write_text(sql)
    lines = [line.split() for line in events.strip().splitlines()]
    (source / "events.csv").write_text(
        "id,case,at,kind,agent\n"
        + "".join(
            f"{number},{case},{START + round(float(minute) * 60)},{kind},{''.join(agent)}\n"
            for number, (case, minute, kind, *agent) in enumerate(lines)
        )
    )
    (source / "claims.csv").write_text(claims)
    return ingest(root / "history", source, mapping=mapping, now=NOW)


ONE_CASE = """
    1 0    case_opened
    1 5    message_out robo
    1 42   message_out bea
    1 43   case_pending bea
    1 100  message_in
    1 160  message_out bea
    1 160  case_solved bea
    1 200  case_reopened
    1 230  case_solved bea
    1 300  case_closed bea
"""
OPENED_BY_US = """
    1 0    case_opened bea
    1 0    message_out bea
    1 0    case_pending bea
    1 100  message_in
    1 130  message_out bea
    1 160  case_solved bea
"""


@pytest.mark.parametrize(
    ("events", "metric", "value"),
    [
        (ONE_CASE, "first_reply_seconds", 42 * 60),  # the bot's word does not count
        (ONE_CASE, "resolution_seconds", 230 * 60),  # to the last solution
        (ONE_CASE, "requester_wait_seconds", (43 + 60 + 30) * 60),
        (ONE_CASE, "replies", 2),
        (ONE_CASE, "reopens", 1),
        (OPENED_BY_US, "first_reply_seconds", 30 * 60),  # from the customer's first message
        (OPENED_BY_US, "requester_wait_seconds", 60 * 60),
    ],
)
def test_each_figure_is_derived_as_the_contract_defines_it(
    tmp_path: Path, events: str, metric: str, value: int
) -> None:
    report = check(tmp_path, events, f"case_id,metric,value\n1,{metric},{value}\n")
    (claim,) = report.claims
    assert (claim.metric, claim.compared, claim.equal, claim.largest_difference) == (
        metric, 1, 1, 0.0,
    )  # fmt: skip


def test_times_may_differ_by_a_minute_and_counts_not_at_all(tmp_path: Path) -> None:
    claims = "case_id,metric,value\n1,first_reply_seconds,2580\n1,replies,3\n"
    report = check(tmp_path, ONE_CASE, claims)
    assert [(claim.metric, claim.equal) for claim in report.claims] == [
        ("first_reply_seconds", 1),
        ("replies", 0),
    ]


def test_the_case_that_differs_most_is_named(tmp_path: Path) -> None:
    events = "".join(f"{case} 0 case_opened\n{case} 10 message_out bea\n" for case in (1, 2, 3))
    claims = (
        "case_id,metric,value\n1,first_reply_seconds,600\n2,first_reply_seconds,4920\n"
        "3,first_reply_seconds,900\n4,first_reply_seconds,1\n"
    )
    report = check(tmp_path, events, claims)
    assert report.claims == [
        Claim("desk", "first_reply_seconds", 3, 1, 300.0, 4320.0, "2", 0, 0),
    ]
    assert (
        "desk says the first reply took as long as we derive for 1 of 3 cases;"
        " the largest difference is 1.2 h, case 2"
    ) in list(report.lines())


def test_a_figure_that_the_events_do_not_show_is_counted(tmp_path: Path) -> None:
    events = "1 0 case_opened\n1 5 message_out robo\n"
    report = check(tmp_path, events, "case_id,metric,value\n1,first_reply_seconds,300\n")
    (claim,) = report.claims
    assert (claim.compared, claim.not_derived) == (0, 1)
    assert any(line.endswith("0 of 0 cases; for 1 more the events have none")
               for line in report.lines())  # fmt: skip


def test_business_hours_are_skipped_with_the_reason(tmp_path: Path) -> None:
    claims = (
        "case_id,metric,value,hours\n1,first_reply_seconds,99,business\n"
        "1,first_reply_seconds,2520,calendar\n"
    )
    report = check(tmp_path, ONE_CASE, claims)
    (claim,) = report.claims
    assert (claim.compared, claim.equal, claim.skipped) == (1, 1, 1)
    assert (
        "desk gives the first reply of 1 cases in business hours: not compared, since what we"
        " derive is calendar time"
    ) in list(report.lines())


def test_half_a_case_is_no_second_opinion(tmp_path: Path) -> None:
    events = "1 50 message_out bea\n1 60 case_solved bea\n"
    assert check(tmp_path, events, "case_id,metric,value\n1,replies,4\n").claims == []


@pytest.mark.parametrize(
    ("select", "words"),
    [
        ("SELECT '1' AS case_id, 'mood' AS metric, 1 AS value", "names the metric mood"),
        ("SELECT '1' AS case_id, 1 AS value", "yields no column `metric`"),
    ],
)
def test_a_claim_that_nobody_can_check_is_refused(tmp_path: Path, select: str, words: str) -> None:
    with pytest.raises(WarmlineError, match=words):
        check(tmp_path, ONE_CASE, "", select)


KINDS_OF_A_CASE = (
    "message_in", "message_out", "call_in", "call_out", "complaint", "case_pending",
    "case_solved", "case_closed", "case_reopened", "case_assigned", "survey_answered",
)  # fmt: skip


def a_case(number: int, chance: random.Random) -> list[Row]:
    """Up to 12 rows in any order that may be, some at the same second."""
    opener = chance.choice([None, None, 1, 2])
    told = [(0, "case_opened", opener)]
    for _ in range(chance.randrange(12)):
        kind = chance.choice(KINDS_OF_A_CASE)
        agent = chance.choice([1, 2]) if kind in ("message_out", "call_out") else None
        told.append((chance.randrange(20) * 60, kind, agent))
    told.sort(key=lambda row: (row[0], KINDS.index(row[1])))
    return [
        Row(at=START + at, kind=kind, agent=agent, by_bot=agent == 2, case=number, place=place)
        for place, (at, kind, agent) in enumerate(told)
    ]


def reference(rows: list[Row]) -> Iterator[tuple[str, float]]:
    """The figures of one case, from the facts that features are made of."""
    promises: dict[str | None, int] = dict.fromkeys((*CHANNELS, None), DAY)
    values: dict[str, list[float]] = {}
    for fact in facts_of(rows, promises):
        values.setdefault(fact.name, []).append(fact.value)
    later = rows[rows.index(next(row for row in rows if row.kind == "case_opened")) + 1 :]
    yield "replies", sum(is_reply(row) for row in later)
    yield "reopens", sum(row.kind == "case_reopened" for row in later)
    if "first_reply" in values:
        yield "first_reply_seconds", values["first_reply"][-1]
    if "resolved" in values:
        yield "resolution_seconds", values["resolved"][-1]
    if "requester_wait" in values:
        yield "requester_wait_seconds", sum(values["requester_wait"])


def test_the_figures_are_those_that_the_features_see(tmp_path: Path) -> None:
    chance = random.Random(20260105)
    cases = {number: a_case(number, chance) for number in range(400)}
    agents = {None: "", 1: "bea", 2: "robo"}
    events = "\n".join(
        f"{number} {(row.at - START) / 60} {row.kind} {agents[row.agent]}"
        for number, rows in cases.items()
        for row in rows
    )
    claims = "case_id,metric,value\n" + "".join(
        f"{number},{metric},{value}\n"
        for number, rows in cases.items()
        for metric, value in reference(rows)
    )
    report = check(tmp_path, events, claims)
    assert len(report.claims) == 5
    for claim in report.claims:
        assert claim.compared > 100
        assert (claim.largest_difference, claim.not_derived) == (0, 0), claim


def test_a_prepared_table_serves_every_select_of_the_mapping(tmp_path: Path) -> None:
    (tmp_path / "desk").mkdir()
    (tmp_path / "desk" / "prepare.sql").write_text(
        "CREATE TEMP TABLE sums AS SELECT '1' AS case_id, 'replies' AS metric, 2 AS value;\n"
        "CREATE TEMP MACRO half(x) AS x / 2;\n"
    )
    report = check(tmp_path, ONE_CASE, "", "SELECT * REPLACE (half(value) * 2 AS value) FROM sums")
    assert [(claim.metric, claim.equal) for claim in report.claims] == [("replies", 1)]


def test_a_file_that_is_missing_is_named_and_nothing_is_changed(tmp_path: Path) -> None:
    export = Export.of("zendesk", tmp_path)
    (tmp_path / "zendesk" / "users.json").unlink()
    with pytest.raises(WarmlineError, match=r"(?s)zendesk/prepare.sql.*users.*Nothing was changed"):
        export.ingest()
    assert not list((tmp_path / "history").rglob("*.parquet"))
