"""`POST /inbound`: what another system knows of our messages, signed as Standard Webhooks have it.

{"type": "message.bounced", "timestamp": "2026-07-01T08:00:00Z",
 "data": {"message": "3fa09c...", "status": "5.1.1"}}
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import AwareDatetime, BaseModel, Field, ValidationError, model_validator
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from models.errors import WarmlineError
from models.problems import Problem
from models.settings_outreach import Inbound
from outreach.channels.webhook.signature import read, verified
from outreach.inbound import words
from outreach.inbound.arriving import ids, named_by
from outreach.inbound.mail import lasts
from outreach.store.database import Store
from outreach.store.interactions import tell
from outreach.store.received import Arrived, receive
from outreach.web import LATER, body_of, field_by_field

PATH = "/inbound"
BY = "webhook"
KINDS = {
    "message.replied": "answer", "message.bounced": "bounce", "message.complained": "complaint",
    "message.unsubscribed": "unsubscribe", "message.delivered": "delivery",
}  # fmt: skip
AS_DOCUMENTED = "The event is not as docs/guides/inbound.md has it."


class Data(BaseModel):
    """`message`: our id of it; or `message_id`: its header Message-ID. `status` (RFC 3463), or
    else `permanent`: of a bounce. `text`: of an answer; kept only if [inbound] keep_text."""

    message: str = Field("", pattern=r"^[A-Za-z0-9_.-]{0,200}$")
    message_id: str = Field("", max_length=1_000)
    status: str = Field("", pattern=r"^([245]\.\d{1,3}\.\d{1,3})?$")
    permanent: bool = False
    text: str = ""

    @model_validator(mode="after")
    def _names_one(self) -> Data:
        if not self.message and not ids((self.message_id,)):
            raise ValueError("neither message nor message_id names a message")
        return self


class Event(BaseModel):
    """What happened and when; `data` as of that type."""

    type: str
    timestamp: AwareDatetime
    data: dict[str, Any]


def routes(
    store: Store, key: bytes, home: Path, clock: Callable[[], datetime], settings: Inbound
) -> list[Route]:
    """None where no secret is set. Raises `WrongUsage` for one that cannot be used."""
    if not settings.webhook_secret:
        return []
    secret = read(settings.webhook_secret, "[inbound] webhook_secret")

    def take(name: str, body: bytes) -> str:
        now = clock()
        event = _event(body)
        if event.type not in KINDS:
            return "ignored"
        arrived = _arrived(event, named_by(key, "webhook", name.encode()), now, settings.keep_text)
        became = receive(store, arrived, by=BY, now=now)
        tell(store, home, now=now)
        return became

    async def inbound(request: Request) -> Response:
        try:
            body = await body_of(request)
            name = verified(secret, request.headers, body, clock())
            if name is None:
                raise Problem(401, "The signature is missing, wrong, or older than five minutes.")
            return JSONResponse({"became": await run_in_threadpool(take, name, body)})
        except Problem as problem:
            return problem.response()
        except (WarmlineError, OSError):
            return LATER.response()

    return [Route(PATH, inbound, methods=["POST"])]


def _event(body: bytes) -> Event:
    try:
        return Event.model_validate_json(body)
    except ValidationError as error:
        raise field_by_field(error, AS_DOCUMENTED) from None


def _arrived(event: Event, name: str, now: datetime, keep_text: bool) -> Arrived:
    try:
        data = Data.model_validate(event.data)
    except ValidationError as error:
        raise field_by_field(error, AS_DOCUMENTED, inside="/data") from None
    return Arrived(
        id=name,
        kind=KINDS[event.type],
        at=min(event.timestamp, now),
        about=(data.message,) if data.message else ids((data.message_id,)),
        trusted=True,
        lasting=lasts(data.status) if data.status else data.permanent,
        status=data.status,
        text=words.own(data.text) or None if keep_text else None,
    )
