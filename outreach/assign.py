"""The experiment: who is left alone at random, so that what a contact does can be measured.

A keyed hash draws it: nobody without the home's key can foresee or steer the draw. Within each
stratum (risk, silent or vocal) the units are sorted by their hash and the first are the control
group, so that its share is exact there; the draw is kept for its period, and a newcomer joins by
the same hash. A unit is a household or parent account, whose members talk to each other, or else a
customer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from outreach.keyed import keyed

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

    `kept`: arms of the period that are on record, by the unit's mark. `timing`: nobody is left
    alone; each unit has one half of every `BLOCK_DAYS` in which it may be contacted.
    """

    key: bytes
    share: float
    period: int
    period_days: int
    as_of: date
    kept: Mapping[str, str] = field(default_factory=dict)
    timing: bool = False

    @classmethod
    def of(
        cls,
        key: bytes,
        share: float,
        *,
        as_of: date,
        horizon_days: int,
        kept: Mapping[str, str] | None = None,
        timing: bool = False,
    ) -> Draw:
        """The draw that stands on `as_of`."""
        days = max(PERIOD_DAYS, horizon_days)
        number = (as_of - _ORIGIN).days // days
        return cls(key, share, number, days, as_of, kept or {}, timing)

    @property
    def name(self) -> str:
        """Of the period: another length is another experiment."""
        return f"{self.period_days}-{self.period}"

    def mark(self, unit: str) -> str:
        """What stands for a unit on record: its hash of this period, which tells nothing of it."""
        message = f"arm\0{self.period_days}\0{self.period}\0{unit}".encode()
        return keyed(self.key)(message)[: _BITS // 8].hex()

    def arms(self, units: Sequence[str], strata: Sequence[str]) -> tuple[list[str], dict[str, str]]:
        """The arm of each unit, and those drawn now for the first time, by mark.

        Where nothing is on record yet, the shares are exact within each stratum (to the unit that
        a fair draw decides); whoever comes later is drawn by the hash alone.
        """
        if self.timing:
            return [self._turn(unit) for unit in units], {}
        marks = [self.mark(unit) for unit in units]
        limits = self._limits(marks, strata) if not self.kept else {}
        new: dict[str, str] = {}
        for mark, stratum in zip(marks, strata, strict=True):
            if mark not in self.kept and mark not in new:
                alone = mark < limits[stratum] if limits else _fraction(mark) < self.share
                new[mark] = CONTROL if alone else TREAT
        return [self.kept.get(mark) or new[mark] for mark in marks], new

    def propensity(self, arm: str) -> float:
        """The probability with which an eligible unit gets `arm`."""
        share = 0.5 if self.timing else self.share
        return share if arm == CONTROL else 1 - share

    def turn_begins(self) -> date:
        """Where timing is drawn: the first day of the half that comes next."""
        half = BLOCK_DAYS // 2
        return self.as_of + timedelta(days=half - (self.as_of - _ORIGIN).days % half)

    def _limits(self, marks: Sequence[str], strata: Sequence[str]) -> dict[str, str]:
        """The first mark of each stratum that is contacted: those below are left alone."""
        members: dict[str, list[str]] = {}
        first: dict[str, str] = {}
        for mark, stratum in zip(marks, strata, strict=True):
            if first.setdefault(mark, stratum) == stratum:  # a unit is of its first one's stratum
                members.setdefault(stratum, []).append(mark)
        limits = {}
        for stratum, some in members.items():
            ordered = sorted(set(some))
            exact = self.share * len(ordered)
            many = int(exact)
            if _fraction(self.mark(f"stratum\0{stratum}")) < exact - many:
                many += 1
            limits[stratum] = ordered[many] if many < len(ordered) else "g"  # above every mark
        return limits

    def _turn(self, unit: str) -> str:
        """Whether it is the unit's half of this block."""
        days = (self.as_of - _ORIGIN).days
        block, second = days // BLOCK_DAYS, days % BLOCK_DAYS >= BLOCK_DAYS // 2
        message = f"turn\0{BLOCK_DAYS}\0{block}\0{unit}".encode()
        drawn = keyed(self.key)(message)[0] >= 128
        return TREAT if drawn == second else CONTROL


def tie(key: bytes, as_of: date, customer_id: str) -> int:
    """Settles ties and exploration of one night: a number that only the home's key foresees."""
    message = f"tie\0{as_of.isoformat()}\0{customer_id}".encode()
    return int.from_bytes(keyed(key)(message)[:7], "big")


def decision_id(key: bytes, as_of: date, customer_id: str, playbook: str) -> str:
    """Names one decision; the same each time it is taken, and telling nothing of the customer."""
    message = f"decision\0{as_of.isoformat()}\0{playbook}\0{customer_id}".encode()
    return keyed(key)(message)[:16].hex()


def _fraction(mark: str) -> float:
    return int(mark, 16) / float(1 << _BITS)
