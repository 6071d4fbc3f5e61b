"""A letter as its reader will see it: what its mail would say if it went now."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from html import escape
from pathlib import Path
from typing import Any

from models.errors import WarmlineError
from models.settings import Settings
from outreach.channels import Outgoing, Unsendable
from outreach.channels.email.letter import compose
from outreach.channels.email.picture import WIDTH, picture
from outreach.drafting.twin import Twin
from outreach.unsubscribe import PATH

SHOWN = ("From", "Reply-To", "To", "Subject", "List-Unsubscribe")
NOT_SET = "from_address@not-set.invalid"  # (RFC 2606) until the home has one


@dataclass(frozen=True)
class Seen:
    """A mail read back from its bytes: the headers of `SHOWN` that it has, and both parts."""

    headers: Mapping[str, str]
    text: str
    html: str
    language: str

    def lines(self) -> list[str]:
        """It for a terminal, which no character of it can steer."""
        heads = [f"{name}: {visible(value)}" for name, value in self.headers.items()]
        return [*heads, "", *(visible(line) for line in self.text.splitlines())]

    def picture(self, path: Path) -> None:
        """It as PNG at `path`: the headers and the text, under them the HTML part. Raises as
        `picture`."""
        rows = "".join(
            f"<tr><th>{name}<td><bdi>{escape(value)}</bdi>" for name, value in self.headers.items()
        )
        picture([_SHEET.format(rows=rows, text=escape(self.text)), self.html], path)


def seen(row: Any, settings: Settings, root: Path, now: datetime) -> Seen:
    """The mail of `row` (of `messages`). Its unsubscribe link is none that works, so that it can
    be shown around. Raises `WarmlineError` where it is no e-mail or cannot be written yet."""
    if row.channel != "email":
        raise WarmlineError(f"Message {row.id} goes by {row.channel}, not by e-mail.")
    if not row.address or not row.text:
        raise WarmlineError(
            f"Message {row.id} has no words yet: `warmline outreach edit {row.id}` writes it."
        )
    ours, base = settings.channels.email, settings.outreach.base_url.rstrip("/")
    if not ours.from_address:
        ours = ours.model_copy(update={"from_address": NOT_SET})
    message = Outgoing.of(row, now, unsubscribe_url=f"{base}{PATH}/..." if base else None)
    try:
        letter = compose(message, ours, settings.outreach, Twin.of(root))
    except Unsendable as error:
        raise WarmlineError(f"Message {row.id} cannot be sent: {error}.") from None
    return _read(letter.content, message.language or settings.outreach.language)


def _read(content: bytes, language: str) -> Seen:
    mail = message_from_bytes(content, policy=policy.default)
    assert isinstance(mail, EmailMessage)  # noqa: S101 - as the policy makes it
    parts = {kind: mail.get_body((kind,)) for kind in ("plain", "html")}
    words = {kind: part.get_content() if part else "" for kind, part in parts.items()}
    headers = {name: str(mail[name]) for name in SHOWN if mail[name]}
    return Seen(headers, words["plain"], words["html"], language)


def visible(text: str) -> str:
    """Words for a terminal: what would steer it is shown as a sign instead."""
    return "".join("\N{REPLACEMENT CHARACTER}" if _steers(sign) else sign for sign in text)


def _steers(sign: str) -> bool:
    return sign not in "\t\n" and unicodedata.category(sign) == "Cc"


_SHEET = f"""<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>letter</title><style>
body {{{{ margin: 0; padding: 16px; width: {WIDTH - 32}px; background: #f2f2f2; color: #222;
  font: 14px/1.5 sans-serif; }}}}
th {{{{ text-align: left; vertical-align: top; padding-right: 1em; font-weight: normal; }}}}
td, pre {{{{ overflow-wrap: anywhere; }}}}
pre {{{{ margin: 16px 0 0; padding: 16px; background: #fff; white-space: pre-wrap; font-size: 13px;
  unicode-bidi: plaintext; }}}}
</style><table>{{rows}}</table><pre>{{text}}</pre></html>
"""
