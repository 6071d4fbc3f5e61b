"""What a retention campaign would bring: expected maximum profit, and whom it would contact.

A campaign contacts the riskiest k of n customers. A contacted leaver costs the contact, `contact`;
with probability gamma the offer is taken, which costs `incentive` and keeps the customer's value V.
A contacted stayer costs both. So a cut after k brings, a customer,

    P(gamma, k) = 1/n [ sum of leavers (gamma (V_i - incentive) - contact)
                        - sum of stayers (incentive + contact) ],

and, since nobody knows gamma, the expected maximum profit is the mean over gamma's distribution of
the best cut's profit. Each cut is a line in gamma, so the best cut is the upper envelope of lines,
and the mean over a Beta distribution is exact: no grid, no simulation.

Sources: Verbraken, Verbeke, Baesens, "A novel profit maximizing metric for measuring classification
performance of customer churn prediction models", IEEE TKDE 25(5), 2013 (the measure, and gamma ~
Beta(6, 14), incentive 10 and contact 1 where a customer is worth 200); Óskarsdóttir, Baesens,
Vanthienen, "Profit-based model selection for customer retention using individual customer lifetime
values", Big Data 6(1), 2018 (V_i of each customer in place of the mean).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

TAKES = (6.0, 14.0)  # gamma ~ Beta(6, 14): three of ten take an offer (Verbraken et al.)
INCENTIVE, CONTACT = 0.05, 0.005  # of a mean customer's value: 10 and 1 of 200 (the same)


@dataclass(frozen=True)
class Campaign:
    """The best campaign that a ranking allows."""

    profit: float  # expected maximum profit, a customer ranked
    share: float  # of the customers that it contacts, expected over gamma


@dataclass(frozen=True)
class Profit:
    """Expected maximum profit of a model, in `unit`, over the customers whose value is known."""

    unit: str  # a currency, or "of a customer's value" where no value is known
    rows: int
    mean_value: float  # of a customer, over the months at stake
    by_stake: Campaign  # ranked by probability times value, as the plan does
    by_risk: Campaign  # ranked by probability alone

    @property
    def words(self) -> str:
        """For people."""
        best = self.by_stake
        return (
            f"expected maximum profit {best.profit:,.4g} {self.unit} a customer, contacting "
            f"{best.share:.1%}; ranked by probability alone {self.by_risk.profit:,.4g}, "
            f"{self.by_risk.share:.1%} (mean value {self.mean_value:,.4g}; if offers work as in "
            "the literature: 30% of leavers take one)"
        )


def expected_profit(y: Bools, p: Floats, value: Floats, unit: str) -> Profit | None:
    """Of probabilities `p` [n] for customers worth `value` [n] (NaN: not known).

    Where no value is known each customer counts as one. None without a leaver and a stayer.
    """
    known = ~np.isnan(value) & (value > 0)
    if not known.any():
        value, unit = np.ones(len(y)), "of a customer's value"
        known = np.ones(len(y), np.bool_)
    y, p, value = y[known], p[known], value[known]
    if y.all() or not y.any():
        return None
    mean = float(value.mean())
    offer, contact = INCENTIVE * mean, CONTACT * mean
    return Profit(
        unit=unit,
        rows=len(y),
        mean_value=mean,
        by_stake=best_campaign(y, p * value, value, incentive=offer, contact=contact),
        by_risk=best_campaign(y, p, value, incentive=offer, contact=contact),
    )


def best_campaign(
    y: Bools,
    score: Floats,
    value: Floats,
    *,
    incentive: float,
    contact: float,
    takes: tuple[float, float] = TAKES,
) -> Campaign:
    """The expected maximum profit of contacting by falling `score` [n], and the share contacted.

    `value`, `incentive` and `contact` are in one currency; `takes`: the Beta distribution of the
    chance that a leaver takes the offer.
    """
    slope, height = cuts(y, score, value, incentive=incentive, contact=contact)
    # A cut after a stayer costs more and brings nothing.
    ends = np.flatnonzero(np.concatenate([[True], y[np.argsort(-score, kind="stable")]]))
    best, edges = _envelope(slope[ends], height[ends])
    mass, mean = _beta_between(edges, takes)
    profit = float(slope[ends][best] @ mean + height[ends][best] @ mass)
    return Campaign(profit, float(ends[best] @ mass / len(y)))


def cuts(
    y: Bools, score: Floats, value: Floats, *, incentive: float, contact: float
) -> tuple[Floats, Floats]:
    """Slope and height in gamma of the profit of contacting the first 0, 1, ... n, [n + 1]."""
    order = np.argsort(-score, kind="stable")
    left, worth = y[order], value[order]
    gain = np.where(left, worth - incentive, 0.0)
    cost = np.where(left, contact, incentive + contact)
    many = len(y)
    slope = np.concatenate([[0.0], np.cumsum(gain)]) / many
    height = np.concatenate([[0.0], -np.cumsum(cost)]) / many
    return slope, height


def _envelope(slope: Floats, height: Floats) -> tuple[NDArray[np.int64], Floats]:
    """The lines that are highest somewhere in [0, 1], from left to right, and the edges between.

    Andrew's monotone chain over lines sorted by slope; edges has one entry more than lines.
    """
    best: list[int] = []
    since: list[float] = []  # where each of `best` begins to be the highest
    for line in np.lexsort((height, slope)).tolist():
        start = 0.0
        while best:
            top = best[-1]
            rise = slope[line] - slope[top]
            # Of parallel lines the later one is the higher one.
            start = 0.0 if rise == 0 else (height[top] - height[line]) / rise
            if rise > 0 and start > since[-1]:
                break
            best.pop()
            since.pop()
            start = 0.0
        if start < 1.0:
            best.append(line)
            since.append(max(start, 0.0))
    return np.array(best, np.int64), np.array([*since, 1.0])


def _beta_between(edges: Floats, takes: tuple[float, float]) -> tuple[Floats, Floats]:
    """The probability that gamma lies between two edges, and its part of the mean."""
    from scipy.special import betainc

    a, b = takes
    mass = np.diff(betainc(a, b, edges))
    # x times the density of Beta(a, b) is a / (a + b) times that of Beta(a + 1, b).
    mean = np.diff(betainc(a + 1, b, edges)) * a / (a + b)
    return mass, mean
