"""What callers say in headers."""

from __future__ import annotations

from starlette.requests import Request

from models.problems import Problem

LONGEST_KEY = 255


def idempotency_key(request: Request) -> str | None:
    """The caller's own name of the call; None where it gives none. Raises `Problem` 400."""
    key = request.headers.get("idempotency-key")
    if key is not None and not 0 < len(key) <= LONGEST_KEY:
        raise Problem(400, f"An Idempotency-Key has 1 to {LONGEST_KEY} letters.")
    return key
