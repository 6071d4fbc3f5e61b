"""How a message leaves: one folder a transport. What each takes, and what it says became of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True)
class Outgoing:
    """A claimed message as a transport sees it."""

    id: str  # also the idempotency key: the same at each attempt
    customer_id: str
    channel: str
    purpose: str
    address: str
    text: str
    at: datetime  # of this attempt
    subject: str = ""
    html: str | None = None
    name: str | None = None
    from_name: str | None = None
    language: str | None = None
    in_reply_to: str | None = None
    unsubscribe_url: str | None = None

    @classmethod
    def of(cls, row: Any, at: datetime, **others: Any) -> Outgoing:
        """The message of a row of `messages`, as it goes at that moment."""
        same = (
            "id", "customer_id", "channel", "purpose", "address", "html", "name", "from_name",
            "language", "in_reply_to",
        )  # fmt: skip
        told = {name: getattr(row, name) for name in same}
        return cls(**told, text=row.text or "", subject=row.subject or "", at=at, **others)


@dataclass(frozen=True)
class Sent:
    """The other side has it. `remote_id`: what it calls it, where it says so."""

    remote_id: str | None = None


@dataclass(frozen=True)
class Later:
    """It was not taken and may be tried again; `after` seconds where the other side says so.
    `down`: nobody's message would have been taken."""

    why: str
    after: float | None = None
    down: bool = False


@dataclass(frozen=True)
class Refused:
    """It was not taken and never will be. `bounced`: there is no such recipient."""

    why: str
    bounced: bool = False


@dataclass(frozen=True)
class Unknown:
    """It may have been taken: only a person can find out."""

    why: str


Result = Sent | Later | Refused | Unknown


class Unsendable(ValueError):
    """The message cannot be written as this transport wants it. Says why, without its words."""


class Transport(Protocol):
    """A way out. One at a time uses it."""

    # The same id twice has its effect once, so what became of a message need not be known to send
    # it again.
    repeatable: bool

    def deliver(self, message: Outgoing) -> Result:
        """Sends it, or says why not. Raises `Unsendable` before anything was sent."""
        ...

    def close(self) -> None:
        """Lets go of connections."""
        ...
