"""Features of the contract, as known at a night."""

from datetime import UTC, datetime

import numpy as np
import pytest

from pipelines.features.matrix import Night
from pipelines.features.relationship import FEATURES, fill
from pipelines.history.terms import NEVER, Terms

AS_OF = int(datetime(2026, 3, 1, tzinfo=UTC).timestamp())
NIGHT = Night(AS_OF, AS_OF + 6 * 3600)


def at(text: str) -> int:
    return NEVER if text == "-" else int(datetime.fromisoformat(f"{text}T00:00+00:00").timestamp())


def features(table: str, customers: int = 1) -> dict[str, list[float]]:
    """Rows of `customer started ended value recorded` to each feature of each customer."""
    rows = [line.split() for line in table.strip().splitlines()]
    none = np.full(len(rows), NEVER)
    terms = Terms.of(
        customer=np.array([int(row[0]) for row in rows], np.int32),
        started=np.array([at(row[1]) for row in rows]),
        notice=none,
        ended=np.array([at(row[2]) for row in rows]),
        end_kind=np.full(len(rows), -1, np.int8),
        value=np.array([float(row[3]) for row in rows]),
        recorded=np.array([at(row[4]) for row in rows]),
    )
    out = np.empty((1, customers, len(FEATURES)))
    fill(out, terms, np.arange(customers, dtype=np.int32), [NIGHT])
    return {feature.name: out[0, :, i].tolist() for i, feature in enumerate(FEATURES)}


def test_running_terms_are_summed_and_earlier_ones_counted():
    found = features("""
        0 2024-01-01 2025-01-01 10 2024-01-01
        0 2025-01-01 - 20 2025-01-01
        0 2026-02-19 - 5 2026-02-19
    """)
    assert found["running_terms"] == [2]
    assert found["value_per_month"] == [25]
    assert found["earlier_terms"] == [1]
    assert found["days_since_term_began"] == [10]
    assert found["price_change_180"] == [pytest.approx(25 / 20)]


def test_an_end_that_has_not_come_is_not_seen():
    found = features("0 2025-01-01 2026-03-10 10 2025-01-01")
    assert found["running_terms"] == [1]
    np.testing.assert_equal(found, features("0 2025-01-01 - 10 2025-01-01"))


def test_a_term_recorded_after_the_night_is_not_seen():
    assert features("0 2025-01-01 - 10 2026-03-02")["running_terms"] == [0]


def test_customers_keep_their_own_terms():
    found = features("1 2025-01-01 - 7 2025-01-01", customers=3)
    assert found["running_terms"] == [0, 1, 0]


def test_without_any_terms_nothing_is_known():
    out = np.empty((1, 2, len(FEATURES)))
    fill(out, None, np.arange(2, dtype=np.int32), [NIGHT])
    assert np.isnan(out).all()
