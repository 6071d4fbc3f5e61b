"""The trees of a LightGBM text as flat arrays, and the exact contributions of their features.

TreeSHAP answers "how much did this feature move the score" by weighing every subset of the
features on a path. That depends on a customer only through the decisions at a tree's nodes. So a
tree's leaves are cut into groups of few nodes, each group's answer to every pattern of decisions
is worked out once, and a customer's contributions are looked up.
Source: Lundberg et al., "From local explanations to global understanding", 2020 (path-dependent
values, those of `pred_contrib`); Yang, "Fast TreeSHAP", 2021 (tables over what is met).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.errors import WarmlineError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# A group's table holds 2**8 patterns for each of its features: 2 KB, of which many fit the
# nearest cache. Measured with 300 trees of 15 leaves: 8 is quickest (decision 0004).
GROUP_NODES = 8
BLOCK = 4096  # rows a task: enough to share out, few enough to share evenly


@dataclass(frozen=True)
class Forest:
    """Trees laid end to end: nodes, and groups of leaves with their tables."""

    node_feature: Ints
    node_threshold: Floats
    node_missing_left: NDArray[np.bool_]  # the side a missing value takes
    tree_nodes: Ints  # [trees + 1] first node of each tree
    tree_groups: Ints  # [trees + 1] first group of each tree
    group_nodes: Ints  # [groups + 1] where each group's nodes begin in `member_node`
    member_node: Ints  # the node behind each bit of a group's pattern, from its tree's first
    group_features: Ints  # [groups + 1] where each group's features begin in `member_feature`
    member_feature: Ints
    member_table: Ints  # where the 2**nodes values of each feature begin in `table`
    group_table: Ints  # [groups] where the leaf values of each group begin in `table`
    table: Floats  # log-odds
    bias: float  # log-odds expected over the training rows

    @classmethod
    def from_text(cls, text: str) -> Forest:
        """Raises `WarmlineError` for a model that these tables cannot hold."""
        return _lay_out([_read_tree(section) for section in _sections(text)])

    def contributions(self, matrix: Floats, threads: int = 1) -> Floats:
        """Log-odds that each feature adds, [n, f]; with `bias` they sum to the raw score."""
        out = np.empty(matrix.shape)
        members = self.group_features, self.member_feature, self.member_table
        self._look_up(matrix, out, members, threads)
        return out

    def scores(self, matrix: Floats, threads: int = 1) -> Floats:
        """Raw log-odds, [n]: to the bit those of LightGBM, without loading it."""
        out = np.empty((len(matrix), 1))
        groups = len(self.group_table)
        members = np.arange(groups + 1), np.zeros(groups, dtype=np.int64), self.group_table
        self._look_up(matrix, out, members, threads)
        return out[:, 0]

    def _look_up(
        self, matrix: Floats, out: Floats, members: tuple[Ints, Ints, Ints], threads: int
    ) -> None:
        from models.kernels import look_up

        nodes = (
            self.node_feature, self.node_threshold, self.node_missing_left, self.tree_nodes,
            self.tree_groups, self.group_nodes, self.member_node,
        )  # fmt: skip

        def work(start: int) -> None:
            rows = slice(start, start + BLOCK)
            block = np.ascontiguousarray(matrix[rows], np.float64)
            look_up(block, out[rows], *nodes, *members, self.table)

        if len(matrix) <= BLOCK:
            work(0)
            return
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(work, range(0, len(matrix), BLOCK)))


@dataclass(frozen=True)
class _Slot:
    """All conditions of a path on one feature: met when the decisions at `care` are `want`."""

    feature: int
    care: int  # bit k: node k of the tree
    want: int  # bit k: left at node k
    ratio: float  # share of the training rows that meets it, given the rest of the path


@dataclass(frozen=True)
class _Leaf:
    value: float
    nodes: tuple[int, ...]
    slots: tuple[_Slot, ...]


@dataclass(frozen=True)
class _Tree:
    features: Ints
    thresholds: Floats
    missing_left: NDArray[np.bool_]
    leaves: tuple[_Leaf, ...]  # neighbours in the tree are neighbours here

    def groups(self) -> Iterator[tuple[list[int], list[_Leaf]]]:
        """Leaves in runs whose paths share at most `GROUP_NODES` nodes; and those nodes."""
        nodes: list[int] = []
        leaves: list[_Leaf] = []
        for leaf in self.leaves:
            union = nodes + [node for node in leaf.nodes if node not in nodes]
            if len(union) > GROUP_NODES:
                yield nodes, leaves
                union, leaves = list(leaf.nodes), []
            nodes, leaves = union, [*leaves, leaf]
        yield nodes, leaves


def _sections(text: str) -> Iterator[dict[str, str]]:
    head, *trees = text.split("\nTree=")
    lines = head.splitlines()
    if "num_tree_per_iteration=1" not in lines or "average_output" in lines:
        raise _refusal("it is not one sum of trees")
    for tree in trees:
        body = tree.split("\n\n", 1)[0]
        yield dict(line.split("=", 1) for line in body.splitlines()[1:] if "=" in line)


def _refusal(why: str) -> WarmlineError:
    return WarmlineError(
        f"This model's trees cannot be explained: {why}. Train it again with `warmline train`, "
        "which keeps to what can be."
    )


def _read_tree(section: dict[str, str]) -> _Tree:
    if section.get("num_cat", "0") != "0":
        raise _refusal("a split is categorical")
    if section.get("is_linear", "0") != "0":
        raise _refusal("a leaf holds a linear model")
    features = np.array(section.get("split_feature", "").split(), dtype=np.int64)
    thresholds = np.array(section.get("threshold", "").split(), dtype=np.float64)
    # LightGBM's decision type: bit 1 is the side of the missing, bits 2 and 3 what is missing.
    decisions = np.array(section.get("decision_type", "").split(), dtype=np.uint8)
    kind = (decisions >> 2) & 3
    if (kind == 1).any():
        raise _refusal("it takes zero for missing")
    # Where no value was missing in training, LightGBM reads a missing one as zero.
    missing_left = np.where(kind == 2, (decisions & 2) > 0, thresholds >= 0)
    return _Tree(features, thresholds, missing_left, tuple(_leaves(section, features)))


def _leaves(section: dict[str, str], features: Ints) -> Iterator[_Leaf]:
    """Each leaf with the merged conditions of its path, from left to right."""
    values = [float(value) for value in section["leaf_value"].split()]
    left = [int(child) for child in section.get("left_child", "").split()]
    right = [int(child) for child in section.get("right_child", "").split()]
    leaf_count = [int(count) for count in section.get("leaf_count", "").split()]
    node_count = [int(count) for count in section.get("internal_count", "").split()]
    nothing: dict[int, _Slot] = {}
    waiting: list[tuple[int, tuple[int, ...], dict[int, _Slot]]] = [
        (0 if left else ~0, (), nothing)
    ]
    while waiting:
        node, path, slots = waiting.pop()
        if node < 0:  # LightGBM's mark of a leaf: the complement of its number
            yield _Leaf(values[~node], path, tuple(slots.values()))
            continue
        if len(path) == GROUP_NODES:
            raise _refusal(f"a tree is deeper than {GROUP_NODES}")
        for child, bit in ((right[node], 0), (left[node], 1 << node)):
            rows = node_count[child] if child >= 0 else leaf_count[~child]
            feature = int(features[node])
            before = slots.get(feature, _Slot(feature, 0, 0, 1.0))
            merged = _Slot(
                feature,
                before.care | 1 << node,
                before.want | bit,
                before.ratio * rows / node_count[node],
            )
            waiting.append((child, (*path, node), slots | {feature: merged}))


def _lay_out(trees: Sequence[_Tree]) -> Forest:
    groups = [list(tree.groups()) for tree in trees]
    flat = [group for of_tree in groups for group in of_tree]
    features = [
        sorted({slot.feature for leaf in leaves for slot in leaf.slots}) for _, leaves in flat
    ]
    tables = [
        _table(nodes, leaves, own) for (nodes, leaves), own in zip(flat, features, strict=True)
    ]
    starts = _starts([table.size for table in tables])
    rows = [
        start + row * table.shape[1]
        for start, table in zip(starts, tables, strict=False)
        for row in range(len(table) - 1)
    ]
    totals = [end - table.shape[1] for end, table in zip(starts[1:], tables, strict=True)]
    return Forest(
        node_feature=_joined([tree.features for tree in trees], np.int64),
        node_threshold=_joined([tree.thresholds for tree in trees], np.float64),
        node_missing_left=_joined([tree.missing_left for tree in trees], np.bool_),
        tree_nodes=_starts([len(tree.features) for tree in trees]),
        tree_groups=_starts([len(of_tree) for of_tree in groups]),
        group_nodes=_starts([len(nodes) for nodes, _ in flat]),
        member_node=_joined([np.array(nodes) for nodes, _ in flat], np.int64),
        group_features=_starts([len(own) for own in features]),
        member_feature=_joined([np.array(own) for own in features], np.int64),
        member_table=np.array(rows, dtype=np.int64),
        group_table=np.array(totals, dtype=np.int64),
        table=_joined([table.ravel() for table in tables], np.float64),
        bias=sum(_expected(leaf) for _, leaves in flat for leaf in leaves),
    )


def _expected(leaf: _Leaf) -> float:
    """What the leaf adds to the average training row."""
    return float(leaf.value * np.prod([slot.ratio for slot in leaf.slots]))


def _table(nodes: list[int], leaves: list[_Leaf], features: list[int]) -> Floats:
    """Log-odds to each feature under each pattern of decisions, and last the value of the leaf
    that the pattern leads to (0: none of this group); [features + 1, 2**nodes]."""
    from models.kernels import add_leaf

    out = np.zeros((len(features) + 1, 1 << len(nodes)))
    bit_of = {node: bit for bit, node in enumerate(nodes)}
    for leaf in leaves:
        add_leaf(
            out,
            leaf.value,
            np.array([features.index(slot.feature) for slot in leaf.slots], dtype=np.int64),
            np.array([_moved(slot.care, bit_of) for slot in leaf.slots], dtype=np.int64),
            np.array([_moved(slot.want, bit_of) for slot in leaf.slots], dtype=np.int64),
            np.array([slot.ratio for slot in leaf.slots], dtype=np.float64),
        )
    return out


def _moved(bits: int, bit_of: dict[int, int]) -> int:
    """Bits by node of the tree as bits of the group's pattern."""
    return sum(1 << bit for node, bit in bit_of.items() if bits >> node & 1)


def _starts(sizes: Sequence[int]) -> Ints:
    return np.concatenate([[0], np.cumsum(np.array(sizes, dtype=np.int64))]).astype(np.int64)


def _joined(arrays: Sequence[NDArray[Any]], kind: type) -> NDArray[Any]:
    return np.concatenate([np.empty(0, dtype=kind), *arrays]).astype(kind)
