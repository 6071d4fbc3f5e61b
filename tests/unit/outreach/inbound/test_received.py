"""What becomes of what came in: once, in one transaction, of the right message."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from models.errors import WarmlineError
from outreach import contact_point
from outreach.store import items, tables
from outreach.store.database import Store
from outreach.store.listing import list_items
from outreach.store.permissions import suppress
from outreach.store.received import Arrived, Place, for_a_person, receive, seen
from outreach.store.recording import record
from tests.unit.outreach.stores import (
    KEY,
    NOW,
    filled,
    later,
    planned,
    rows,
    states,
    trail,
    words,
)
from tests.unit.outreach.test_outbox import Answers, sender

BY = {"by": "mailbox", "now": later(hours=1)}
ANN = contact_point.keyed(KEY, "email", "acme@example.org")
EVE = contact_point.keyed(KEY, "email", "eve@example.com")


def sent(store: Store, **others: Any) -> str:
    """The id of a message that went to acme."""
    (message,) = filled(store, "acme", **others)
    sender(store, Answers()).send_due()
    return message


def came(kind: str, message: str, **others: Any) -> Arrived:
    facts: dict[str, Any] = {"id": "a1", "at": later(hours=1), "about": (message,), "who": ANN}
    return Arrived(kind=kind, **(facts | others))


def told(store: Store) -> list[str]:
    return [row.row["kind"] for row in rows(store, tables.interactions)]


def item(store: Store) -> Any:
    return rows(store, tables.work_items)[0]


def everything(store: Store) -> list[Any]:
    return [rows(store, table) for table in tables.metadata.sorted_tables]


def test_an_answer_rests_the_customer_and_calls_a_person(store: Store) -> None:
    message = sent(store)
    later_ones = [planned(reason_key="fading"), planned(reason_key="owed", arm="outside")]
    later_ones = [replace(one, decision_id=one.reason_key * 8) for one in later_ones]
    record(store, by="plan", now=NOW, decisions=later_ones, drafts=words)
    items.wait(store, by="ines", now=NOW, item=item(store).id, why="asked")
    assert receive(store, came("answer", message, text="Fine"), **BY) == "answered"
    assert [(row.customer_id, row.at) for row in rows(store, tables.answers)] == [
        ("acme", later(hours=1))
    ]
    by_id = {row.id: row.state for row in rows(store, tables.messages)}
    assert by_id == {message: "sent", "fading" * 8: "withdrawn", "owed" * 8: "queued"}
    assert (item(store).state, item(store).why) == ("open", "answered on 1 July 2026")
    answered = rows(store, tables.interactions)[0].row
    assert (answered["kind"], answered["text"], answered["caused_by"]) == (
        "outreach_answered", "Fine", message)  # fmt: skip
    assert rows(store, tables.closures)[-1].row["reasons"] == ["answered on 1 July 2026"]
    assert trail(store)[-3:] == ["answer", "withdraw", "reopen"]


def test_nothing_is_answered_before_it_went(store: Store) -> None:
    receive(store, came("answer", sent(store), at=later(seconds=-1)), **BY)
    assert [row.at for row in rows(store, tables.answers)] == [NOW]


def test_words_are_not_kept_unless_they_are_handed_in(store: Store) -> None:
    receive(store, came("answer", sent(store)), **BY)
    assert "text" not in rows(store, tables.interactions)[0].row


# kind and more of what came: what became of it, reasons of suppressions, what history is told
EFFECTS: dict[str, tuple[str, dict[str, Any], str, list[str], list[str]]] = {
    "a bounce that lasts": ("bounce", {"lasting": True, "status": "5.1.1"}, "bounced",
                            ["bounce"], ["outreach_bounced"]),
    "a full mailbox": ("bounce", {"status": "5.2.2"}, "bounced", [], ["outreach_bounced"]),
    "a complaint by the provider": ("complaint", {"who": ""}, "complained",
                                    ["complaint"], ["outreach_unsubscribed"]),
    "an unsubscribe": ("unsubscribe", {}, "unsubscribed",
                       ["unsubscribe"], ["outreach_unsubscribed"]),
    "an unsubscribe that names no message": ("unsubscribe", {"about": ()}, "unsubscribed",
                                             ["unsubscribe"], ["outreach_unsubscribed"]),
    "out of office": ("automatic", {}, "automatic", [], []),
    "it arrived": ("delivery", {"trusted": True, "who": ""}, "delivered", [], []),
    "an answer from another address": ("answer", {"who": EVE}, "noted", [], []),
    "an answer from nobody": ("answer", {"who": ""}, "noted", [], []),
    "a bounce of another address": ("bounce", {"who": EVE, "lasting": True}, "noted", [], []),
    "another's unsubscribe": ("unsubscribe", {"who": EVE}, "noted", [], []),
    "a webhook that is trusted": ("answer", {"who": "", "trusted": True}, "answered",
                                  [], ["outreach_answered"]),
    "about nothing of ours": ("answer", {"about": ("x",)}, "unknown", [], []),
}  # fmt: skip


@pytest.mark.parametrize("name", EFFECTS)
def test_it_has_its_effect_once(store: Store, name: str) -> None:
    kind, others, became, closed, kinds = EFFECTS[name]
    arrived = came(kind, sent(store), **others)
    assert receive(store, arrived, **BY) == became
    assert [row.reason for row in rows(store, tables.suppressions)] == closed
    assert [one for one in told(store) if one != "outreach_sent"] == kinds
    refused = ["refused"] if "outreach_unsubscribed" in kinds else []
    assert [row.state for row in rows(store, tables.consents)] == refused
    before = everything(store)
    assert receive(store, arrived, **BY) == ("unknown" if became == "unknown" else "again")
    assert everything(store) == before
    assert "example" not in str(rows(store, tables.received)) + str(rows(store, tables.audit))


def test_an_unsubscribe_by_somebody_never_written_to_closes_their_address(store: Store) -> None:
    arrived = came("unsubscribe", "x", about=(), who=EVE)
    assert receive(store, arrived, **BY) == "unsubscribed"
    assert [row.contact_point for row in rows(store, tables.suppressions)] == [EVE]


def test_what_comes_back_proves_that_a_message_in_doubt_went(store: Store) -> None:
    message = sent(store)
    with store.begin() as tx:
        tx.execute(tables.messages.update().values(state="in_doubt", sent_at=None))
    receive(store, came("delivery", message, trusted=True), **BY)
    (row,) = rows(store, tables.messages)
    assert (row.state, row.sent_at) == ("sent", NOW)  # when the doubt began


def test_a_message_that_never_went_or_was_redirected_is_answered_by_nobody(store: Store) -> None:
    (message,) = filled(store)
    assert receive(store, came("answer", message), **BY) == "noted"
    sender(store, Answers(), redirect_to="me@example.org").send_due()
    assert receive(store, came("bounce", message, id="a2", lasting=True), **BY) == "noted"
    assert told(store) == []
    assert [row["why"] for row in for_a_person(store, 9)] == [
        "it is about a message that was never sent", "it is about a message that was redirected",
    ]  # fmt: skip


def test_of_who_was_erased_nothing_new_is_learned(store: Store) -> None:
    message = sent(store)
    suppress(store, **BY, contact_point=ANN, reason="erased")
    before = told(store)
    assert receive(store, came("answer", message), **BY) == "erased"
    assert (told(store), rows(store, tables.answers)) == (before, [])
    assert rows(store, tables.received)[0].customer_id is None


def test_an_answer_about_a_closed_item_opens_it_or_the_one_after_it(store: Store) -> None:
    message = sent(store)
    closing = {"closed_as": "false_alarm", "why": "on holiday"}
    items.close(store, by="ines", now=NOW, item=item(store).id, **closing)
    receive(store, came("answer", message), **BY)
    assert [(one.state, one.closed_as) for one in rows(store, tables.work_items)] == [
        ("open", None)
    ]
    items.close(store, by="ines", now=NOW, item=item(store).id, **closing)
    filled(store, as_of=later(days=9).date())
    receive(store, came("answer", message, id="a2"), **BY)
    assert [one.state for one in rows(store, tables.work_items)] == ["closed", "open"]
    assert told(store).count("outreach_answered") == 1  # of one message


def test_what_a_person_has_to_look_at_is_listed_until_they_have(store: Store) -> None:
    place = Place("care@host/INBOX", 7, 42, to_file=True)
    receive(store, came("answer", sent(store), id="abc1", who=EVE, place=place), **BY)
    (waits,) = for_a_person(store, 9)
    assert (waits["mailbox"], waits["uid"], waits["customer_id"]) == ("care@host/INBOX", 42, "acme")
    assert waits["why"] == "it comes from another address than was written to"
    with pytest.raises(WarmlineError, match="Nothing that waits"):
        seen(store, by="ines", now=NOW, received="x")
    assert seen(store, by="ines", now=NOW, received="abc") == "abc1"
    assert for_a_person(store, 9) == []
    assert not rows(store, tables.received)[0].to_file  # it stays where a person finds it


def test_what_came_back_is_first_on_the_list_until_somebody_acts(store: Store) -> None:
    message = sent(store)
    receive(store, came("answer", message), **BY)
    filled(store, "bolt", as_of=later(days=1).date())
    with store.begin() as tx:  # a later plan, which holds acme back: they answered
        rest = tables.work_items.c.customer_id == "bolt"
        tx.execute(tables.work_items.update().where(rest).values(seen_at=later(days=1)))

    def listed() -> list[str]:
        return [one["customer_id"] for one in list_items(store, 9)]

    assert listed() == ["acme", "bolt"]
    assert [one["customer_id"] for one in list_items(store, 1)] == ["acme"]
    items.start(store, by="ines", now=later(days=1), item=item(store).id)
    assert listed() == ["bolt", "acme"]


def test_of_several_readers_at_once_one_has_the_effect(store: Store) -> None:
    arrived = came("answer", sent(store))
    with ThreadPoolExecutor(4) as readers:
        became = list(readers.map(lambda _: receive(store, arrived, **BY), range(8)))
    assert sorted(became) == ["again"] * 7 + ["answered"]
    assert len(rows(store, tables.answers)) == 1


def test_cut_off_it_leaves_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    message = sent(store)
    before = everything(store)

    def dies(*_: Any, **facts: Any) -> None:
        raise OSError

    monkeypatch.setattr(items, "audit", dies)  # the last that is done of an answer
    with pytest.raises(OSError):  # noqa: PT011
        receive(store, came("answer", message), **BY)
    assert everything(store) == before
    monkeypatch.undo()
    assert receive(store, came("answer", message), **BY) == "answered"
    assert states(store) == {"acme": "sent"}
