"""Signatures of Standard Webhooks 1.0 (github.com/standard-webhooks/standard-webhooks)."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from models.errors import WrongUsage

PREFIX = "whsec_"
TOLERANCE = timedelta(minutes=5)  # "Verifying webhooks", as the official libraries have it
_SHORTEST_SECRET = 24  # bytes; "Signature scheme"
_LONGEST_ID = 256


def read(text: str, setting: str) -> bytes:
    """The secret that `setting` holds. Raises `WrongUsage` where it is none."""
    try:
        secret = base64.b64decode(text.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        secret = b""
    if not text.startswith(PREFIX) or len(secret) < _SHORTEST_SECRET:
        raise WrongUsage(
            f"{setting} is no {PREFIX} with {_SHORTEST_SECRET} bytes or more in base64: make one "
            "with `openssl rand -base64 32`. Nothing was sent."
        )
    return secret


def sign(secret: bytes, message: str, at: datetime, body: bytes) -> str:
    """The header `webhook-signature`: HMAC-SHA256 over id, second and body."""
    signed = f"{message}.{int(at.timestamp())}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(secret, signed, "sha256")).decode()


def verified(secret: bytes, headers: Mapping[str, str], body: bytes, now: datetime) -> str | None:
    """The `webhook-id` of a body that was signed with the secret, in the last or next `TOLERANCE`;
    None of any other. `headers`: lower-case names."""
    name, second = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    given = headers.get("webhook-signature", "").encode()
    if not 0 < len(name) <= _LONGEST_ID or not (second.isascii() and second.isdecimal()):
        return None
    if len(second) > 12:
        return None
    at = datetime.fromtimestamp(int(second), UTC)
    if abs(now - at) > TOLERANCE:
        return None
    right = sign(secret, name, at, body).encode()
    # Several while a secret is changed.
    matches = [hmac.compare_digest(one, right) for one in given.split(b" ")[:10]]
    return name if any(matches) else None
