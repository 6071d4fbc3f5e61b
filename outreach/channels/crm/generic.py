"""Any other system: records as JSON, signed as Standard Webhooks 1.0 has it.

POST {"type": "crm.records", "object": ..., "clear": false, "records": [{"key", "fields"}]}
2xx: taken; {"errors": [{"key", "why"}]} in it names those that were not. A batch that was refused
with 400, 413 or 422 comes again in halves.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from outreach.channels import Refused, Sent
from outreach.channels.crm import Bulk, CannotPush, Fates, Record, Value, halves, instant, told
from outreach.channels.crm.client import Client
from outreach.channels.http import Answer
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
        return self._records(records, clear=False)

    def clear(self, records: Sequence[Record]) -> Fates:
        """See `Crm`."""
        return self._records(records, clear=True)

    def tell(self, type_: str, name: str, rows: Mapping[str, object], **more: object) -> Fates:
        """Posts rows by key under that name, and says what became of each."""
        answer = self._post({"type": type_, **more, name: list(rows.values())})
        if answer.ok:
            said = answer.json()
            errors = said.get("errors") or () if isinstance(said, dict) else ()
            refused = {str(e.get("key")): Refused(told(e.get("why")) or "refused") for e in errors}
            return {key: refused.get(key, Sent()) for key in rows}
        if len(rows) == 1:
            return {key: Refused(f"answered {answer.status}") for key in rows}

        def some(keys: Sequence[str]) -> Fates:
            return self.tell(type_, name, {key: rows[key] for key in keys}, **more)

        return halves(some, list(rows), self.at_once)

    def ask(self, question: Mapping[str, object]) -> object:
        """The JSON that is answered."""
        answer = self._post(question)
        if not answer.ok:
            raise _refusal(answer)
        return answer.json()

    def _records(self, records: Sequence[Record], *, clear: bool) -> Fates:
        rows = {r.key: {"key": r.key, "fields": {n: _plain(v) for n, v in r.fields.items()}}
                for r in records}  # fmt: skip
        return self.tell("crm.records", "records", rows, object=self._object, clear=clear)

    def _post(self, event: Mapping[str, object]) -> Answer:
        body = json.dumps(event, ensure_ascii=False).encode()
        now = self._clock()
        # The same call again has the same id; the same records another day are told anew.
        name = hashlib.sha256(now.isoformat().encode() + body).hexdigest()[:32]
        headers = signed(self._secret, name, now, body)
        answer = self._client.call("POST", "", body, headers)
        if not answer.ok and answer.status not in _WRONG:
            raise _refusal(answer)
        return answer


def _refusal(answer: Answer) -> CannotPush:
    return CannotPush(f"The CRM answered {answer.status}: look at [crm] url and secret.")


def _plain(value: Value) -> str | float | bool | None:
    return instant(value) if isinstance(value, datetime) else value
