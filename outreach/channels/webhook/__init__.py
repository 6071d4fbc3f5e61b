"""A signed webhook, as Standard Webhooks 1.0 has it: the receiver can tell that it is from us, and
tells by `webhook-id` what it has had already."""

from __future__ import annotations

import http.client
import ipaddress
import json
import socket
import ssl
from urllib.parse import urlsplit

from models.errors import WrongUsage
from models.settings_outreach import Webhook
from outreach.channels import Later, Outgoing, Refused, Result, Sent
from outreach.channels.webhook.signature import read, sign

_AGAIN = frozenset({408, 425, 429})  # RFC 9110, 8470, 6585: the same may be asked again


class Hook:
    """Posts to one URL. The same `webhook-id` may come twice, and is the same message."""

    repeatable = True

    def __init__(self, settings: Webhook) -> None:
        """Raises `WrongUsage` for a secret or URL that cannot be used."""
        self._settings = settings
        self._secret = read(settings.secret, "[channels.webhook] secret")
        self._url = urlsplit(settings.url)
        if not self._url.hostname or self._url.username:
            raise WrongUsage("[channels.webhook] url is no URL of a host without a user.")

    def deliver(self, message: Outgoing) -> Result:
        """See `Transport`."""
        body = json.dumps(_event(message), ensure_ascii=False).encode()
        host = self._url.hostname or ""
        port = self._url.port or (443 if self._url.scheme == "https" else 80)
        address = self._address(host, port)
        if not isinstance(address, str):
            return address
        connection = _Connection(host, port, address, self._settings.timeout_seconds)
        if self._url.scheme == "https":
            connection.secure = ssl.create_default_context()
        path = (self._url.path or "/") + (f"?{self._url.query}" if self._url.query else "")
        try:
            connection.request("POST", path, body, self._headers(message, body))
            answer = connection.getresponse()
            return _judged(answer.status, answer.getheader("Retry-After"))
        except (OSError, http.client.HTTPException) as error:
            return Later(f"no answer: {type(error).__name__}", down=True)
        finally:
            connection.close()

    def close(self) -> None:
        """See `Transport`."""

    def _headers(self, message: Outgoing, body: bytes) -> dict[str, str]:
        return {
            "Content-Type": "application/json",
            "webhook-id": message.id,
            "webhook-timestamp": str(int(message.at.timestamp())),
            "webhook-signature": sign(self._secret, message.id, message.at, body),
        }

    def _address(self, host: str, port: int) -> str | Result:
        """The address to connect to, looked at before: a name may lead into this network."""
        try:
            found = {info[4][0] for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
        except OSError:
            return Later("its host cannot be found", down=True)
        closed = [one for one in found if not ipaddress.ip_address(one).is_global]
        if closed and not self._settings.allow_private:
            return Refused(
                "its URL leads to a private address: set [channels.webhook] allow_private"
            )
        return str(sorted(found)[0])


class _Connection(http.client.HTTPConnection):
    """Connects to `address`, and speaks (and asks for the certificate) as to `host`."""

    secure: ssl.SSLContext | None = None

    def __init__(self, host: str, port: int, address: str, timeout: float) -> None:
        super().__init__(host, port, timeout=timeout)
        self._to = address

    def connect(self) -> None:
        self.sock = socket.create_connection((self._to, self.port), self.timeout)
        if self.secure is not None:
            self.sock = self.secure.wrap_socket(self.sock, server_hostname=self.host)


def _event(message: Outgoing) -> dict[str, object]:
    words = ("customer_id", "channel", "purpose", "address", "name", "subject", "text", "language")
    return {
        "type": "outreach.message",
        "timestamp": message.at.isoformat(),
        "data": {"id": message.id, **{word: getattr(message, word) for word in words}},
    }


def _judged(status: int, retry_after: str | None) -> Result:
    if 200 <= status < 300:
        return Sent()
    after = float(retry_after) if retry_after and retry_after.isdecimal() else None
    if status in _AGAIN:
        return Later(f"answered {status}", after=after)
    if status >= 500:
        return Later(f"answered {status}", after=after, down=True)
    return Refused(f"answered {status}")
