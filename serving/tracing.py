"""A span a call for an OpenTelemetry collector, where one is named; nothing is loaded where not.

A span says what the line in the log says (route, status, rows, the key's id), and no more. It
belongs to the caller's trace, where the call carries `traceparent` (W3C Trace Context). Spans are
sent by a thread of their own: a collector that is slow or gone holds up no call and costs spans.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from models.version import VERSION

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

# The standard's own names: https://opentelemetry.io/docs/specs/otel/protocol/exporter/
BASE, TRACES = "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
PATH = "v1/traces"
CONTEXT = ("traceparent", "tracestate")


def tracer(endpoint: str, environment: Mapping[str, str]) -> Tracer | None:
    """To the collector at `endpoint`, else to the one that the environment names; None for neither.

    Headers, sampling, time-outs and the service's name are set by the standard's `OTEL_` variables.
    """
    if not endpoint and not environment.get(BASE) and not environment.get(TRACES):
        return None
    if environment.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return None
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    name = environment.get("OTEL_SERVICE_NAME", "warmline")
    resource = Resource.create({SERVICE_NAME: name, SERVICE_VERSION: VERSION})
    # Our own: a provider for the whole process would get MLflow's spans as well.
    provider = TracerProvider(resource=resource)
    address = f"{endpoint.rstrip('/')}/{PATH}" if endpoint else None
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(address)))
    return Tracer(provider)


class Tracer:
    """Sends a span for each call that has ended."""

    def __init__(self, provider: TracerProvider) -> None:
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        self._provider = provider
        self._tracer = provider.get_tracer("warmline", VERSION)
        self._context = TraceContextTextMapPropagator()

    def tell(self, line: Mapping[str, Any], seconds: float, headers: Mapping[str, str]) -> str:
        """A call that took so long and ends now, as its `line` in the log tells of it.

        Returns the trace's id, 32 hexadecimal digits.
        """
        from opentelemetry.trace import SpanKind
        from opentelemetry.trace.status import StatusCode

        now = time.time_ns()
        carried = {name: headers[name] for name in CONTEXT if name in headers}
        span = self._tracer.start_span(
            f"{line['method']} {line['route']}",
            self._context.extract(carried),
            SpanKind.SERVER,
            {
                "http.request.method": line["method"],
                "http.route": line["route"],
                "http.response.status_code": line["status"],
                "warmline.request_id": line["request_id"],
                "warmline.rows": line["rows"],
                "warmline.key": line["key"] or "",
            },
            start_time=now - int(seconds * 1e9),
        )
        if line["status"] >= 500:
            span.set_status(StatusCode.ERROR)
        span.end(now)
        return f"{span.get_span_context().trace_id:032x}"

    def close(self) -> None:
        """What has not been sent is sent, for some seconds."""
        self._provider.shutdown()
