"""What the pages and routes of `warmline outreach serve` share."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response

LARGEST = 1_000_000  # bytes of a body
_AGAIN = 60  # seconds, after which a sender may try again


class Wrong(Exception):
    """Ends a request with problem details (RFC 9457)."""

    def __init__(self, status: int, detail: str, **more: Any) -> None:
        super().__init__(detail)
        self.status, self.detail, self.more = status, detail, more

    def response(self) -> Response:
        title = HTTPStatus(self.status).phrase
        told = {"type": "about:blank", "title": title, "status": self.status, "detail": self.detail}
        again = self.more.get("retry_after_seconds")
        headers = {"Retry-After": str(again)} if again else {}
        if self.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            headers["Connection"] = "close"  # else the server reads it to its end
        return Response(
            json.dumps({**told, **self.more}), self.status, headers, "application/problem+json"
        )


LATER = Wrong(
    503, "It could not be saved just now. Nothing was changed.", retry_after_seconds=_AGAIN
)


async def body_of(request: Request) -> bytes:
    """The JSON body of a request. Raises `Wrong` for another kind, and for a larger one."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise Wrong(415, "The body is application/json.")
    body = bytearray()
    async for some in request.stream():
        body += some
        if len(body) > LARGEST:
            raise Wrong(413, f"A body has {LARGEST:,} bytes at most.")
    return bytes(body)


def field_by_field(error: ValidationError, detail: str, *, inside: str = "") -> Wrong:
    """What is wrong where (`inside`: a JSON pointer); never the value that came."""
    errors = [
        {"pointer": inside + "".join(f"/{part}" for part in one["loc"]), "detail": one["msg"]}
        for one in error.errors(include_url=False, include_input=False, include_context=False)[:20]
    ]
    return Wrong(422, detail, errors=errors)
