"""What is served, who may call it, and with what body. Source: CONTRACTS.md, HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from models.keys import ANY
from serving.tasks import TASKS

JSON, NDJSON = "application/json", "application/x-ndjson"


@dataclass(frozen=True)
class Limits:
    """Of a call, by what its body is."""

    bytes: int  # of the body
    seconds: float  # until all is answered


@dataclass(frozen=True)
class Access:
    """How a route is called."""

    method: str
    scope: str | None  # that opens it; None: open to all
    bodies: Mapping[str, Limits] = field(default_factory=dict)  # by media type


NOTHING = Access("", ANY)  # how what is not served is called
# What is asked of a task, by BentoML's protocol for tasks.
VERBS = {"submit": "POST", "status": "GET", "get": "GET", "retry": "POST", "cancel": "PUT"}
USUAL = Limits(10 << 20, 60)
# Lines go to a file and not to memory: some 8 million ids, over a slow line as well.
IN_LINES = Limits(256 << 20, 3600)
_ONE = {JSON: USUAL}
_MANY = {JSON: USUAL, NDJSON: IN_LINES}
ROUTES: Mapping[str, Access] = {
    "/livez": Access("GET", None),
    "/readyz": Access("GET", "read"),
    "/metrics": Access("GET", "read"),
    "/docs.json": Access("GET", ANY),
    "/schema.json": Access("GET", ANY),
    "/score": Access("POST", "score", _MANY),
    "/score/one": Access("POST", "score", _ONE),
    "/score_history": Access("POST", "score", _ONE),
    "/events": Access("POST", "work", _MANY),
    **{
        f"/{task}/{verb}": Access(method, "admin", _ONE if verb == "submit" else {})
        for task in TASKS
        for verb, method in VERBS.items()
    },
}
# Which of them `open_networks` opens without a key.
WATCHED = frozenset({"/readyz", "/metrics"})


def media_type(header: str) -> str:
    """Of a Content-Type, without its parameters."""
    return header.partition(";")[0].strip().lower()
