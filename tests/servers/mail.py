"""A real SMTP server (aiosmtpd) that keeps what it gets and answers as it is told."""

from __future__ import annotations

import base64
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

VANISH = "vanish"  # instead of an answer to the body: the connection breaks


@dataclass
class Mailbox:
    """`answers`: what the server says instead of yes, by stage (MAIL, RCPT, DATA)."""

    answers: dict[str, str] = field(default_factory=dict)
    got: list[Envelope] = field(default_factory=list)
    logins: list[bytes] = field(default_factory=list)
    connections: int = 0
    port: int = 0

    def letters(self) -> list[EmailMessage]:
        """What came, read as e-mail. (aiosmtpd looks at every property for each connection.)"""
        return [message_from_bytes(e.content, policy=policy.default) for e in self.got]  # type: ignore[arg-type, misc]

    async def handle_EHLO(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, host: str, answers: list[str]
    ) -> list[str]:
        session.host_name = host
        self.connections += 1
        return answers

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if "MAIL" in self.answers:
            return self.answers["MAIL"]
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if "RCPT" in self.answers:
            return self.answers["RCPT"]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        self.got.append(envelope)
        if self.answers.get("DATA") == VANISH:
            server.transport.abort()
        return self.answers.get("DATA", "250 OK")

    async def auth_XOAUTH2(self, server: SMTP, arguments: list[str]) -> Any:  # noqa: N802
        """Takes the token `right`."""
        given = base64.b64decode(arguments[1])
        self.logins.append(given)
        right = given.endswith(b"auth=Bearer right\x01\x01")
        return AuthResult(success=right, handled=False)

    def login(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> Any:
        """Takes the password `right`."""
        self.logins.append(data.login)
        return AuthResult(success=data.password == b"right", handled=False)


@contextmanager
def running(context: ssl.SSLContext | None = None, **options: Any) -> Iterator[Mailbox]:
    """A server on 127.0.0.1 as long as the block lasts; with `context` it offers STARTTLS."""
    box = Mailbox()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        box.port = free.getsockname()[1]
    options |= {"tls_context": context, "authenticator": box.login, "auth_require_tls": False}
    controller = Controller(
        box, hostname="127.0.0.1", port=box.port, enable_SMTPUTF8=True, **options
    )
    controller.start()
    try:
        yield box
    finally:
        controller.stop()
