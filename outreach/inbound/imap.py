"""A folder of an IMAP server: what is new in it, and where it goes once it was dealt with."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from imapclient import SEEN, IMAPClient
from imapclient.exceptions import CapabilityError, IMAPClientAbortError, IMAPClientError, LoginError

from models.errors import WrongUsage
from models.settings_outreach import Imap
from outreach.channels.email.smtp import HERE
from outreach.channels.email.token import NoToken, Tokens, initial_response
from outreach.inbound.mime import MOST

AT_ONCE = 20  # messages a request: 5 MB at most


class Unreachable(OSError):
    """The mailbox cannot be read just now. Says why, without what the server said."""


@dataclass(frozen=True)
class Letter:
    """A message: its first `MOST` bytes, None where the server does not give them. `at`: when the
    server got it, or None where it does not say."""

    uid: int
    at: datetime | None
    raw: bytes | None


class Mailbox:
    """One connection, kept between rounds. Each method raises `Unreachable`."""

    def __init__(self, settings: Imap) -> None:
        """Raises `WrongUsage` where a password would travel in clear."""
        if settings.security == "none" and settings.host not in HERE:
            raise WrongUsage(
                '[inbound.imap] security = "none" would send the password in clear: use "tls" or '
                '"starttls". Nothing was read.'
            )
        self._settings = settings
        self._tokens = Tokens(settings)
        self._server: Any = None
        self.validity = 0

    @property
    def name(self) -> str:
        """What the store calls it."""
        ours = self._settings
        return f"{ours.username}@{ours.host}:{ours.port}/{ours.folder}"

    @property
    def files(self) -> bool:
        """Whether what was dealt with is moved or marked."""
        return bool(self._settings.move_to or self._settings.mark_seen)

    def open(self, now: datetime) -> None:
        """Connects where it is not. Raises `WrongUsage` for a folder that is not there."""
        if self._server is not None:
            return
        with self._speaking():
            self._server = self._connected()
            self._log_in(now)
            self._select()

    def new(self, after: int, since: datetime | None) -> list[int]:
        """UIDs above `after`, lowest first; with `since` those that came on that day or later."""
        asked: list[Any] = ["UID", f"{after + 1}:*"]
        asked += ["SINCE", since.date()] if since else []
        with self._speaking():
            self._server.noop()  # so that the server looks
            found = self._server.search(asked)
        return sorted(uid for uid in found if uid > after)  # `*` is always one

    def letters(self, uids: Sequence[int], now: datetime) -> Iterator[Letter]:
        """Those that are still there; `AT_ONCE` of them at most."""
        try:
            found = self._fetched(uids)
        except Unreachable:
            # Over a message that it cannot read Dovecot ends the connection: which one is it? Where
            # it is none of them, no connection can be had.
            self.open(now)
            if len(uids) > 1:
                for uid in uids:
                    yield from self.letters([uid], now)
            else:
                yield self._again(uids[0], now)
            return
        yield from found

    def _again(self, uid: int, now: datetime) -> Letter:
        try:
            return next(iter(self._fetched([uid])), Letter(uid, None, None))
        except Unreachable:
            self.open(now)
            return Letter(uid, None, None)

    def file(self, uids: Sequence[int]) -> None:
        """Marks them as read and moves them, as set; those that are gone are passed over."""
        with self._speaking():
            if self._settings.mark_seen:
                self._server.add_flags(uids, [SEEN], silent=True)
            if not self._settings.move_to:
                return
            if self._server.has_capability("MOVE"):  # RFC 6851
                self._server.move(uids, self._settings.move_to)
                return
            self._server.copy(uids, self._settings.move_to)
            self._server.delete_messages(uids, silent=True)
            if self._server.has_capability("UIDPLUS"):  # else everybody's deleted ones would go
                self._server.uid_expunge(uids)

    def wait(self, going: Callable[[], bool]) -> None:
        """Until the server says that there is more (IDLE, RFC 2177), for `poll_seconds` at most,
        or until told to end."""
        until = time.monotonic() + self._settings.poll_seconds
        with self._speaking():
            idle = self._server.has_capability("IDLE")
            if idle:
                self._server.idle()
            while going() and (left := until - time.monotonic()) > 0:
                began = time.monotonic()
                if idle and any(b"EXISTS" in told for told in self._told(min(left, 0.5))):
                    break
                # A connection that is gone answers nothing at once, again and again.
                time.sleep(max(0.0, min(left, 0.1) - (time.monotonic() - began)))
            if idle:
                self._server.idle_done()

    def close(self) -> None:
        """Lets go of the connection."""
        server, self._server = self._server, None
        if server is not None:
            with suppress(OSError, IMAPClientError):
                server.logout()

    def _told(self, seconds: float) -> list[Any]:
        found: list[Any] = self._server.idle_check(timeout=seconds)
        return found

    def _fetched(self, uids: Sequence[int]) -> list[Letter]:
        with self._speaking():
            found = self._server.fetch(uids, [f"BODY.PEEK[]<0.{MOST}>", "INTERNALDATE"])
        return [
            Letter(uid, told.get(b"INTERNALDATE"), told.get(b"BODY[]<0>"))
            for uid, told in sorted(found.items())
        ]

    def _connected(self) -> Any:
        ours, secure = self._settings, ssl.create_default_context()
        tls = ours.security == "tls"
        server = IMAPClient(
            ours.host, ours.port, ssl=tls, ssl_context=secure if tls else None,
            timeout=ours.timeout_seconds,
        )  # fmt: skip
        server.normalise_times = False  # with their zone
        if ours.security == "starttls":
            try:
                server.starttls(secure)
            except BaseException:
                server.shutdown()
                raise
        return server

    def _log_in(self, now: datetime) -> None:
        ours = self._settings
        if not ours.token_url:
            self._server.login(ours.username, ours.password)
            return
        token = self._tokens.get(now)

        def answer(challenge: bytes) -> str:
            # A challenge holds the server's reasons; an empty answer ends the exchange.
            return "" if challenge else initial_response(ours.username, token)

        try:
            self._server.sasl_login("XOAUTH2", answer)
        except LoginError:
            self._tokens.forget()
            raise

    def _select(self) -> None:
        ours = self._settings
        for name, folder in (("folder", ours.folder), ("move_to", ours.move_to)):
            if folder and not self._server.folder_exists(folder):
                self.close()
                raise WrongUsage(f"[inbound.imap] {name}: the mailbox has no folder {folder!r}.")
        told = self._server.select_folder(ours.folder, readonly=not self.files)
        self.validity = int(told[b"UIDVALIDITY"])

    @contextmanager
    def _speaking(self) -> Iterator[None]:
        """What the server or the network refuses is `Unreachable`, and the connection is let go."""
        try:
            yield
        except Unreachable:
            raise
        except (OSError, IMAPClientError) as error:
            server, self._server = self._server, None
            if server is not None:
                with suppress(OSError, IMAPClientError):
                    server.shutdown()
            raise Unreachable(_failure(error)) from None


def _failure(error: Exception) -> str:
    if isinstance(error, NoToken):
        return str(error)
    if isinstance(error, LoginError):
        return "the server does not take the username and its password or token"
    if isinstance(error, CapabilityError):
        return "the server offers no STARTTLS or no XOAUTH2"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the server's certificate is not trusted: {error.verify_message}"
    if isinstance(error, IMAPClientError) and not isinstance(error, IMAPClientAbortError):
        return "the server refused what it was asked"
    return f"no connection to the server: {type(error).__name__}"


def utc(at: datetime | None, now: datetime) -> datetime:
    """The moment a server told, never after `now`; `now` where it told none."""
    if at is None:
        return now
    return min(at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC), now)
