from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from company import KEY, MORNING, Company, Record, planned, score

from models.settings import Plan
from outreach import plan as plans
from outreach.compare import compare, tonight


def test_a_change_of_policy_says_who_would_come_and_go(tmp_path: Path) -> None:
    names = [f"c{n}" for n in range(5)]
    company = Company(names, prefers={"c0": "email"}, owners_of={"c0": "ines", "c1": "ines"})
    rows = [score(name, value_at_risk=100 - n) for n, name in enumerate(names)]
    rows[3] |= {"band": "medium"}
    planned(tmp_path / "scores", rows)

    def plan(settings: Plan) -> plans.PlanResult:
        return plans.preview(
            tmp_path, tmp_path / "scores", company, company, settings, key=KEY, now=MORNING
        )

    first = plan(Plan(control_share=0, capacity=3, explore_share=0))
    assert tonight(first) == "Tonight 2 tasks, 1 drafts: ines 2, the queue 1"
    assert list(compare(tmp_path, first).lines()) == [
        "There is no published list of that night to compare with."
    ]
    plans.write(first, tmp_path)
    same = compare(tmp_path, first)
    assert (same.come, same.go, same.changed) == ((), (), 0)
    changed = plan(Plan(control_share=0, capacity=4, explore_share=0, min_band="high"))
    found = compare(tmp_path, changed)
    assert (found.come, found.go) == (("c4",), ())
    assert found.counts["contact"] == (3, 4)
    assert found.counts["held_capacity"] == (2, 0)
    assert found.before != found.after
    assert "come: 1 (c4)" in list(found.lines())


def test_it_counts_the_items_that_would_have_no_cause_any_more(tmp_path: Path) -> None:
    rows, company = [score("c0"), score("c1", band="medium")], Company(["c0", "c1"])
    opened = {"playbook": "check-in", "reason_key": "check-in", "state": "open",
              "since": MORNING - timedelta(days=1)}  # fmt: skip
    ledger = Record({"items": [{**opened, "customer_id": who} for who in ("c0", "c1")]})

    def lines(min_band: str) -> list[str]:
        settings = Plan(control_share=0, min_band=min_band)
        result = planned(None, rows, company, settings, ledger=ledger)
        plans.write(result, tmp_path)
        return list(compare(tmp_path, result).lines())

    assert not any("no cause" in line or "cause of" in line for line in lines("medium"))
    assert "items that nothing would be the cause of any more: 1" in lines("high")
