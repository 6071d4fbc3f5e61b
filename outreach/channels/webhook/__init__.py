"""A signed webhook, as Standard Webhooks 1.0 has it: the receiver can tell that it is from us, and
tells by `webhook-id` what it has had already."""

from __future__ import annotations

import json
from datetime import datetime

from models.errors import WrongUsage
from models.settings_outreach import Webhook
from outreach.channels import Later, Outgoing, Refused, Result, Sent
from outreach.channels.http import Answer, Caller, NoAnswer, PrivateAddress
from outreach.channels.webhook.signature import read, sign

_AGAIN = frozenset({408, 425, 429})  # RFC 9110, 8470, 6585: the same may be asked again


class Hook:
    """Posts to one URL. The same `webhook-id` may come twice, and is the same message."""

    repeatable = True

    def __init__(self, settings: Webhook) -> None:
        """Raises `WrongUsage` for a secret or URL that cannot be used."""
        self._secret = read(settings.secret, "[channels.webhook] secret")
        try:
            self._caller = Caller(
                settings.url, timeout=settings.timeout_seconds, allow_private=settings.allow_private
            )
        except ValueError as error:
            raise WrongUsage(f"[channels.webhook] url is {error}.") from None

    def deliver(self, message: Outgoing) -> Result:
        """See `Transport`."""
        body = json.dumps(_event(message), ensure_ascii=False).encode()
        headers = signed(self._secret, message.id, message.at, body)
        try:
            answer = self._caller.call("POST", body=body, headers=headers)
        except PrivateAddress as error:
            return Refused(f"{error}: set [channels.webhook] allow_private")
        except NoAnswer as error:
            return Later(str(error), down=True)
        finally:
            self._caller.close()
        return _judged(answer)

    def close(self) -> None:
        """See `Transport`."""


def signed(secret: bytes, message: str, at: datetime, body: bytes) -> dict[str, str]:
    """The headers of a signed JSON body."""
    return {
        "Content-Type": "application/json",
        "webhook-id": message,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": sign(secret, message, at, body),
    }


def _event(message: Outgoing) -> dict[str, object]:
    words = ("customer_id", "channel", "purpose", "address", "name", "subject", "text", "language")
    return {
        "type": "outreach.message",
        "timestamp": message.at.isoformat(),
        "data": {"id": message.id, **{word: getattr(message, word) for word in words}},
    }


def _judged(answer: Answer) -> Result:
    status, after = answer.status, answer.retry_after
    if answer.ok:
        return Sent()
    if status in _AGAIN:
        return Later(f"answered {status}", after=after)
    if status >= 500:
        return Later(f"answered {status}", after=after, down=True)
    return Refused(f"answered {status}")
