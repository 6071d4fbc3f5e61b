"""Several LightGBM texts as one: the sum of their trees, each model with its part.

A model of several seeds, or of trees that go on where others ended, stays one sum of trees, so that
its exact contributions are those of any other.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial

# Numbers of a tree's text that scale with its share; the splits do not.
_SCALED = re.compile(r"^(leaf_value|internal_value|shrinkage)=(.*)$", re.MULTILINE)
_TREE = "\nTree="
_END = "\nend of trees"


def mixed(parts: Sequence[tuple[str, float]]) -> str:
    """A text whose score is the sum of those of `parts`, each times its share, all of the same
    features; the first one says what a score means."""
    first, _ = parts[0]
    head, _, _ = first.partition(_TREE)
    # `tree_sizes` are byte counts that no longer hold; LightGBM reads on without them.
    lines = [line for line in head.splitlines() if not line.startswith("tree_sizes=")]
    trees = []
    for text, share in parts:
        body = text.partition(_TREE)[2].partition(_END)[0]
        for tree in body.split(_TREE):
            own = tree.partition("\n")[2].rstrip("\n")  # without its number
            trees.append(own if share == 1 else _SCALED.sub(partial(_scaled, share), own))
    numbered = [f"Tree={number}\n{tree}\n\n" for number, tree in enumerate(trees)]
    tail = first.partition(_END)[2]
    return "\n".join(lines).rstrip("\n") + "\n\n" + "\n".join(numbered) + _END + tail


def _scaled(share: float, found: re.Match[str]) -> str:
    values = " ".join(repr(float(value) * share) for value in found[2].split())
    return f"{found[1]}={values}"
