"""The experiment: who is left alone at random, so that what a contact does can be measured.

A keyed hash draws it: nobody without the home's key can foresee or steer the draw. Within each
stratum (risk, silent or vocal) the units are sorted by their hash and the first are the control
group, so that its share is exact there; the draw is kept for its period, and a newcomer joins by
the same hash. A unit is a household or parent account, whose members talk to each other, or else a
customer.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from outreach.kept import Bools, Kept, Marks
from outreach.mac import mac

# Days for which a draw stands, where the horizon is not longer. An outcome is looked for over the
# horizon after the night of the contact, so the longer the period, the fewer outcomes reach past
# its end into another draw: about a quarter of them with a horizon of 90 days.
PERIOD_DAYS = 365
# Where timing is drawn instead: everyone's turn comes within so many days, in one of two halves.
BLOCK_DAYS = 28
_ORIGIN = date(2024, 1, 1)  # where periods are counted from
_BITS = 64
TREAT, CONTROL, OUTSIDE = "treat", "control", "outside"


@dataclass(frozen=True)
class Draw:
    """One period's draw. `share`: the part of all units that is left alone, 0 to 1.

    `kept`: arms of the period that are on record. `timing`: nobody is left
    alone; each unit has one half of every `BLOCK_DAYS` in which it may be contacted.
    """

    key: bytes
    share: float
    period: int
    period_days: int
    as_of: date
    kept: Kept = field(default_factory=Kept.none)
    timing: bool = False

    @classmethod
    def of(
        cls,
        key: bytes,
        share: float,
        *,
        as_of: date,
        horizon_days: int,
        kept: Kept | None = None,
        timing: bool = False,
    ) -> Draw:
        """The draw that stands on `as_of`."""
        days = max(PERIOD_DAYS, horizon_days)
        number = (as_of - _ORIGIN).days // days
        return cls(key, share, number, days, as_of, kept or Kept.none(), timing)

    @property
    def name(self) -> str:
        """Of the period: another length is another experiment."""
        return f"{self.period_days}-{self.period}"

    def marks(self, units: Sequence[str]) -> Marks:
        """What stands for each unit on record: its hash of this period, which tells nothing of
        it."""
        digest, period = mac(self.key), f"arm\0{self.period_days}\0{self.period}\0"
        found = b"".join(digest((period + unit).encode())[: _BITS // 8] for unit in units)
        return np.frombuffer(found, ">u8").astype(np.uint64)

    def arms(self, units: Sequence[str], strata: Sequence[str]) -> tuple[list[str], Kept]:
        """The arm of each unit, and all that is to be on record of the period afterwards.

        Where nothing is on record yet, the shares are exact within each stratum (to the unit that
        a fair draw decides); whoever comes later is drawn by the hash alone.
        """
        if self.timing:
            return [self._turn(unit) for unit in units], self.kept
        marks = self.marks(units)
        known, alone = self.kept.look(marks)
        fresh, first, place = np.unique(marks[~known], return_index=True, return_inverse=True)
        rows = np.flatnonzero(~known)[first]  # a unit is of its first one's stratum
        if len(self.kept):
            left = _fractions(fresh) < self.share
        else:
            left = self._exact(fresh, [strata[row] for row in rows])
        alone[~known] = left[place]
        return [CONTROL if each else TREAT for each in alone.tolist()], self.kept.with_more(
            fresh, left
        )

    def on_record(self, units: Sequence[str]) -> list[str]:
        """The arm of each unit; of one that takes part in no experiment, that of the treated."""
        if self.timing:
            return [self._turn(unit) for unit in units]
        _, alone = self.kept.look(self.marks(units))
        return [CONTROL if each else TREAT for each in alone.tolist()]

    def propensity(self, arm: str) -> float:
        """The probability with which an eligible unit gets `arm`."""
        share = 0.5 if self.timing else self.share
        return share if arm == CONTROL else 1 - share

    @property
    def turn(self) -> str | None:
        """Where timing is drawn: from which day it is the others' turn, in words."""
        if not self.timing:
            return None
        begins = self.turn_begins()
        return f"{begins.day} {begins:%B %Y}"

    def turn_begins(self) -> date:
        """Where timing is drawn: the first day of the half that comes next."""
        half = BLOCK_DAYS // 2
        return self.as_of + timedelta(days=half - (self.as_of - _ORIGIN).days % half)

    def _exact(self, marks: Marks, strata: Sequence[str]) -> Bools:
        """Which of the units (by mark, ascending, each once) are left alone: those with the first
        marks of their stratum."""
        names, code = np.unique(np.array(strata, np.str_), return_inverse=True)
        left = np.zeros(len(marks), np.bool_)
        for number, name in enumerate(names):
            members = np.flatnonzero(code == number)
            exact = self.share * len(members)
            many = int(exact)
            if _fractions(self.marks([f"stratum\0{name}"]))[0] < exact - many:
                many += 1
            left[members[:many]] = True
        return left

    def _turn(self, unit: str) -> str:
        """Whether it is the unit's half of this block."""
        days = (self.as_of - _ORIGIN).days
        block, second = days // BLOCK_DAYS, days % BLOCK_DAYS >= BLOCK_DAYS // 2
        message = f"turn\0{BLOCK_DAYS}\0{block}\0{unit}".encode()
        drawn = mac(self.key)(message)[0] >= 128
        return TREAT if drawn == second else CONTROL


def ties(key: bytes, as_of: date, customer_ids: Sequence[str]) -> list[int]:
    """Settle ties and exploration of one night: numbers that only the home's key foresees."""
    digest, night = mac(key), f"tie\0{as_of.isoformat()}\0"
    return [int.from_bytes(digest((night + who).encode())[:7], "big") for who in customer_ids]


def decision_ids(key: bytes, as_of: date, decided: Iterable[tuple[str, str]]) -> list[str]:
    """Names of decisions about a customer by a playbook; the same each time they are taken, and
    telling nothing of the customer."""
    digest, night = mac(key), f"decision\0{as_of.isoformat()}\0"
    return [digest(f"{night}{play}\0{who}".encode())[:16].hex() for who, play in decided]


def _fractions(marks: Marks) -> NDArray[np.float64]:
    return marks / float(1 << _BITS)
