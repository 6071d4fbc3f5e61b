from __future__ import annotations

import math
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from company import (
    EVERYONE_TREATED,
    KEY,
    MORNING,
    NIGHT,
    PLAYS,
    Company,
    decisions,
    planned,
    reason,
    row,
    score,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from models.contracts import WORKLIST_COLUMNS
from models.errors import WarmlineError
from models.settings import Plan
from outreach import deciding
from outreach import plan as plans
from outreach.decide import Policy

MIDNIGHT = datetime(2026, 7, 1, tzinfo=UTC)
HALF = Plan(control_share=0.5)


def ago(days: float) -> datetime:
    return MIDNIGHT - timedelta(days=days)


def test_it_ranks_by_value_at_risk_then_probability_then_id(tmp_path: Path) -> None:
    rows = [
        score("no-value-low", 0.6, value_at_risk=None),
        score("b", 0.5, value_at_risk=100),
        score("no-value-high", 0.9, value_at_risk=None),
        score("a", 0.5, value_at_risk=100),
        score("likelier", 0.7, value_at_risk=100),
        score("dear", 0.4, value_at_risk=900),
    ]
    result = planned(tmp_path, rows)
    assert list(decisions(result)) == ["dear", "likelier", "a", "b", "no-value-high",
                                       "no-value-low"]  # fmt: skip
    assert result.rows["rank"].to_pylist() == [1, 2, 3, 4, 5, 6]
    assert any("2 of 6 have no known value at risk" in note for note in result.notes)


def test_without_any_value_it_ranks_by_probability_and_says_so(tmp_path: Path) -> None:
    rows = [score("a", 0.5, value_at_risk=None), score("b", 0.9, value_at_risk=None)]
    result = planned(tmp_path, rows)
    assert list(decisions(result)) == ["b", "a"]
    assert any("no value at risk is known" in note for note in result.notes)


def test_the_list_has_the_contracts_columns(tmp_path: Path) -> None:
    result = planned(tmp_path, [score("acme")])
    assert tuple(result.worklist.columns) == WORKLIST_COLUMNS
    assert result.assignments.columns.tolist() == [
        "decision_id", "customer_id", "as_of", "playbook", "eligible", "arm", "propensity",
        "policy_version",
    ]  # fmt: skip


def test_a_row_says_what_to_do_about_whom_and_why(tmp_path: Path) -> None:
    company = Company(["acme"], owners_of={"acme": "ines"}, prefers={"acme": "email"})
    reasons = [reason("no word for 412 days"), reason("pays on time", "lowers")]
    rows = [score("acme", 0.8, reasons=reasons, what_changed=["risk rose from 40%"], silent=True)]
    found = row(planned(tmp_path, rows, company, EVERYONE_TREATED), "acme")
    assert found == {
        "rank": 1, "customer_id": "acme", "contact_id": None, "decision": "contact",
        "hold_reasons": [], "reasons": ["no word for 412 days"],
        "what_changed": ["risk rose from 40%"], "playbook": "check-in", "mode": "draft",
        "channel": "email", "expected_saved_value": None, "value_at_risk": 800.0,
        "churn_probability": 0.8, "silent": True,
        "due_at": datetime(2026, 7, 1, 17, tzinfo=UTC), "owner_id": "ines",
        "assignment": "treat", "propensity": 1.0,
        "policy_version": Policy(EVERYONE_TREATED, playbooks=PLAYS).version,
    }  # fmt: skip


def test_due_is_the_end_of_the_homes_working_day() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    assert plans.due(NIGHT, berlin) == datetime(2026, 7, 1, 15, tzinfo=UTC)
    saturday = NIGHT + timedelta(days=3)
    assert plans.due(saturday, berlin) == datetime(2026, 7, 6, 15, tzinfo=UTC)
    assert (
        plans.due(saturday + timedelta(days=1), berlin).date() == plans.due(saturday, berlin).date()
    )


def test_only_the_bands_that_count_are_listed_and_the_others_counted(tmp_path: Path) -> None:
    rows = [score("a", band="high"), score("b", band="medium"), score("c", band="low")]
    result = planned(tmp_path / "1", rows)
    assert set(decisions(result)) == {"a", "b"}
    assert result.counts == {
        "scored": 3, "no_play": 1, "unknown": 0, "listed": 2, "contact": 2, "hold": 0,
        "refer": 0,
    }  # fmt: skip
    only_high = planned(tmp_path / "2", rows, settings=Plan(control_share=0, min_band="high"))
    assert set(decisions(only_high)) == {"a"}


def test_an_unanswered_complaint_comes_first_whatever_else_is_known(tmp_path: Path) -> None:
    rows = [score("dear", value_at_risk=9e6), score("calm", 0.01, band="low")]
    company = Company(
        ["dear", "calm", "unscored", "objector"],
        owners_of={"calm": "ines"},
        objectors=frozenset({"objector"}),
        facts=[(who, "complaint", ago(2)) for who in ("calm", "unscored", "objector", "stranger")],
    )
    result = planned(tmp_path, rows, company, Plan(control_share=1.0))
    assert decisions(result) == {
        "calm": "refer", "objector": "refer", "unscored": "refer", "dear": "hold",
    }  # fmt: skip
    found = row(result, "calm")
    assert found["reasons"] == ["complaint of 29 June 2026 without an answer"]
    assert (found["owner_id"], found["assignment"]) == ("ines", "outside")
    assert result.counts["unknown"] == 1  # the stranger, erased since


def test_a_complaint_of_long_ago_is_history_and_said_so(tmp_path: Path) -> None:
    company = Company(["acme"], facts=[("acme", "complaint", ago(91))])
    result = planned(tmp_path, [score("acme")], company)
    assert decisions(result) == {"acme": "contact"}
    assert any("more than 90 days are not referred any more: 1" in note for note in result.notes)


def test_whoever_was_erased_after_scoring_is_not_on_the_list(tmp_path: Path) -> None:
    result = planned(tmp_path, [score("acme"), score("gone")], Company(["acme"]))
    assert decisions(result) == {"acme": "contact"}
    assert result.counts["unknown"] == 1


def test_it_holds_whom_it_must_not_contact(tmp_path: Path) -> None:
    names = ["free", "busy", "lately", "objector", "refuser", "marketing-only"]
    company = Company(
        names,
        objectors=frozenset({"objector"}),
        refused=[("refuser", None, None, ago(5)), ("marketing-only", None, "marketing", ago(5))],
        cases=[("busy", ago(9)), ("busy", ago(20))],
        contacted_at=[("lately", ago(40)), ("lately", ago(3))],
    )
    result = planned(tmp_path, [score(name) for name in names], company)
    reasons = {each["customer_id"]: each["hold_reasons"] for each in result.rows.to_pylist()}
    assert reasons == {
        "free": [],
        "marketing-only": [],
        "busy": ["has an open case since 11 June 2026"],
        "lately": ["was contacted once in 7 days, last on 28 June 2026 (at most 1)"],
        "objector": ["objects to profiling"],
        "refuser": ["opted out of contact on 26 June 2026"],
    }
    assert result.counts["held_open_case"] == 1


def test_a_forgotten_case_holds_nobody_back(tmp_path: Path) -> None:
    company = Company(["acme", "bolt"], cases=[("acme", ago(91)), ("bolt", ago(89))])
    result = planned(tmp_path, [score("acme"), score("bolt")], company)
    assert decisions(result) == {"acme": "contact", "bolt": "hold"}


def test_a_refusal_counts_at_once_even_after_midnight(tmp_path: Path) -> None:
    company = Company(["acme"], refused=[("acme", None, None, MORNING - timedelta(minutes=1))])
    assert decisions(planned(tmp_path, [score("acme")], company)) == {"acme": "hold"}


def test_capacity_goes_to_the_top_of_those_who_may_be_contacted(tmp_path: Path) -> None:
    rows = [score(f"c{n}", value_at_risk=100 - n) for n in range(5)]
    company = Company([f"c{n}" for n in range(5)], cases=[("c0", ago(1))])
    result = planned(tmp_path, rows, company, Plan(control_share=0, capacity=2))
    assert decisions(result) == {
        "c0": "hold", "c1": "contact", "c2": "contact", "c3": "hold", "c4": "hold",
    }  # fmt: skip
    assert row(result, "c3")["hold_reasons"] == ["beyond tonight's capacity of 2"]
    assert result.to_do(9) == ["c1", "c2"]
    assert result.to_do(1) == ["c1"]


def test_both_arms_take_capacity_so_that_eligibility_hangs_on_no_draw(tmp_path: Path) -> None:
    rows = [score(f"c{n:03d}", value_at_risk=1000 - n) for n in range(100)]
    eligible = []
    for share in (0.0, 0.5, 1.0):
        settings = Plan(control_share=share, capacity=40, explore_share=0)
        result = planned(tmp_path / str(share), rows, settings=settings)
        assigned = result.assignments
        eligible.append(assigned.loc[assigned["eligible"], "customer_id"].tolist())
        assert result.counts.get("held_control", 0) + result.counts["contact"] == 40
    assert eligible[0] == eligible[1] == eligible[2] == [f"c{n:03d}" for n in range(40)]


def test_the_arm_and_its_probability_are_on_record(tmp_path: Path) -> None:
    rows = [score(f"c{n}") for n in range(200)]
    company = Company([f"c{n}" for n in range(200)], cases=[("c7", ago(1))])
    found = planned(tmp_path, rows, company, Plan(control_share=0.25)).rows.to_pylist()
    drawn = {(each["decision"], each["assignment"], each["propensity"]) for each in found}
    assert drawn == {("contact", "treat", 0.75), ("hold", "control", 0.25),
                     ("hold", "outside", None)}  # fmt: skip


def test_one_household_shares_one_arm(tmp_path: Path) -> None:
    names = [f"c{n:03d}" for n in range(200)]
    parents = {name: f"house-{n // 4}" for n, name in enumerate(names)}
    result = planned(tmp_path, [score(name) for name in names], Company(names, parents), HALF)
    arms: dict[str, set[str]] = {}
    for each in result.rows.to_pylist():
        arms.setdefault(parents[each["customer_id"]], set()).add(each["assignment"])
    assert all(len(arm) == 1 for arm in arms.values())
    assert set.union(*arms.values()) == {"treat", "control"}


def test_a_small_base_is_warned_of(tmp_path: Path) -> None:
    result = planned(tmp_path, [score("acme")], settings=HALF)
    assert any("too few for a control group" in note for note in result.notes)


def test_expired_scores_are_said_to_be(tmp_path: Path) -> None:
    result = planned(tmp_path, [score("acme")], now=MORNING + timedelta(days=3))
    assert any("expired" in note for note in result.notes)


def test_nobody_at_risk_is_an_empty_list(tmp_path: Path) -> None:
    result = planned(tmp_path, [score("calm", band="low")])
    assert result.rows.num_rows == 0
    assert plans.write(result, tmp_path / "home").exists()


def test_planning_in_small_slices_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [score(f"c{n:02d}", value_at_risk=n) for n in range(30)]
    settings = Plan(control_share=0.3, capacity=11)
    whole = planned(tmp_path / "1", rows, settings=settings)
    monkeypatch.setattr(deciding, "ROWS_AT_ONCE", 4)
    sliced = planned(tmp_path / "2", rows, settings=settings)
    assert sliced.rows.equals(whole.rows)
    assert sliced.assigned.equals(whole.assigned)
    assert sliced.counts == whole.counts


def test_the_newest_night_is_planned_and_it_says_when_there_is_none(tmp_path: Path) -> None:
    company = Company(["acme"])
    scores = tmp_path / "scores"
    with pytest.raises(WarmlineError, match="warmline score"):
        plans.preview(tmp_path, scores, company, company, Plan(), key=KEY, now=MORNING)
    planned(scores, [score("acme")])
    result = plans.preview(tmp_path, scores, company, company, Plan(), key=KEY, now=MORNING)
    assert result.as_of == NIGHT
    assert not (tmp_path / "worklists").exists()
    plans.write(result, tmp_path)
    assert (tmp_path / "worklists/as_of=2026-07-01/worklist.csv").exists()


names = st.lists(st.text("abc=@", min_size=1, max_size=3), min_size=1, max_size=8, unique=True)
ways = st.sampled_from([None, "email", "phone", "chat"])


@st.composite
def companies(draw: st.DrawFn) -> Company:
    """Any book: traits strewn over customers, some of them unknown to it."""
    known = draw(names)
    some = st.sampled_from(known)
    days = st.floats(-0.2, 120)
    return Company(
        known,
        parents_of=draw(st.dictionaries(some, st.sampled_from(["p", "q", ""]))),
        prefers=draw(st.dictionaries(some, st.sampled_from(["email", "phone", "chat", "bot"]))),
        objectors=frozenset(draw(st.sets(some))),
        refused=[
            (who, way, purpose, ago(day))
            for who, way, purpose, day in draw(
                st.lists(st.tuples(some, ways, st.sampled_from([None, "service", "other"]), days))
            )
        ],
        cases=[(who, ago(day)) for who, day in draw(st.lists(st.tuples(some, days)))],
        facts=[
            (who, "complaint", ago(d))
            for who, d in draw(st.lists(st.tuples(some, days), max_size=2))
        ],
        contacted_at=[(who, ago(day)) for who, day in draw(st.lists(st.tuples(some, days)))],
    )


@settings(max_examples=25, deadline=None)
@given(companies(), st.randoms(use_true_random=False), st.integers(1, 4))
def test_whatever_happened_no_refusal_is_passed_over_and_a_rerun_is_identical(
    company: Company, chance: random.Random, capacity: int
) -> None:
    rows = [
        score(name, chance.random(), band=chance.choice(["low", "medium", "high"]))
        for name in company.known
    ]
    policy = Plan(control_share=0.5, capacity=capacity)
    first = planned(None, rows, company, policy)
    chance.shuffle(rows)
    chance.shuffle(company.refused)
    again = planned(None, rows, company, policy)
    assert again.rows.equals(first.rows)
    assert again.assigned.equals(first.assigned)
    contacted = {
        each["customer_id"]: each["channel"]
        for each in first.rows.to_pylist()
        if each["decision"] == "contact"
    }
    assert len(contacted) <= capacity
    assert not company.objectors & contacted.keys()
    for who, way, purpose, at in company.refused:
        if who in contacted and purpose in (None, "service") and at < MORNING:
            assert way is not None
            assert way != contacted[who]
    for each in first.rows.to_pylist():
        assert bool(each["hold_reasons"]) == (each["decision"] == "hold")
        assert each["decision"] != "refer" or each["assignment"] == "outside"


@pytest.mark.parametrize("bad", [math.nan])
def test_a_value_that_is_no_number_ranks_as_unknown(tmp_path: Path, bad: float) -> None:
    rows = [score("bad", 0.9, value_at_risk=bad), score("good", 0.5, value_at_risk=1)]
    assert list(decisions(planned(tmp_path, rows))) == ["good", "bad"]
