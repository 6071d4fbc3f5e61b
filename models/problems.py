"""Errors as RFC 9457 problem details: what is wrong, where, and when to try again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from math import ceil
from typing import Any

from starlette.responses import Response

MEDIA_TYPE = "application/problem+json"
BROKEN = "Something went wrong here. The log tells more by request_id."  # of a 500


@dataclass(frozen=True)
class Wrong:
    """One field that is not as asked for. The value that came is never repeated."""

    pointer: str  # JSON pointer (RFC 6901) into the body, or the name of a header or parameter
    detail: str


@dataclass
class Problem(Exception):
    """Ends a request with this answer."""

    status: int
    detail: str
    errors: tuple[Wrong, ...] = ()
    retry_after: float | None = None  # seconds
    headers: Mapping[str, str] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)  # further members of the body

    def response(self, request_id: str = "", *, milliseconds: bool = False) -> Response:
        """`milliseconds`: the unit in which the caller reads `Retry-After`."""
        title = HTTPStatus(self.status).phrase
        body: dict[str, Any] = {**self.more}
        body |= {"type": "about:blank", "title": title, "status": self.status}
        body["detail"] = self.detail
        headers = dict(self.headers)
        if request_id:
            body["request_id"] = headers["X-Request-Id"] = request_id
        if self.errors:
            body["errors"] = [vars(wrong) for wrong in self.errors]
        if self.retry_after is not None:
            # In the body as well: some callers cannot read headers.
            body["retry_after_seconds"] = ceil(self.retry_after * 1000) / 1000
            unit = 1000 if milliseconds else 1
            headers["Retry-After"] = str(max(1, ceil(self.retry_after * unit)))
        return Response(json.dumps(body).encode(), self.status, headers, MEDIA_TYPE)


def pointer(path: Iterable[str | int]) -> str:
    """The JSON pointer of a place in a body."""
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in path)
