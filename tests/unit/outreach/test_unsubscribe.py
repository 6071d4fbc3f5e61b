"""The unsubscribe page: POST acts without a login and at once, GET never does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from models import contactability, inbox
from outreach.ledger import Ledger
from outreach.store import tables
from outreach.store.database import Store
from outreach.store.interactions import tell
from outreach.store.reading import StoreLedger
from outreach.unsubscribe import app, link
from tests.unit.outreach.stores import KEY, NOW, filled, rows, states
from tests.unit.outreach.test_outbox import Answers, sender

BASE = "https://mail.example.org"


def page(store: Store, home: Path) -> TestClient:
    return TestClient(app(store, KEY, home, lambda: NOW), base_url=BASE)


def told(home: Path) -> list[tuple[str, str]]:
    return [
        (row["kind"], row["customer_id"]) for path in inbox.take(home) for row in inbox.rows(path)
    ]


def test_post_acts_at_once_also_for_what_is_queued(store: Store, tmp_path: Path) -> None:
    sent, _ = filled(store, "acme", "bolt")
    sender(store, Answers()).send_due(most=1)
    with store.begin() as tx:  # the next one to the same person
        first = tables.messages.c.id == sent
        point = tx.scalar(tables.messages.select().with_only_columns(
            tables.messages.c.contact_point).where(first))  # fmt: skip
        tx.execute(tables.messages.update().where(~first).values(contact_point=point))
    client, url = page(store, tmp_path), link(BASE, KEY, sent)
    for _ in range(2):  # a mail program may ask twice
        answer = client.post(url, content="List-Unsubscribe=One-Click")
        assert answer.status_code == 200
    transport = Answers()
    sender(store, transport).send_due()
    assert (transport.seen, states(store)["bolt"]) == ([], "withdrawn")
    ledger: Ledger = StoreLedger(store)
    assert ledger.suppressions(NOW)["reason"].to_pylist() == ["unsubscribe"]
    assert ledger.consents(NOW)["state"].to_pylist() == ["refused"]
    assert told(tmp_path) == [("outreach_sent", "acme"), ("outreach_unsubscribed", "acme")]


def test_the_endpoint_knows_at_once(store: Store, tmp_path: Path) -> None:
    nobody = contactability.schema().empty_table()
    contactability.publish(tmp_path, nobody, taken_at=NOW, now=NOW)
    reader = contactability.Contactability(tmp_path)

    def state() -> str:
        return reader.of("acme", channel="email", purpose="service", now=NOW).state

    (message,) = filled(store)
    assert state() == "yes"
    page(store, tmp_path).post(link(BASE, KEY, message))
    assert state() == "no"


def test_get_and_head_change_nothing(store: Store, tmp_path: Path) -> None:
    (message,) = filled(store)
    client, url = page(store, tmp_path), link(BASE, KEY, message)
    answer = client.get(url)
    assert answer.status_code == client.head(url).status_code == 200
    assert 'method="post"' in answer.text
    assert "acme" not in answer.text
    assert rows(store, tables.suppressions) == []


CHANGES: dict[str, Callable[[str], str]] = {
    "another signature": lambda url: url[:-1] + ("A" if url[-1] != "A" else "B"),
    "no signature": lambda url: url.rsplit(".", 1)[0],
    "another message": lambda url: url.replace("unsubscribe/", "unsubscribe/0"),
    "not ASCII": lambda url: url + "é",
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_link_that_was_not_made_here_does_nothing(
    store: Store, tmp_path: Path, change: str
) -> None:
    filled(store, "acme", "bolt")
    client, url = page(store, tmp_path), CHANGES[change](link(BASE, KEY, filled(store)[0]))
    assert client.post(url).status_code == client.get(url).status_code == 404
    assert rows(store, tables.suppressions) == []


def test_history_is_told_once_of_what_was_sent_and_bounced(store: Store, tmp_path: Path) -> None:
    filled(store)
    sender(store, Answers()).send_due()
    assert (tell(store, tmp_path, now=NOW), tell(store, tmp_path, now=NOW)) == (2, 0)
    (path,) = inbox.take(tmp_path)
    (row,) = inbox.rows(path)
    assert (row["kind"], row["source"], row["channel"]) == ("outreach_sent", "outreach", "email")
    assert "example.org" not in str(row)


def test_what_was_redirected_reached_nobody(store: Store, tmp_path: Path) -> None:
    filled(store)
    sender(store, Answers(), redirect_to="me@example.org").send_due()
    assert tell(store, tmp_path, now=NOW) == 0
