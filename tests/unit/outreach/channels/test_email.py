"""E-mail: what it looks like, and what each answer of a real server means."""

from __future__ import annotations

import ssl
import subprocess
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from models.errors import WrongUsage
from models.settings_outreach import Email, Outreach
from outreach.channels import Later, Outgoing, Refused, Sent, Unknown, Unsendable
from outreach.channels.email.letter import compose
from outreach.channels.email.smtp import Smtp
from outreach.drafting.twin import Twin
from tests.servers import mail

AT = datetime(2026, 7, 1, 8, tzinfo=UTC)
LINK = "https://mail.example.org/unsubscribe/abc"


def outgoing(**others: Any) -> Outgoing:
    facts: dict[str, Any] = {
        "id": "3f" * 16, "customer_id": "acme", "channel": "email", "purpose": "service",
        "address": "ann@example.org", "text": "How is it going?\n", "at": AT, "subject": "Hello",
    }  # fmt: skip
    return Outgoing(**facts | others)


def settings(**others: Any) -> Email:
    facts: dict[str, Any] = {
        "host": "127.0.0.1", "security": "none", "from_address": "ines@shop.example",
        "from_name": "Ines", "timeout_seconds": 5,
    }  # fmt: skip
    return Email(**facts | others)


def letter(message: Outgoing, ours: Outreach | None = None, **others: Any) -> EmailMessage:
    content = compose(message, settings(**others), ours or Outreach(), Twin.of()).content
    read = message_from_bytes(content, policy=policy.default)
    assert isinstance(read, EmailMessage)
    return read


def test_a_letter_has_both_parts_and_the_headers_that_large_providers_ask_for() -> None:
    ours = Outreach(postal_address="1 Main St, Springfield", mailto="stop@shop.example")
    read = letter(
        outgoing(html="<p>How is it going?</p>", unsubscribe_url=LINK, name="Ann", language="en"),
        ours, reply_to="care@shop.example",
    )  # fmt: skip
    assert read.get_content_type() == "multipart/alternative"
    assert (read["From"], read["To"]) == ("Ines <ines@shop.example>", "Ann <ann@example.org>")
    assert read["List-Unsubscribe"] == f"<{LINK}>, <mailto:stop@shop.example?subject=unsubscribe>"
    assert read["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert (read["Reply-To"], read["Date"]) == (
        "care@shop.example", "Wed, 01 Jul 2026 08:00:00 +0000",
    )  # fmt: skip
    for kind in "plain", "html":
        part = read.get_body((kind,))
        assert part is not None
        assert LINK in part.get_content()
        assert "1 Main St, Springfield" in part.get_content()


def test_what_programs_read_stands_on_one_line_as_it_is() -> None:
    long = LINK + "x" * 90
    message = outgoing(unsubscribe_url=long, in_reply_to=f"<{'a' * 90}@b.example>")
    content = compose(message, settings(), Outreach(), Twin.of()).content
    lines = content.split(b"\r\n\r\n")[0].split(b"\r\n")
    assert f"List-Unsubscribe: <{long}>".encode() in lines
    assert f"References: <{'a' * 90}@b.example>".encode() in lines


def test_the_message_id_is_the_same_at_each_attempt_and_answers_are_threaded() -> None:
    first = letter(outgoing())
    again = letter(outgoing(at=datetime(2026, 7, 2, tzinfo=UTC), in_reply_to="<a@b.example>"))
    assert first["Message-ID"] == again["Message-ID"] == f"<{'3f' * 16}@shop.example>"
    assert again["In-Reply-To"] == again["References"] == "<a@b.example>"


def test_one_click_is_promised_over_https_only() -> None:
    read = letter(outgoing(unsubscribe_url=LINK.replace("https", "http")))
    assert read["List-Unsubscribe"] is not None
    assert read["List-Unsubscribe-Post"] is None


NAMES = {
    "Zoë Müller": "Zoë Müller",
    "يسرى خليل": "يسرى خليل",
    "山田 太郎": "山田 太郎",
    "می‌خواهم": "می‌خواهم",  # with a zero-width non-joiner, which is part of the word
    "Ann\r\nBcc: all@example.org": "Ann Bcc: all@example.org",
    "Ann\n\nBody": "Ann Body",
    "Ann\u2028Bcc: x": "Ann Bcc: x",
    "A\u202egro.live\u202c": "Agro.live",
    'Ann "the boss", <x@y.example>': 'Ann "the boss", <x@y.example>',
    "=?utf-8?q?Bcc=3A?=": "=?utf-8?q?Bcc=3A?=",
    "x" * 300: "x" * 300,
}


@pytest.mark.parametrize("name", NAMES)
def test_any_name_is_a_name_and_nothing_else(name: str) -> None:
    read = letter(outgoing(name=name, subject=name, from_name=name))
    (to,) = read["To"].addresses
    assert to.addr_spec == "ann@example.org"
    assert read["Bcc"] is None
    assert set(read.keys()) == {"From", "To", "Subject", "Date", "Message-ID", "MIME-Version",
                                "Content-Type"}  # fmt: skip
    if "=?" not in name:
        assert (to.display_name, str(read["Subject"])) == (NAMES[name], NAMES[name])


@pytest.mark.parametrize(
    "address", ["ann@example.org\r\nBcc: x@y.example", "ann", "a@b@c.example", "Ann <a@b.example>"]
)
def test_what_is_no_address_is_refused_before_anything_is_sent(address: str) -> None:
    with pytest.raises(Unsendable) as refused:
        letter(outgoing(address=address))
    assert address not in str(refused.value)


def test_a_server_gets_it_whole_over_one_connection() -> None:
    with mail.running() as box:
        smtp = Smtp(settings(port=box.port), Outreach())
        for n, words in enumerate((".\n..two\n.", "größer\n", "x" * 5000)):
            assert smtp.deliver(outgoing(id=f"{n}", text=words)) == Sent()
        smtp.close()
    assert box.connections == 1
    parts = [read.get_body(("plain",)) for read in box.letters()]
    bodies = [part.get_content().strip().replace("\r", "") for part in parts if part]
    assert bodies == [".\n..two\n.", "größer", "x" * 5000]
    assert [one.rcpt_tos for one in box.got] == [["ann@example.org"]] * 3


def test_an_address_beyond_ascii_goes_as_rfc_6531_says() -> None:
    with mail.running() as box:
        smtp = Smtp(settings(port=box.port), Outreach())
        assert smtp.deliver(outgoing(address="jörg@bücher.example")) == Sent()
    assert box.got[0].rcpt_tos == ["jörg@xn--bcher-kva.example"]


ANSWERS: list[tuple[str, str, Any]] = [
    ("MAIL", "451 4.3.0 later", Later("sender not taken: 451 4.3.0 later")),
    ("MAIL", "550 5.7.1 not you", Later("sender not taken: 550 5.7.1 not you", down=True)),
    ("RCPT", "450 4.2.0 greylisted", Later("recipient not taken: 450 4.2.0 greylisted")),
    ("RCPT", "421 4.7.0 too many", Later("recipient not taken: 421 4.7.0 too many", down=True)),
    (
        "RCPT", "550 5.1.1 <ann@example.org> unknown",
        Refused("recipient not taken: 550 5.1.1 ... unknown", bounced=True),
    ),
    ("RCPT", "550 blocked", Refused("recipient not taken: 550 blocked")),
    ("DATA", "452 4.3.1 full", Later("body not taken: 452 4.3.1 full")),
    ("DATA", "554 5.7.1 spam", Refused("body not taken: 554 5.7.1 spam")),
    ("DATA", mail.VANISH, Unknown("the connection broke after the message was handed over")),
]  # fmt: skip


@pytest.mark.parametrize(("stage", "answer", "means"), ANSWERS)
def test_each_answer_means_what_it_says(stage: str, answer: str, means: Any) -> None:
    with mail.running() as box:
        smtp = Smtp(settings(port=box.port), Outreach())
        box.answers[stage] = answer
        assert smtp.deliver(outgoing()) == means
        box.answers.clear()
        assert smtp.deliver(outgoing()) == Sent()


def test_a_connection_that_the_server_closed_meanwhile_is_made_anew() -> None:
    with mail.running() as box:
        smtp = Smtp(settings(port=box.port), Outreach())
        assert smtp.deliver(outgoing()) == Sent()
        assert smtp._server is not None
        assert smtp._server.sock is not None
        smtp._server.sock.shutdown(2)
        assert smtp.deliver(outgoing()) == Sent()
    assert len(box.got) == box.connections == 2


def test_a_server_that_is_not_there_may_be_tried_again() -> None:
    smtp = Smtp(settings(port=1), Outreach())
    assert smtp.deliver(outgoing()) == Later(
        "no connection to the server: ConnectionRefusedError", down=True
    )


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tls")
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
               "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
               "-keyout", folder / "key.pem", "-out", folder / "cert.pem"]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True)
    return folder


def test_with_starttls_the_server_must_be_known_and_the_password_right(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")

    def became(port: int, word: str = "right") -> Any:
        ours = settings(port=port, security="starttls", username="u", password=word)
        return Smtp(ours, Outreach()).deliver(outgoing())

    with mail.running(context) as box:
        assert "certificate is not trusted" in became(box.port).why
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate / "cert.pem"))
        assert became(box.port) == Sent()
        wrong = became(box.port, "wrong")
        assert wrong == Later(
            "the server does not take the username and its password or token (535)", down=True
        )
    with mail.running() as plain:
        assert became(plain.port) == Later("the server offers no STARTTLS or no login", down=True)
        assert plain.logins == []


def test_a_password_never_travels_in_clear() -> None:
    with pytest.raises(WrongUsage, match="in clear"):
        Smtp(settings(host="mail.example.org", username="u"), Outreach())
