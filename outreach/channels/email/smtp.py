"""Hands e-mails to an SMTP server, and knows at which moment nobody can tell whether it has one.

Until the server has been given the body (its answer 354) everything may be tried again. After the
body an answer tells; where the connection breaks instead, the message is in doubt.
"""

from __future__ import annotations

import re
import smtplib
import ssl
from contextlib import suppress
from datetime import datetime

from models.errors import WrongUsage
from models.settings_outreach import Email, Outreach
from outreach.channels import Later, Outgoing, Refused, Result, Sent, Unknown
from outreach.channels.email.letter import Letter, compose
from outreach.channels.email.token import NoToken, Tokens, initial_response
from outreach.drafting.twin import Twin

HERE = ("localhost", "127.0.0.1", "::1")
# RFC 3463: bad mailbox, system, syntax, mailbox moved; RFC 7505: a domain that takes no mail.
_NOBODY = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10"})
_ENHANCED = re.compile(r"^([245]\.\d{1,3}\.\d{1,3})\b\s*")
_ADDRESS = re.compile(r"\S+@\S+")
_GO_ON, _CLOSING, _TOO_LARGE = 354, 421, 552
_ANSWER = 120  # characters of it that are kept


class Smtp:
    """One connection, kept between messages."""

    repeatable = False

    def __init__(self, settings: Email, outreach: Outreach, twin: Twin | None = None) -> None:
        """`twin`: of the HTML parts, ours by default. Raises `WrongUsage` where a password would
        travel in clear."""
        if settings.username and settings.security == "none" and settings.host not in HERE:
            raise WrongUsage(
                '[channels.email] security = "none" would send the password in clear: use '
                '"starttls" or "tls". Nothing was sent.'
            )
        self._settings = settings
        self._outreach = outreach
        self._twin = twin or Twin.of()
        self._server: smtplib.SMTP | None = None
        self._tokens = Tokens(settings)

    def deliver(self, message: Outgoing) -> Result:
        """See `Transport`."""
        letter = compose(message, self._settings, self._outreach, self._twin)
        kept = self._server is not None
        result = self._hand_over(letter, message.at)
        if kept and self._server is None and isinstance(result, Later) and result.down:
            return self._hand_over(
                letter, message.at
            )  # the server had closed the connection that was kept
        return result

    def close(self) -> None:
        """See `Transport`."""
        server, self._server = self._server, None
        if server is not None:
            with suppress(OSError, smtplib.SMTPException):
                server.quit()

    def _hand_over(self, letter: Letter, at: datetime) -> Result:
        try:
            self._server = self._server or self._connect(at)
            before = self._envelope(self._server, letter)
        except (OSError, smtplib.SMTPException) as error:
            self._drop()
            return Later(_failure(error), down=True)
        return before or self._body(self._server, letter)

    def _envelope(self, server: smtplib.SMTP, letter: Letter) -> Result | None:
        """Sender, recipient, and leave to send the body; None where that was given."""
        options = ["SMTPUTF8", "BODY=8BITMIME"] if letter.utf8 else []
        if letter.utf8 and not server.has_extn("smtputf8"):
            return Refused("its address needs SMTPUTF8, which the server does not know")
        for stage, (code, answer) in (
            ("sender", server.mail(letter.sender, options)),
            ("recipient", server.rcpt(letter.recipient)),
        ):
            if code >= 300:
                return self._judged(stage, code, answer)
        code, answer = server.docmd("DATA")
        return None if code == _GO_ON else self._judged("body", code, answer)

    def _body(self, server: smtplib.SMTP, letter: Letter) -> Result:
        try:
            server.send(re.sub(rb"(?m)^\.", b"..", letter.content) + b".\r\n")
            code, answer = server.getreply()
        except (OSError, smtplib.SMTPException):
            self._drop()
            return Unknown("the connection broke after the message was handed over")
        if code >= 300:
            return self._judged("body", code, answer)
        return Sent()

    def _judged(self, stage: str, code: int, answer: bytes) -> Result:
        """What a refusal means: of whom, and for how long."""
        text = answer.decode("utf-8", "replace").replace("\n", " ")
        enhanced = _ENHANCED.match(text)
        why = f"{stage} not taken: {code} {_ADDRESS.sub('...', text)[:_ANSWER]}".strip()
        self._reset(code)
        if code == _CLOSING:
            return Later(why, down=True)
        if code < 500:
            return Later(why)
        if stage == "sender" and code != _TOO_LARGE:
            return Later(why, down=True)  # of us, not of this message
        nobody = enhanced is not None and enhanced[1] in _NOBODY
        return Refused(why, bounced=stage == "recipient" and nobody)

    def _reset(self, code: int) -> None:
        """Ready for the next message."""
        if code == _CLOSING or self._server is None:
            self._drop()
            return
        try:
            self._server.rset()
        except (OSError, smtplib.SMTPException):
            self._drop()

    def _drop(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.close()

    def _connect(self, at: datetime) -> smtplib.SMTP:
        ours, secure = self._settings, ssl.create_default_context()
        if ours.security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                ours.host, ours.port, timeout=ours.timeout_seconds, context=secure
            )
        else:
            server = smtplib.SMTP(ours.host, ours.port, timeout=ours.timeout_seconds)
        try:
            server.ehlo_or_helo_if_needed()
            if ours.security == "starttls":
                server.starttls(context=secure)  # raises where the server does not offer it
                server.ehlo()
            self._log_in(server, at)
        except BaseException:
            server.close()
            raise
        return server

    def _log_in(self, server: smtplib.SMTP, at: datetime) -> None:
        ours = self._settings
        if not ours.token_url:
            if ours.username:
                server.login(ours.username, ours.password)
            return
        token = self._tokens.get(at)

        def answer(challenge: bytes | None = None) -> str:
            # A challenge holds the server's reasons; an empty answer ends the exchange.
            return initial_response(ours.username, token) if challenge is None else ""

        try:
            server.auth("XOAUTH2", answer)
        except smtplib.SMTPAuthenticationError:
            self._tokens.forget()
            raise


def _failure(error: Exception) -> str:
    """Why there is no connection, without what the server said: that may be an address."""
    if isinstance(error, NoToken):
        return str(error)
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return (
            f"the server does not take the username and its password or token ({error.smtp_code})"
        )
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return "the server offers no STARTTLS or no login"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the server's certificate is not trusted: {error.verify_message}"
    return f"no connection to the server: {type(error).__name__}"
