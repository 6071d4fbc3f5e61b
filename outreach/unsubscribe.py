"""The unsubscribe page: a signed link in each message, that works without a login.

Only POST acts (RFC 8058): mail scanners follow links with GET, and must not unsubscribe anybody.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from models.errors import WarmlineError
from outreach.store.database import Store
from outreach.store.interactions import tell
from outreach.store.permissions import unsubscribe

PATH = "/unsubscribe"
_BYTES = 20  # of the signature: 160 bits cannot be guessed
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
}
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>body{{font:1.1em/1.5 sans-serif;max-width:32em;margin:4em auto;padding:0 1em}}
button{{font:inherit;padding:.5em 1.5em}}</style></head>
<body><h1>{title}</h1>{body}</body></html>
"""
_ASK = (
    "Stop these messages?",
    '<form method="post"><button type="submit">Yes, write to me no more</button></form>',
)
_DONE = "Done", "<p>We will not write to you there any more.</p>"
_UNKNOWN = "This link is not valid", "<p>Answer the message instead: a person reads it.</p>"
_LATER = "Please try again", "<p>It could not be saved just now. Nothing was changed.</p>"


def link(base_url: str, key: bytes, message: str) -> str:
    """The link of a message; `key` is the home's, and nobody without it can make one."""
    return f"{base_url.rstrip('/')}{PATH}/{message}.{_signature(key, message)}"


def verified(key: bytes, token: str) -> str | None:
    """The message that a link's last part names; None where it is not of our making."""
    message, _, signature = token.rpartition(".")
    known = hmac.compare_digest(signature.encode(), _signature(key, message).encode())
    return message if known else None


def app(
    store: Store, key: bytes, home: Path, clock: Callable[[], datetime], *others: Route
) -> Starlette:
    """The page as an ASGI application: GET asks, POST acts, at once and for what is queued too.
    `others`: what else it serves."""

    def ask(request: Request) -> HTMLResponse:
        known = verified(key, request.path_params["token"]) is not None
        return _page(_ASK if known else _UNKNOWN, 200 if known else 404)

    def act(request: Request) -> HTMLResponse:
        message = verified(key, request.path_params["token"])
        if message is None:
            return _page(_UNKNOWN, 404)
        now = clock()
        try:
            unsubscribe(store, by="unsubscribe link", now=now, message=message)
            tell(store, home, now=now)
        except (WarmlineError, OSError):
            return _page(_LATER, 503)
        return _page(_DONE, 200)

    path = PATH + "/{token}"
    page = Route(path, ask, methods=["GET"]), Route(path, act, methods=["POST"])
    return Starlette(routes=[*page, *others])


def _page(words: tuple[str, str], status: int) -> HTMLResponse:
    title, body = words
    return HTMLResponse(_PAGE.format(title=title, body=body), status, headers=_HEADERS)


def _signature(key: bytes, message: str) -> str:
    digest = hmac.digest(key, f"unsubscribe\0{message}".encode(), "sha256")[:_BYTES]
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
