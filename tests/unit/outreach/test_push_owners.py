"""Owners hear of their lists in chat, once a night, and of what is urgent and came since."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from models.settings_outreach import Chat as Settings
from outreach.channels import Later, Refused, Sent, Unknown
from outreach.channels.chat import Chat, Note, escaped
from outreach.push.owners import Teller
from outreach.store import items, tables
from outreach.store.database import Store
from outreach.store.recording import record
from tests.servers import chat
from tests.unit.outreach.stores import NIGHT, NOW, planned, rows

BY = {"by": "ines", "now": NOW}


@pytest.fixture
def room() -> Iterator[chat.Room]:
    with chat.running() as running:
        yield running


def teller(store: Store, room: chat.Room, **others: Any) -> Teller:
    urls = {"url": room.url("all"), "owners": {"ines": room.url("ines")}}
    settings = Settings(**{**urls, "allow_private": True, **others})
    return Teller(store, Chat(settings, sleep=lambda seconds: None), settings, ZoneInfo("UTC"))


def plan(store: Store, *customers: str, **others: Any) -> None:
    each = [planned(customer, **others) for customer in customers]
    record(store, by="plan", now=NOW, decisions=each)


def titles(room: chat.Room) -> list[tuple[str, str]]:
    return [(path, message["blocks"][0]["text"]["text"]) for path, message in room.got]


def test_each_owner_is_told_of_their_own_list_once_a_night(store: Store, room: chat.Room) -> None:
    plan(store, "acme", "bolt", "calm")
    plan(store, "dash", owner_id="omar", decision="refer")
    plan(store, "echo", owner_id=None)
    tell = teller(store, room, items=2).tell
    assert tell(**BY) == (Counter(sent=3), [])
    assert tell(**BY) == (Counter(), [])
    assert sorted(titles(room)) == [
        ("/all", "no owner: 1 to do"), ("/all", "omar: 1 to do, of which 1 wait for an answer"),
        ("/ines", "3 to do"),
    ]  # fmt: skip
    (message,) = [message for path, message in room.got if path == "/ines"]
    assert [block["text"]["text"] for block in message["blocks"][1:]] == [
        "*acme* (by 1 July 2026): no word for 200 days",
        "*bolt* (by 1 July 2026): no word for 200 days", "... and 1 more.",
    ]  # fmt: skip
    plan(store, "acme", as_of=NIGHT + timedelta(days=1))
    assert tell(**BY)[0] == Counter(sent=3)


def test_what_is_urgent_and_comes_later_is_told_when_it_comes(
    store: Store, room: chat.Room
) -> None:
    plan(store, "acme", decision="refer")
    tell = teller(store, room).tell
    tell(**BY)
    plan(store, "bolt", "calm", decision="refer", reasons=["complaint without an answer"])
    plan(store, "dash")
    assert tell(**BY)[0] == Counter(sent=1)
    assert titles(room)[1] == ("/ines", "2 more wait for an answer")
    assert tell(**BY)[0] == Counter()
    items.close(store, **BY, item=rows(store, tables.work_items)[0].id, closed_as="saved", why="-")
    assert tell(**BY)[0] == Counter()


def test_who_has_nothing_to_do_or_no_webhook_hears_nothing(store: Store, room: chat.Room) -> None:
    plan(store, "acme", owner_id="omar")
    assert teller(store, room, url="").tell(**BY) == (Counter(), [])
    plan(store, "bolt")
    items.close(store, **BY, item=rows(store, tables.work_items)[1].id, closed_as="saved", why="-")
    teller(store, room, url="").tell(**BY)
    assert room.got == []


def test_nobody_is_told_before_the_hour_that_is_set(store: Store, room: chat.Room) -> None:
    plan(store, "acme")  # it is eight
    assert teller(store, room, not_before=time(8, 30)).tell(**BY)[0] == Counter()
    assert teller(store, room, not_before=time(8)).tell(**BY)[0] == Counter(sent=1)


def test_what_did_not_arrive_is_told_later_and_what_may_have_is_not(
    store: Store, room: chat.Room
) -> None:
    plan(store, "acme")
    tell = teller(store, room).tell
    room.next.extend([(503, {}, ""), (404, {}, "no_service <https://x>"), chat.CUT])
    assert tell(**BY) == (Counter(later=1), ["chat message to ines: answered 503"])
    assert tell(**BY) == (
        Counter(refused=1),
        ["chat message to ines: answered 404 no_service &lt;https://x&gt;"],
    )
    assert tell(**BY)[0] == Counter(unknown=1)
    assert tell(**BY)[0] == Counter()
    assert room.got == []
    verbs = [row.verb for row in rows(store, tables.audit) if row.subject == "chat"]
    assert verbs == ["delay", "refuse", "tell"]


def test_it_waits_as_long_as_slack_asks_and_not_for_ever(room: chat.Room) -> None:
    slept: list[float] = []
    settings = Settings(allow_private=True)
    talk = Chat(settings, slept.append)
    room.next.extend([(429, {"Retry-After": "30"}, ""), (429, {}, "")])
    assert talk.post(room.url("a"), Note("x", [])) == Sent()
    assert slept == [30, 1]
    room.next.extend([(429, {"Retry-After": "5"}, "")] * 3)
    assert talk.post(room.url("a"), Note("x", [])) == Later("answered 429", after=5)


@pytest.mark.parametrize(
    ("url", "became"),
    [("http://127.0.0.1:1/x", Later), ("http://no.such.host.invalid/x", Later)],
)
def test_a_server_that_is_not_there_has_nothing_of_it(url: str, became: type) -> None:
    result = Chat(Settings(allow_private=True, timeout_seconds=2)).post(url, Note("x", []))
    assert isinstance(result, became)
    assert not isinstance(result, Unknown)


def test_a_private_address_is_refused(room: chat.Room) -> None:
    result = Chat(Settings()).post(room.url("a"), Note("x", []))
    assert isinstance(result, Refused)
    assert "allow_private" in result.why


def test_no_word_mentions_anybody_or_breaks_the_limits_of_slack() -> None:
    assert escaped("<!channel> & <@U1>\n*x*") == "&lt;!channel&gt; &amp; &lt;@U1&gt; *x*"
    note = json.loads(Note("t" * 400, ["p" * 5_000] * 80).body())
    assert len(note["blocks"]) == 50
    assert len(note["blocks"][0]["text"]["text"]) == 150
    assert max(len(block["text"]["text"]) for block in note["blocks"][1:]) == 3_000
