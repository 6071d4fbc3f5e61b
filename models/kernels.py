"""The compiled loops behind `models.forest`."""

from __future__ import annotations

from math import isnan

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ROWS_AT_ONCE = 64  # their values and sums stay in the cache while the trees pass by
ZERO = 1e-35  # LightGBM's kZeroThreshold: what counts as zero where zero is missing


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def fill_table(
    table: Floats, leaf_slots: Ints, leaf_table: Ints, ratio: Floats, values: Floats
) -> None:
    """Shapley values of each leaf for each mask of met slots, into `table`.

    For slot i: the sum over subsets S of the others of |S|! (m-|S|-1)! / m! times the product of
    `met` over S and of `ratio` over the rest, times (met_i - ratio_i) and the leaf's value.
    """
    for leaf in range(len(values)):
        first = leaf_slots[leaf]
        m = leaf_slots[leaf + 1] - first
        by_size = np.empty(m + 1)
        for mask in range(1 << m):
            for i in range(m):
                _polynomial(by_size, ratio[first : first + m], mask, i)
                total, weight = 0.0, 1.0 / m  # |S|! (m-|S|-1)! / m! at |S| = 0
                for size in range(m):
                    total += weight * by_size[size]
                    if size + 1 < m:
                        weight *= (size + 1) / (m - size - 1)
                met = (mask >> i) & 1
                table[leaf_table[leaf] + mask * m + i] = (
                    total * (met - ratio[first + i]) * values[leaf]
                )


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _polynomial(by_size: Floats, ratio: Floats, mask: int, without: int) -> None:
    """For each size, the sum over subsets of that size of met inside times ratio outside."""
    by_size[:] = 0.0
    by_size[0] = 1.0
    for j in range(len(ratio)):
        if j == without:
            continue
        met = (mask >> j) & 1
        for size in range(len(ratio) - 1, 0, -1):
            by_size[size] = by_size[size] * ratio[j] + by_size[size - 1] * met
        by_size[0] *= ratio[j]


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def add_contributions(
    X: Floats, out: Floats, tree_nodes: Ints, tree_leaves: Ints, node_feature: Ints,
    node_threshold: Floats, node_missing: NDArray[np.uint8], node_default_left: NDArray[np.bool_],
    leaf_slots: Ints, leaf_table: Ints, slot_feature: Ints, slot_care: NDArray[np.uint64],
    slot_want: NDArray[np.uint64], table: Floats,
) -> None:  # fmt: skip
    """Adds each tree's contributions for the rows of `X` to `out`, both [n, f]."""
    one, none = np.uint64(1), np.uint64(0)
    for block in range(0, len(X), ROWS_AT_ONCE):
        for tree in range(len(tree_nodes) - 1):
            start = tree_nodes[tree]
            for row in range(block, min(block + ROWS_AT_ONCE, len(X))):
                left = none  # bit k: the customer goes left at node k
                for node in range(start, tree_nodes[tree + 1]):
                    x = X[row, node_feature[node]]
                    if _goes_left(
                        x, node_threshold[node], node_missing[node], node_default_left[node]
                    ):
                        left |= one << np.uint64(node - start)
                for leaf in range(tree_leaves[tree], tree_leaves[tree + 1]):
                    first, last = leaf_slots[leaf], leaf_slots[leaf + 1]
                    mask = 0
                    for slot in range(first, last):
                        if (left & slot_care[slot]) == slot_want[slot]:
                            mask |= 1 << (slot - first)
                    entry = leaf_table[leaf] + mask * (last - first)
                    for slot in range(first, last):
                        out[row, slot_feature[slot]] += table[entry + slot - first]


@njit(cache=True, nogil=True, inline="always")  # type: ignore[untyped-decorator]
def _goes_left(x: float, threshold: float, missing: int, default_left: bool) -> bool:
    """LightGBM's NumericalDecision."""
    if isnan(x):
        if missing == 2:
            return default_left
        x = 0.0
    if missing == 1 and abs(x) <= ZERO:
        return default_left
    return x <= threshold
