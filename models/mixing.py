"""Several LightGBM texts as one: the sum of their trees, each model with its part.

A model of several seeds stays one sum of trees, so that its exact contributions are those of any
other.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

# Numbers of a tree's text that scale with its share; the splits do not.
_SCALED = re.compile(r"^(leaf_value|internal_value|shrinkage)=(.*)$", re.MULTILINE)
_TREE = "\nTree="
_END = "\nend of trees"


def average(texts: Sequence[str]) -> str:
    """A text whose score is the mean of those of `texts`, all of the same features."""
    head, _, _ = texts[0].partition(_TREE)
    # `tree_sizes` are byte counts that no longer hold; LightGBM reads on without them.
    lines = [line for line in head.splitlines() if not line.startswith("tree_sizes=")]
    trees = []
    for text in texts:
        body = text.partition(_TREE)[2].partition(_END)[0]
        for tree in body.split(_TREE):
            own = tree.partition("\n")[2].rstrip("\n")  # without its number
            trees.append(_SCALED.sub(lambda found: _scaled(found, len(texts)), own))
    numbered = [f"Tree={number}\n{tree}\n\n" for number, tree in enumerate(trees)]
    tail = texts[0].partition(_END)[2]
    return "\n".join(lines).rstrip("\n") + "\n\n" + "\n".join(numbered) + _END + tail


def _scaled(found: re.Match[str], models: int) -> str:
    values = " ".join(repr(float(value) / models) for value in found[2].split())
    return f"{found[1]}={values}"
