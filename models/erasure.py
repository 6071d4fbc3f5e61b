"""An erasure on its way: its journal, and what each place of the home brings to it.

.erasing.json   who is being erased, in clear and for its owner only; it goes when all is done
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.errors import WarmlineError
from models.files import replacing
from models.person import Person
from models.suppression import pseudonym

if TYPE_CHECKING:
    from models.home import Home

JOURNAL = ".erasing.json"
_RENAMED = re.compile(r"\.e\d+$")


@dataclass(frozen=True)
class Erasure:
    """Who is erased, and the how many-th that is: all that each place needs to know."""

    person: Person
    number: int
    pseudonym: str  # in place of the person in decisions and records

    @classmethod
    def of(cls, home: Home, person: Person, number: int) -> Erasure:
        return cls(person, number, pseudonym(home.secret_key(), person.customer_id))

    def run_name(self, run: str) -> str:
        """What a run of scores is called once the person is out of it; a run itself never changes.

        The same for a name that it got already.
        """
        return f"{first_name(run)}.e{self.number}"


def first_name(run: str) -> str:
    """What a run was called before persons were taken out of it."""
    return _RENAMED.sub("", run)


@dataclass(frozen=True)
class Place:
    """A place where a person may lie: `count` says what would go, by kind; `erase` removes it.

    `erase` can be cut off anywhere and run again.
    """

    name: str
    count: Callable[[Home, Erasure], dict[str, int]]
    erase: Callable[[Home, Erasure], None]


@dataclass(frozen=True)
class Journal:
    """What must not be lost when an erasure is cut off."""

    person: Person
    number: int
    begun: str  # ISO 8601, UTC
    by: str  # user of the operating system
    generation: int  # of the history before
    erased: int  # persons erased from it before
    removed: dict[str, int]  # what goes, counted before the first of it went
    done: tuple[str, ...] = ()  # places

    def write(self, home: Home) -> None:
        """On disk, whole, when this returns; readable by its owner only."""
        with replacing(home.root / JOURNAL) as staged:
            staged.touch(mode=0o600)
            facts: dict[str, Any] = {**vars(self), "person": self.person.to_dict()}
            staged.write_text(json.dumps(facts), encoding="utf-8")

    @classmethod
    def read(cls, home: Home) -> Journal | None:
        """The journal of the erasure that was cut off; None where there is none."""
        path = journal(home)
        if not path.exists():
            return None
        facts = json.loads(path.read_bytes())
        person = Person.of_dict(facts.pop("person"))
        return cls(person, **{**facts, "done": tuple(facts["done"])})


def journal(home: Home) -> Path:
    """Where the journal lies while an erasure is on its way."""
    return home.root / JOURNAL


def refuse_unfinished(home: Home) -> None:
    """Raises `WarmlineError` where an erasure was cut off: nothing may be written meanwhile."""
    if journal(home).exists():
        raise WarmlineError(
            f"An erasure in {home.root} is not finished: run `warmline forget` with that customer's"
            " id again, or `warmline nightly`; either completes it. Nothing was changed."
        )
