from __future__ import annotations

import pytest

from outreach.power import Power

# Worked out by hand: (1.959964 + 0.841621) x sqrt(base x (1 - base) x (1 / control + 1 / treated)).
TABLE = [
    # units | share | base | smallest
    (10_000, 0.10, 0.20, 0.037354),
    (10_000, 0.50, 0.20, 0.022412),
    (2_000, 0.15, 0.10, 0.052633),
]


@pytest.mark.parametrize(("units", "share", "base", "smallest"), TABLE)
def test_the_smallest_difference_is_that_of_the_formula(
    units: int, share: float, base: float, smallest: float
) -> None:
    assert Power.of(units, share, base).smallest == pytest.approx(smallest, abs=2e-6)


def test_the_smallest_difference_is_found_four_times_in_five() -> None:
    import numpy as np

    power = Power.of(5_000, 0.2, 0.3)
    draws = np.random.default_rng(1)
    control = draws.binomial(1000, 0.3, 4000) / 1000
    treated = draws.binomial(4000, 0.3 - power.smallest, 4000) / 4000
    pooled = (control * 1000 + treated * 4000) / 5000
    error = np.sqrt(pooled * (1 - pooled) * (1 / 1000 + 1 / 4000))
    found = np.mean(np.abs(control - treated) / error > 1.96)
    assert 0.77 < found < 0.86


# A base of 3,000 accounts, a third of it at risk, cannot tell (issue 7).
TELLS = [(1_000, 0.1, 0.2, False), (3_000, 0.1, 0.2, True), (0, 0.1, 0.0, False),
         (1_000, 0.0, 0.2, False)]  # fmt: skip


@pytest.mark.parametrize(("units", "share", "base", "tells"), TELLS)
def test_it_says_when_the_effect_will_stay_unknown(
    units: int, share: float, base: float, tells: bool
) -> None:
    power = Power.of(units, share, base)
    assert power.tells is tells
    assert ("are too few" in power.words) is not tells
