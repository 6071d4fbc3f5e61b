"""Customers keep their bucket, and doubling the buckets splits each in two."""

from __future__ import annotations

import numpy as np
import pytest

from pipelines.history.buckets import bucket_of, bucket_sql, buckets_for
from pipelines.history.engine import connect

CUSTOMERS = np.arange(100_000, dtype=np.int32)


@pytest.mark.parametrize("buckets", [1, 2, 16, 1024])
def test_customers_are_spread_evenly(buckets: int) -> None:
    sizes = np.bincount(bucket_of(CUSTOMERS, buckets), minlength=buckets)
    assert len(sizes) == buckets
    assert sizes.max() - sizes.min() <= max(3, 0.05 * len(CUSTOMERS) / buckets)


@pytest.mark.parametrize("buckets", [1, 4, 64])
def test_sql_and_numpy_agree(buckets: int) -> None:
    with connect() as connection:
        bucket = bucket_sql("n", buckets)
        query = f"SELECT {bucket} FROM range(1000) AS numbers(n) ORDER BY n"  # noqa: S608
        in_sql = [row[0] for row in connection.execute(query).fetchall()]
    assert in_sql == bucket_of(np.arange(1000), buckets).tolist()


def test_doubling_splits_each_bucket_in_two() -> None:
    assert (bucket_of(CUSTOMERS, 32) // 2 == bucket_of(CUSTOMERS, 16)).all()


@pytest.mark.parametrize(
    ("rows", "buckets"), [(0, 1), (60_000, 1), (3_000_000, 2), (10_000_000, 8), (100_000_000, 64)]
)
def test_a_small_history_has_few_buckets(rows: int, buckets: int) -> None:
    assert buckets_for(rows) == buckets
