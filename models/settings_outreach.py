"""What outreach is set to: its store, sending, and the channels (docs/guides/send.md)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import time
from typing import Annotated, Literal

from pydantic import Field

from models.contracts import CHANNELS, PUSHED, RENEWAL
from models.section import Days, Kept, Many, Section

Seconds = Annotated[float, Field(gt=0)]
Url = Annotated[str, Field(pattern=r"^(https?://\S+)?$", repr=False)]
Channel = Literal[*CHANNELS]  # type: ignore[valid-type]
Pushed = Literal[*PUSHED, *RENEWAL]  # type: ignore[valid-type]
# A field or object of a CRM: it becomes part of a path and of a query.
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]*$")]
# One address, so that no header can be smuggled in.
Mailbox = Annotated[str, Field(pattern=r"^([^\s@<>,;:]+@[^\s@<>,;:]+)?$")]
Line = Annotated[str, Field(pattern=r"^[^\r\n]*$")]


class Rewriting(Section):
    """A language model that may rewrite drafts (docs/guides/letters.md): none without a URL."""

    url: Url = ""  # of an API as OpenAI's, up to `/v1`
    model: Line = ""
    # Never checked here: a message about a wrong value would repeat it.
    key: Annotated[str, Field(repr=False)] = ""
    allow_private: bool = False
    timeout_seconds: Seconds = 60


class Outreach(Section):
    # Never checked here: a message about a wrong value would repeat its password.
    database: Annotated[str, Field(repr=False)] = ""
    base_url: Annotated[str, Field(pattern=r"^(https?://[^\s?#]+)?$")] = ""
    postal_address: str = ""
    company: Line = ""  # as customers know it
    language: Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]+)*$")] = "en"
    mailto: Mailbox = ""
    claims: bool = False
    rewriting: Rewriting = Rewriting()


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


class CrmTasks(Section):
    """Work items as tasks of the CRM. `owners`: its users by our owner_id; `closed_as`: how an item
    is closed, by the word with which its task ended."""

    live: bool = False
    key: Name = ""  # the task's field with our key; empty: warmline_item, Warmline_Item__c
    outcome: Name = ""  # a task's field that says how it ended; empty: its status
    owners: Mapping[str, str] = {}
    default_owner: str = ""
    closed_as: Mapping[str, str] = {}


class Crm(Section):
    """The CRM that `warmline push` writes to (docs/guides/push.md)."""

    kind: Literal["", "hubspot", "salesforce", "generic"] = ""
    object: Name = ""  # empty: companies, Account, customers
    key: Name = ""  # the field that holds our customer_id; empty: warmline_id, Warmline_Id__c
    fields: Mapping[Pushed, Name] = {}  # under another name; empty: not at all
    create: bool = False
    refresh_days: Days = 7
    url: Url = ""
    token: Annotated[str, Field(repr=False)] = ""
    client_id: str = ""
    client_secret: Annotated[str, Field(repr=False)] = ""
    refresh_token: Annotated[str, Field(repr=False)] = ""
    secret: Annotated[str, Field(repr=False)] = ""
    version: Annotated[str, Field(pattern=r"^[0-9]{2,3}\.0$")] = "62.0"  # of Salesforce's API
    at_once: Annotated[int, Field(ge=1, le=10_000)] = 200  # records a call of the generic kind
    bulk_from: Many = 5_000
    per_second: Seconds = 9
    parallel: Annotated[int, Field(ge=1, le=16)] = 4
    allow_private: bool = False
    timeout_seconds: Seconds = 60
    tasks: CrmTasks = CrmTasks()


class Chat(Section):
    """Slack-compatible incoming webhooks that tell owners of their lists. Who has such a URL can
    write there: none is shown, nor checked here, since a message about a wrong value repeats it."""

    url: Annotated[str, Field(repr=False)] = ""  # of whoever has none of their own
    owners: Annotated[Mapping[str, str], Field(repr=False)] = {}
    not_before: time = time(0)
    items: Annotated[int, Field(ge=1, le=40)] = 10
    allow_private: bool = False
    timeout_seconds: Seconds = 15


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
    chat: Chat = Chat()
