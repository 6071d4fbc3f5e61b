"""What the pages and routes of `warmline outreach serve` share."""

from __future__ import annotations

from pydantic import ValidationError
from starlette.requests import Request

from models.problems import Problem, Wrong, pointer

LARGEST = 1_000_000  # bytes of a body
_AGAIN = 60  # seconds, after which a sender may try again


LATER = Problem(503, "It could not be saved just now. Nothing was changed.", retry_after=_AGAIN)


async def body_of(request: Request) -> bytes:
    """The JSON body of a request. Raises `Problem` for another kind, and for a larger one."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise Problem(415, "The body is application/json.")
    body = bytearray()
    async for some in request.stream():
        body += some
        if len(body) > LARGEST:
            close = {"Connection": "close"}  # else the server reads it to its end
            raise Problem(413, f"A body has {LARGEST:,} bytes at most.", headers=close)
    return bytes(body)


def field_by_field(error: ValidationError, detail: str, *, inside: str = "") -> Problem:
    """What is wrong where (`inside`: a JSON pointer); never the value that came."""
    errors = tuple(
        Wrong(inside + pointer(one["loc"]), one["msg"])
        for one in error.errors(include_url=False, include_input=False, include_context=False)[:20]
    )
    return Problem(422, detail, errors)
