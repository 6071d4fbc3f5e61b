"""A message before it is sent: to whom, and its words."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from outreach.contact_point import domain_of, keyed
from outreach.planned import Planned

_GAP = "\N{MATHEMATICAL LEFT WHITE SQUARE BRACKET}{}\N{MATHEMATICAL RIGHT WHITE SQUARE BRACKET}"


def gap(name: str) -> str:
    """How words show that something is not known yet: ⟦name⟧."""
    return _GAP.format(name)


def gaps(*words: str | None) -> list[str]:
    """What is not known yet in `words`, each once."""
    found = (match for text in words for match in re.findall(_GAP.format("(.*?)"), text or ""))
    return list(dict.fromkeys(found))


@dataclass(frozen=True)
class Draft:
    """Words for one contact point. On channels without a subject it is empty."""

    contact_point: str  # keyed hash of the address
    domain: str  # of the address, for rate limits
    address: str
    subject: str
    text: str
    html: str | None = None
    name: str | None = None  # of the recipient
    from_name: str | None = None  # a real person's
    language: str | None = None  # BCP 47
    in_reply_to: str | None = None  # a Message-ID of the same conversation

    @classmethod
    def to(cls, key: bytes, channel: str, address: str, **words: Any) -> Draft:
        """To `address` on `channel`; `key` is the home's. Raises `NotAnAddress`."""
        point = keyed(key, channel, address)
        return cls(point, domain_of(channel, address), address.strip(), **words)

    def columns(self) -> dict[str, Any]:
        """As columns of `messages`."""
        return asdict(self)


Drafts = Callable[[Planned], Draft | None]  # None: nobody has written it yet


def no_words(planned: Planned) -> Draft | None:
    """Nobody has written anything: each message waits as a draft for a person's words."""
    return None
