"""A mail as the store takes it (outreach/store/received.py): addresses become keyed hashes."""

from __future__ import annotations

import hmac
import re
from datetime import datetime

from outreach.contact_point import NotAnAddress, keyed
from outreach.inbound.mail import Mail
from outreach.store.received import Arrived, Place

# Ours begin with the message's id. The domain is left out: it changes with the sender's address.
_OURS = re.compile(r"<([A-Za-z0-9_.-]{1,200})@")


def from_mail(
    mail: Mail, raw: bytes, *, key: bytes, at: datetime, place: Place, keep_text: bool
) -> Arrived:
    """`key` is the home's. A mail without a Message-ID is told from others by its bytes."""
    named = f"{mail.id}\0{mail.sender}".encode() if mail.id else raw
    return Arrived(
        id=named_by(key, "mail", named),
        kind=mail.kind,
        at=at,
        about=ids(mail.about),
        who=_point(key, mail.recipient if mail.kind == "bounce" else mail.sender),
        lasting=mail.lasting,
        status=mail.status,
        text=mail.text or None if keep_text else None,
        place=place,
    )


def named_by(key: bytes, way: str, name: bytes) -> str:
    """What stands for something that came in by that way under that name."""
    return hmac.digest(key, f"received\0{way}\0".encode() + name, "sha256").hex()


def ids(message_ids: tuple[str, ...]) -> tuple[str, ...]:
    """The ids of messages that Message-IDs may name."""
    return tuple(found[1] for one in message_ids if (found := _OURS.match(one)))


def _point(key: bytes, address: str) -> str:
    try:
        return keyed(key, "email", address)
    except NotAnAddress:
        return ""
