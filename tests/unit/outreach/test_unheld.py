"""Whom columns let through needs no look: each gate is held to its screen, and plans to both."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from company import KEY, Company, Record, planned, reason, score

from models.settings import Plan
from outreach import contact_point, deciding, unheld
from outreach.decide import Policy
from outreach.evidence import Evidence
from outreach.gates import GATES
from outreach.playbooks import Playbook, Playbooks, Trigger

MIDNIGHT = datetime(2026, 7, 1, tzinfo=UTC)
NAMES = [f"c{n}" for n in range(40)]
PLAYS = Playbooks.of([
    Playbook(name="check-in", title="Check-in", urgency=90, randomised=True),
    Playbook(name="auto", title="Tips", urgency=50, mode="auto", cap=3,
             trigger=Trigger(fact="joined", to_days=90)),
    Playbook(name="unanswered-complaint", title="Complaint", urgency=0, refers=True,
             trigger=Trigger(fact="complaint", to_days=90)),
])  # fmt: skip


def test_every_gate_has_a_screen() -> None:
    assert list(unheld.SCREENS) == [gate.name for gate in GATES]


def world(chance: random.Random) -> tuple[Company, Record, list[dict[str, Any]]]:
    """A company in which each gate holds somebody, and most nobody."""

    def ago(days: int) -> datetime:
        return MIDNIGHT - timedelta(days=chance.randint(0, days), hours=1)

    def some() -> list[str]:
        return chance.sample(NAMES, 3)

    point = contact_point.keyed(KEY, "email", "c1@x.test")
    company = Company(
        NAMES,
        objectors=frozenset(some()),
        refused=[(who, None, None, ago(90)) for who in some()],
        cases=[(who, ago(20)) for who in some()],
        facts=[(who, "complaint", ago(60)) for who in some()]
        + [(who, "joined", ago(60)) for who in some()]
        + [(who, "answered", ago(20)) for who in some()],
        contacted_at=[(who, ago(40), "phone", False) for who in some()],
        emails=[(who, None, f"{who}@x.test") for who in NAMES],
        staff=[{"owner_id": "ines", "capacity_per_day": 2.0}],
        owners_of=dict.fromkeys(some(), "ines"),
    )
    record = Record({
        "overrides": [{"customer_id": who, "playbook": None, "by": "ines", "why": "calls",
                       "until": MIDNIGHT + timedelta(days=9)} for who in some()],
        "items": [{"customer_id": who, "playbook": "check-in", "reason_key": "check-in",
                   "state": chance.choice(["snoozed", "closed", "open"]), "since": ago(9)}
                  for who in some()],
        "suppressions": [{"contact_point": point, "channel": "email", "reason": "bounce",
                          "at": ago(9)}],
        "contacts": [{"customer_id": who, "unit": who, "contact_point": point, "channel": "email",
                      "purpose": "service", "transactional": False, "at": ago(20)}
                     for who in some()],
    })  # fmt: skip
    rows = [
        score(
            name, chance.random(), value_at_risk=chance.choice([None, 10.0, 900.0]),
            fading=chance.choice([None, 0.4, 3.0]),
            reasons=chance.choice([None, [], [reason("nothing bought for long")]]),
            effects=chance.choice([None, None, [
                {"playbook": "check-in", "effect": chance.choice([-0.2, 0.1]), "low": -0.3,
                 "high": 0.2}]]),
        )
        for name in NAMES
    ]  # fmt: skip
    return company, record, rows


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("consent", ["opt_out", "opt_in"])
def test_a_plan_is_the_same_as_if_everybody_were_looked_at_gate_by_gate(
    monkeypatch: pytest.MonkeyPatch, seed: int, consent: str
) -> None:
    company, record, rows = world(random.Random(seed))
    settings = Plan(control_share=0.3, capacity=8, min_saved_value=5, consent=consent)
    spared = []

    def counting(evidence: Evidence, policy: Policy) -> Any:
        spared.append(unheld.unheld(evidence, policy).sum())
        return unheld.unheld(evidence, policy)

    monkeypatch.setattr(deciding, "unheld", counting)
    quick = planned(None, rows, company, settings, ledger=record, playbooks=PLAYS)
    monkeypatch.setattr(
        deciding, "unheld", lambda evidence, _: np.zeros(evidence.rows.num_rows, bool)
    )
    slow = planned(None, rows, company, settings, ledger=record, playbooks=PLAYS)
    assert quick.rows.equals(slow.rows)
    assert quick.record.equals(slow.record)
    assert quick.assigned.equals(slow.assigned)
    assert (spared[0] > 3) == (consent == "opt_out")
    held = {gate for gates in quick.record["held_by"].to_pylist() for gate in gates}
    assert len(held) > 4
