"""Webhooks as Standard Webhooks has them, held against its own library; files for spreadsheets."""

from __future__ import annotations

import base64
import csv
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook as Official

from models.errors import WrongUsage
from models.settings_outreach import Webhook
from outreach.channels import Later, Refused, Sent
from outreach.channels.file import Drop
from outreach.channels.webhook import Hook
from outreach.channels.webhook.signature import sign
from tests.unit.outreach.channels.test_email import AT, outgoing

SECRET = "whsec_" + base64.b64encode(b"s" * 32).decode()


class Receiver(BaseHTTPRequestHandler):
    got: list[tuple[dict[str, str], bytes]]
    status = 200
    more: dict[str, str]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.got.append((dict(self.headers), body))
        self.send_response(self.status)
        for name, value in self.more.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *words: Any) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[tuple[str, type[Receiver]]]:
    handler = type("Here", (Receiver,), {"got": [], "more": {}})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://localhost:{server.server_port}/in?x=1", handler
    server.shutdown()
    server.server_close()


def hook(url: str, **others: Any) -> Hook:
    return Hook(Webhook(url=url, secret=SECRET, timeout_seconds=2, **others))


def test_its_receiver_knows_it_by_the_official_library(receiver: Any) -> None:
    url, here = receiver
    message = outgoing(name="يسرى", channel="sms", address="+49301234567")
    assert hook(url, allow_private=True).deliver(message) == Sent()
    assert hook(url, allow_private=True).deliver(message) == Sent()
    ids = set()
    for headers, body in here.got:
        known = {name.lower(): value for name, value in headers.items()}
        ids.add(known["webhook-id"])
        # The library refuses what is minutes old or ahead: it signs the same, and must agree.
        assert (
            Official(SECRET).sign(known["webhook-id"], AT, body.decode())
            == (known["webhook-signature"])
        )
        assert json.loads(body)["data"]["name"] == "يسرى"
    assert ids == {message.id}


def test_a_body_that_was_changed_has_another_signature() -> None:
    assert sign(b"s" * 32, "a", AT, b"{}") != sign(b"s" * 32, "a", AT, b"{ }")
    assert sign(b"s" * 32, "a", AT, b"{}") != sign(b"s" * 32, "b", AT, b"{}")


ANSWERS: list[tuple[int, dict[str, str], Any]] = [
    (204, {}, Sent()),
    (301, {"Location": "http://169.254.169.254/"}, Refused("answered 301")),
    (400, {}, Refused("answered 400")),
    (429, {"Retry-After": "7"}, Later("answered 429", after=7)),
    (503, {"Retry-After": "Wed, 01 Jul"}, Later("answered 503", down=True)),
]


@pytest.mark.parametrize(("status", "headers", "means"), ANSWERS)
def test_each_status_means_what_it_says(
    receiver: Any, status: int, headers: dict[str, str], means: Any
) -> None:
    url, here = receiver
    here.status, here.more = status, headers
    assert hook(url, allow_private=True).deliver(outgoing()) == means
    assert len(here.got) == 1


@pytest.mark.parametrize(
    "host",
    ["localhost", "127.0.0.1", "[::1]", "10.0.0.1", "169.254.169.254", "0.0.0.0", "2130706433"],  # noqa: S104
)  # fmt: skip
def test_a_url_into_this_network_is_refused(host: str) -> None:
    became = hook(f"http://{host}:9/in").deliver(outgoing())
    assert isinstance(became, Refused)
    assert "private address" in became.why


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_c2hvcnQ=", "plain", SECRET[6:]])
def test_a_secret_that_is_none_is_refused(secret: str) -> None:
    with pytest.raises(WrongUsage, match="whsec_"):
        Hook(Webhook(url="https://example.org/in", secret=secret))


def test_a_file_is_safe_in_a_spreadsheet_and_the_same_message_is_one_file(tmp_path: Path) -> None:
    drop = Drop(tmp_path / "out")
    evil = outgoing(name='=HYPERLINK("http://x")', text="@SUM(A1)\nline", subject="-1+1")
    assert drop.deliver(evil) == drop.deliver(evil) == Sent()
    (path,) = (tmp_path / "out").iterdir()
    with path.open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["name"], row["subject"]) == ('\'=HYPERLINK("http://x")', "'-1+1")
    assert (row["text"], row["address"]) == ("'@SUM(A1)\nline", "ann@example.org")
    assert path.stat().st_mode & 0o777 == 0o600
