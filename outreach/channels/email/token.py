"""Access tokens for SMTP and IMAP with XOAUTH2, by OAuth 2.0's refresh token (RFC 6749, 6)."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from datetime import datetime, timedelta

from models.settings_outreach import MailServer

_MARGIN = timedelta(minutes=1)  # a token that is about to expire is asked for anew
_USUAL = 3600.0  # seconds, where the server does not say (RFC 6749, 5.1 leaves it open)


class NoToken(OSError):
    """The token server gave none. Says why, without what it said: that may hold a secret."""


@dataclass
class Tokens:
    """Keeps the access token until it expires."""

    settings: MailServer
    _token: str = ""
    _until: datetime | None = None

    def get(self, now: datetime) -> str:
        """An access token that is valid at `now`. Raises `NoToken`."""
        if self._until is None or now >= self._until:
            self._token, lasts = _asked(self.settings)
            self._until = now + timedelta(seconds=lasts) - _MARGIN
        return self._token

    def forget(self) -> None:
        """The token was not taken: the next one is a new one."""
        self._until = None


def initial_response(user: str, token: str) -> str:
    """What XOAUTH2 begins with (developers.google.com/gmail/imap/xoauth2-protocol)."""
    return f"user={user}\x01auth=Bearer {token}\x01\x01"


def _asked(settings: MailServer) -> tuple[str, float]:
    form = {
        "grant_type": "refresh_token", "client_id": settings.client_id,
        "client_secret": settings.client_secret, "refresh_token": settings.refresh_token,
    }  # fmt: skip
    body = urllib.parse.urlencode({k: v for k, v in form.items() if v}).encode()
    # http(s) only: the setting's pattern says so.
    request = urllib.request.Request(settings.token_url, body)  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=settings.timeout_seconds) as answer:  # noqa: S310
            told = json.load(answer)
        return str(told["access_token"]), float(told.get("expires_in") or _USUAL)
    except urllib.error.HTTPError as error:
        raise NoToken(f"no access token: the token server answered {error.code}") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise NoToken(f"no access token: {type(error).__name__}") from None
