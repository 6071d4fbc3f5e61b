"""The control group: who is left alone at random, so that what a contact does can be measured.

A keyed hash draws it: nobody without the home's key can foresee or steer the draw, the same
customer gets the same arm every night of a period, and a newcomer needs no list to join. Members
of one household or parent account share an arm, since they talk to each other.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import date

# Days for which a draw stands, where the horizon is not longer. An outcome is looked for over the
# horizon after the night of the contact, so the longer the period, the fewer outcomes reach past
# its end into another draw: about a quarter of them with a horizon of 90 days.
PERIOD_DAYS = 365
# Below that many customers even a good effect drowns in chance (CAPABILITIES.md, conventions).
MIN_CUSTOMERS = 1000
_ORIGIN = date(2024, 1, 1)  # where periods are counted from
_BITS = 64


@dataclass(frozen=True)
class Draw:
    """One period's draw. `share`: the part of all units that is left alone, 0 to 1."""

    key: bytes
    share: float
    period: int
    period_days: int

    @classmethod
    def of(cls, key: bytes, share: float, *, as_of: date, horizon_days: int) -> Draw:
        """The draw that stands on `as_of`."""
        days = max(PERIOD_DAYS, horizon_days)
        return cls(key, share, (as_of - _ORIGIN).days // days, days)

    def arm(self, unit: str) -> str:
        """`treat` or `control` for a unit: the `parent_id`, or else the `customer_id`."""
        # The length of the period is part of the draw: another length is another experiment.
        message = f"arm\0{self.period_days}\0{self.period}\0{unit}".encode()
        number = int.from_bytes(hmac.digest(self.key, message, "sha256")[: _BITS // 8], "big")
        return "control" if number < self.share * 2**_BITS else "treat"

    def propensity(self, arm: str) -> float:
        """The probability with which an eligible unit gets `arm`."""
        return self.share if arm == "control" else 1 - self.share


def decision_id(key: bytes, as_of: date, customer_id: str, playbook: str) -> str:
    """Names one decision; the same each time it is taken, and telling nothing of the customer."""
    message = f"decision\0{as_of.isoformat()}\0{playbook}\0{customer_id}".encode()
    return hmac.digest(key, message, "sha256")[:16].hex()


def too_few(customers: int, share: float) -> str | None:
    """A warning where the control group cannot tell anything, else None."""
    if share == 0:
        return (
            "there is no control group (plan.control_share = 0): what contacts do will stay unknown"
        )
    if customers >= MIN_CUSTOMERS:
        return None
    return (
        f"{customers:,} customers are too few for a control group to tell what contacts do "
        f"(at least {MIN_CUSTOMERS:,}): the effect will stay unknown"
    )
