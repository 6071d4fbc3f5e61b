"""SMTP with XOAUTH2: tokens from a real server, kept until they expire."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import pytest

from models.settings_outreach import Outreach
from outreach.channels import Later, Sent
from outreach.channels.email.smtp import Smtp
from tests.servers import mail
from tests.unit.outreach.channels.test_email import AT, outgoing, settings


class TokenServer(BaseHTTPRequestHandler):
    asked: list[dict[str, list[str]]]
    answers: list[tuple[int, Any]]

    def do_POST(self) -> None:
        self.asked.append(parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode()))
        status, told = self.answers.pop(0)
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(told).encode())

    def log_message(self, *words: Any) -> None:
        pass


@pytest.fixture
def tokens() -> Iterator[tuple[str, type[TokenServer]]]:
    handler = type("Here", (TokenServer,), {"asked": [], "answers": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/token", handler
    server.shutdown()
    server.server_close()


def smtp(port: int, url: str) -> Smtp:
    ours = settings(port=port, username="care", token_url=url, client_id="id", refresh_token="r")  # noqa: S106
    return Smtp(ours, Outreach())


def test_a_token_serves_until_it_expires(tokens: Any) -> None:
    url, here = tokens
    here.answers += [(200, {"access_token": "right", "expires_in": 600})] * 2
    with mail.running() as box:
        sender = smtp(box.port, url)
        for minutes in 0, 8, 9:
            assert sender.deliver(outgoing(at=AT + timedelta(minutes=minutes))) == Sent()
            sender.close()
    assert len(here.asked) == 2
    assert here.asked[0] == {"grant_type": ["refresh_token"], "client_id": ["id"],
                             "refresh_token": ["r"]}  # fmt: skip
    assert box.logins[0] == b"user=care\x01auth=Bearer right\x01\x01"


def test_a_token_that_is_not_taken_is_asked_for_anew(tokens: Any) -> None:
    url, here = tokens
    here.answers += [(200, {"access_token": "stale"}), (200, {"access_token": "right"})]
    with mail.running() as box:
        sender = smtp(box.port, url)
        refused = sender.deliver(outgoing())
        assert isinstance(refused, Later)
        assert (refused.down, "token (535)" in refused.why) == (True, True)
        assert sender.deliver(outgoing()) == Sent()


@pytest.mark.parametrize(
    ("answer", "why"),
    [((400, {"error": "invalid_grant", "secret": "x"}), "answered 400"), ((200, {}), "KeyError")],
)
def test_without_a_token_nothing_is_sent(tokens: Any, answer: Any, why: str) -> None:
    url, here = tokens
    here.answers.append(answer)
    with mail.running() as box:
        became = smtp(box.port, url).deliver(outgoing())
    assert isinstance(became, Later)
    assert (became.down, why in became.why, "secret" in became.why) == (True, True, False)
    assert box.got == []
