"""The trees of a LightGBM text as flat arrays, and the exact contributions of their features.

TreeSHAP answers "how much did this feature move the score" by weighing every subset of the
features on a path. Which conditions of a path a customer meets is a bit mask; with the depth
capped there are few masks, so each leaf's answer to each mask is worked out once and looked up
afterwards. Source: Lundberg et al., "From local explanations to global understanding", 2020
(path-dependent values, as `pred_contrib`); Yang, "Fast TreeSHAP", 2021 (the tables).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.errors import WarmlineError

Floats = NDArray[np.float64]

# Tables grow as 2**depth; 8 holds a leaf's table at 16 KB.
MAX_PATH_FEATURES = 8
MAX_NODES = 64  # the bits of a mask
BLOCK = 4096  # rows a task: enough to share out, few enough to share evenly


@dataclass(frozen=True)
class Forest:
    """Trees laid end to end: nodes (conditions), leaves, the slots of each leaf (its features).

    A slot merges all conditions of a path on one feature: met when the customer's decisions at
    the nodes `care` are those of `want`.
    """

    tree_nodes: NDArray[np.int64]  # [trees + 1] first node of each tree
    tree_leaves: NDArray[np.int64]  # [trees + 1] first leaf of each tree
    node_feature: NDArray[np.int64]
    node_threshold: Floats
    node_missing: NDArray[np.uint8]  # 0 as zero, 1 zero or missing has a side, 2 missing has one
    node_default_left: NDArray[np.bool_]
    leaf_slots: NDArray[np.int64]  # [leaves + 1] first slot of each leaf
    leaf_table: NDArray[np.int64]  # [leaves + 1] where each leaf's table begins
    slot_feature: NDArray[np.int64]
    slot_care: NDArray[np.uint64]
    slot_want: NDArray[np.uint64]
    table: Floats  # for each leaf [2**slots, slots]: log-odds to each feature under each mask
    bias: float  # log-odds expected over the training rows

    @classmethod
    def from_text(cls, text: str) -> Forest:
        """Raises `WarmlineError` for a model that these tables cannot hold."""
        return _lay_out([_read_tree(section) for section in _sections(text)])

    def contributions(self, X: Floats, threads: int = 1) -> Floats:
        """Log-odds that each feature adds, [n, f]; with `bias` they sum to the raw score."""
        from models.kernels import add_contributions

        X = np.ascontiguousarray(X, dtype=np.float64)
        out = np.zeros(X.shape)
        arrays = (
            self.tree_nodes, self.tree_leaves, self.node_feature, self.node_threshold,
            self.node_missing, self.node_default_left, self.leaf_slots, self.leaf_table,
            self.slot_feature, self.slot_care, self.slot_want, self.table,
        )  # fmt: skip

        def work(start: int) -> None:
            rows = slice(start, start + BLOCK)
            add_contributions(X[rows], out[rows], *arrays)

        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(work, range(0, len(X), BLOCK)))
        return out


@dataclass(frozen=True)
class _Slot:
    feature: int
    care: int
    want: int
    ratio: float  # share of the training rows that meets it, given the rest of the path


@dataclass(frozen=True)
class _Leaf:
    value: float
    slots: tuple[_Slot, ...]


@dataclass(frozen=True)
class _Tree:
    features: NDArray[np.int64]
    thresholds: Floats
    missing: NDArray[np.uint8]
    default_left: NDArray[np.bool_]
    leaves: tuple[_Leaf, ...]


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
    def numbers(name: str, kind: type) -> NDArray[np.generic]:
        return np.array(section.get(name, "").split(), dtype=kind)

    values = np.array(section["leaf_value"].split(), dtype=np.float64)
    if section.get("num_cat", "0") != "0":
        raise _refusal("a split is categorical")
    if section.get("is_linear", "0") != "0":
        raise _refusal("a leaf holds a linear model")
    if len(values) == 1:
        none = np.empty(0, dtype=np.int64)
        return _Tree(
            none,
            none.astype(float),
            none.astype(np.uint8),
            none.astype(bool),
            (_Leaf(float(values[0]), ()),),
        )
    if len(values) > MAX_NODES:
        raise _refusal(f"a tree has more than {MAX_NODES} leaves")
    decisions = numbers("decision_type", np.uint8).astype(np.uint8)
    features = numbers("split_feature", np.int64).astype(np.int64)
    return _Tree(
        features,
        numbers("threshold", np.float64).astype(np.float64),
        # Bits 2 and 3 of LightGBM's decision type; bit 1 is the side of the missing.
        (decisions >> 2) & 3,
        (decisions & 2).astype(bool),
        tuple(_paths(section, features, values)),
    )


def _paths(
    section: dict[str, str], features: NDArray[np.int64], values: Floats
) -> Iterator[_Leaf]:
    """Each leaf with the merged conditions of its path, in the order of the leaves' numbers."""
    left = [int(child) for child in section["left_child"].split()]
    right = [int(child) for child in section["right_child"].split()]
    leaf_count = [int(count) for count in section["leaf_count"].split()]
    node_count = [int(count) for count in section["internal_count"].split()]
    leaves: list[_Leaf | None] = [None] * len(values)
    waiting: list[tuple[int, dict[int, _Slot]]] = [(0, {})]
    while waiting:
        node, slots = waiting.pop()
        if node < 0:  # LightGBM's mark of a leaf: the complement of its number
            leaves[~node] = _Leaf(float(values[~node]), tuple(slots.values()))
            continue
        for child, goes_left in ((left[node], True), (right[node], False)):
            rows = node_count[child] if child >= 0 else leaf_count[~child]
            feature, bit = int(features[node]), 1 << node
            before = slots.get(feature, _Slot(feature, 0, 0, 1.0))
            merged = _Slot(
                feature,
                before.care | bit,
                before.want | (bit if goes_left else 0),
                before.ratio * rows / node_count[node],
            )
            waiting.append((child, slots | {feature: merged}))
    return iter([leaf for leaf in leaves if leaf is not None])


def _lay_out(trees: Sequence[_Tree]) -> Forest:
    from models.kernels import fill_table

    leaves = [leaf for tree in trees for leaf in tree.leaves]
    slots = [slot for leaf in leaves for slot in leaf.slots]
    sizes = [len(leaf.slots) for leaf in leaves]
    if max(sizes, default=0) > MAX_PATH_FEATURES:
        raise _refusal(f"a path tests more than {MAX_PATH_FEATURES} features")
    leaf_slots = _starts(sizes)
    leaf_table = _starts([size << size for size in sizes])
    ratio = np.array([slot.ratio for slot in slots], dtype=np.float64)
    values = np.array([leaf.value for leaf in leaves], dtype=np.float64)
    table = np.zeros(int(leaf_table[-1]))
    fill_table(table, leaf_slots, leaf_table, ratio, values)
    expected = [leaf.value * np.prod([slot.ratio for slot in leaf.slots]) for leaf in leaves]
    return Forest(
        tree_nodes=_starts([len(tree.features) for tree in trees]),
        tree_leaves=_starts([len(tree.leaves) for tree in trees]),
        node_feature=_joined([tree.features for tree in trees], np.int64),
        node_threshold=_joined([tree.thresholds for tree in trees], np.float64),
        node_missing=_joined([tree.missing for tree in trees], np.uint8),
        node_default_left=_joined([tree.default_left for tree in trees], np.bool_),
        leaf_slots=leaf_slots,
        leaf_table=leaf_table,
        slot_feature=np.array([slot.feature for slot in slots], dtype=np.int64),
        slot_care=np.array([slot.care for slot in slots], dtype=np.uint64),
        slot_want=np.array([slot.want for slot in slots], dtype=np.uint64),
        table=table,
        bias=float(np.sum(expected)),
    )


def _starts(sizes: Sequence[int]) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(np.array(sizes, dtype=np.int64))]).astype(np.int64)


def _joined(arrays: Sequence[NDArray[np.generic]], kind: type) -> NDArray[np.generic]:
    return np.concatenate([np.empty(0, dtype=kind), *arrays]).astype(kind)
