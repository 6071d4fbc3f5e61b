"""Items end by themselves once a plan finds no cause for them any more."""

from __future__ import annotations

import pytest
from stores import NIGHT, filled, later, planned, rows, states, trail, words

from outreach.store import items, messages, tables
from outreach.store.database import Store
from outreach.store.items import close_passed, snooze, start
from outreach.store.recording import record

ALL = {("acme", "silent"), ("bolt", "silent")}


def ended(store: Store, days: float, **others: object) -> int:
    facts = {"as_of": later(days=days).date(), "passed": ALL} | others
    return close_passed(store, by="plan", now=later(days=days), **facts)  # type: ignore[arg-type]


def item_states(store: Store) -> dict[str, tuple[str, str | None]]:
    return {row.customer_id: (row.state, row.closed_as) for row in rows(store, tables.work_items)}


def test_a_check_in_rests_a_week_first_and_its_letter_is_withdrawn(store: Store) -> None:
    filled(store, "acme", "calm")
    assert ended(store, 6) == 0
    assert ended(store, 8) == 1
    assert item_states(store) == {"acme": ("closed", "passed"), "calm": ("open", None)}
    assert states(store) == {"acme": "withdrawn", "calm": "queued"}
    assert trail(store)[-2:] == ["close", "withdraw"]
    assert ended(store, 8) == 0


def test_many_end_at_once_each_with_its_trace(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(items, "AT_ONCE", 2)
    monkeypatch.setattr(messages, "AT_ONCE", 2)
    customers = [f"c{n}" for n in range(5)]
    filled(store, *customers, "calm")
    passed = {(customer, "silent") for customer in customers}
    assert ended(store, 8, passed=passed) == 5
    assert states(store) == {**dict.fromkeys(customers, "withdrawn"), "calm": "queued"}
    traced = [row for row in rows(store, tables.audit) if row.verb in ("close", "withdraw")]
    why = "what it was about has passed"
    assert {(row.verb, row.customer_id): row.details for row in traced} == {
        **{("close", who): {"before": "open", "closed_as": "passed", "why": why}
           for who in customers},
        **{("withdraw", who): {"before": "queued", "why": why} for who in customers},
    }  # fmt: skip
    assert len(traced) == 10
    assert {row.since for row in rows(store, tables.work_items) if row.state == "closed"} == {
        later(days=8)
    }


def test_what_must_not_be_done_ends_at_once_unless_somebody_is_at_work(store: Store) -> None:
    filled(store, "acme", "bolt", "calm")
    bolt = next(row.id for row in rows(store, tables.work_items) if row.customer_id == "bolt")
    start(store, by="ines", now=later(days=1), item=bolt)
    barred = {("acme", "silent"), ("bolt", "silent")}
    assert ended(store, 2, passed=set(), barred=barred) == 1
    assert item_states(store) == {
        "acme": ("closed", "passed"), "bolt": ("in_progress", None), "calm": ("open", None),
    }  # fmt: skip
    assert states(store)["acme"] == "withdrawn"


def test_what_was_referred_ends_at_once(store: Store) -> None:
    complaint = planned("acme", decision="refer", channel=None)
    record(store, by="plan", now=later(), decisions=[complaint], drafts=words)
    assert ended(store, 1) == 1


@pytest.mark.parametrize("how", ["at work", "came back", "another night"])
def test_what_somebody_sees_to_is_left_alone(store: Store, how: str) -> None:
    filled(store, "acme")
    (item,) = rows(store, tables.work_items)
    others: dict[str, object] = {}
    if how == "at work":
        start(store, by="ines", now=later(days=1), item=item.id)
    elif how == "came back":
        with store.begin() as tx:
            tx.execute(tables.work_items.update().values(came_back_at=later(days=1)))
    else:
        others["as_of"] = NIGHT.replace(month=6)  # planned once more
    assert ended(store, 30, **others) == 0
    assert states(store) == {"acme": "queued"}


def test_a_snoozed_item_passes_too(store: Store) -> None:
    filled(store, "acme")
    (item,) = rows(store, tables.work_items)
    snooze(store, by="ines", now=later(days=1), item=item.id, until=later(days=90), why="ill")
    assert ended(store, 30) == 1
