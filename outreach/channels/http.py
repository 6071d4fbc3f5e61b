"""Calls to a server that the home is set to speak to.

Its address is looked up, judged and connected to once, so that a name cannot lead into this
network in between; redirections are not followed.
"""

from __future__ import annotations

import http.client
import ipaddress
import json
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, urlsplit

MOST_BYTES = 256 << 20  # of an answer: results of a bulk job are the longest (150 MB)


class NoAnswer(OSError):
    """The server did not answer. Says why, without the URL: that may hold a secret."""


class NotReached(NoAnswer):
    """There is no connection: the server has nothing of the call."""


class TooSlow(NoAnswer):
    """It takes longer than it may."""


class PrivateAddress(NotReached):
    """The URL leads into this network."""


@dataclass(frozen=True)
class Answer:
    """What a server answered. Header names are in lower case."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def retry_after(self) -> float | None:
        """Seconds to wait, where it says so in seconds (RFC 9110, 10.2.3 allows a date too)."""
        told = self.headers.get("retry-after", "").strip()
        return float(told) if told.isascii() and told.isdecimal() else None

    def json(self) -> Any:
        """The body read as JSON; None where it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


class Caller:
    """Calls one server; its connection is kept between calls."""

    def __init__(
        self, url: str, *, timeout: float, allow_private: bool, most_bytes: int = MOST_BYTES,
        longest: float | None = None,
    ) -> None:  # fmt: skip
        """`timeout`: seconds of silence; `longest`: of a whole call, however much comes meanwhile.
        Raises `ValueError` for a URL that is none, or names a user."""
        self._url = _split(url)
        self._timeout, self._allow_private = timeout, allow_private
        self._most_bytes, self._longest = most_bytes, longest
        self._kept: _Connection | None = None

    def call(
        self, method: str, path: str = "", body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:  # fmt: skip
        """Calls `path` below the URL. Raises `NoAnswer`.

        A kept connection that the server had closed meanwhile is opened anew, once.
        """
        kept = self._kept is not None
        try:
            return self._call(method, path, body, headers or {})
        except (PrivateAddress, TooSlow):
            raise
        except NoAnswer:
            if not kept:
                raise
            return self._call(method, path, body, headers or {})

    def close(self) -> None:
        """Lets go of the connection."""
        kept, self._kept = self._kept, None
        if kept is not None:
            kept.close()

    def _call(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> Answer:
        try:
            self._kept = self._kept or self._connect()
            with self._kept.cut_off_after(self._longest):
                self._kept.request(method, self._target(path), body, dict(headers))
                answer = self._kept.getresponse()
                read = answer.read(self._most_bytes + 1)
            if len(read) > self._most_bytes:
                raise NoAnswer(f"its answer is longer than {self._most_bytes:,} bytes")
            named = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, read, named)
        except NoAnswer:
            self.close()
            raise
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise NoAnswer(f"no answer: {type(error).__name__}") from None

    def _target(self, path: str) -> str:
        before = self._url.path.rstrip("/") if path else self._url.path or "/"
        return before + path + (f"?{self._url.query}" if self._url.query and not path else "")

    def _connect(self) -> _Connection:
        host = self._url.hostname or ""
        port = self._url.port or (443 if self._url.scheme == "https" else 80)
        connection = _Connection(host, port, self._address(host, port), self._timeout)
        if self._url.scheme == "https":
            connection.secure = ssl.create_default_context()
        try:
            connection.connect()
        except OSError as error:
            raise NotReached(f"no answer: {type(error).__name__}") from None
        return connection

    def _address(self, host: str, port: int) -> str:
        try:
            found = {info[4][0] for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
        except OSError:
            raise NotReached("its host cannot be found") from None
        if not self._allow_private and not all(
            ipaddress.ip_address(one).is_global for one in found
        ):
            raise PrivateAddress("its URL leads to a private address")
        return str(sorted(found)[0])


class _Connection(http.client.HTTPConnection):
    """Connects to `address`, and speaks (and asks for the certificate) as to `host`."""

    secure: ssl.SSLContext | None = None
    cut = False  # it took too long

    def __init__(self, host: str, port: int, address: str, timeout: float) -> None:
        super().__init__(host, port, timeout=timeout)
        self._to = address

    def connect(self) -> None:
        self.sock = socket.create_connection((self._to, self.port), self.timeout)
        # Headers and body are two writes: the second must not wait for the first one's receipt.
        with suppress(OSError):
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.secure is not None:
            self.sock = self.secure.wrap_socket(self.sock, server_hostname=self.host)

    @contextmanager
    def cut_off_after(self, seconds: float | None) -> Iterator[None]:
        """Ends what the block waits for, once it has taken so long."""
        if seconds is None:
            yield
            return
        # Held here: once an answer begins that ends with the connection, `self.sock` is None.
        timer = threading.Timer(seconds, self._cut_off, [self.sock])
        timer.daemon = True
        timer.start()
        try:
            yield
        except (OSError, http.client.HTTPException):
            if not self.cut:
                raise
        finally:
            timer.cancel()
        if self.cut:
            raise TooSlow(f"it takes longer than {seconds:g} s")

    def _cut_off(self, line: socket.socket) -> None:
        self.cut = True
        with suppress(OSError):
            line.shutdown(socket.SHUT_RDWR)


def _split(url: str) -> SplitResult:
    found = urlsplit(url)
    if found.scheme not in ("http", "https") or not found.hostname or found.username:
        raise ValueError("no URL of a host without a user")
    return found
