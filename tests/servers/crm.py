"""A local server that speaks the CRM APIs' shapes, limits and errors: HubSpot's, Salesforce's, and
the signed JSON of the generic kind. It keeps what it gets, and answers badly where it is told to.
"""

from __future__ import annotations

import json
import re
import threading
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.servers import crm_hubspot, crm_salesforce
from tests.servers.crm_cloud import Call, Cloud, Said

CUT = "cut"  # instead of an answer the connection breaks, before anything is done
CUT_AFTER = "cut after"  # likewise, once it is done


def answered(cloud: Cloud, call: Call) -> Said | str:
    with cloud.lock:
        told = cloud.next.popleft() if cloud.next else None
        if told == CUT:
            return CUT
        if told is not None and told != CUT_AFTER:
            return (told, {}, {}) if isinstance(told, int) else told
        if _too_fast(cloud):
            return 429, {"status": "error", "errorType": "RATE_LIMIT",
                         "policyName": "TEN_SECONDLY_ROLLING"}, {}  # fmt: skip
        said = _routed(cloud, call)
        return CUT_AFTER if told == CUT_AFTER else said


def _too_fast(cloud: Cloud) -> bool:
    now = time.monotonic()
    while cloud.times and now - cloud.times[0] > 10:
        cloud.times.popleft()
    cloud.times.append(now)
    return bool(cloud.per_ten_seconds) and len(cloud.times) > cloud.per_ten_seconds


def _routed(cloud: Cloud, call: Call) -> Said:
    if call.path == "/services/oauth2/token":
        return _token(cloud, call)
    if call.path == "/hook":
        return _hook(cloud, call)
    if call.headers.get("authorization") != f"Bearer {cloud.token}":
        if call.path.startswith("/services"):
            return 401, [{"errorCode": "INVALID_SESSION_ID", "message": "Session expired"}], {}
        return 401, {"status": "error", "category": "INVALID_AUTHENTICATION"}, {}
    for pattern, does in (*crm_hubspot.ROUTES, *crm_salesforce.ROUTES):
        if found := re.fullmatch(pattern, f"{call.method} {call.path}"):
            return does(cloud, call, *found.groups())
    return 404, {"status": "error", "message": "no such path"}, {}


def _token(cloud: Cloud, call: Call) -> Said:
    form = dict(urllib.parse.parse_qsl(call.body.decode()))
    if form.get("client_secret") != "secret" and form.get("refresh_token") != "refresh":
        return 400, {"error": "invalid_client", "error_description": "x"}, {}
    return 200, {"access_token": cloud.token, "instance_url": cloud.url}, {}


def _hook(cloud: Cloud, call: Call) -> Said:
    from standardwebhooks.webhooks import Webhook

    event = Webhook(cloud.secret).verify(call.body.decode(), call.headers)
    cloud.seen.add(call.headers["webhook-id"])
    if event["type"] == "crm.tasks.ended":
        ends = [{"key": key, "how": cloud.ended[key]} for key in event["keys"]
                if key in cloud.ended]  # fmt: skip
        return 200, {"ended": ends}, {}
    if event["type"] == "crm.tasks":
        for row in event["tasks"]:
            told = {name: value for name, value in row.items() if value is not None}
            cloud.of("tasks").setdefault(row["key"], {}).update(told)
        return 200, {}, {}
    rows = event["records"]
    if any(row["key"] in cloud.wrong for row in rows) and "errors" not in cloud.unknown_fields:
        return 422, {}, {}
    errors = [{"key": r["key"], "why": "bad"} for r in rows if r["key"] in cloud.wrong]
    for row in rows:
        if row["key"] not in cloud.wrong:
            cloud.of(event["object"]).setdefault(row["key"], {}).update(row["fields"])
    return 200, {"errors": errors}, {}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # headers and body leave in one packet
    cloud: Cloud

    def handle_call(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = urllib.parse.urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        asked = dict(urllib.parse.parse_qsl(parts.query))
        call = Call(self.command, parts.path, asked, headers, body)
        inputs = body.count(b'"objectWriteTraceId"') or body.count(b'"attributes"')
        self.cloud.calls.append((self.command, parts.path, inputs or body.count(b'"fields"')))
        time.sleep(self.cloud.latency)
        said = answered(self.cloud, call)
        if isinstance(said, str):
            self.close_connection = True
            self.connection.close()
            return
        status, answer, more = said
        text = answer if isinstance(answer, str) else json.dumps(answer)
        self.send_response(status)
        for name, value in more.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    do_GET = do_POST = do_PATCH = do_PUT = handle_call  # noqa: N815

    def log_message(self, *words: Any) -> None:
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed is nothing to tell."""


@contextmanager
def running() -> Iterator[Cloud]:
    """The server on 127.0.0.1 as long as the block lasts."""
    cloud = Cloud()
    server = Server(("127.0.0.1", 0), type("Here", (Handler,), {"cloud": cloud}))
    cloud.port = server.server_port
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield cloud
    finally:
        server.shutdown()
        server.server_close()
