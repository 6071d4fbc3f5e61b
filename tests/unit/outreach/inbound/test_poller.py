"""A real mailbox: what is in it is taken up once, whatever happens in between."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from models import contactability, inbox
from models.errors import WrongUsage
from models.settings_outreach import Email, Imap, Outreach
from outreach.channels.email.letter import message_id
from outreach.channels.email.smtp import Smtp
from outreach.inbound.imap import AT_ONCE, Letter, Mailbox, Unreachable
from outreach.inbound.poller import Poller
from outreach.outbox.sender import Lane
from outreach.store import tables
from outreach.store.database import Store
from outreach.store.items import wait
from outreach.store.received import for_a_person
from tests.servers import imap, mail
from tests.unit.outreach.inbound.letters import ANSWER, BOUNCE, QMAIL
from tests.unit.outreach.inbound.letters import mail as written
from tests.unit.outreach.stores import KEY, NOW, filled, later, rows
from tests.unit.outreach.test_outbox import LIVE, Answers, sender

FORKED = multiprocessing.get_context("fork")
OURS = Email(from_address="care@ours.example")


@pytest.fixture
def user(imap_server: imap.Server, monkeypatch: pytest.MonkeyPatch, request: Any) -> str:
    """Somebody with an empty mailbox; the server's certificate is trusted."""
    monkeypatch.setenv("SSL_CERT_FILE", str(imap_server.certificate))
    return f"u{abs(hash(request.node.name))}"


def settings(server: imap.Server, user: str, **others: Any) -> Imap:
    facts = {"host": "localhost", "port": server.tls, "username": user, "password": "right",
             "poll_seconds": 5, "timeout_seconds": 10}  # fmt: skip
    return Imap(**(facts | others))


def poller(store: Store, home: Path, ours: Imap, **others: Any) -> Poller:
    return Poller(store, Mailbox(ours), KEY, home, others.pop("clock", lambda: later(days=1)),
                  **others)  # fmt: skip


def round_of(poller: Poller) -> Counter[str]:
    try:
        return poller.round()
    finally:
        poller.mailbox.close()


def sent(store: Store, *customers: str) -> list[str]:
    ids = filled(store, *customers)
    sender(store, Answers()).send_due()
    return ids


def answer(message: str, customer: str = "acme", own: str = "r1") -> bytes:
    text = written(ANSWER, id=message_id(message, OURS)).decode()
    text = text.replace("Ann@Example.org", f"{customer.title()}+x@Example.org")
    return text.replace("r1@", f"{own}@").encode()


def bounce(message: str, customer: str) -> bytes:
    return written(BOUNCE, id=message_id(message, OURS), to=f"{customer}@example.org")


def test_the_whole_way_from_a_letter_to_its_answer(
    store: Store, tmp_path: Path, imap_server: imap.Server, user: str
) -> None:
    nobody = contactability.schema().empty_table()
    contactability.publish(tmp_path, nobody, taken_at=NOW, now=NOW)
    reader = contactability.Contactability(tmp_path)
    filled(store)
    with mail.running() as server:
        smtp = Smtp(
            Email(host="127.0.0.1", port=server.port, security="none",
                  from_address="care@ours.example"),
            Outreach(),
        )  # fmt: skip
        replace(sender(store, Answers()), lanes={"email": Lane(smtp, LIVE)}).send_due()
        smtp.close()
    (letter,) = server.letters()
    (item,) = rows(store, tables.work_items)
    wait(store, by="ines", now=NOW, item=item.id, why="written to")
    reply = written(ANSWER, id=letter["Message-ID"]).replace(b"Ann@", b"acme@")
    imap_server.put(reply, b"Subject: Lunch?\r\n\r\nOf no concern.", user=user)
    reads = poller(store, tmp_path, settings(imap_server, user), clock=lambda: later(seconds=30))
    assert round_of(reads) == {"answered": 1, "unknown": 1}
    (item,) = rows(store, tables.work_items)
    assert (item.state, item.why) == ("open", "answered on 1 July 2026")
    state = reader.of("acme", channel="email", purpose="service", now=later(seconds=40))
    assert (state.state, "answered on 1 July 2026" in str(state)) == ("no", True)
    told = [row["kind"] for path in inbox.take(tmp_path) for row in inbox.rows(path)]
    assert told == ["outreach_answered", "outreach_sent"]


def test_each_is_taken_up_once_and_what_is_new_is_found(
    store: Store, tmp_path: Path, imap_server: imap.Server, user: str
) -> None:
    acme, bolt = sent(store, "acme", "bolt")
    reader = poller(store, tmp_path, settings(imap_server, user))
    assert round_of(reader) == {}
    imap_server.put(answer(acme), user=user)
    assert round_of(reader) == {"answered": 1}
    imap_server.put(bounce(bolt, "bolt"), answer(acme), user=user)  # the answer comes twice
    assert round_of(reader) == {"bounced": 1, "again": 1}
    assert round_of(reader) == {}
    assert len(rows(store, tables.answers)) == 1


def test_when_the_server_numbers_anew_everything_is_read_again_without_effect(
    store: Store, tmp_path: Path, imap_server: imap.Server, user: str
) -> None:
    (acme,) = sent(store, "acme")
    reader = poller(store, tmp_path, settings(imap_server, user))
    imap_server.put(answer(acme), user=user)
    round_of(reader)
    with store.begin() as tx:
        tx.execute(tables.mailboxes.update().values(validity=1, uid=999))
    imap_server.put(answer(acme, own="r2"), user=user)
    assert round_of(reader) == {"again": 1, "answered": 1}
    assert rows(store, tables.mailboxes)[0].uid == 2


def test_a_reader_that_is_killed_anywhere_loses_and_repeats_nothing(
    store: Store, tmp_path: Path, imap_server: imap.Server, user: str
) -> None:
    url = store.engine.url.render_as_string(hide_password=False)
    customers = [f"c{n}" for n in range(5)]
    ids = sent(store, *customers)
    mails = [answer(one, customer) for one, customer in zip(ids, customers, strict=True)]
    mails = [each.replace(b"r1@", b"r%d@" % n) for n, each in enumerate(mails)]
    ours = settings(imap_server, user, move_to="Done")
    with imap_server.box(user) as box:
        box.create("Done")
    imap_server.put(*mails, user=user)
    store.engine.dispose()

    def read(dies_at: int) -> None:
        calls = iter(range(1, 10_000))

        def clock() -> Any:
            if next(calls) == dies_at:
                os.kill(os.getpid(), signal.SIGKILL)
            return later(days=1)

        round_of(poller(Store.open(url, tmp_path), tmp_path, ours, clock=clock))
        os._exit(0)

    ended, tries = None, 0
    while ended != 0:
        tries += 1
        child = FORKED.Process(target=read, args=(tries,))
        child.start()
        child.join(20)
        ended = child.exitcode
        assert ended in (0, -signal.SIGKILL)
    assert tries > 5
    assert sorted(row.customer_id for row in rows(store, tables.answers)) == customers
    with imap_server.box(user) as box:
        assert box.select("Done")[1] == [b"5"]
        assert box.select("INBOX")[1] == [b"0"]


def test_only_what_was_dealt_with_is_marked_and_moved(
    store: Store, tmp_path: Path, imap_server: imap.Server, user: str
) -> None:
    acme, bolt = sent(store, "acme", "bolt")
    with imap_server.box(user) as box:
        box.create("Done")
    imap_server.put(answer(acme), answer(bolt, "eve"), b"Subject: Lunch?\r\n\r\n", user=user)
    ours = settings(imap_server, user, move_to="Done", mark_seen=True)
    assert round_of(poller(store, tmp_path, ours)) == {"answered": 1, "noted": 1, "unknown": 1}
    imap_server.put(answer(acme), user=user)
    assert round_of(poller(store, tmp_path, ours)) == {"again": 1}
    with imap_server.box(user) as box:
        assert (box.select("INBOX")[1], box.search(None, "UNSEEN")[1]) == ([b"2"], [b"1 2"])
        assert (box.select("Done")[1], box.search(None, "SEEN")[1]) == ([b"2"], [b"1 2"])


def test_unless_it_is_set_the_mailbox_is_left_as_it_was(
    store: Store, tmp_path: Path, imap_server: imap.Server, user: str
) -> None:
    (acme,) = sent(store, "acme")
    imap_server.put(answer(acme), user=user)
    assert round_of(poller(store, tmp_path, settings(imap_server, user))) == {"answered": 1}
    with imap_server.box(user) as box:
        assert (box.select("INBOX")[1], box.search(None, "UNSEEN")[1]) == ([b"1"], [b"1"])


def test_what_the_server_does_not_give_stays_and_is_told(
    store: Store, tmp_path: Path, imap_server: imap.Server, user: str
) -> None:
    (acme,) = sent(store, "acme")
    broken = b"Subject: broken\r\n\r\nx" * 50
    imap_server.put(broken, answer(acme), user=user)
    (lost,) = [
        path for path in (imap_server.folder / "mail" / user).rglob("*,S=*")
        if path.stat().st_size < 2_000 and b"broken" in path.read_bytes()
    ]  # fmt: skip
    lost.chmod(0)
    count = round_of(poller(store, tmp_path, settings(imap_server, user)))
    assert count == {"unreadable": 1, "answered": 1}
    (waits,) = for_a_person(store, 9)
    assert (waits["uid"], waits["why"]) == (1, "the server does not give it")
    assert lost.exists()


def test_more_than_one_request_of_mails_is_read(
    store: Store, tmp_path: Path, imap_server: imap.Server, user: str
) -> None:
    (acme,) = sent(store, "acme")
    many = [b"Subject: Lunch?\r\n\r\n"] * (AT_ONCE + 5)
    imap_server.put(*many, b"x: y\r\n\r\n" + b"z" * 600_000, answer(acme), user=user)
    assert round_of(poller(store, tmp_path, settings(imap_server, user))) == {
        "unknown": AT_ONCE + 6, "answered": 1}  # fmt: skip


def test_it_hears_at_once_of_a_new_mail_and_ends_when_told_to(
    imap_server: imap.Server, user: str
) -> None:
    box = Mailbox(settings(imap_server, user, poll_seconds=30))
    box.open(NOW)
    began = time.monotonic()
    arriving = threading.Timer(0.3, imap_server.put, [b"Subject: x\r\n\r\n"], {"user": user})
    arriving.start()
    box.wait(lambda: True)
    assert 0.2 < time.monotonic() - began < 10
    arriving.join()
    assert [letter.uid for letter in box.letters(box.new(0, None), NOW)] == [1]
    box.wait(lambda: False)
    box.close()


LOGINS: dict[str, tuple[dict[str, Any], str]] = {
    "wrong password": ({"password": "wrong"}, "does not take the username"),
    "nobody there": ({"port": 1}, "no connection to the server: ConnectionRefusedError"),
    "not trusted": ({}, "certificate is not trusted"),
}


@pytest.mark.parametrize("name", LOGINS)
def test_a_mailbox_that_cannot_be_opened_says_why(
    imap_server: imap.Server, user: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    others, why = LOGINS[name]
    if name == "not trusted":
        monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(Unreachable, match=why) as refused:
        Mailbox(settings(imap_server, user, **others)).open(NOW)
    assert "right" not in str(refused.value)


def test_with_starttls_too_and_never_in_clear(imap_server: imap.Server, user: str) -> None:
    box = Mailbox(settings(imap_server, user, port=imap_server.plain, security="starttls"))
    box.open(NOW)
    box.close()
    with pytest.raises(WrongUsage, match="in clear"):
        Mailbox(Imap(host="mail.example.org", security="none"))
    with pytest.raises(WrongUsage, match="no folder 'Nowhere'"):
        Mailbox(settings(imap_server, user, move_to="Nowhere")).open(NOW)


class Tokens(BaseHTTPRequestHandler):
    """Gives tokens, and tells whose one is."""

    def do_POST(self) -> None:
        asked = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        told: dict[str, Any] = {"access_token": "right-token", "expires_in": 600}
        if self.path == "/introspect":
            right = asked.get("token") == ["right-token"]
            told = {"active": right, "username": "care"} if right else {"active": False}
        content = json.dumps(told).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *words: Any) -> None:
        pass


@pytest.fixture
def tokens() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Tokens)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_token_opens_the_mailbox_instead_of_a_password(
    tokens: str, imap_server: imap.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    with imap.running(f"{tokens}/introspect") as server:
        monkeypatch.setenv("SSL_CERT_FILE", str(server.certificate))
        ours = settings(server, "care", password="", token_url=f"{tokens}/token",
                        client_id="id", refresh_token="r")  # fmt: skip  # noqa: S106
        box = Mailbox(ours)
        box.open(NOW)
        assert box.new(0, NOW - timedelta(days=1)) == []
        box.close()
        other = Mailbox(ours.model_copy(update={"username": "bob"}))  # a token of somebody else
        with pytest.raises(Unreachable, match="its password or token"):
            other.open(NOW)


def test_letters_that_are_gone_are_passed_over(imap_server: imap.Server, user: str) -> None:
    imap_server.put(b"Subject: x\r\n\r\nhello", user=user)
    box = Mailbox(settings(imap_server, user))
    box.open(NOW)
    (letter,) = box.letters([1, 2, 3], NOW)
    assert (type(letter), letter.uid, letter.raw) == (Letter, 1, b"Subject: x\r\n\r\nhello")
    assert letter.at is not None
    assert letter.at.tzinfo is not None
    box.close()


def test_a_bounce_of_an_old_server_comes_back_too(
    store: Store, tmp_path: Path, imap_server: imap.Server, user: str
) -> None:
    (acme,) = sent(store, "acme")
    told = {"id": message_id(acme, OURS), "to": "acme@example.org", "status": "(#5.1.1)"}
    imap_server.put(written(QMAIL, **told), user=user)
    assert round_of(poller(store, tmp_path, settings(imap_server, user))) == {"bounced": 1}
    assert [row.reason for row in rows(store, tables.suppressions)] == ["bounce"]
