"""Salesforce's REST API: records in collections, named by an external id field or by `Id`.

Sources, read 2026-11-26: developer.salesforce.com, REST API Developer Guide, Upsert Records Using
sObject Collections (200 records, results in their order, `allOrNone`), Update (by `id`), Query;
Status Codes and Error Responses (a list of `errorCode` and `message`).
"""

from __future__ import annotations

import urllib.parse
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from outreach.channels import Later, Refused, Sent
from outreach.channels.crm import Bulk, CannotPush, Fate, Fates, Record, Value, instant, told
from outreach.channels.crm.client import Client
from outreach.channels.http import Answer

RECORD_ID = "Id"
# Another transaction held the row: the same may work the next time.
_AGAIN = frozenset({"UNABLE_TO_LOCK_ROW", "SERVER_UNAVAILABLE", "REQUEST_RUNNING_TOO_LONG"})
_LIMITS = frozenset({"REQUEST_LIMIT_EXCEEDED", "LIMIT_EXCEEDED"})
_ASKED_AT_ONCE = 100  # ids in a query: URLs end at 16,384 bytes


class Salesforce:
    """Records of one object. Which that are not there are made is up to the org: an Account
    without a name, a Contact without a last name is refused."""

    at_once = 200

    def __init__(
        self, client: Callable[[], Client], *, object_: str, key: str, version: str,
        bulk: Bulk | None = None, bulk_from: int = 0,
    ) -> None:  # fmt: skip
        """`client` gives the API, once it is needed: a token says where it is."""
        self.key = key
        self._client, self._object = client, object_
        self._api = f"/services/data/v{version}"
        self.bulk, self.bulk_from = bulk, bulk_from

    def write(self, records: Sequence[Record]) -> Fates:
        """See `Crm`."""
        if self.key == RECORD_ID:
            return self._update({record.key: record.key for record in records}, records)
        rows = [
            {"attributes": {"type": self._object}, self.key: record.key, **_fields(record)}
            for record in records
        ]
        path = f"{self._api}/composite/sobjects/{self._object}/{self.key}"
        return self._collection(path, rows, [record.key for record in records], "PATCH")

    def clear(self, records: Sequence[Record]) -> Fates:
        """See `Crm`. By `Id`: an upsert would make whom the CRM does not have."""
        if self.key == RECORD_ID:
            there = {record.key: record.key for record in records}
        else:
            there = self.ids([record.key for record in records])
        fates: Fates = {record.key: Sent() for record in records}
        found = [record for record in records if record.key in there]
        return fates | (self._update(there, found) if found else {})

    def ids(self, keys: Sequence[str]) -> dict[str, str]:
        """The `Id` of each record that is there, by its key."""
        return self.ids_by(self.key, keys)

    def ids_by(self, field: str, values: Sequence[str]) -> dict[str, str]:
        """The `Id` of each record that has one of those values."""
        rows = self.select(("Id", field), field, values)
        return {str(row[field]): str(row["Id"]) for row in rows}

    def select(
        self, fields: Sequence[str], where: str, values: Sequence[str]
    ) -> list[dict[str, Any]]:
        """Those fields of the records that have one of those values in the field `where`."""
        found: list[dict[str, Any]] = []
        for start in range(0, len(values), _ASKED_AT_ONCE):
            named = ", ".join(_quoted(value) for value in values[start : start + _ASKED_AT_ONCE])
            # Names as the settings allow them, values quoted.
            what = f"SELECT {', '.join(fields)} FROM {self._object}"  # noqa: S608
            found += self._query(f"{what} WHERE {where} IN ({named})")
        return found

    def make(self, keys: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> Fates:
        """New records, each under a key that names it here."""
        return self._many("POST", keys, rows)

    def change(self, keys: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> Fates:
        """Records that are there, each with its `id`, under a key that names it here."""
        return self._many("PATCH", keys, rows)

    def _many(self, method: str, keys: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> Fates:
        typed = [{"attributes": {"type": self._object}, **row} for row in rows]
        return self._collection(f"{self._api}/composite/sobjects", typed, keys, method)

    def _query(self, soql: str) -> list[dict[str, Any]]:
        path = f"{self._api}/query?q={urllib.parse.quote_plus(soql)}"
        answer = self._client().call("GET", path)
        if not answer.ok:
            raise refusal(answer, self._object)
        rows: list[dict[str, Any]] = (answer.json() or {}).get("records", [])
        return rows

    def _update(self, ids: Mapping[str, str], records: Sequence[Record]) -> Fates:
        rows = [{"id": ids[record.key], **_fields(record)} for record in records]
        return self.change([record.key for record in records], rows)

    def _collection(
        self, path: str, rows: Sequence[Mapping[str, Any]], keys: Sequence[str], method: str
    ) -> Fates:
        """Writes them; those whose rows were locked once more."""
        fates: Fates = {}
        left = dict(zip(keys, rows, strict=True))
        for _ in range(2):
            body = {"allOrNone": False, "records": list(left.values())}
            answer = self._client().json(method, path, body)
            said = answer.json()
            if not answer.ok or not isinstance(said, list) or len(said) != len(left):
                raise refusal(answer, self._object)
            fates |= {key: _fate(result) for key, result in zip(left, said, strict=True)}
            left = {key: row for key, row in left.items() if isinstance(fates[key], Later)}
            if not left:
                break
        return fates


def _fields(record: Record) -> dict[str, Any]:
    return {field: _plain(value) for field, value in record.fields.items()}


def _fate(result: Mapping[str, Any]) -> Fate:
    if result.get("success"):
        return Sent(str(result.get("id") or "") or None)
    errors = result.get("errors") or [{}]
    code = str(errors[0].get("statusCode") or "refused")
    return fate_of(code, told(errors[0].get("message")))


def fate_of(code: str, message: str) -> Fate:
    """What an error of one record means."""
    why = f"{code}: {message}" if message else code
    return Later(why) if code in _AGAIN else Refused(why)


def refusal(answer: Answer, object_: str) -> CannotPush:
    """What a call was refused for, which is wrong for every record."""
    said = answer.json()
    first = said[0] if isinstance(said, list) and said and isinstance(said[0], dict) else {}
    code, message = str(first.get("errorCode") or ""), told(first.get("message"))
    if code in _LIMITS:
        return CannotPush(
            "Salesforce's limit of calls in 24 hours is used up. What it has taken is on record: "
            "run it again later."
        )
    return CannotPush(
        f"Salesforce answered {answer.status} for {object_}: {code or 'nothing we know'} {message}"
        ". Look at [crm] object, key and fields (docs/guides/push.md)."
    )


def _quoted(text: str) -> str:
    """As a string of SOQL."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _plain(value: Value) -> str | float | bool | None:
    return instant(value) if isinstance(value, datetime) else value
