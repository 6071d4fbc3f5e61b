"""`warmline receive`, and `warmline outreach received` and `seen`, as their user gives them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from models.command import Run
from models.errors import WarmlineError
from outreach.channels.email.letter import message_id
from outreach.receivecli import _watched, receive_night
from outreach.store import tables
from outreach.store.drafts import Draft
from outreach.store.recording import record
from outreach.storecli import look
from tests.servers import imap
from tests.unit.outreach.inbound.letters import ANSWER, BOUNCE, mail
from tests.unit.outreach.inbound.test_poller import OURS
from tests.unit.outreach.stores import planned, rows
from tests.unit.outreach.test_outbox import Answers, Clock, sender
from tests.unit.outreach.test_sendcli import Office

SETTINGS = """
[inbound.imap]
host = "{host}"
port = {port}
username = "{user}"
password = "right"
timeout_seconds = 5.0
poll_seconds = 1.0
"""


class Desk(Office):
    """An office with a mailbox, from which one letter went to acme."""

    def __init__(self, root: Path, server: imap.Server) -> None:
        super().__init__(root)
        self.server, self.user = server, root.parent.name
        self.reads()
        self.queue("acme")
        sender(self.store, Answers(), clock=Clock(datetime.now(UTC))).send_due()
        self.message = rows(self.store, tables.messages)[0].id

    def reads(self, **others: object) -> None:
        facts = {"host": "localhost", "port": self.server.tls, "user": self.user}
        self.home.config.write_text(SETTINGS.format(**(facts | others)), encoding="utf-8")

    def queue(self, *customers: str, **others: Any) -> None:
        key, now = self.home.secret_key(), datetime.now(UTC)
        record(
            self.store, by="plan", now=now, decisions=[planned(each) for each in customers],
            drafts=lambda one: Draft.to(key, "email", f"{one.customer_id}@example.org",
                                        subject="Hello", text="How is it going?"),
        )  # fmt: skip

    def gets(self, source: str, **words: str) -> None:
        self.server.put(
            mail(source, id=message_id(self.message, OURS), **words), user=self.user
        )  # fmt: skip

    @property
    def run(self) -> Run:
        return Run(self.root, True, False, datetime.now(UTC))


@pytest.fixture
def desk(tmp_path: Path, imap_server: imap.Server, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setenv("SSL_CERT_FILE", str(imap_server.certificate))
    return Desk(tmp_path / "home", imap_server)


def test_what_came_in_is_counted_and_what_needs_a_person_is_listed(desk: Desk) -> None:
    assert desk.gives("receive").output == "Nothing new.\n"
    desk.gets(BOUNCE, to="acme@example.org")
    desk.gets(ANSWER)  # of Ann's, who was not written to
    said = desk.gives("receive").output
    assert said == (
        "1 came back; 1 for a person\n1 wait for a person: `warmline outreach received`.\n"
    )
    assert "came back: 5.1.1; no word for" in desk.gives("outreach", "list", "--items").output
    (waits,) = desk.told("outreach", "received")["received"]
    assert (waits["customer_id"], waits["kind"]) == ("acme", "answer")
    line = desk.gives("outreach", "received").output
    assert f"it comes from another address than was written to ({desk.user}@localhost" in line
    assert desk.gives("outreach", "seen", waits["id"][:8]).exit_code == 0
    assert desk.gives("outreach", "received").output == "There is none.\n"
    assert desk.told("receive")["answered"] == 0


@pytest.mark.parametrize(
    ("others", "code", "told"),
    [
        ({"host": ""}, 2, "[inbound.imap] host is not set"),
        ({"port": 1}, 1, "The mailbox cannot be read: no connection to the server"),
    ],
)
def test_a_mailbox_that_cannot_be_read_says_what_to_do(
    desk: Desk, others: dict[str, object], code: int, told: str
) -> None:
    desk.reads(**others)
    said = desk.gives("receive")
    assert (said.exit_code, told in said.output) == (code, True)
    assert said.output.count("\n") == 1


def test_by_which_ways_answers_come_is_looked_at(desk: Desk) -> None:
    name = f"mailbox {desk.user}@localhost:{desk.server.tls}/INBOX"
    assert f"answers: {name}" in desk.gives("outreach", "check").output
    assert f"answers by {name}" in look(desk.home, desk.run.now)
    with desk.home.config.open("a") as config:
        config.write('[inbound]\nwebhook_secret = "short"\n')
    said = desk.gives("outreach", "check")
    assert (said.exit_code, "webhook_secret is no whsec_" in said.output) == (2, True)
    with pytest.raises(WarmlineError, match="webhook_secret is no whsec_"):
        look(desk.home, desk.run.now)


def test_the_night_reads_the_mailbox_and_goes_on_without_it(desk: Desk) -> None:
    desk.gets(BOUNCE, to="acme@example.org")
    assert receive_night(desk.run) == {"received": {"bounced": 1}}
    desk.reads(port=1)
    told = receive_night(desk.run)
    assert told == {"not_received": "no connection to the server: ConnectionRefusedError"}
    desk.reads(host="")
    assert receive_night(desk.run) == {}


def came_back(desk: Desk) -> bool:
    return bool(rows(desk.store, tables.suppressions))


def test_a_watcher_that_lost_the_server_waits_and_comes_back(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    waits: list[float] = []

    def rest(seconds: float, going: object) -> None:
        waits.append(seconds)
        if len(waits) == 3:  # it is back, and has something
            desk.reads()
            desk.gets(BOUNCE, to="acme@example.org")

    monkeypatch.setattr("outreach.receivecli.rest", rest)
    desk.reads(port=1)
    assert _watched(desk.run, desk.store, lambda: not came_back(desk)) == {"bounced": 1}
    lowest = [7.5, 15, 30]
    assert all(low <= wait <= 2 * low for low, wait in zip(lowest, waits, strict=True))
    assert (
        "no connection to the server: ConnectionRefusedError; again in" in capsys.readouterr().err
    )
