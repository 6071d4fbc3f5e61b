"""Files of which each ingest adds one: how many of them are made one with it.

Each file that stays is larger than all later ones together. So there are never more than a dozen or
two, however many nights come, and a row is written anew as many times at most
(O'Neil et al., The log-structured merge-tree, Acta Informatica 33, 1996).
"""

from __future__ import annotations

from collections.abc import Sequence

from pipelines.history.manifest import File


def staying(files: Sequence[File], new: int) -> int:
    """How many of the first files stay as they are when `new` rows come; the others are to be one
    file with these."""
    later = new + sum(file.rows for file in files)
    for place, file in enumerate(files):
        later -= file.rows
        if file.rows <= later:
            return place
    return len(files)
