"""A plan against what outreach remembers: caps, answers, overrides, items, effects, the draw."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from company import (
    CHECK_IN,
    KEY,
    MORNING,
    PLAYS,
    Company,
    Record,
    decisions,
    planned,
    reason,
    row,
    score,
)

from models.settings import Plan
from outreach import contact_point
from outreach import plan as plans
from outreach.gates import GATES, LAST_GATES
from outreach.planned import NOT_LOOKED_AT
from outreach.playbooks import Playbook, Playbooks

MIDNIGHT = datetime(2026, 7, 1, tzinfo=UTC)
TREATED = Plan(control_share=0)


def ago(days: float) -> datetime:
    return MIDNIGHT - timedelta(days=days)


def sent(who: str, days: float, *, unit: str | None = None, point: str | None = None,
         transactional: bool = False) -> dict[str, Any]:  # fmt: skip
    return {"customer_id": who, "unit": unit or who, "contact_point": point, "channel": "email",
            "purpose": "service", "transactional": transactional, "at": ago(days)}  # fmt: skip


def why(record: Record, company: Company | None = None, **options: Any) -> dict[str, list[str]]:
    """Each customer's reasons for being held."""
    rows = [score(who) for who in (company.known if company else ("acme", "bolt"))]
    found = planned(None, rows, company, TREATED, ledger=record, **options).rows.to_pylist()
    return {each["customer_id"]: each["hold_reasons"] for each in found}


def test_caps_count_over_the_household_whoever_of_it_was_written_to() -> None:
    company = Company(["acme", "bolt", "calm"], parents_of={"acme": "house", "bolt": "house"})
    company.contacted_at = [("bolt", ago(3), "phone", False)]
    said = "was contacted once in 7 days, last on 28 June 2026 (at most 1)"
    assert why(Record(), company) == {"acme": [said], "bolt": [said], "calm": []}


def test_what_outreach_sent_and_the_history_tells_again_is_counted_once() -> None:
    month = [sent("acme", 20)]
    company = Company(["acme"], contacted_at=[("acme", ago(19.9), "email", True)])
    assert why(Record(tables={"contacts": month}), company) == {"acme": []}
    company.contacted_at = [("acme", ago(19.9), "phone", False)]  # another one, by a person
    assert "2 times in 30 days" in why(Record(tables={"contacts": month}), company)["acme"][0]


def test_transactional_contacts_are_counted_apart() -> None:
    record = Record(tables={"contacts": [sent("acme", 0.5, transactional=True)]})
    assert why(record) == {"acme": [], "bolt": []}
    billing = Playbook(name="billing", title="B", urgency=1, transactional=True)
    books = Playbooks.of([billing])
    assert why(record, playbooks=books) == {"acme": [], "bolt": []}
    record.tables["contacts"] *= 2
    assert "2 times in 24 hours" in why(record, playbooks=books)["acme"][0]


def test_caps_count_at_the_contact_point_whoever_shares_it() -> None:
    company = Company(
        ["acme", "bolt"], emails=[("acme", None, "A@x.test"), ("bolt", None, "a+b@x.test")]
    )
    point = contact_point.keyed(KEY, "email", "a@x.test")
    record = Record(tables={"contacts": [sent("gone", 2, point=point)]})
    assert all(
        "the same address was written to once" in r[0] for r in why(record, company).values()
    )


def test_an_answer_is_followed_by_rest() -> None:
    record = Record(tables={"answers": [{"customer_id": "acme", "at": ago(13)}]})
    assert why(record) == {"acme": ["answered on 18 June 2026 (14 days of rest)"], "bolt": []}


def test_who_knows_better_is_respected_until_the_day() -> None:
    until = MORNING + timedelta(days=30)
    both = [
        {"customer_id": "acme", "playbook": None, "until": until, "by": "ines", "why": "ill"},
        {"customer_id": "bolt", "playbook": "other", "until": until, "by": "tom", "why": ""},
    ]
    assert why(Record(tables={"overrides": both})) == {
        "acme": ["ines knows better until 31 July 2026: ill"], "bolt": [],
    }  # fmt: skip


def item(who: str, state: str, evidence: datetime | None, **more: Any) -> dict[str, Any]:
    return {
        "customer_id": who,
        "playbook": "check-in",
        "reason_key": "check-in",
        "state": state,
        "closed_as": None,
        "evidence_at": evidence,
        "since": ago(10),
        "owner_id": None,
    } | more


def test_an_item_returns_only_on_new_dated_evidence() -> None:
    closed = {"closed_as": "false_alarm"}
    record = Record(tables={"items": [item("acme", "closed", ago(20), **closed),
                                      item("bolt", "closed", ago(20), **closed)]})  # fmt: skip
    rows = [score("acme"), score("bolt", what_changed=["risk 80%, was 20%"])]
    result = planned(None, rows, Company(["acme", "bolt"]), TREATED, ledger=record)
    assert decisions(result) == {"acme": "hold", "bolt": "contact"}
    assert row(result, "acme")["hold_reasons"] == [
        "false alarm since 21 June 2026, and nothing new has happened"
    ]


def test_items_whose_cause_is_gone_have_passed_and_no_others() -> None:
    names = ["acme", "bolt", "calm", "dent", "echo", "fern"]
    company = Company(names)
    company.facts = [("bolt", "complaint", ago(3)), ("echo", "complaint", ago(200))]
    owed = {"playbook": "unanswered-complaint", "reason_key": "unanswered-complaint"}
    record = Record(tables={"items": [
        item("acme", "open", None),  # still at risk
        item("bolt", "open", None),  # still at risk, though a complaint comes first
        item("bolt", "open", None, **owed),  # still without an answer
        item("calm", "open", None),  # not at risk any more
        item("dent", "snoozed", None, **owed),  # answered
        item("echo", "open", None, **owed),  # too old to be referred, and still without an answer
        item("fern", "closed", None),
        item("gone", "open", None),  # no customer any more
    ]})  # fmt: skip
    rows = [score(name, band="low" if name in ("calm", "fern") else "high") for name in names]
    result = planned(None, rows, company, TREATED, ledger=record)
    assert result.passed == {
        ("calm", "check-in"), ("dent", "unanswered-complaint"), ("gone", "check-in")
    }  # fmt: skip


def test_items_of_who_must_not_be_contacted_any_more_are_barred() -> None:
    opened = {"playbook": "check-in", "reason_key": "check-in", "since": ago(9)}
    names = ["acme", "bolt", "calm", "dune"]
    states = dict(zip(names, ["open", "closed", "snoozed", "open"], strict=True))
    ledger = Record({"items": [
        {**opened, "customer_id": who, "state": state} for who, state in states.items()
    ]})  # fmt: skip
    company = Company(names, refused=[(who, None, None, ago(1)) for who in names[:3]])
    result = planned(None, [score(who) for who in names], company, ledger=ledger)
    assert result.barred == {("acme", "check-in"), ("calm", "check-in")}


def test_what_is_unchanged_sinks() -> None:
    record = Record(tables={"items": [item("dear", "open", None)]})
    rows = [score("dear", value_at_risk=9e6), score("cheap", value_at_risk=1)]
    result = planned(None, rows, Company(["dear", "cheap"]), TREATED, ledger=record)
    assert list(decisions(result)) == ["cheap", "dear"]


def test_a_learned_effect_ranks_and_vetoes() -> None:
    def effect(size: float) -> list[dict[str, Any]]:
        return [{"playbook": "check-in", "effect": size, "low": size - 0.05, "high": size + 0.05}]

    rows = [
        score("dear", 0.5, value_at_risk=1000, effects=effect(-0.01)),
        score("helped", 0.5, value_at_risk=500, effects=effect(-0.1)),
        score("harmed", 0.5, value_at_risk=5000, effects=effect(0.01)),
        score("unknown", 0.5, value_at_risk=300),  # ranked as if one in ten were kept: 30
    ]
    result = planned(None, rows, Company([r["customer_id"] for r in rows]), Plan(
        control_share=0, min_saved_value=25))  # fmt: skip
    assert list(decisions(result)) == ["helped", "unknown", "dear", "harmed"]
    assert row(result, "helped")["expected_saved_value"] == pytest.approx(100)
    assert row(result, "unknown")["expected_saved_value"] is None
    assert row(result, "dear")["hold_reasons"] == ["a contact is expected to save 20 (25 at least)"]
    assert "raises the risk by 1.0 of 100" in row(result, "harmed")["hold_reasons"][0]


def test_who_is_only_silent_no_longer_than_usual_is_left_in_peace() -> None:
    silence = [reason("no order for 20 days") | {"system": "S2"}]
    rows = [
        score("acme", fading=0.5, reasons=silence),
        score("bolt", fading=0.5, reasons=[*silence, reason("late") | {"system": "S15"}]),
    ]
    assert decisions(planned(None, rows))["acme"] == "hold"
    assert decisions(planned(None, rows))["bolt"] == "contact"


def test_the_delegate_works_for_who_is_away_and_the_list_says_so() -> None:
    staff = [{"owner_id": "ines", "away_from": ago(1), "delegate_id": "tom"}, {"owner_id": "tom"}]
    company = Company(["acme"], owners_of={"acme": "ines"}, staff=staff)
    found = row(planned(None, [score("acme")], company), "acme")
    assert found["owner_id"] == "tom"
    assert "ines is away: with tom" in found["reasons"]


def test_a_draw_is_never_drawn_again_and_a_second_plan_is_the_same(tmp_path: Path) -> None:
    names = [f"c{n:03d}" for n in range(200)]
    settings = Plan(control_share=0.2)
    company = Company(names)
    planned(tmp_path / "scores", [score(name) for name in names[:150]])

    def again(settings: Plan = settings) -> plans.PlanResult:
        found = plans.preview(
            tmp_path, tmp_path / "scores", company, company, settings, key=KEY, now=MORNING
        )
        plans.write(found, tmp_path)
        return found

    first = again()
    second = again()
    assert second.rows.equals(first.rows)
    assert second.assigned.equals(first.assigned)
    # More customers, other strata and another share: who was drawn stays where they are.
    rows = [score(name, band="medium") for name in names]
    planned(tmp_path / "scores", rows, run="b")
    third = again(Plan(control_share=0.5))
    before = dict(
        zip(
            first.rows["customer_id"].to_pylist(), first.rows["assignment"].to_pylist(), strict=True
        )
    )
    after = dict(
        zip(
            third.rows["customer_id"].to_pylist(), third.rows["assignment"].to_pylist(), strict=True
        )
    )
    assert {name: after[name] for name in before} == before
    assert list(before.values()).count("control") == 30
    assert set(after.values()) == {"treat", "control"}


def test_below_the_size_that_tells_the_moment_is_drawn_and_nobody_left_alone() -> None:
    names = [f"c{n}" for n in range(40)]
    result = planned(None, [score(name, 0.2) for name in names], settings=Plan(control_share=0.1))
    assert any("the moment of the contact is drawn instead" in note for note in result.notes)
    waiting = [r for r in result.rows.to_pylist() if r["assignment"] == "control"]
    assert 8 < len(waiting) < 32
    assert all(r["propensity"] == 0.5 for r in waiting)
    assert waiting[0]["hold_reasons"] == ["their turn, drawn by lot, comes on 13 July 2026"]
    assert result.counts["held_turn"] == len(waiting)
    assert "held_control" not in result.counts


def test_only_what_is_randomised_has_a_control_group() -> None:
    owed = Playbooks.of([Playbook(name="owed", title="O", urgency=1)])
    result = planned(None, [score("acme")], settings=Plan(control_share=1.0), playbooks=owed)
    found = row(result, "acme")
    assert (found["decision"], found["assignment"], found["propensity"]) == (
        "contact", "outside", None,
    )  # fmt: skip


def test_what_is_handed_to_the_store_has_every_gate_and_a_fingerprint() -> None:
    company = Company(["acme", "bolt", "calm"], zones={"acme": "Asia/Tokyo"},
                      cases=[("bolt", ago(1))], facts=[("calm", "complaint", ago(2))])  # fmt: skip
    rows = [score("acme"), score("bolt"), score("calm")]
    found = {
        each.customer_id: each for each in planned(None, rows, company, TREATED).planned({"bolt"})
    }
    names = [gate.name for gate in (*GATES, *LAST_GATES)]
    assert all(list(each.gates) == names for each in found.values())
    assert set(found["acme"].gates.values()) == {None}
    assert found["bolt"].gates["open_case"] == "has an open case since 30 June 2026"
    assert found["bolt"].gates["control"] == NOT_LOOKED_AT
    assert set(found["calm"].gates.values()) == {None, NOT_LOOKED_AT}
    # 8:00 in Tokyo was before midnight at the home: the window is open.
    assert found["acme"].not_before == MIDNIGHT
    assert found["bolt"].not_before is None
    assert found["calm"].evidence_at == ago(2)
    assert (found["acme"].stratum, found["acme"].arm) == ("high vocal", "treat")
    prints = {each.inputs_fingerprint for each in found.values()}
    assert len(prints) == 3
    again = {
        each.customer_id: each for each in planned(None, rows, company, TREATED).planned({"bolt"})
    }
    assert again == found
    company.cases = []
    changed = {
        each.customer_id: each for each in planned(None, rows, company, TREATED).planned({"bolt"})
    }
    assert changed["bolt"].inputs_fingerprint != found["bolt"].inputs_fingerprint
    assert changed["acme"].inputs_fingerprint == found["acme"].inputs_fingerprint


def test_a_customer_without_evidence_is_still_checked_in_with() -> None:
    assert decisions(planned(None, [score("acme")], playbooks=CHECK_IN)) == {"acme": "contact"}
    assert decisions(planned(None, [score("acme")], playbooks=PLAYS)) == {"acme": "contact"}
