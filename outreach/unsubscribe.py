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
    "Vary": "Accept-Language",
    "X-Robots-Tag": "noindex",
}
_PAGE = """<!doctype html>
<html lang="{lang}"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<style>body{{font:1.1em/1.5 sans-serif;max-width:32em;margin:4em auto;padding:0 1em}}
button{{font:inherit;padding:.5em 1.5em}}</style></head>
<body><main><h1>{title}</h1>{body}</main></body></html>
"""
_BUTTON = '<form method="post"><button type="submit">{}</button></form>'
_SAYS = "<p>{}</p>"
# Of each page its title and its words, in the languages of our letters; the first is the usual one.
_WORDS = {
    "en": {
        "ask": ("Stop these messages?", "Yes, write to me no more"),
        "done": ("Done", "We will not write to you there any more."),
        "unknown": ("This link is not valid", "Answer the message instead: a person reads it."),
        "later": ("Please try again", "It could not be saved just now. Nothing was changed."),
    },
    "de": {
        "ask": ("Keine Nachrichten mehr?", "Ja, schreiben Sie mir nicht mehr"),
        "done": ("Erledigt", "Wir schreiben Ihnen dort nicht mehr."),
        "unknown": ("Dieser Link ist nicht gültig",
                    "Antworten Sie stattdessen auf die Nachricht: Ein Mensch liest sie."),
        "later": ("Bitte noch einmal versuchen",
                  "Es ließ sich gerade nicht speichern. Nichts wurde geändert."),
    },
    "es": {
        "ask": ("¿No recibir más mensajes?", "Sí, no me escriban más"),
        "done": ("Hecho", "No le escribiremos más a esa dirección."),
        "unknown": ("Este enlace no es válido", "Responda al mensaje: lo lee una persona."),
        "later": ("Inténtelo de nuevo",
                  "No se pudo guardar en este momento. No se ha cambiado nada."),
    },
    "fr": {
        "ask": ("Ne plus recevoir ces messages ?", "Oui, ne m’écrivez plus"),
        "done": ("C’est fait", "Nous ne vous écrirons plus à cette adresse."),
        "unknown": ("Ce lien n’est pas valable",
                    "Répondez plutôt au message : une personne le lira."),
        "later": ("Veuillez réessayer",
                  "L’enregistrement n’a pas pu se faire. Rien n’a été modifié."),
    },
}  # fmt: skip
_STATUS = {"ask": 200, "done": 200, "unknown": 404, "later": 503}


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
        return _page("ask" if known else "unknown", request)

    def act(request: Request) -> HTMLResponse:
        message = verified(key, request.path_params["token"])
        if message is None:
            return _page("unknown", request)
        now = clock()
        try:
            unsubscribe(store, by="unsubscribe link", now=now, message=message)
            tell(store, home, now=now)
        except (WarmlineError, OSError):
            return _page("later", request)
        return _page("done", request)

    path = PATH + "/{token}"
    page = Route(path, ask, methods=["GET"]), Route(path, act, methods=["POST"])
    return Starlette(routes=[*page, *others])


def _page(name: str, request: Request) -> HTMLResponse:
    lang = _language(request.headers.get("accept-language", ""))
    title, words = _WORDS[lang][name]
    body = (_BUTTON if name == "ask" else _SAYS).format(words)
    page = _PAGE.format(lang=lang, title=title, body=body)
    return HTMLResponse(page, _STATUS[name], headers=_HEADERS)


def _language(accepted: str) -> str:
    """The first of a browser's languages (RFC 9110, 12.5.4) in which we have words. Browsers name
    them in the order in which they are wanted."""
    for each in accepted.split(","):
        plain = each.partition(";")[0].strip().partition("-")[0].lower()
        if plain in _WORDS:
            return plain
    return next(iter(_WORDS))


def _signature(key: bytes, message: str) -> str:
    digest = hmac.digest(key, f"unsubscribe\0{message}".encode(), "sha256")[:_BYTES]
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
