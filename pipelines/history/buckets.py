"""Which bucket a customer's interactions lie in."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Knuth, The Art of Computer Programming 3, 6.4: 2^32 over the golden ratio spreads consecutive
# numbers evenly over the high bits, so that doubling the buckets splits each of them in two.
MULTIPLIER = 2_654_435_769
WORD = 32
TARGET_ROWS = 2_000_000  # a bucket of a new history holds at most about twice that
MOST_ROWS = 4_000_000  # a bucket that outgrew this doubles the number of buckets


def bucket_of(customers: NDArray[np.integer], buckets: int) -> NDArray[np.int64]:
    """The bucket of each customer number, 0 to `buckets` - 1 (a power of two)."""
    return (place_of(customers) >> np.uint64(_shift(buckets))).astype(np.int64)


def place_of(customers: NDArray[np.integer]) -> NDArray[np.uint64]:
    """The place of each customer number, 32 bits of which the first are the bucket."""
    return (customers.astype(np.uint64) * np.uint64(MULTIPLIER)) & np.uint64(2**WORD - 1)


def bucket_sql(customer: str, buckets: int) -> str:
    """The bucket as an SQL expression over a column of customer numbers."""
    return f"({place_sql(customer)} >> {_shift(buckets)})::INTEGER"


def place_sql(customer: str) -> str:
    """The place as an SQL expression over a column of customer numbers."""
    return f"(({customer}::UBIGINT * {MULTIPLIER}) % {2**WORD})"


def _shift(buckets: int) -> int:
    return WORD - (buckets.bit_length() - 1)


def buckets_for(rows: int) -> int:
    """How many buckets a history of `rows` interactions starts with."""
    wanted = max(1, -(-rows // TARGET_ROWS))
    return 1 << (wanted - 1).bit_length()


def outgrown(rows: int, buckets: int) -> bool:
    """Whether the average bucket holds more than it should."""
    return rows > MOST_ROWS * buckets
