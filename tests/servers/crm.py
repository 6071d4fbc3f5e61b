"""A local server that speaks the CRM APIs' shapes, limits and errors: HubSpot's objects in batches,
Salesforce's collections, queries and bulk jobs, and the signed JSON of the generic kind.

Sources: those that the clients name (outreach/channels/crm/). It keeps what it gets, and answers
badly where it is told to.
"""

from __future__ import annotations

import csv
import io
import json
import re
import threading
import time
import urllib.parse
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

CUT = "cut"  # instead of an answer the connection breaks, before anything is done
CUT_AFTER = "cut after"  # likewise, once it is done
HUBSPOT_AT_ONCE, SALESFORCE_AT_ONCE = 100, 200
Said = tuple[int, Any, dict[str, str]]


@dataclass
class Cloud:
    """What the server holds. `records`: fields by object and key. `unknown_fields`: that the CRM
    does not have. `wrong`: keys whose values it does not take. `next`: what it says instead, once
    each: a status, (status, headers, body) or one of the words above."""

    port: int = 0
    records: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    unknown_fields: set[str] = field(default_factory=set)
    wrong: set[str] = field(default_factory=set)
    busy: Counter[str] = field(default_factory=Counter)  # Salesforce: rows locked so many times
    next: deque[Any] = field(default_factory=deque)
    token: str = "right"  # noqa: S105
    per_ten_seconds: int = 0
    secret: str = ""
    calls: list[tuple[str, str, int]] = field(default_factory=list)  # method, path, records in it
    linked: set[tuple[str, str]] = field(default_factory=set)  # HubSpot's task and record
    ended: dict[str, str | None] = field(default_factory=dict)  # generic: tasks, and how
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)  # webhook ids
    latency: float = 0.0  # seconds before each answer
    _times: deque[float] = field(default_factory=deque)
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _number: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def of(self, object_: str) -> dict[str, dict[str, Any]]:
        """The records of an object, by key."""
        return self.records.setdefault(object_, {})

    def number(self) -> int:
        self._number += 1
        return self._number

    def answer(self, call: Call) -> Said | str:
        with self._lock:
            told = self.next.popleft() if self.next else None
            if told == CUT:
                return CUT
            if told is not None and told != CUT_AFTER:
                return (told, {}, {}) if isinstance(told, int) else told
            if self._too_fast():
                return 429, {"status": "error", "errorType": "RATE_LIMIT",
                             "policyName": "TEN_SECONDLY_ROLLING"}, {}  # fmt: skip
            said = self._routed(call)
            return CUT_AFTER if told == CUT_AFTER else said

    def _too_fast(self) -> bool:
        now = time.monotonic()
        while self._times and now - self._times[0] > 10:
            self._times.popleft()
        self._times.append(now)
        return bool(self.per_ten_seconds) and len(self._times) > self.per_ten_seconds

    def _routed(self, call: Call) -> Said:
        if call.path == "/services/oauth2/token":
            return self._token(call)
        if call.path == "/hook":
            return self._hook(call)
        if call.headers.get("authorization") != f"Bearer {self.token}":
            if call.path.startswith("/services"):
                return 401, [{"errorCode": "INVALID_SESSION_ID", "message": "Session expired"}], {}
            return 401, {"status": "error", "category": "INVALID_AUTHENTICATION"}, {}
        for pattern, does in ROUTES:
            if found := re.fullmatch(pattern, f"{call.method} {call.path}"):
                return does(self, call, *found.groups())
        return 404, {"status": "error", "message": "no such path"}, {}

    def _token(self, call: Call) -> Said:
        form = dict(urllib.parse.parse_qsl(call.body.decode()))
        if form.get("client_secret") != "secret" and form.get("refresh_token") != "refresh":
            return 400, {"error": "invalid_client", "error_description": "x"}, {}
        return 200, {"access_token": self.token, "instance_url": self.url}, {}

    def _hook(self, call: Call) -> Said:
        from standardwebhooks.webhooks import Webhook

        event = Webhook(self.secret).verify(call.body.decode(), call.headers)
        self.seen.add(call.headers["webhook-id"])
        if event["type"] == "crm.tasks.ended":
            ends = [{"key": key, "how": self.ended[key]} for key in event["keys"]
                    if key in self.ended]  # fmt: skip
            return 200, {"ended": ends}, {}
        if event["type"] == "crm.tasks":
            for row in event["tasks"]:
                told = {name: value for name, value in row.items() if value is not None}
                self.of("tasks").setdefault(row["key"], {}).update(told)
            return 200, {}, {}
        rows = event["records"]
        if any(row["key"] in self.wrong for row in rows) and "errors" not in self.unknown_fields:
            return 422, {}, {}
        errors = [{"key": r["key"], "why": "bad"} for r in rows if r["key"] in self.wrong]
        for row in rows:
            if row["key"] not in self.wrong:
                self.of(event["object"]).setdefault(row["key"], {}).update(row["fields"])
        return 200, {"errors": errors}, {}


@dataclass(frozen=True)
class Call:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body) if self.body else None


def hubspot_batch(cloud: Cloud, call: Call, object_: str, verb: str) -> Said:
    inputs, there = call.json()["inputs"], cloud.of(object_)
    if len(inputs) > HUBSPOT_AT_ONCE:
        return _invalid("batch too large")
    names = {name for one in inputs for name in one["properties"]}
    if lacking := names & cloud.unknown_fields:
        return _invalid(f'[{{"error":"PROPERTY_DOESNT_EXIST","name":"{min(lacking)}"}}]')
    if any(one["id"] in cloud.wrong for one in inputs):
        return _invalid("INVALID_INTEGER: ann@example.org was not a valid integer")
    results, lost = [], []
    for one in inputs:
        if verb == "update" and one["id"] not in there:
            lost.append(one)
            continue
        there.setdefault(one["id"], {}).update(one["properties"])
        results.append({"id": _number(one["id"]), "objectWriteTraceId": one["objectWriteTraceId"]})
    if not lost:
        return 200, {"status": "COMPLETE", "results": results}, {}
    context = {"ids": [one["id"] for one in lost]}
    error = {"status": "error", "category": "OBJECT_NOT_FOUND", "context": context,
             "message": "Could not get some objects"}  # fmt: skip
    return 207, {"status": "COMPLETE", "results": results, "numErrors": 1, "errors": [error]}, {}


def _number(key: str) -> str:
    """HubSpot's own id of a record."""
    return str(int.from_bytes(key.encode()[:6], "big"))


def hubspot_read(cloud: Cloud, call: Call, object_: str) -> Said:
    asked, there = call.json(), cloud.of(object_)
    by = asked.get("idProperty")
    rows = []
    for one in asked["inputs"]:
        key = next((k for k in there if one["id"] == (k if by else _number(k))), None)
        if key is not None:
            named = {by: key} if by else {}
            rows.append({"id": _number(key), "properties": {**there[key], **named}})
    return (200 if len(rows) == len(asked["inputs"]) else 207), {"results": rows}, {}


def hubspot_link(cloud: Cloud, call: Call, object_: str) -> Said:
    for one in call.json()["inputs"]:
        cloud.linked.add((one["from"]["id"], one["to"]["id"]))
    return 200, {"status": "COMPLETE"}, {}


def hubspot_one(cloud: Cloud, call: Call, object_: str, key: str) -> Said:
    there = cloud.of(object_)
    if key not in there:
        return 404, {"status": "error", "category": "OBJECT_NOT_FOUND"}, {}
    there[key].update(call.json()["properties"])
    return 200, {"id": str(cloud.number()), "properties": {}}, {}


def _invalid(message: str) -> Said:
    return 400, {"status": "error", "category": "VALIDATION_ERROR", "message": message}, {}


def upsert(cloud: Cloud, call: Call, object_: str, key: str) -> Said:
    rows = call.json()["records"]
    if len(rows) > SALESFORCE_AT_ONCE:
        return 400, [{"errorCode": "EXCEEDED_ID_LIMIT", "message": "record limit reached"}], {}
    if lacking := {name for row in rows for name in row} & cloud.unknown_fields:
        message = f"No such column '{min(lacking)}' on sobject of type {object_}"
        return 400, [{"errorCode": "INVALID_FIELD", "message": message}], {}
    return 200, [_written(cloud, object_, row.pop(key), row) for row in rows], {}


def make(cloud: Cloud, call: Call) -> Said:
    said = []
    for row in call.json()["records"]:
        number = f"00T{cloud.number():015d}"
        fields = {name: value for name, value in row.items() if name != "attributes"}
        cloud.of(row["attributes"]["type"])[number] = fields
        said.append({"id": number, "success": True, "errors": []})
    return 200, said, {}


def update(cloud: Cloud, call: Call) -> Said:
    said = []
    for row in call.json()["records"]:
        object_, number = row["attributes"]["type"], row.pop("id")
        key = next((k for k in cloud.of(object_) if _id(k) == number or k == number), None)
        said.append(
            {"success": False, "errors": [{"statusCode": "ENTITY_IS_DELETED", "message": "-"}]}
            if key is None
            else _written(cloud, object_, key, row)
        )
    return 200, said, {}


def _written(cloud: Cloud, object_: str, key: str, row: dict[str, Any]) -> dict[str, Any]:
    there, code = cloud.of(object_), ""
    if key not in there:
        code = "REQUIRED_FIELD_MISSING"
    elif key in cloud.wrong:
        code = "STRING_TOO_LONG"
    elif cloud.busy[key]:
        cloud.busy[key] -= 1
        code = "UNABLE_TO_LOCK_ROW"
    if code:
        return {"success": False, "errors": [{"statusCode": code, "message": "no", "fields": []}]}
    there[key].update({name: value for name, value in row.items() if name != "attributes"})
    return {"id": _id(key), "success": True, "errors": [], "created": False}


def _id(key: str) -> str:
    return "001" + key.encode().hex().zfill(15)


def query(cloud: Cloud, call: Call) -> Said:
    found = re.fullmatch(r"SELECT ([\w, ]+) FROM (\w+) WHERE (\w+) IN \((.*)\)", call.query["q"])
    assert found
    names, object_, where = found[1].split(", "), found[2], found[3]
    quoted = re.findall(r"'((?:[^'\\]|\\.)*)'", found[4])
    wanted = {re.sub(r"\\(.)", r"\1", one) for one in quoted}
    rows = []
    for key, fields in cloud.of(object_).items():
        row = {**fields, "IsClosed": fields.get("Status") == "Completed"}
        # Tasks lie here by their Id, other records by their external id.
        row |= {"Id": key} if object_ == "Task" else {"Id": _id(key), where: key}
        if row.get(where) in wanted:
            rows.append({name: row.get(name) for name in names})
    return 200, {"totalSize": len(rows), "done": True, "records": rows}, {}


def make_job(cloud: Cloud, call: Call) -> Said:
    name = f"750{cloud.number():015d}"
    cloud.jobs[name] = {**call.json(), "id": name, "state": "Open", "rows": [], "looks": 0}
    return 200, cloud.jobs[name], {}


def upload(cloud: Cloud, call: Call, name: str) -> Said:
    cloud.jobs[name]["rows"] = list(csv.DictReader(io.StringIO(call.body.decode())))
    return 201, None, {}


def say(cloud: Cloud, call: Call, name: str) -> Said:
    job = cloud.jobs[name]
    job["state"] = call.json()["state"]
    if job["state"] == "UploadComplete":
        key, job["done"] = job["externalIdFieldName"], []
        for row in job["rows"]:
            there = {field: None if v == "#N/A" else v for field, v in row.items() if field != key}
            job["done"].append((row, _written(cloud, job["object"], row[key], there)))
    return 200, job, {}


def look(cloud: Cloud, call: Call, name: str) -> Said:
    if name not in cloud.jobs:
        return 404, [{"errorCode": "NOT_FOUND", "message": "-"}], {}
    job = cloud.jobs[name]
    job["looks"] += 1
    if job["state"] == "UploadComplete" and job["looks"] > 1:
        job["state"] = "JobComplete"
    return 200, {"id": name, "state": job["state"]}, {}


def results(cloud: Cloud, call: Call, name: str, which: str) -> Said:
    good = which == "successfulResults"
    rows = [({"sf__Id": said.get("id", ""), "sf__Error": said["errors"][0]["statusCode"]
              if said["errors"] else "", **row})
            for row, said in cloud.jobs[name]["done"] if said["success"] is good]  # fmt: skip
    rows = [] if which == "unprocessedrecords" else rows
    file = io.StringIO()
    if rows:
        out = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        out.writeheader()
        out.writerows(rows)
    return 200, file.getvalue(), {}


_API = r"/services/data/v62\.0"
ROUTES = (
    (r"POST /crm/v3/objects/(\w+)/batch/(update|upsert)", hubspot_batch),
    (r"PATCH /crm/v3/objects/(\w+)/(\w+)", hubspot_one),
    (rf"PATCH {_API}/composite/sobjects/(\w+)/(\w+)", upsert),
    (rf"PATCH {_API}/composite/sobjects", update),
    (rf"POST {_API}/composite/sobjects", make),
    (r"POST /crm/v3/objects/(\w+)/batch/read", hubspot_read),
    (r"POST /crm/v4/associations/tasks/(\w+)/batch/associate/default", hubspot_link),
    (rf"GET {_API}/query", query),
    (rf"POST {_API}/jobs/ingest", make_job),
    (rf"PUT {_API}/jobs/ingest/(\w+)/batches", upload),
    (rf"PATCH {_API}/jobs/ingest/(\w+)", say),
    (rf"GET {_API}/jobs/ingest/(\w+)", look),
    (rf"GET {_API}/jobs/ingest/(\w+)/(\w+)/", results),
)


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
        said = self.cloud.answer(call)
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
