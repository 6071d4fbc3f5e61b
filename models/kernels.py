"""The compiled loops behind `models.forest` and `models.linear`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.compiling import compiled

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ROWS_AT_ONCE = 64  # their values and sums stay in the cache while the trees pass by


@compiled
def add_leaf(
    out: Floats, value: float, position: Ints, care: Ints, want: Ints, ratio: Floats
) -> None:
    """Adds what a leaf means under each pattern of decisions to `out`, [features + 1, patterns].

    Last its value, where the pattern leads to it; before that its Shapley values. Slot i is met
    when the decisions at the bits `care[i]` are `want[i]`.
    """
    m = len(ratio)
    shapley = _shapley(ratio)
    for pattern in range(out.shape[1]):
        mask = 0
        for i in range(m):
            if (pattern & care[i]) == want[i]:
                mask |= 1 << i
        for i in range(m):
            out[position[i], pattern] += shapley[mask, i] * value
        if mask == (1 << m) - 1:
            out[-1, pattern] += value


@compiled
def _shapley(ratio: Floats) -> Floats:
    """Shapley values of a leaf of value 1 under each mask of met slots, [2**m, m].

    For slot i: the sum over subsets S of the others of |S|! (m-|S|-1)! / m! times the product of
    `met` over S and of `ratio` over the rest, times (met_i - ratio_i).
    """
    m = len(ratio)
    met = np.empty(m)
    by_size = np.empty(m + 1)
    values = np.empty((1 << m, m))
    for mask in range(1 << m):
        for i in range(m):
            met[i] = (mask >> i) & 1
        for i in range(m):
            _sums_by_size(by_size, ratio, met, i)
            total, weight = 0.0, 1.0 / m  # |S|! (m-|S|-1)! / m! at |S| = 0
            for size in range(m):
                total += weight * by_size[size]
                if size + 1 < m:
                    weight *= (size + 1) / (m - size - 1)
            values[mask, i] = total * (met[i] - ratio[i])
    return values


@compiled
def _sums_by_size(by_size: Floats, ratio: Floats, met: Floats, without: int) -> None:
    """For each size, the sum over subsets of that size of met inside times ratio outside."""
    by_size[:] = 0.0
    by_size[0] = 1.0
    for j in range(len(ratio)):
        if j == without:
            continue
        for size in range(len(ratio) - 1, 0, -1):
            by_size[size] = by_size[size] * ratio[j] + by_size[size - 1] * met[j]
        by_size[0] *= ratio[j]


@compiled
def look_up(
    matrix: Floats, out: Floats, node_feature: Ints, node_threshold: Floats,
    node_missing_left: NDArray[np.bool_], tree_nodes: Ints, tree_groups: Ints, group_nodes: Ints,
    member_node: Ints, group_features: Ints, member_feature: Ints, member_table: Ints,
    table: Floats,
) -> None:  # fmt: skip
    """Writes to `out`, [n, columns], what the tables say of the rows of `matrix`, [n, f].

    `member_feature` names the column of `out` that a table adds to.
    """
    many = min(ROWS_AT_ONCE, len(matrix))  # a single customer's row is not taken for 64
    widest = 1
    for tree in range(len(tree_nodes) - 1):
        widest = max(widest, tree_nodes[tree + 1] - tree_nodes[tree])
    values = np.zeros((matrix.shape[1], many))  # a block, feature by feature: rows lie side by
    sums = np.zeros((out.shape[1], many))  # side, so that one instruction does several
    left = np.zeros((widest, many), np.uint16)
    pattern = np.zeros(many, np.uint16)
    for start in range(0, len(matrix), ROWS_AT_ONCE):
        rows = min(ROWS_AT_ONCE, len(matrix) - start)
        values[:, :rows] = matrix[start : start + rows].T
        sums[:] = 0.0
        for tree in range(len(tree_nodes) - 1):
            first = tree_nodes[tree]
            for node in range(first, tree_nodes[tree + 1]):
                _decide(
                    left[node - first], values[node_feature[node]], node_threshold[node],
                    node_missing_left[node],
                )  # fmt: skip
            for group in range(tree_groups[tree], tree_groups[tree + 1]):
                pattern[:] = 0
                for member in range(group_nodes[group], group_nodes[group + 1]):
                    bit = np.uint16(member - group_nodes[group])
                    for row in range(many):
                        pattern[row] |= left[member_node[member], row] << bit
                for member in range(group_features[group], group_features[group + 1]):
                    entries = table[member_table[member] :]
                    of_feature = sums[member_feature[member]]
                    for row in range(many):
                        of_feature[row] += entries[pattern[row]]
        out[start : start + rows] = sums[:, :rows].T


@compiled
def _decide(left: NDArray[np.uint16], x: Floats, threshold: float, missing_left: bool) -> None:
    """Which rows go left at a node; a comparison with a missing value is false."""
    if missing_left:
        for row in range(len(left)):
            left[row] = not (x[row] > threshold)
    else:
        for row in range(len(left)):
            left[row] = x[row] <= threshold


@compiled
def add_terms(
    matrix: Floats, out: Floats, to: Ints, clip: float, column: Ints, log_centre: Floats,
    log_scale: Floats, first: Ints, knots: Floats, ranks: Floats, weights: Floats, average: Floats,
) -> None:  # fmt: skip
    """Adds to `out`, [n, columns], what each term of a linear model says of `matrix`, [n, f].

    Term t reads `column[t]` and adds to `to[t]`; its knots and their ranks lie from `first[t]` to
    `first[t + 1]`, `weights[t]` are of its transforms (`linear.Term.transforms`), of which
    `average[t]` is the weighted mean.
    """
    for row in range(len(matrix)):
        for term in range(len(column)):
            x = matrix[row, column[term]]
            weight = weights[term]
            if np.isnan(x):
                said = weight[3]
            else:
                log = (np.sign(x) * np.log1p(np.abs(x)) - log_centre[term]) / log_scale[term]
                log = min(max(log, -clip), clip)
                rank = _between(x, knots[first[term] : first[term + 1]], ranks[first[term] :])
                said = weight[0] * log + weight[1] * rank + weight[2] * rank * rank
            out[row, to[term]] += said - average[term]


@compiled
def _between(x: float, knots: Floats, ranks: Floats) -> float:
    """The rank at `x`, straight between the knots (ascending), that of the last one beyond."""
    if x <= knots[0]:
        return float(ranks[0])
    if x >= knots[-1]:
        return float(ranks[len(knots) - 1])
    above = np.searchsorted(knots, x, side="right")
    share = (x - knots[above - 1]) / (knots[above] - knots[above - 1])
    return float(ranks[above - 1] + share * (ranks[above] - ranks[above - 1]))
