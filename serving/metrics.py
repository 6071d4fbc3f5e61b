"""Metrics for Prometheus, summed over the workers. Every label has few values."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

# BentoML gives its workers a folder in which they share their counts.
SHARED = "PROMETHEUS_MULTIPROC_DIR"
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)

_mine = CollectorRegistry()
_requests = Counter("warmline_requests", "Calls answered.", ("route", "status"), registry=_mine)
_seconds = Histogram(
    "warmline_request_seconds", "Until the answer had been sent.", ("route",), buckets=SECONDS,
    registry=_mine,
)  # fmt: skip
_rows = Counter("warmline_rows", "Customers asked about.", ("route",), registry=_mine)
_not_scored = Counter("warmline_not_scored", "Answers without a score.", ("why",), registry=_mine)
_batch = Gauge(
    "warmline_batch_seconds", "When the batch that is served was scored, seconds since 1970.",
    ("model_version",), multiprocess_mode="mostrecent", registry=_mine,
)  # fmt: skip


def count(route: str, status: int, rows: int, seconds: float) -> None:
    """One call that has ended. `status` 0: the caller had gone."""
    requests, took, asked_about = _of(route, status)
    requests.inc()
    took.observe(seconds)
    if rows:
        asked_about.inc(rows)


@cache
def _of(route: str, status: int) -> tuple[Counter, Histogram, Counter]:
    """What is counted of such a call; to find it by its labels takes longer than to count."""
    return _requests.labels(route, str(status)), _seconds.labels(route), _rows.labels(route)


def not_scored(why: Mapping[str, int]) -> None:
    """Answers without a score by reason, one of the few that a batch gives."""
    for reason, many in why.items():
        _not_scored.labels(reason).inc(many)


def serving(model_version: str, scored_at: float) -> None:
    """Which batch is served."""
    _batch.labels(model_version).set(scored_at)


def text() -> tuple[bytes, str]:
    """All metrics of all workers, and their media type."""
    if SHARED not in os.environ:
        return generate_latest(_mine), CONTENT_TYPE_LATEST
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry), CONTENT_TYPE_LATEST
