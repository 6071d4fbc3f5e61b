"""Access tokens of Salesforce, by OAuth 2.0: client credentials (RFC 6749, 4.4) or a refresh token
(RFC 6749, 6). Source: help.salesforce.com, OAuth 2.0 Client Credentials Flow, read 2026-11-26.
"""

from __future__ import annotations

import threading
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass, field

from outreach.channels.crm import CannotPush
from outreach.channels.crm.client import Connecting
from outreach.channels.http import NoAnswer

PATH = "/services/oauth2/token"


@dataclass
class Tokens:
    """Keeps the token until Salesforce refuses it: it does not say how long one lasts."""

    url: str  # of the org: https://MYDOMAIN.my.salesforce.com
    client_id: str
    client_secret: str = field(repr=False)
    refresh_token: str = field(repr=False)
    connecting: Connecting
    _token: str = field(default="", repr=False)
    _instance: str = ""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def headers(self) -> Mapping[str, str]:
        """See `Auth`."""
        with self._lock:
            if not self._token:
                self._ask()
            return {"Authorization": f"Bearer {self._token}"}

    def renew(self, refused: Mapping[str, str]) -> bool:
        """See `Auth`. Another thread may have got a new one already."""
        with self._lock:
            if refused == {"Authorization": f"Bearer {self._token}"}:
                self._token = ""
        return True

    def instance(self) -> str:
        """Where the API is."""
        self.headers()
        return self._instance

    def _ask(self) -> None:
        form = {
            "grant_type": "refresh_token" if self.refresh_token else "client_credentials",
            "client_id": self.client_id, "client_secret": self.client_secret,
            "refresh_token": self.refresh_token,
        }  # fmt: skip
        body = urllib.parse.urlencode({name: value for name, value in form.items() if value})
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        caller = self.connecting.caller(self.url)
        try:
            answer = caller.call("POST", PATH, body.encode(), kind)
        except NoAnswer as error:
            raise CannotPush(f"Salesforce gives no access token: {error}.") from None
        finally:
            caller.close()
        said = answer.json()
        if not answer.ok or not isinstance(said, dict) or not said.get("access_token"):
            # `error` is a word such as invalid_client; its description may hold more.
            why = said.get("error") if isinstance(said, dict) else None
            raise CannotPush(
                f"Salesforce gives no access token ({answer.status} {str(why or '')[:40]}): look "
                "at client_id, client_secret and refresh_token under [crm]."
            )
        self._token = str(said["access_token"])
        self._instance = str(said.get("instance_url") or self.url)
        if self.url.startswith("https:") and not self._instance.startswith("https:"):
            raise CannotPush("Salesforce names an API without TLS: it is not called.")
