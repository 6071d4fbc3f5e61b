"""How likely a day's signs are to a particle, beside that a clock has struck."""

from __future__ import annotations

import math

import numpy as np

from benchmarks.ceiling.clocks import STRUCK
from benchmarks.ceiling.laws import (
    ANSWERED,
    ATTACHMENT,
    IMPATIENCE,
    MARKED,
    MET,
    MISSED,
    MOOD,
    NOT_ANSWERED,
    NOT_HANDED,
    NOT_HASTENED,
    OPENED,
    REFERRED,
    USED,
    Floats,
    Laws,
    compiled,
)  # fmt: skip

KEEPS_TO_BOT = 0.4  # chance that a vocal customer whom a bot failed asks for nobody
CONTRACT_SHARE = 0.08  # of the topics of cases
INVITED = 0.25  # share of the quarters in which the silent are still invited


@compiled
def weigh(
    s: Floats, w: Floats, pace: Floats, laws: Laws, silent: bool, code: int, value: float
) -> None:
    """What happened today, beside that a clock has struck."""
    if code == USED and laws.use_amounts:
        _used(w, pace, value)
    elif code == REFERRED:
        w += np.log(np.minimum(pace, 2.0))
    elif code == MARKED and laws.marks:
        for i in range(len(w)):
            shake(s, i, value)
    elif not silent:
        _told(s[ATTACHMENT], w, laws, code, value)
    elif code == MISSED:
        w += math.log(INVITED)


@compiled
def _told(felt: Floats, w: Floats, laws: Laws, code: int, value: float) -> None:
    """What only those who speak do or leave undone."""
    if code == ANSWERED:
        _answered(felt, w, laws, value)
    elif code == NOT_ANSWERED:
        w += np.log(1.0 - np.minimum(_eager(felt, laws), 0.999))
    elif code == MET:
        w -= np.log(1.0 + np.exp(-1.6 - 1.2 * felt))
    elif code == MISSED:
        w -= np.log(1.0 + np.exp(1.6 + 1.2 * felt))
    elif code == NOT_HANDED:
        w += math.log(KEEPS_TO_BOT)
    elif code == NOT_HASTENED:
        w += math.log(STRUCK)
    elif code == OPENED:  # about the contract, or about something else
        going = 0.35 / (1.0 + np.exp(3.0 + 2.5 * felt))
        contract = going + (1.0 - going) * CONTRACT_SHARE
        w += np.log(contract if value else 1.0 - contract)


@compiled
def _eager(felt: Floats, laws: Laws) -> Floats:
    return laws.answers * (0.7 + 0.35 * np.abs(felt))


@compiled
def _answered(felt: Floats, w: Floats, laws: Laws, score: float) -> None:
    low = (score - 0.5) if score > 0.0 else -99.0
    high = (score + 0.5) if score < 10.0 else 99.0
    w += np.log(_eager(felt, laws))
    for i in range(len(w)):
        middle = 7.9 + 1.6 * felt[i]
        w[i] += _within((low - middle) / 1.1, (high - middle) / 1.1)


@compiled
def _used(w: Floats, pace: Floats, value: float) -> None:
    low = math.log(value - 0.5) if value > 1.0 else -50.0
    high = math.log(value + 0.5)
    for i in range(len(w)):
        middle = 1.1 + 0.6 * math.log(pace[i])
        w[i] += _within((low - middle) / 0.55, (high - middle) / 0.55)


@compiled
def _within(low: float, high: float) -> float:
    """Log chance of a standard normal between the two."""
    return math.log(max(_normal_below(high) - _normal_below(low), 1e-12))


@compiled
def _normal_below(x: float) -> float:
    return 0.5 * math.erfc(-x / math.sqrt(2.0))


@compiled
def shake(s: Floats, i: int, by: float) -> None:
    mood = s[MOOD, i] + by * math.exp(s[IMPATIENCE, i])
    s[MOOD, i] = min(max(mood, -3.5), 1.5)
