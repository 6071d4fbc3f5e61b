"""Each verb changes what it says, once, and leaves its trace in the same transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from models.errors import WarmlineError
from outreach import contact_point
from outreach.ledger import SHAPES, Ledger, shape
from outreach.planned import NOT_LOOKED_AT, Planned
from outreach.store import items, messages, permissions, recording, tables
from outreach.store.database import Store
from outreach.store.reading import StoreLedger
from outreach.store.received import Arrived, receive
from outreach.store.recording import record
from tests.unit.outreach.stores import (
    KEY,
    NOW,
    draft,
    filled,
    later,
    planned,
    rows,
    states,
    trail,
    words,
)

BY = {"by": "ines", "now": NOW}
EVERYTHING = (
    tables.decisions,
    tables.assignments,
    tables.work_items,
    tables.messages,
    tables.audit,
)


def only_item(store: Store) -> Any:
    (item,) = rows(store, tables.work_items)
    return item


def test_a_night_recorded_twice_changes_nothing(store: Store) -> None:
    night = [
        planned("acme"),
        planned("bolt", mode="approve"),
        planned("calm", mode="draft"),
        planned("dent", decision="hold", arm="control", propensity=0.1, channel=None),
        planned("echo", decision="refer", arm="outside", propensity=None, channel=None),
        planned("fern", channel="phone"),
    ]
    first = record(store, by="plan", now=NOW, decisions=night, drafts=words, period="365-2")
    assert first == {"decisions": 6, "items": 5, "messages": 3}
    assert states(store) == {"acme": "queued", "bolt": "awaiting_approval", "calm": "draft"}
    before = [rows(store, table) for table in EVERYTHING]
    again = record(
        store, by="plan", now=later(hours=1), decisions=night, drafts=words, period="365-2"
    )
    assert again == {"decisions": 0, "items": 0, "messages": 0}
    assert [rows(store, table) for table in EVERYTHING] == before


def test_a_night_that_was_cut_off_is_ended_by_recording_it_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "AT_ONCE", 2)

    def cut_off() -> Iterator[Planned]:
        yield from night[:3]
        raise KeyboardInterrupt

    night = [planned(f"c{number}") for number in range(5)]
    with pytest.raises(KeyboardInterrupt):
        record(store, by="plan", now=NOW, decisions=cut_off(), drafts=words)
    assert len(states(store)) == len(rows(store, tables.decisions)) == 2
    record(store, by="plan", now=NOW, decisions=night, drafts=words)
    assert len(states(store)) == len(rows(store, tables.decisions)) == 5
    assert [item.rank for item in rows(store, tables.work_items)] == [0, 1, 2, 3, 4]


def test_what_a_later_plan_holds_for_a_refusal_is_not_sent(store: Store) -> None:
    filled(store, "acme", "bolt", "calm")
    gates = {"acme": {"opted_out": "opted out on 2 July"}, "bolt": {"open_case": "has one"},
             "calm": {"opted_out": NOT_LOOKED_AT}}  # fmt: skip
    tomorrow = later(days=1).date()
    held = [planned(c, as_of=tomorrow, decision="hold", gates=g) for c, g in gates.items()]
    record(store, by="plan", now=later(days=1), decisions=held)
    assert states(store) == {"acme": "withdrawn", "bolt": "queued", "calm": "queued"}


def test_of_a_past_night_only_the_decisions_are_kept(store: Store) -> None:
    filled(store, "acme", due_at=later(days=1))
    before = [rows(store, table) for table in (tables.work_items, tables.messages)]
    filled(store, "acme", "bolt", as_of=later(days=-3).date(), due_at=later(days=-2), mode="auto")
    assert [rows(store, table) for table in (tables.work_items, tables.messages)] == before
    assert len(rows(store, tables.decisions)) == 3
    filled(store, "bolt", as_of=later(days=1).date())
    assert len(rows(store, tables.work_items)) == 2


def test_offers_are_counted_by_customer_over_the_nights_asked_for(store: Store) -> None:
    for night in range(3):
        filled(store, "acme", f"b{night}", as_of=later(days=night).date())
    held = planned("calm", decision="hold", playbook="gift")
    record(store, by="plan", now=NOW, decisions=[held])
    found = StoreLedger(store).offers(later(days=1).date(), later(days=9).date())
    assert found.to_pylist() == [{"playbook": "check-in", "customers": 3}]


def test_an_arm_is_not_drawn_again_within_its_period(store: Store) -> None:
    def arms(as_of: Any, arm: str, period: str) -> dict[str, str]:
        one = planned(as_of=as_of, arm=arm, decision="hold")
        record(store, by="plan", now=NOW, decisions=[one], period=period)
        found = StoreLedger(store).assignments(period)
        return dict(zip(found["unit"].to_pylist(), found["arm"].to_pylist(), strict=True))

    assert arms(NOW.date(), "control", "1") == {"acme": "control"}
    assert arms(later(days=1).date(), "treat", "1") == {"acme": "control"}
    assert arms(later(days=2).date(), "treat", "2") == {"acme": "treat"}


def test_a_customer_has_one_unfinished_item_a_reason_and_it_one_unsent_message(
    store: Store,
) -> None:
    filled(store)
    filled(store, as_of=later(days=1).date(), due_at=later(days=1))
    assert only_item(store).due_at == later(days=1)
    assert len(states(store)) == len(rows(store, tables.messages)) == 1
    filled(store, as_of=later(days=2).date(), reason_key="renewal")
    assert len(rows(store, tables.work_items)) == 2


def test_without_words_nothing_is_queued_whatever_its_mode(store: Store) -> None:
    record(store, by="plan", now=NOW, decisions=[planned(mode="auto")])
    assert states(store) == {"acme": "draft"}
    (message,) = rows(store, tables.messages)
    with pytest.raises(WarmlineError, match="no address and no text and no subject"):
        messages.approve(store, **BY, message=message.id)
    messages.edit(store, **BY, message=message.id, draft=draft())
    messages.approve(store, **BY, message=message.id)
    assert states(store) == {"acme": "queued"}
    assert trail(store)[-2:] == ["edit", "approve"]
    assert "acme@example.org" not in str(rows(store, tables.audit))


def test_items_move_as_people_say(store: Store) -> None:
    filled(store)
    number = only_item(store).id
    items.start(store, **BY, item=number)
    items.wait(store, **BY, item=number, why="they call back")
    items.hand_over(store, **BY, item=number, owner_id="omar")
    items.snooze(store, **BY, item=number, until=later(days=7), why="on leave")
    assert (only_item(store).state, only_item(store).owner_id) == ("snoozed", "omar")
    filled(store, as_of=later(days=1).date())
    assert only_item(store).state == "snoozed"
    filled(store, as_of=later(days=2).date(), evidence_at=later(days=1))
    assert only_item(store).state == "open"
    items.close(store, **BY, item=number, closed_as="saved", why="renewed")
    assert (only_item(store).state, states(store)) == ("closed", {"acme": "withdrawn"})
    wanted = ["start", "wait", "hand_over", "snooze", "reopen", "close", "withdraw"]
    assert [verb for verb in trail(store) if verb in wanted] == wanted


REFUSED: dict[str, Callable[[Store, int, str], Any]] = {
    "no way to close": lambda s, i, m: items.close(s, **BY, item=i, closed_as="bored", why="-"),
    "There is no item 0": lambda s, i, m: items.start(s, **BY, item=0),
    "is past": lambda s, i, m: items.snooze(s, **BY, item=i, until=NOW, why="-"),
    "an override lasts": lambda s, i, m: permissions.override(
        s, **BY, customer_id="acme", until=NOW, why="-"
    ),
    "no consent": lambda s, i, m: permissions.consent(s, **BY, customer_id="acme", state="maybe"),
    "no reason to suppress": lambda s, i, m: permissions.suppress(
        s, **BY, contact_point="x", reason="whim"
    ),
    "only what is in doubt": lambda s, i, m: messages.resolve(s, **BY, message=m, fate="sent"),
    "no fate": lambda s, i, m: messages.resolve(s, **BY, message=m, fate="lost"),
    "can be edited": lambda s, i, m: messages.edit(s, **BY, message=m, draft=draft()),
    "No message begins": lambda s, i, m: messages.discard(s, **BY, message="zzzzzz", why="-"),
}


@pytest.mark.parametrize("told", REFUSED)
def test_what_cannot_be_done_is_refused_in_a_line_and_changes_nothing(
    store: Store, told: str
) -> None:
    (message,) = filled(store)
    before = [rows(store, table) for table in EVERYTHING]
    with pytest.raises(WarmlineError, match=told) as refused:
        REFUSED[told](store, only_item(store).id, message)
    assert "\n" not in str(refused.value)
    assert [rows(store, table) for table in EVERYTHING] == before


def test_a_closed_item_stays_closed_and_its_reason_may_come_again(store: Store) -> None:
    filled(store)
    number = only_item(store).id
    items.close(store, **BY, item=number, closed_as="false_alarm", why="on holiday")
    with pytest.raises(WarmlineError, match="is closed"):
        items.start(store, **BY, item=number)
    filled(store, as_of=later(days=9).date())
    assert [item.state for item in rows(store, tables.work_items)] == ["closed", "open"]


def test_words_and_addresses_go_after_their_time(store: Store) -> None:
    kept, gone = filled(store, "acme", "bolt")
    messages.discard(store, **BY, message=gone, why="no")
    assert messages.clear_words(store, by="send", now=later(days=31), before=later(days=1)) == 1
    assert messages.clear_words(store, by="send", now=later(days=31), before=later(days=1)) == 0
    by_id = {row.id: row for row in rows(store, tables.messages)}
    assert (by_id[gone].address, by_id[gone].text, by_id[gone].subject) == (None, None, None)
    assert by_id[gone].contact_point
    assert by_id[kept].address == "acme@example.org"


def test_a_plan_reads_what_outreach_knows(store: Store) -> None:
    ledger: Ledger = StoreLedger(store)
    for name in SHAPES:
        between = name in ("contacts", "answers", "offers")
        both: tuple[Any, ...] = (NOW, later(days=1)) if between else (later(days=1),)
        if name == "offers":
            both = tuple(moment.date() for moment in both)
        assert getattr(ledger, name)(*both) == shape(name).empty_table()
    (message,) = filled(store)
    point = contact_point.keyed(KEY, "email", "ACME+x@example.org")
    permissions.suppress(store, **BY, contact_point=point, reason="complaint")
    permissions.consent(store, **BY, customer_id="acme", state="refused", channel="email")
    permissions.consent(
        store, by="ines", now=later(hours=1), customer_id="acme", state="granted", channel="email"
    )
    permissions.override(store, **BY, customer_id="acme", until=later(days=9), why="I call them")
    with store.begin() as tx:
        tx.execute(tables.messages.update().values(state="sent", sent_at=NOW))
    receive(store, Arrived("mail-1", "answer", NOW, (message,), trusted=True), **BY)
    contacts = ledger.contacts(NOW, later(days=1)).to_pylist()
    assert [(one["customer_id"], one["contact_point"]) for one in contacts] == [("acme", point)]
    assert ledger.contacts(later(days=1), later(days=2)).num_rows == 0
    assert ledger.answers(NOW, later(days=1)).num_rows == 1
    assert ledger.suppressions(NOW).to_pylist() == [
        {"contact_point": point, "channel": None, "reason": "complaint", "at": NOW}
    ]
    assert [one["state"] for one in ledger.consents(NOW).to_pylist()] == ["refused"]
    assert [one["state"] for one in ledger.consents(later(days=1)).to_pylist()] == ["granted"]
    assert ledger.overrides(later(days=8)).num_rows == 1
    assert ledger.overrides(later(days=9)).num_rows == 0
    assert ledger.items(NOW).to_pylist()[0]["state"] == "open"
    permissions.lift(store, by="ines", now=later(hours=2), contact_point=point, why="their wish")
    assert ledger.suppressions(later(hours=3)).num_rows == 0


def test_who_was_erased_stays_suppressed(store: Store) -> None:
    permissions.suppress(store, **BY, contact_point="p", reason="erased")
    assert permissions.lift(store, **BY, contact_point="p", why="by mistake") == 0


def test_an_address_closed_by_hand_closes_whoever_is_written_to_there(store: Store) -> None:
    filled(store, "acme", "bolt")
    point = contact_point.keyed(KEY, "email", "Acme+news@example.org")
    permissions.suppress(store, **BY, contact_point=point, reason="manual")
    told = [row.row for row in rows(store, tables.closures)]
    assert [(one["customer_id"], one["reasons"]) for one in told] == [
        ("acme", ["every way: closed by hand on 1 July 2026"])
    ]
