"""A CRM that is written to: what a record is, and what each kind of CRM can do with records.

What became of a record is told as of a message: `Sent`, `Refused` for good, or `Later`. What
concerns all records raises `CannotPush` instead.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol, TypeVar

from models.errors import WarmlineError
from outreach.channels import Later, Refused, Sent

Value = str | float | bool | datetime | None  # None: the field is emptied
Fate = Sent | Later | Refused
T = TypeVar("T")
_ADDRESS = re.compile(r"\S+@\S+")
_WORDS = 200  # characters of what a CRM says that are kept


class CannotPush(WarmlineError):
    """The CRM takes nothing for now, or not as the home is set. What it has taken is on record."""


@dataclass(frozen=True)
class Record:
    """Fields of one record of the CRM; `key` names it there."""

    key: str
    fields: Mapping[str, Value]


Fates = dict[str, Fate]  # by key


class Bulk(Protocol):
    """Many records as one job of the CRM."""

    at_once: int  # records of a job, at most

    def submit(self, records: Sequence[Record], remember: Callable[[str], None]) -> str:
        """Starts a job and gives its name. `remember` gets the name before anything can be
        written."""
        ...

    def collect(self, job: str) -> Fates | None:
        """What became of the job's records, once it has ended; None where it was never started."""
        ...


class Crm(Protocol):
    """Writes records of one object. Any number of threads may use it at once.

    All of it may be said again without harm. Raises `CannotPush`.
    """

    at_once: int  # records a call takes
    bulk: Bulk | None
    bulk_from: int  # so many records go as jobs

    def write(self, records: Sequence[Record]) -> Fates:
        """Writes `at_once` records at most."""
        ...

    def clear(self, records: Sequence[Record]) -> Fates:
        """The same of fields that are emptied; makes no record, and one that is not there is
        clear."""
        ...


def halves(write: Callable[[Sequence[T]], Fates], records: Sequence[T], at_once: int) -> Fates:
    """The records of a batch that was refused whole, in halves, until what is wrong stands alone.

    Raises `CannotPush` where none of a whole batch is taken: that is no fault of the records.
    """
    middle = len(records) // 2
    fates = write(records[:middle]) | write(records[middle:])
    refused = [fate.why for fate in fates.values() if isinstance(fate, Refused)]
    if len(records) == at_once > 1 and len(refused) == len(records):
        raise CannotPush(f"The CRM takes none of {at_once} records: {refused[0]}.")
    return fates


def told(text: object) -> str:
    """What a CRM says, as it may be kept: one short line without addresses."""
    return _ADDRESS.sub("...", " ".join(str(text or "").split()))[:_WORDS]


def as_text(value: Value, empty: str) -> str:
    """A value as CRMs read it from text: ISO 8601 in UTC, `true` and `false`."""
    if value is None:
        return empty
    if isinstance(value, bool):
        return str(value).lower()
    return instant(value) if isinstance(value, datetime) else str(value)


def instant(at: datetime) -> str:
    """As HubSpot and Salesforce read it: milliseconds, UTC."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"
