"""A message as an e-mail: text and HTML, who it is from, how to be written to no more."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime
from html import unescape
from typing import Any

from models.settings_outreach import Email, Outreach
from outreach import contact_point
from outreach.channels import Outgoing, Unsendable
from outreach.drafting.twin import Foot, Twin

# What the link under a letter says, by language; elsewhere the web address stands for itself.
_NO_MORE = {"en": "Unsubscribe", "de": "Abbestellen", "es": "Darse de baja", "fr": "Se désabonner"}
UNSUBSCRIBE = "unsubscribe"  # subject of the mail that List-Unsubscribe asks for
_JOINERS = "\u200c\u200d"  # not seen, but parts of Persian, Indic words and emoji


class _Policy(EmailPolicy):
    """Folds no header that programs read: a long link without a blank would become an encoded
    word, which no mail program takes for a link (RFC 2047, 5)."""

    def fold_binary(self, name: str, value: Any) -> bytes:
        if name.lower() in _WHOLE:
            return f"{name}: {value}{self.linesep}".encode("ascii")
        return super().fold_binary(name, value)


SMTP = _Policy(linesep="\r\n")
_WHOLE = ("list-unsubscribe", "message-id", "in-reply-to", "references")


@dataclass(frozen=True)
class Letter:
    """An e-mail ready to be handed over. `utf8`: its addresses need SMTPUTF8 (RFC 6531)."""

    sender: str
    recipient: str
    content: bytes  # lines end in CRLF
    utf8: bool


def compose(message: Outgoing, settings: Email, outreach: Outreach, twin: Twin) -> Letter:
    """The e-mail, with `twin` for its HTML part where the message has none of its own. The same
    message has the same Message-ID at each attempt.

    Control characters of names and subject become spaces, so that no header can be added. Raises
    `Unsendable` where the address is none.
    """
    if not settings.from_address:
        raise Unsendable("[channels.email] from_address is not set")
    sender, recipient = _mailbox(settings.from_address), _mailbox(message.address)
    letter = EmailMessage(policy=SMTP)
    letter["From"] = _named(message.from_name or settings.from_name, sender)
    letter["To"] = _named(message.name, recipient)
    letter["Subject"] = plain(message.subject)
    letter["Date"] = format_datetime(message.at)
    letter["Message-ID"] = message_id(message.id, settings)
    for name, value in _more(message, settings, outreach):
        letter[name] = value
    letter.set_content(_text(message, outreach), cte="quoted-printable")
    page = _html(message, outreach) if message.html else _twin(message, outreach, twin)
    letter.add_alternative(page, subtype="html", cte="quoted-printable")
    utf8 = not f"{sender}{recipient}".isascii()
    content = letter.as_bytes(policy=SMTP.clone(utf8=utf8))
    return Letter(sender, recipient, content, utf8)


def message_id(message: str, settings: Email) -> str:
    """The Message-ID of a message: its idempotency key at the sender's domain."""
    return f"<{message}@{contact_point.domain_of('email', settings.from_address)}>"


def plain(text: str | None) -> str:
    """One line: control characters become spaces, characters that turn the order of others go."""
    seen = (
        " " if unicodedata.category(c) in ("Cc", "Zl", "Zp") else c
        for c in text or ""
        if c in _JOINERS or unicodedata.category(c) not in ("Cf", "Cs")
    )
    return " ".join("".join(seen).split())


def _mailbox(address: str) -> str:
    """As given, but for the domain, which is IDNA."""
    try:
        domain = contact_point.domain_of("email", address)
    except contact_point.NotAnAddress as error:
        raise Unsendable(f"it has no usable address: {error}") from None
    return f"{address.strip().rpartition('@')[0]}@{domain}"


def _named(name: str | None, mailbox: str) -> Address:
    local, _, domain = mailbox.rpartition("@")
    return Address(plain(name), local, domain)


def _more(message: Outgoing, settings: Email, outreach: Outreach) -> Iterator[tuple[str, str]]:
    if settings.reply_to:
        yield "Reply-To", settings.reply_to
    if message.in_reply_to:
        yield "In-Reply-To", plain(message.in_reply_to)
        yield "References", plain(message.in_reply_to)
    if message.language:
        yield "Content-Language", plain(message.language)
    ways = [f"<{message.unsubscribe_url}>"] if message.unsubscribe_url else []
    if outreach.mailto:
        ways.append(f"<mailto:{outreach.mailto}?subject={UNSUBSCRIBE}>")
    if ways:
        yield "List-Unsubscribe", ", ".join(ways)
    if message.unsubscribe_url and message.unsubscribe_url.startswith("https://"):
        yield "List-Unsubscribe-Post", "List-Unsubscribe=One-Click"  # RFC 8058


def _foot(message: Outgoing, outreach: Outreach, words: str) -> list[Foot]:
    """What has to stand under it and does not yet."""
    url, language = message.unsubscribe_url, _language(message, outreach).partition("-")[0]
    lines = [Foot(outreach.postal_address)] if outreach.postal_address else []
    lines += [Foot(_NO_MORE.get(language, url), url)] if url else []
    return [line for line in lines if (line.url or line.words) not in words]


def _language(message: Outgoing, outreach: Outreach) -> str:
    return message.language or outreach.language


def _text(message: Outgoing, outreach: Outreach) -> str:
    foot = [line.text() for line in _foot(message, outreach, message.text)]
    return "\n".join([message.text.rstrip("\n"), *(["", "-- ", *foot] if foot else []), ""])


def _twin(message: Outgoing, outreach: Outreach, twin: Twin) -> str:
    return twin.render(
        message.text, language=_language(message, outreach), subject=plain(message.subject),
        names=[plain(name) for name in (message.name, message.from_name)],
        foot=_foot(message, outreach, message.text),
    )  # fmt: skip


def _html(message: Outgoing, outreach: Outreach) -> str:
    """Its own HTML, with the foot where its body ends."""
    words = message.html or ""
    foot = _foot(message, outreach, unescape(words))
    before, end, after = words.rpartition("</body>")
    under = "".join(f"<p>{line.html()}</p>" for line in foot)
    return f"{before}{under}{end}{after}" if end else words + under
