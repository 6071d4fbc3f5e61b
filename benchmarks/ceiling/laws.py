"""The constants of a world as compiled loops read them, and what a particle is made of."""

from __future__ import annotations

import math
from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from data_samples.feelings import HALF, LOSS_A_CASE, LOSS_A_YEAR
from data_samples.settings import WorldSettings

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

compiled = numba.njit(nogil=True)

# What a particle carries; impatience as its logarithm, rates in the order of their clocks.
FIT, MOOD, ATTACHMENT, MOVED, FAILED, FIRST_MOOD, IMPATIENCE, SHAPE, RATE = range(9)
USES, ORDERS, CASES = range(3)
# Of each clock, in time at the customer's pace: since it last struck, with the logarithm of that
# silence's chance where it has been weighed; of the gaps before, the sum, that of their logarithms
# and the first one.
CLOCK, PER_CLOCK = RATE + 3, 5
SINCE, WEIGHED, TOTAL, LOGS, FIRST = range(5)
FIELDS = CLOCK + 3 * PER_CLOCK

# What the log shows of a day, in the order in which it is weighed.
(
    USED, ORDERED, REFERRED, MET, MISSED, ANSWERED, NOT_ANSWERED, NOT_HANDED, NOT_HASTENED, OPENED,
    SPOKE, NOT_INVITED, MARKED,
) = range(13)  # fmt: skip

SHAPES = 6
SHAPE_SHARES = np.array([0.25, 0.2, 0.2, 0.15, 0.1, 0.1])
IMPATIENCE_SPREAD = 0.35


class Laws(NamedTuple):
    """The constants of a world as compiled loops read them."""

    fit_stays: float
    mood_stays: float
    lag: float
    private_rate: float
    private_size: float
    quiet_rate: float
    quiet_size: float
    hazard: float
    pull: float
    locked: float
    window: float
    window_days: int
    answers: float
    log_rates: tuple[float, float, float]
    spreads: tuple[float, float, float]
    usual: tuple[float, float, float]  # of a year, of a yearly case, days that a loss lasts
    # What is read of the log.
    use_amounts: bool
    staying: bool
    clocks: tuple[bool, bool, bool]
    marks: bool


def laws_of(settings: WorldSettings, without: str = "") -> Laws:
    """Of a world; `without` leaves one kind of sign unread: amounts, uses, orders, cases, staying
    or marks."""
    return Laws(
        math.exp(-HALF / settings.fit_half_life),
        math.exp(-HALF / settings.mood_half_life),
        settings.attachment_lag,
        settings.private_per_year / 365.0,
        settings.private_size,
        settings.quiet_per_year / 365.0,
        settings.quiet_size,
        settings.leave_per_year / 365.0,
        settings.pull,
        settings.yearly_locked,
        settings.yearly_window,
        settings.window_days,
        settings.survey_answers,
        (
            math.log(settings.uses_per_month / 30.0),
            math.log(settings.orders_per_year / 365.0),
            math.log(settings.cases_per_year / 365.0),
        ),
        (0.7, 0.6, 0.7),
        (
            -settings.quiet_per_year * settings.quiet_size + LOSS_A_YEAR,
            LOSS_A_CASE * 365.0,
            settings.mood_half_life / HALF / 365.0,
        ),
        without != "amounts",
        without != "staying",
        (without != "uses", without != "orders", without != "cases"),
        without != "marks",
    )


@compiled
def usual_mood(laws: Laws, impatience: float, case_rate: float) -> float:
    """As `data_samples.feelings.usual_mood`."""
    year, case, days = laws.usual
    return max(impatience * (year + case * case_rate) * days, -2.0)
