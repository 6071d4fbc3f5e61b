"""Salesforce's tasks: found by a text field of ours, then updated by their `Id` or made.

Sources, read 2026-11-26: developer.salesforce.com, Object Reference, Task (`WhatId` an account,
`WhoId` a contact, `Status`, `IsClosed`, `ActivityDate`); REST API Developer Guide, Create Records
Using sObject Collections (200 records, results in their order).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from outreach.channels import Refused, Sent
from outreach.channels.crm import Fate, Fates
from outreach.channels.crm.salesforce import RECORD_ID, Salesforce
from outreach.channels.crm.tasks import Ended, Task

_STATUS = {
    "open": "Not Started", "in_progress": "In Progress", "waiting": "Waiting on someone else",
    "snoozed": "Deferred", "closed": "Completed",
}  # fmt: skip
_DELETED = ("ENTITY_IS_DELETED", "INVALID_CROSS_REFERENCE_KEY")
_SUBJECT = 255  # characters; Object Reference, Task


class SalesforceTasks:
    """Tasks at records of `records`. `own`: the text field of a task with our key; `outcome`: one
    that says how it ended, instead of its status."""

    at_once = 100  # keys in a query

    def __init__(self, records: Salesforce, tasks: Salesforce, *, own: str, outcome: str) -> None:
        """`tasks`: the object Task, by its `Id`."""
        self._records, self._tasks = records, tasks
        self._own, self._outcome = own, outcome

    def write(self, tasks: Sequence[Task]) -> Fates:
        """See `Tasks`. One that was made and not noted, because we were cut off, is found."""
        unknown = [task for task in tasks if task.remote_id is None]
        found = self._tasks.ids_by(self._own, [task.key for task in unknown]) if unknown else {}
        new = [task for task in unknown if task.key not in found]
        known = {t.key: t.remote_id or found[t.key] for t in tasks if t not in new}
        whose = self._whose({task.customer_id for task in new}) if new else {}
        fates: Fates = {
            task.key: Refused("NOT_FOUND: the CRM has no such customer")
            for task in new
            if task.customer_id not in whose
        }
        made = [task for task in new if task.key not in fates]
        rows = [{**self._fields(t), **self._link(whose[t.customer_id]), self._own: t.key}
                for t in made]  # fmt: skip
        fates |= self._tasks.make([task.key for task in made], rows) if made else {}
        old = [task for task in tasks if task.key in known]
        changed = [{"id": known[task.key], **self._fields(task)} for task in old]
        said = self._tasks.change([task.key for task in old], changed) if old else {}
        return fates | {key: _left(fate, known[key]) for key, fate in said.items()}

    def ended(self, remote_ids: Sequence[str]) -> Mapping[str, Ended]:
        """See `Tasks`."""
        word = self._outcome or "Status"
        rows = self._tasks.select(("Id", "IsClosed", word), "Id", remote_ids)
        there = {str(row["Id"]) for row in rows}
        ends = {number: Ended(None) for number in remote_ids if number not in there}
        closed = (row for row in rows if row["IsClosed"])
        return ends | {str(row["Id"]): Ended(str(row[word] or _STATUS["closed"])) for row in closed}

    def _whose(self, customers: set[str]) -> dict[str, str]:
        if self._records.key == RECORD_ID:
            return {name: name for name in customers}
        return self._records.ids(sorted(customers))

    def _link(self, record: str) -> dict[str, str]:
        # Persons (003 a contact, 00Q a lead) are its who, all else its what.
        return {"WhoId" if record.startswith(("003", "00Q")) else "WhatId": record}

    def _fields(self, task: Task) -> dict[str, Any]:
        fields: dict[str, Any] = {
            "Subject": task.subject[:_SUBJECT],
            "Description": task.body,
            "ActivityDate": task.due_at.date().isoformat(),
            "Priority": "High" if task.urgent else "Normal",
        }
        if task.owner:
            fields["OwnerId"] = task.owner
        if task.status:
            fields["Status"] = _STATUS[task.status]
        return fields


def _left(fate: Fate, number: str) -> Fate:
    """One that was deleted there is left so; `ended` tells of it."""
    gone = isinstance(fate, Refused) and fate.why.startswith(_DELETED)
    return Sent(number) if gone or isinstance(fate, Sent) else fate
