"""`POST /inbound`: signed events have their effect once; anything else changes nothing."""

from __future__ import annotations

import base64
import json
import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook as Official
from starlette.testclient import TestClient

from models.errors import WrongUsage
from models.settings_outreach import Inbound
from outreach.inbound.webhook import routes
from outreach.store import tables
from outreach.store.database import Store
from outreach.unsubscribe import app
from outreach.web import LARGEST
from tests.servers.web import serving
from tests.unit.outreach.stores import KEY, NOW, filled, later, rows
from tests.unit.outreach.test_outbox import Answers, sender

SECRET = "whsec_" + base64.b64encode(b"s" * 32).decode()
EVENTS = {
    "message.replied": "answered", "message.bounced": "bounced",
    "message.complained": "complained", "message.unsubscribed": "unsubscribed",
    "message.delivered": "delivered", "message.opened": "ignored",
}  # fmt: skip


class Hook:
    """The route of a home, and somebody who calls it."""

    def __init__(self, store: Store, home: Path, **settings: Any) -> None:
        here = store, KEY, home, lambda: NOW
        found = routes(*here, Inbound(webhook_secret=SECRET, **settings))
        self.client = TestClient(app(*here, *found), raise_server_exceptions=False)

    def posts(self, body: bytes | dict[str, Any], name: str = "msg_1", **headers: str) -> Any:
        at = NOW if "at" not in headers else NOW + timedelta(seconds=int(headers.pop("at")))
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        signed = Official(SECRET).sign(name, at, content.decode("utf-8", "replace"))
        usual = {"webhook-id": name, "webhook-timestamp": str(int(at.timestamp())),
                 "webhook-signature": signed, "content-type": "application/json"}  # fmt: skip
        sent = {k.replace("_", "-"): v for k, v in headers.items()}
        return self.client.post("/inbound", content=content, headers=usual | sent)


@pytest.fixture
def hook(store: Store, tmp_path: Path) -> Hook:
    return Hook(store, tmp_path)


def event(kind: str = "message.replied", **data: Any) -> dict[str, Any]:
    return {"type": kind, "timestamp": NOW.isoformat(), "data": data}


def sent(store: Store) -> str:
    (message,) = filled(store)
    sender(store, Answers()).send_due()
    return message


@pytest.mark.parametrize("kind", EVENTS)
def test_an_event_has_its_effect_once(store: Store, hook: Hook, kind: str) -> None:
    body = event(kind, message=sent(store), status="5.1.1")
    became = [hook.posts(body).json()["became"] for _ in range(2)]
    again = "ignored" if kind == "message.opened" else "again"
    assert became == [EVENTS[kind], again]
    closed = {"bounced": ["bounce"], "complained": ["complaint"], "unsubscribed": ["unsubscribe"]}
    reasons = [row.reason for row in rows(store, tables.suppressions)]
    assert reasons == closed.get(EVENTS[kind], [])


def test_a_message_is_named_by_its_message_id_too(store: Store, hook: Hook) -> None:
    body = event(message_id=f"<{sent(store)}@shop.example>")
    assert hook.posts(body).json() == {"became": "answered"}
    assert hook.posts(event(message="x"), "msg_2").json() == {"became": "unknown"}


def test_the_route_is_not_there_without_a_secret_and_none_that_is_short(
    store: Store, tmp_path: Path
) -> None:
    here = store, KEY, tmp_path, lambda: NOW
    assert routes(*here, Inbound()) == []
    with pytest.raises(WrongUsage, match="webhook_secret is no whsec_"):
        routes(*here, Inbound(webhook_secret="whsec_c2hvcnQ="))  # noqa: S106


def test_text_is_kept_only_where_it_is_set(store: Store, tmp_path: Path) -> None:
    body = event(message=sent(store), text="Fine.\n> How is it going?")
    Hook(store, tmp_path, keep_text=True).posts(body)
    assert '"text": "Fine."' in next((tmp_path / "inbox").glob("*.jsonl")).read_text()


GOOD = json.dumps(event(message="x")).encode()
REFUSED: dict[str, tuple[dict[str, Any], int, str]] = {
    "another signature": ({"webhook_signature": "v1,c2hvcnQ="}, 401, "signature"),
    "no signature": ({"webhook_signature": ""}, 401, "signature"),
    "a signature of a body that was changed": ({"webhook_id": "msg_2"}, 401, "signature"),
    "six minutes old": ({"at": "-360"}, 401, "five minutes"),
    "from the future": ({"at": "360"}, 401, "five minutes"),
    "no time": ({"webhook_timestamp": "soon"}, 401, "signature"),
    "a time without end": ({"webhook_timestamp": "9" * 4_000}, 401, "signature"),
    "not JSON by name": ({"content_type": "text/plain"}, 415, "application/json"),
    "too large": ({"body": b" " * (LARGEST + 1)}, 413, "1,000,000 bytes"),
    "not JSON": ({"body": b"{"}, 422, "docs/guides/inbound.md"),
    "not UTF-8": ({"body": b'{"type": "\xff"}'}, 401, "signature"),
    "a bomb": ({"body": b"[" * 200_000}, 422, "docs/guides/inbound.md"),
    "no message": ({"body": json.dumps(event()).encode()}, 422, "names a message"),
    "a naive time": ({"body": GOOD.replace(b"+00:00", b"")}, 422, "/timestamp"),
    "a status of its own": (
        {"body": json.dumps(event(message="x", status="gone <ann@x.org>")).encode()}, 422,
        "/data/status",
    ),
    "a name of tricks": ({"body": json.dumps(event(message="\0")).encode()}, 422, "/data/message"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_wrong_is_told_and_changes_nothing(hook: Hook, store: Store, name: str) -> None:
    others, status, told = REFUSED[name]
    others = dict(others)
    answer = hook.posts(others.pop("body", GOOD), **others)
    assert (answer.status_code, answer.headers["content-type"]) == (
        status, "application/problem+json")  # fmt: skip
    assert told in answer.text
    assert "ann@x.org" not in answer.text
    assert rows(store, tables.received) == []


def test_the_example_of_the_guide_works_with_a_real_server_which_ends_what_is_too_large(
    store: Store, tmp_path: Path
) -> None:
    page = (Path(__file__).parents[4] / "docs" / "guides" / "inbound.md").read_text("utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", page, re.S)
    guide: dict[str, Any] = {}
    exec(example, guide)  # noqa: S102
    here = store, KEY, tmp_path, lambda: datetime.now(UTC)
    with serving(app(*here, *routes(*here, Inbound(webhook_secret=SECRET)))) as url:
        told = event(message=sent(store))
        became = [guide["tell"](url, SECRET, "msg_1", told) for _ in range(2)]
        assert became == ["answered", "again"]
        pieces = iter(range(4_000))  # of 64 kB: 260 MB, of a length that nobody says
        endless = (b" " * 65_536 for _ in pieces)
        headers = {"Content-Type": "application/json"}
        call = HTTPConnection(url.removeprefix("http://"), timeout=20)
        with suppress(OSError):  # it hangs up in the middle
            call.request("POST", "/inbound", endless, headers)
        assert next(pieces, None) is not None
        call.close()


def test_of_several_signatures_one_is_enough(store: Store, hook: Hook) -> None:
    body = json.dumps(event(message=sent(store))).encode()
    right = Official(SECRET).sign("msg_1", NOW, body.decode())
    assert hook.posts(body, webhook_signature=f"v1,c2hvcnQ= v2,x {right}").status_code == 200


def test_what_happens_later_than_now_happened_now(store: Store, hook: Hook) -> None:
    body = event(message=sent(store)) | {"timestamp": later(days=9).isoformat()}
    hook.posts(body)
    assert [row.at for row in rows(store, tables.answers)] == [NOW]


def test_a_store_that_cannot_be_used_is_tried_again_later(
    store: Store, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = event(message=sent(store))

    def full(*_: Any, **facts: Any) -> None:
        raise OSError

    with monkeypatch.context() as patch:
        patch.setattr("outreach.inbound.webhook.receive", full)
        answer = hook.posts(body)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "60")
    assert hook.posts(body).json() == {"became": "answered"}
