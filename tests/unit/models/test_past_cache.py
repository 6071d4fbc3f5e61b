"""Rows put past the processor's caches arrive as they were, wherever they begin in memory."""

import numpy as np
import pytest

from models.past_cache import put


@pytest.mark.parametrize("first", range(9))
@pytest.mark.parametrize("many", [1, 7, 8, 9, 16, 40])
def test_a_row_arrives_whole_and_nothing_beside_it_changes(first: int, many: int) -> None:
    memory = np.full(64, -1.0)
    row = np.arange(1.0, many + 1.0)
    put(row, memory[first : first + many + 5])
    expected = np.full(64, -1.0)
    expected[first : first + many] = row
    np.testing.assert_array_equal(memory, expected)
