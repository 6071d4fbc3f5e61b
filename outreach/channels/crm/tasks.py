"""A task in a CRM: what is to be done for a customer, by whom and until when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from outreach.channels.crm import Fates

# What is being done about it. Each kind of CRM has its own words for these.
STATUSES = ("open", "in_progress", "waiting", "snoozed", "closed")


@dataclass(frozen=True)
class Task:
    """`key`: ours, the same each time. `remote_id`: the CRM's, once it is known. `status`: None
    where it is to stay as it is there."""

    key: str
    remote_id: str | None
    customer_id: str
    subject: str
    body: str
    due_at: datetime
    owner: str | None
    status: str | None
    urgent: bool


@dataclass(frozen=True)
class Ended:
    """A task that is to be done no more in the CRM. `how`: the word that says how it ended; None:
    it was deleted."""

    how: str | None


class Tasks(Protocol):
    """Writes tasks and looks at what became of them. Raises `CannotPush`."""

    at_once: int

    def write(self, tasks: Sequence[Task]) -> Fates:
        """Writes `at_once` tasks at most, each once however often it is said; `Sent` has the
        CRM's own id."""
        ...

    def ended(self, remote_ids: Sequence[str]) -> Mapping[str, Ended]:
        """Of so many at most those that are finished or deleted, by the CRM's id."""
        ...
