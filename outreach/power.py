"""What a control group of a given size can tell."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

SIGNIFICANCE = 0.05  # two-sided
POWER = 0.8
# A control group that can only see contacts keeping more than half of those who would leave cannot
# tell anything: the best published interventions keep a fifth to a third.
LARGEST_LIKELY = 0.5


@dataclass(frozen=True)
class Power:
    """`smallest`: the smallest difference in the share of leavers, between those contacted and
    those left alone, that is found with probability `POWER`."""

    units: int
    share: float
    base: float  # the share that leaves, 0 to 1
    smallest: float

    @classmethod
    def of(cls, units: int, share: float, base: float) -> Power:
        """Of `units` eligible in a period, of whom `share` are left alone and `base` would leave.

        Normal approximation for two proportions with a common variance. Source: Fleiss, Levin,
        Paik, Statistical Methods for Rates and Proportions, 3rd ed., chapter 4.
        """
        control, treated = units * share, units * (1 - share)
        if not control or not treated:
            return cls(units, share, base, float("inf"))
        normal = NormalDist()
        z = normal.inv_cdf(1 - SIGNIFICANCE / 2) + normal.inv_cdf(POWER)
        smallest = z * (base * (1 - base) * (1 / control + 1 / treated)) ** 0.5
        return cls(units, share, base, smallest)

    @property
    def tells(self) -> bool:
        """Whether it can see any effect that is likely."""
        return 0 < self.smallest <= LARGEST_LIKELY * self.base

    @property
    def words(self) -> str:
        """In a sentence."""
        if self.tells:
            return (
                f"with {self.units:,} at risk, a control group of {self.share:.0%} can see "
                f"contacts that keep {100 * self.smallest:.1f} of 100 customers or more "
                f"({self.base:.0%} would leave; found 4 times in 5)"
            )
        return (
            f"{self.units:,} at risk are too few for a control group of {self.share:.0%} to tell "
            "what contacts do: nobody is left alone; the moment of the contact is drawn instead"
        )
