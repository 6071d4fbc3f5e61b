"""Any other system: records as JSON, signed as Standard Webhooks 1.0 has it.

POST {"type": "crm.records", "object": ..., "clear": false, "records": [{"key", "fields"}]}
2xx: taken; {"errors": [{"key", "why"}]} in it names those that were not. A batch that was refused
with 400, 413 or 422 comes again in halves.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

from outreach.channels import Refused, Sent
from outreach.channels.crm import Bulk, CannotPush, Fates, Record, Value, halves, instant, told
from outreach.channels.crm.client import Client
from outreach.channels.webhook import signed

_WRONG = frozenset({400, 413, 422})  # RFC 9110: something in the body


class Nobody:
    """No credentials: the signature says who we are."""

    def headers(self) -> dict[str, str]:
        return {}

    def renew(self, refused: object) -> bool:
        return False


class Generic:
    """Records of one kind, posted to one URL."""

    bulk: Bulk | None = None
    bulk_from = 0

    def __init__(
        self, client: Client, *, object_: str, secret: bytes, at_once: int,
        clock: Callable[[], datetime],
    ) -> None:  # fmt: skip
        self._client, self._object, self._secret = client, object_, secret
        self._clock = clock
        self.at_once = at_once

    def write(self, records: Sequence[Record]) -> Fates:
        """See `Crm`."""
        return self._post(records, clear=False)

    def clear(self, records: Sequence[Record]) -> Fates:
        """See `Crm`."""
        return self._post(records, clear=True)

    def _post(self, records: Sequence[Record], *, clear: bool) -> Fates:
        rows = [{"key": r.key, "fields": {n: _plain(v) for n, v in r.fields.items()}}
                for r in records]  # fmt: skip
        event = {"type": "crm.records", "object": self._object, "clear": clear, "records": rows}
        body = json.dumps(event, ensure_ascii=False).encode()
        # The same records have the same id, so that a receiver knows what it has had.
        name = hashlib.sha256(body).hexdigest()[:32]
        answer = self._client.call(
            "POST", "", body, signed(self._secret, name, self._clock(), body)
        )
        if answer.ok:
            said = answer.json()
            errors = said.get("errors") or () if isinstance(said, dict) else ()
            refused = {str(e.get("key")): Refused(told(e.get("why")) or "refused") for e in errors}
            return {r.key: refused.get(r.key, Sent()) for r in records}
        if answer.status not in _WRONG:
            raise CannotPush(f"The CRM answered {answer.status}: look at [crm] url and secret.")
        if len(records) == 1:
            return {records[0].key: Refused(f"answered {answer.status}")}
        return halves(partial(self._post, clear=clear), records, self.at_once)


def _plain(value: Value) -> str | float | bool | None:
    return instant(value) if isinstance(value, datetime) else value
