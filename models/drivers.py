"""Which systems drive churn, by the value that their push puts at risk.

A customer's probability p differs from that of an average customer, p0, by what the features do.
Their contributions are in log-odds, z - z0; the secant (p - p0) / (z - z0) turns them into points
of probability that sum to p - p0 exactly. Times what the customer is worth over the months at stake
they are money, and sum over customers and systems to the value at risk above (or below) that of
as many average customers. Groups of features that raise the risk and those that lower it are summed
apart, as in the reasons.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.calibration import probability
from models.churn import ChurnModel
from models.explain import CHUNK, Systems
from models.metrics import Interval, resampled

Floats = NDArray[np.float64]

DRAWS = 200
MOST_ROWS = 20_000  # looked at; of more customers so many are drawn
NEAR = 1e-9  # log-odds so close to the average that the secant has no meaning
# What each system of the features is about (CAPABILITIES.md), shortly.
SYSTEMS = {
    "S1": "service figures", "S2": "silence and fading use", "S3": "meetings and check-ins",
    "S4": "channels", "S6": "the people who serve", "S7": "passing on", "S8": "money and contract",
    "S9": "survey answers", "S10": "poor answers", "S12": "complaints and promises",
    "S13": "bots and refusals", "S14": "effort and tone", "S15": "slow service",
    "S17": "own columns", "S18": "refused contact", "S19": "public mentions",
    "S21": "satisfaction",
}  # fmt: skip


@dataclass(frozen=True)
class Driver:
    """What one system does to the value at risk, over all customers of a night."""

    system: str
    name: str
    raises: float  # what it adds where it raises the risk
    lowers: float  # what it takes away where it lowers it; negative
    net: Interval  # both together; over customers
    customers: int  # whose risk it raises most of all systems
    says: str  # the feature that adds most


@dataclass(frozen=True)
class Drivers:
    """All systems of a model, the one that adds most first."""

    as_of: int  # the night, seconds UTC
    unit: str  # a currency, or "customers" where no value is known
    customers: int
    at_risk: float  # probability times value, summed
    average: float  # the same if each had the probability of an average customer
    systems: tuple[Driver, ...]

    def lines(self) -> Iterator[str]:
        """A table for people."""
        yield (
            f"what drives it: {self.customers:,} customers, {self.at_risk:,.0f} {self.unit} at "
            f"risk, {self.average:,.0f} if all were average; each system's part of the difference"
        )
        yield f"{'':30}{'raises':>12}{'lowers':>12}{'together':>32}{'customers':>11}  most by"
        for one in self.systems:
            net = f"{one.net.value:,.0f} [{one.net.low:,.0f}, {one.net.high:,.0f}]"
            yield (
                f"{one.system + ', ' + one.name:30}{one.raises:>12,.0f}{one.lowers:>12,.0f}"
                f"{net:>32}{one.customers:>11,}  {one.says}"
            )
        yield (
            "customers: whose risk it raises most of all systems; intervals over customers, the "
            "model as it is. Associations: what moved the model, not what a change would save"
        )


def drivers(
    model: ChurnModel,
    matrix: Floats,
    value: Floats,
    *,
    customer: NDArray[np.int64],
    as_of: int,
    unit: str,
    seed: int = 0,
    threads: int = 1,
) -> Drivers | None:
    """Of the rows `matrix` [n, f] of one night, worth `value` [n] (NaN: not known, left out).

    Where no value is known each customer counts as one. None where there is nobody.
    """
    known = ~np.isnan(value)
    if not known.any():
        value, unit, known = np.ones(len(matrix)), "customers", np.ones(len(matrix), np.bool_)
    rows = np.flatnonzero(known)
    if not len(rows):
        return None
    some = np.random.default_rng(seed).permutation(rows)[:MOST_ROWS]
    worth = value[some] * (len(rows) / len(some))  # those drawn stand for all
    systems = model.systems
    parts = [_parts(model, systems, matrix[some[at : at + CHUNK]], worth[at : at + CHUNK], threads)
             for at in range(0, len(some), CHUNK)]  # fmt: skip
    raises, lowers = (np.vstack([part[side] for part in parts]) for side in (0, 1))
    by_column = np.sum([part[2] for part in parts], axis=0)
    drawn = np.array([w @ (raises + lowers) for w in resampled(customer[some], DRAWS, seed)])
    first = np.bincount(raises.argmax(axis=1)[raises.max(axis=1) > 0], minlength=len(systems.names))
    told = [
        Driver(
            system=system,
            name=SYSTEMS.get(system, system),
            raises=float(raises[:, at].sum()),
            lowers=float(lowers[:, at].sum()),
            net=Interval.of(float((raises + lowers)[:, at].sum()), drawn[:, at]),
            customers=round(first[at] * len(rows) / len(some)),
            says=systems.loudest(by_column, at),
        )
        for at, system in enumerate(systems.names)
    ]
    p = model.predict(matrix[some], threads)
    return Drivers(
        as_of=as_of,
        unit=unit,
        customers=len(rows),
        at_risk=float(p @ worth),
        average=float(worth.sum() * probability(np.array([model.average]))[0]),
        systems=tuple(sorted(told, key=lambda one: -one.raises)),
    )


def _parts(
    model: ChurnModel, systems: Systems, matrix: Floats, worth: Floats, threads: int
) -> tuple[Floats, Floats, Floats]:
    """Of each row the value that systems add and take away, [n, systems] both; and of each column
    the value that it adds, [f]."""
    contributions, bias = model.contributions(matrix, threads)
    away = contributions.sum(axis=1)
    p, p0 = probability(bias + away), probability(np.array([bias]))
    near = np.abs(away) < NEAR
    points = np.where(near, p * (1 - p), (p - p0) / np.where(near, 1.0, away)) * worth
    by_group = systems.by_group(contributions) * points[:, None]
    return (
        systems.by_system(np.maximum(by_group, 0)),
        systems.by_system(np.minimum(by_group, 0)),
        np.asarray(points @ np.maximum(contributions, 0)),
    )
