"""Tasks as signed JSON, beside the records of the generic kind.

POST {"type": "crm.tasks", "tasks": [{"key", "customer", "subject", ...}]}
    2xx: taken; {"errors": [{"key", "why"}]} in it names those that were not.
POST {"type": "crm.tasks.ended", "keys": [...]}
    2xx {"ended": [{"key", "how"}]}: of those the finished ones; `how` null: deleted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from outreach.channels import Sent
from outreach.channels.crm import Fates, instant
from outreach.channels.crm.generic import Generic
from outreach.channels.crm.tasks import Ended, Task


class GenericTasks:
    """Tasks posted where the records are. A task's id there is our key."""

    def __init__(self, post: Generic) -> None:
        self._post = post
        self.at_once = post.at_once

    def write(self, tasks: Sequence[Task]) -> Fates:
        """See `Tasks`."""
        rows = {task.key: _row(task) for task in tasks}
        fates = self._post.tell("crm.tasks", "tasks", rows)
        return {k: Sent(k) if isinstance(fate, Sent) else fate for k, fate in fates.items()}

    def ended(self, remote_ids: Sequence[str]) -> Mapping[str, Ended]:
        """See `Tasks`."""
        said = self._post.ask({"type": "crm.tasks.ended", "keys": list(remote_ids)})
        rows = said.get("ended") or () if isinstance(said, dict) else ()
        ends = {str(row["key"]): row.get("how") for row in rows if "key" in row}
        return {k: Ended(None if how is None else str(how)) for k, how in ends.items()}


def _row(task: Task) -> dict[str, object]:
    return {
        "key": task.key, "customer": task.customer_id, "subject": task.subject, "body": task.body,
        "due_at": instant(task.due_at), "owner": task.owner, "status": task.status,
        "urgent": task.urgent,
    }  # fmt: skip
