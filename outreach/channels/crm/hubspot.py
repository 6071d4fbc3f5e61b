"""HubSpot's CRM API v3: objects in batches, named by a property that is unique.

Sources, read 2026-11-26: developers.hubspot.com, Objects, batch/update and batch/upsert (100
inputs, `idProperty`, `objectWriteTraceId`); Error handling (207, `errors` with `context`); API
usage guidelines (100 to 190 calls in 10 s, 429 with `policyName`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from outreach.channels import Refused, Sent
from outreach.channels.crm import Bulk, CannotPush, Fate, Fates, Record, as_text, halves, told
from outreach.channels.crm.client import Client
from outreach.channels.http import Answer

URL = "https://api.hubapi.com"
RECORD_ID = "hs_object_id"  # HubSpot's own id, by which no `idProperty` is needed
NOT_THERE = "OBJECT_NOT_FOUND"


class HubSpot:
    """Records of one object. `create`: one that is not there is made."""

    at_once = 100
    bulk: Bulk | None = None
    bulk_from = 0

    def __init__(self, client: Client, *, object_: str, key: str, create: bool) -> None:
        self._client, self._object, self._key = client, object_, key
        self._verb = "upsert" if create and key != RECORD_ID else "update"

    def write(self, records: Sequence[Record]) -> Fates:
        """See `Crm`."""
        return self._batch(self._verb, records)

    def clear(self, records: Sequence[Record]) -> Fates:
        """See `Crm`."""
        fates = self._batch("update", records)
        return {key: Sent() if _is_not_there(fate) else fate for key, fate in fates.items()}

    def _batch(self, verb: str, records: Sequence[Record]) -> Fates:
        path = f"/crm/v3/objects/{self._object}/batch/{verb}"
        answer = self._client.json("POST", path, {"inputs": self._inputs(records)})
        if answer.status == 207:
            return self._partly(verb, records, answer)
        if answer.ok:
            return {record.key: Sent() for record in records}
        _refuse_setting(answer, self._object)
        if len(records) == 1:
            return {records[0].key: Refused(_why(answer.json() or {}, answer.status))}
        # HubSpot refuses all of a batch for one wrong value.
        return halves(partial(self._batch, verb), records, self.at_once)

    def _inputs(self, records: Sequence[Record]) -> list[dict[str, Any]]:
        by = {} if self._key == RECORD_ID else {"idProperty": self._key}
        return [
            {
                "id": record.key, **by, "objectWriteTraceId": str(place),
                "properties": {name: as_text(value, "") for name, value in record.fields.items()},
            }
            for place, record in enumerate(records)
        ]  # fmt: skip

    def _partly(self, verb: str, records: Sequence[Record], answer: Answer) -> Fates:
        """Some were taken. Whose fate the answer does not tell is asked for one by one."""
        said = answer.json() or {}
        fates: Fates = {}
        for error in said.get("errors", ()):
            for record in _meant(error.get("context") or {}, records):
                fates[record.key] = Refused(_why(error, answer.status))
        for result in said.get("results", ()):
            for record in _meant(result, records):
                fates.setdefault(record.key, Sent())
        untold = [record for record in records if record.key not in fates]
        if untold and len(records) == 1:
            return {records[0].key: Refused(_why(said, answer.status))}
        for record in untold:
            fates |= self._batch(verb, [record])
        return fates


def _meant(context: Mapping[str, Any], records: Sequence[Record]) -> list[Record]:
    """The records that an error or a result names, by their place or by their id."""
    traces = context.get("objectWriteTraceId")
    ids = {str(one) for one in context.get("ids", ())}
    places = {str(one) for one in ([traces] if isinstance(traces, str) else traces or ())}
    return [
        record
        for place, record in enumerate(records)
        if str(place) in places or (not places and record.key in ids)
    ]


def _is_not_there(fate: Fate) -> bool:
    return isinstance(fate, Refused) and fate.why.startswith(NOT_THERE)


def _why(said: Mapping[str, Any], status: int) -> str:
    category = str(said.get("category") or f"answered {status}")
    message = told(said.get("message"))
    return f"{category}: {message}" if message else category


def _refuse_setting(answer: Answer, object_: str) -> None:
    """What is wrong for every record."""
    said = answer.json() or {}
    message = told(said.get("message"))
    if "PROPERTY_DOESNT_EXIST" in answer.body.decode("utf-8", "replace"):
        raise CannotPush(
            f"HubSpot's {object_} lack a property: {message}. Create it (docs/guides/push.md), or "
            "leave it out under [crm.fields]."
        )
    if answer.status in (403, 404) and said.get("category") != NOT_THERE:
        raise CannotPush(
            f"HubSpot answered {answer.status} for {object_}: {message}. Look at [crm] object and "
            "at the app's scopes."
        )
