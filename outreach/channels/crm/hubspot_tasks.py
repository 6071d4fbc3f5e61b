"""HubSpot's tasks: written by a property of ours that is unique, then associated with the record.

Sources, read 2026-11-26: developers.hubspot.com, Activities, Tasks (`hs_timestamp` is required;
batch/upsert by a unique property, batch/read); Associations v4, batch/associate/default.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from outreach.channels import Refused, Sent
from outreach.channels.crm import CannotPush, Fates, Record, Value, told
from outreach.channels.crm.client import Client
from outreach.channels.crm.hubspot import RECORD_ID, HubSpot
from outreach.channels.crm.tasks import Ended, Task

_STATUS = {
    "open": "NOT_STARTED", "in_progress": "IN_PROGRESS", "waiting": "WAITING",
    "snoozed": "DEFERRED", "closed": "COMPLETED",
}  # fmt: skip


class HubSpotTasks:
    """Tasks at records of `object_`, which `key` names. `own`: the property with our key;
    `outcome`: one that says how it ended, or nothing."""

    at_once = 100

    def __init__(self, client: Client, *, object_: str, key: str, own: str, outcome: str) -> None:
        self._client, self._object, self._key = client, object_, key
        self._own, self._outcome = own, outcome
        self._new = HubSpot(client, object_="tasks", key=own, create=True)
        self._known = HubSpot(client, object_="tasks", key=own, create=False)

    def write(self, tasks: Sequence[Task]) -> Fates:
        """See `Tasks`. A task is made only where the record is found that it belongs to."""
        new = [task for task in tasks if task.remote_id is None]
        whose = self._ids({task.customer_id for task in new}) if new else {}
        fates: Fates = {
            task.key: Refused("OBJECT_NOT_FOUND: the CRM has no such customer")
            for task in new
            if task.customer_id not in whose
        }
        make = [task for task in new if task.key not in fates]
        if make:
            fates |= self._new.write(self._records(make))
        if old := [task for task in tasks if task.remote_id is not None]:
            # One that was deleted there is left so; `ended` tells of it.
            fates |= self._known.clear(self._records(old))
        made = [task for task in make if isinstance(fates[task.key], Sent)]
        numbers = self._numbers([task.key for task in made])
        fates |= {key: Sent(number) for key, number in numbers.items()}
        self._associate((numbers[t.key], whose[t.customer_id]) for t in made if t.key in numbers)
        return fates

    def ended(self, remote_ids: Sequence[str]) -> Mapping[str, Ended]:
        """See `Tasks`."""
        asked = ["hs_task_status", *([self._outcome] if self._outcome else [])]
        found = {row["id"]: row["properties"] for row in self._read("tasks", remote_ids, asked)}
        ends: dict[str, Ended] = {
            number: Ended(None) for number in remote_ids if number not in found
        }
        for number, fields in found.items():
            if fields.get("hs_task_status") == _STATUS["closed"]:
                how = fields.get(self._outcome) if self._outcome else None
                ends[str(number)] = Ended(str(how or _STATUS["closed"]))
        return ends

    def _records(self, tasks: Sequence[Task]) -> list[Record]:
        return [Record(task.key, self._fields(task)) for task in tasks]

    def _fields(self, task: Task) -> dict[str, Value]:
        fields: dict[str, Value] = {
            "hs_task_subject": task.subject,
            "hs_task_body": html.escape(task.body).replace("\n", "<br>"),  # it is rich text
            "hs_timestamp": task.due_at,
            "hs_task_type": "TODO",
            "hs_task_priority": "HIGH" if task.urgent else "MEDIUM",
        }
        if task.owner:
            fields["hubspot_owner_id"] = task.owner
        if task.status:
            fields["hs_task_status"] = _STATUS[task.status]
        return fields

    def _ids(self, customers: Iterable[str]) -> dict[str, str]:
        """HubSpot's id of each customer that it has."""
        names = sorted(customers)
        if self._key == RECORD_ID:
            return {name: name for name in names}
        rows = self._read(self._object, names, [self._key], by=self._key)
        return {str(row["properties"].get(self._key)): str(row["id"]) for row in rows}

    def _numbers(self, keys: Sequence[str]) -> dict[str, str]:
        """HubSpot's id of each task, by our key."""
        rows = self._read("tasks", keys, [self._own], by=self._own) if keys else []
        return {str(row["properties"].get(self._own)): str(row["id"]) for row in rows}

    def _read(
        self, object_: str, ids: Sequence[str], properties: Sequence[str], by: str = ""
    ) -> list[dict[str, Any]]:
        """The records that are there; 207 says that some are not."""
        asked = {"properties": properties, "inputs": [{"id": one} for one in ids],
                 **({"idProperty": by} if by else {})}  # fmt: skip
        answer = self._client.json("POST", f"/crm/v3/objects/{object_}/batch/read", asked)
        said = answer.json()
        if not answer.ok or not isinstance(said, dict):
            raise CannotPush(_refusal(object_, answer.status, said))
        rows: list[dict[str, Any]] = said.get("results", [])
        return rows

    def _associate(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Each task with its record; again is harmless."""
        inputs = [{"from": {"id": task}, "to": {"id": record}} for task, record in pairs]
        if not inputs:
            return
        path = f"/crm/v4/associations/tasks/{self._object}/batch/associate/default"
        answer = self._client.json("POST", path, {"inputs": inputs})
        if not answer.ok:
            raise CannotPush(_refusal("tasks", answer.status, answer.json()))


def _refusal(object_: str, status: int, said: Any) -> str:
    message = told(said.get("message")) if isinstance(said, dict) else ""
    return (
        f"HubSpot answered {status} for {object_}: {message}. Look at [crm.tasks] and at the app's "
        "scopes (docs/guides/push.md)."
    )
