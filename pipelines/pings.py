"""Tells a health-check service how the night goes, by the convention of Healthchecks.

`URL/start` at the start, `URL` when it is done, `URL/fail` when it is not
(https://healthchecks.io/docs/http_api/). The service notices by itself what never pings. A ping
that fails never fails the night. Bodies hold dates, steps, seconds and names of checks: no ids, no
personal data.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

# Healthchecks' own advice for curl is `-m 10 --retry 5`; a night should not wait for a minute.
TIMEOUT_SECONDS = 5.0
PAUSES_SECONDS = (0.5, 2.0)  # before the second and the third attempt
MOST_BYTES = 10_000  # Healthchecks keeps the first 100 kB


def _ignore(what: str) -> None:
    """Nobody wants to know."""


@dataclass(frozen=True)
class Pings:
    """Pings to `url`; none where it is empty. `note` gets one line for each ping that failed."""

    url: str
    note: Callable[[str], None] = _ignore
    timeout: float = TIMEOUT_SECONDS
    pauses: tuple[float, ...] = field(default=PAUSES_SECONDS)

    def start(self, facts: Mapping[str, Any]) -> bool:
        """The night begins. Returns whether the ping came through."""
        return self._send("/start", facts)

    def done(self, facts: Mapping[str, Any]) -> bool:
        """The night is done."""
        return self._send("", facts)

    def failed(self, facts: Mapping[str, Any]) -> bool:
        """The night failed, or was held back."""
        return self._send("/fail", facts)

    def _send(self, path: str, facts: Mapping[str, Any]) -> bool:
        if not self.url:
            return False
        body = json.dumps(facts, default=str).encode()[:MOST_BYTES]
        error = ""
        for pause in (0.0, *self.pauses):
            time.sleep(pause)
            error = self._post(path, body)
            if not error:
                return True
        # Without the address: it is a secret, whoever has it can ping.
        self.note(f"the health check could not be pinged ({path or 'done'}): {error}")
        return False

    def _post(self, path: str, body: bytes) -> str:
        """What went wrong, empty if nothing did."""
        import http.client
        import urllib.error
        import urllib.request

        # Settings let only http and https through.
        request = urllib.request.Request(  # noqa: S310
            _address(self.url, path), body, {"Content-Type": "application/json"}, method="POST"
        )
        try:
            with urllib.request.urlopen(request, timeout=self.timeout):  # noqa: S310
                return ""
        except urllib.error.HTTPError as error:
            error.close()
            return f"the server answered {error.code}"
        except (OSError, http.client.HTTPException, ValueError) as error:
            return str(getattr(error, "reason", error)) or type(error).__name__


def _address(url: str, path: str) -> str:
    """`path` put before a query, where the address has one."""
    base, mark, query = url.partition("?")
    return f"{base.rstrip('/')}{path}{mark}{query}"
