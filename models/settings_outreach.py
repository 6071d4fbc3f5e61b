"""What outreach is set to: its store, sending, and the channels (docs/guides/send.md)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from models.contracts import CHANNELS
from models.section import Days, Kept, Many, Section

Seconds = Annotated[float, Field(gt=0)]
Url = Annotated[str, Field(pattern=r"^(https?://\S+)?$", repr=False)]
Channel = Literal[*CHANNELS]  # type: ignore[valid-type]
# One address, so that no header can be smuggled in.
Mailbox = Annotated[str, Field(pattern=r"^([^\s@<>,;:]+@[^\s@<>,;:]+)?$")]
Line = Annotated[str, Field(pattern=r"^[^\r\n]*$")]


class Outreach(Section):
    # Never checked here: a message about a wrong value would repeat its password.
    database: Annotated[str, Field(repr=False)] = ""
    base_url: Annotated[str, Field(pattern=r"^(https?://[^\s?#]+)?$")] = ""
    postal_address: str = ""
    company: Line = ""  # as customers know it
    language: Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]+)*$")] = "en"
    mailto: Mailbox = ""


class Send(Section):
    live: bool = False
    redirect_to: Mailbox = ""
    max_attempts: Many = 8
    first_wait_seconds: Seconds = 60
    lease_seconds: Seconds = 600
    stale_days: Days = 7
    keep_days: Days = 30
    poll_seconds: Seconds = 15


class MailServer(Section):
    """How a mail server is reached and logged in to."""

    host: str = ""
    port: Annotated[int, Field(ge=1, le=65535)] = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: str = ""
    password: Annotated[str, Field(repr=False)] = ""
    # Instead of a password: XOAUTH2, with access tokens from there.
    token_url: Url = ""
    client_id: str = ""
    client_secret: Annotated[str, Field(repr=False)] = ""
    refresh_token: Annotated[str, Field(repr=False)] = ""
    timeout_seconds: Seconds = 30


class Email(MailServer):
    from_address: Mailbox = ""
    from_name: Line = ""
    reply_to: Mailbox = ""
    per_minute: Kept = 60
    per_domain_per_minute: Kept = 20


class Webhook(Section):
    url: Url = ""
    secret: Annotated[str, Field(repr=False)] = ""
    carries: tuple[Channel, ...] = ()
    allow_private: bool = False
    timeout_seconds: Seconds = 15
    per_minute: Kept = 0


class FileDrop(Section):
    folder: str = ""
    carries: tuple[Channel, ...] = ()
    per_minute: Kept = 0


class Imap(MailServer):
    port: Annotated[int, Field(ge=1, le=65535)] = 993
    security: Literal["starttls", "tls", "none"] = "tls"
    folder: Line = "INBOX"
    move_to: Line = ""
    mark_seen: bool = False
    poll_seconds: Seconds = 60


class Inbound(Section):
    keep_text: bool = False
    webhook_secret: Annotated[str, Field(repr=False)] = ""
    imap: Imap = Imap()


class Channels(Section):
    email: Email = Email()
    webhook: Webhook = Webhook()
    file: FileDrop = FileDrop()
