"""Spans, as a collector gets them over HTTP."""

from __future__ import annotations

import os
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from serving.tracing import BASE, tracer
from tests.unit.serving.calls import ALL, NIGHT, bearer, served, written

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


class Collector(ThreadingHTTPServer):
    """Keeps what it is sent."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.seen: list[tuple[str, ExportTraceServiceRequest]] = []
        self.url = f"http://127.0.0.1:{self.server_port}"
        Thread(target=self.serve_forever, daemon=True).start()

    def spans(self) -> list[Span]:
        return [span for _, one in self.seen for resource in one.resource_spans
                for scope in resource.scope_spans for span in scope.spans]  # fmt: skip


class _Handler(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.seen.append((self.path, ExportTraceServiceRequest.FromString(body)))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as one:
        yield one
        one.shutdown()


def attributes(span: Span) -> dict[str, Any]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in span.attributes}


def test_each_call_is_a_span_of_its_callers_trace(tmp_path: Path, collector: Collector) -> None:
    written(tmp_path, NIGHT, "a", acme=0.25)
    sent = tracer(collector.url, {})
    assert sent is not None
    with served(tmp_path, tracer=sent) as client:
        client.headers.update(bearer(tmp_path))
        headers = {"traceparent": f"00-{TRACE}-{PARENT}-01", "X-Request-Id": "mine"}
        client.post("/score?secret=1", json=ALL, headers=headers)
        client.get("/secret")
    sent.close()
    assert {path for path, _ in collector.seen} == {"/v1/traces"}
    first, second = collector.spans()
    assert (first.name, first.kind) == ("POST /score", Span.SPAN_KIND_SERVER)
    assert (first.trace_id.hex(), first.parent_span_id.hex()) == (TRACE, PARENT)
    told = attributes(first)
    assert len(told.pop("warmline.key")) == 12
    assert told == {
        "http.request.method": "POST", "http.route": "/score", "http.response.status_code": 200,
        "warmline.request_id": "mine", "warmline.rows": 1,
    }  # fmt: skip
    assert 0 < first.end_time_unix_nano - first.start_time_unix_nano < 60e9
    assert (second.name, second.parent_span_id) == ("GET other", b"")
    (resource,) = {one.resource_spans[0].resource.SerializeToString() for _, one in collector.seen}
    assert b"warmline" in resource
    everything = b"".join(one.SerializeToString() for _, one in collector.seen)
    assert b"acme" not in everything
    assert b"secret" not in everything


def test_a_call_that_broke_is_an_error(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(BASE, collector.url)  # the standard's variable is enough
    sent = tracer("", os.environ)
    assert sent is not None
    line = {"method": "POST", "route": "/score", "status": 500, "request_id": "r", "rows": 0,
            "key": None}  # fmt: skip
    assert len(sent.tell(line, 0.5, {"traceparent": "nonsense"})) == 32
    sent.close()
    (span,) = collector.spans()
    assert span.status.code == Status.STATUS_CODE_ERROR


def test_there_is_none_where_nobody_asked_for_it() -> None:
    assert tracer("", {}) is None
    assert tracer("http://127.0.0.1:1", {"OTEL_SDK_DISABLED": "true"}) is None


def test_a_collector_that_is_gone_holds_up_no_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    written(tmp_path, NIGHT, "a", acme=0.25)
    sent = tracer("http://127.0.0.1:1", {})
    with served(tmp_path, tracer=sent) as client:
        client.headers.update(bearer(tmp_path))
        assert client.post("/score", json=ALL).status_code == 200
    assert sent is not None
    sent.close()
