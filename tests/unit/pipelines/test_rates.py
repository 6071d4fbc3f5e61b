"""Which rate a night knew, and what it makes of amounts."""

import numpy as np
import pytest

from pipelines.history.rates import Money, Rates
from tests.unit.pipelines.term_tables import at, night

TABLE = """
    currency date       rate recorded   until
    CHF      2026-01-01 1.00 2026-01-01 -
    CHF      2026-02-01 1.10 2026-02-01 2026-03-05
    CHF      2026-02-01 1.20 2026-03-05 -
    CHF      2026-03-10 1.30 2026-03-10 -
    USD      2026-02-01 0.80 2026-02-20 -
"""


def rates(table: str) -> Rates:
    rows = [line.split() for line in table.strip().splitlines()[1:]]
    currency, day, rate, recorded, until = zip(*rows, strict=True)
    return Rates(
        np.array(currency, object),
        np.array([at(text) for text in day]),
        np.array([float(text) for text in rate]),
        np.array([at(text) for text in recorded]),
        np.array([at(text) for text in until]),
    )


@pytest.mark.parametrize(
    ("day", "known"),
    [
        ("2025-12-31", {}),
        ("2026-01-15", {"CHF": 1.0}),  # an earlier one stands until the next
        ("2026-02-10", {"CHF": 1.1}),  # the dollar's rate was recorded later
        ("2026-03-01", {"CHF": 1.1, "USD": 0.8}),
        ("2026-03-06", {"CHF": 1.2, "USD": 0.8}),  # corrected
        ("2026-03-10", {"CHF": 1.3, "USD": 0.8}),  # of the date itself
    ],
)
def test_the_latest_rate_at_or_before_the_night_that_was_known(day, known):
    assert rates(TABLE).at_night(night(day)) == known


@pytest.mark.parametrize(
    ("currency", "factor"), [("EUR", 1.0), (None, 1.0), ("USD", 0.8), ("GBP", np.nan)]
)
def test_one_unit_in_the_homes_currency(currency, factor):
    found = Money("EUR", rates(TABLE)).factor(currency, night("2026-03-01"))
    assert found == pytest.approx(factor, nan_ok=True)
