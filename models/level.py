"""How far the share that leaves may have moved by the nights on which a model is used.

Each night learned from has a level: what, added to the log-odds of its customers, makes their mean
right. Levels are taken for a random walk that is seen with the chance of who left (the local level
model: Durbin and Koopman, Time Series Analysis by State Space Methods, 2012), and it is predicted
from the last of these nights on. How fast it walks is averaged over, by what the nights tell and a
prior that holds it still where they tell little (Simpson and others, Statistical Science 2017).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.calibration import probability
from models.contracts import DAY

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

MONTH = 30.0  # days
# Standard deviations of a month's step that are looked at, and the prior's rate of decay: one
# company in twenty walks so fast that a year doubles its odds, or halves them.
SPEEDS = np.linspace(0.0, 1.0, 201)
DECAY = np.log(20.0) / (np.log(2.0) / np.sqrt(12.0))
STEPS, TOLERANCE = 50, 1e-10


def level_error(
    log_odds: Floats,
    y: Bools,
    customer: NDArray[np.int64],
    as_of: NDArray[np.int64],
    counts: Floats,
    days: float,
) -> float:
    """Standard deviation, in log-odds, of the level `days` after the last night about the level of
    all, beyond chance in who left; 0 of one night, which tells nothing of how levels move.

    From out-of-fold calibrated log-odds, all arrays [n]; `counts`: how often each row counts.
    """
    nights, night = np.unique(as_of, return_inverse=True)
    if len(nights) < 2:
        return 0.0
    from scipy.linalg import eigh

    months = (nights - nights[0]) / (MONTH * DAY)
    level, chance = _levels(log_odds, y, np.unique(customer, return_inverse=True)[1], night, counts)
    # In the turned coordinates both what is chance and the walk are independent from night to
    # night, with variances of 1 and `share` times the squared speed.
    share, turned = eigh(np.minimum.outer(months, months), chance)
    one, level, walked = turned.T @ np.ones(len(nights)), turned.T @ level, turned.T @ months
    speed = SPEEDS**2
    weight = 1 / (1 + np.outer(speed, share))  # [speeds, nights]
    sure = weight @ one**2
    mean = weight @ (one * level) / sure
    rest = level - np.outer(mean, one)
    likely = 0.5 * (np.log(weight).sum(axis=1) - np.log(sure) - (weight * rest**2).sum(axis=1))
    likely -= DECAY * SPEEDS
    chosen = np.exp(likely - likely.max())
    expected = mean + speed * ((weight * rest) @ walked)
    variance = (
        speed * (months[-1] + days / MONTH)
        - speed**2 * (weight @ walked**2)
        + (1 - speed * (weight @ (walked * one))) ** 2 / sure
    )
    beyond = variance - variance[0] + (expected - expected[0]) ** 2
    return float(np.sqrt(max(0.0, chosen @ beyond / chosen.sum())))


def _levels(
    log_odds: Floats,
    y: Bools,
    customer: NDArray[np.intp],
    night: NDArray[np.intp],
    counts: Floats,
) -> tuple[Floats, Floats]:
    """Of each night, [nights], and their covariance by chance, in which what a customer does on
    several nights adds up. A standard normal prior keeps both finite where nobody left."""
    from scipy.sparse import csr_array

    many = int(night.max()) + 1
    level = np.zeros(many)
    for _ in range(STEPS):
        p = probability(log_odds + level[night])
        curvature = np.bincount(night, counts * p * (1 - p), many) + 1
        step = (np.bincount(night, counts * (y - p), many) - level) / curvature
        level += np.clip(step, -1, 1)
        if np.abs(step).max() < TOLERANCE:
            break
    off = csr_array((counts * (y - p), (customer, night)))
    together = (off.T @ off).toarray() + np.eye(many)
    return level, together / np.outer(curvature, curvature)
