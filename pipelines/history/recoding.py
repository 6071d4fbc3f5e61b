"""Words coded anew where the lists have changed: a history is coded by one lexicon."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pipelines.history.manifest import Manifest, Part
from pipelines.history.merging import Rows
from pipelines.history.ordering import event_order
from pipelines.history.parts import read_raw, read_side

if TYPE_CHECKING:
    from pipelines.history.words.expressions import Coder


def recoded(folder: Path, where: Path, manifest: Manifest, coder: Coder) -> Iterator[Part]:
    """The parts in their order; those that hold words now coded otherwise are written anew.

    Words that are gone for their age keep the codes they had.
    """
    for position, part in enumerate(manifest.parts):
        texts = read_side(folder, part, ("text",))["text"]
        if texts.null_count == len(texts):
            yield part
            continue
        events = read_raw(folder, part, ("said",))
        there = texts.is_valid().to_numpy()
        said = np.where(there, coder.code(texts, events.kind), events.said).astype(np.int8)
        if (said == events.said).all():
            yield part
            continue
        rows = Rows.read(folder, part)
        rows = replace(rows, events=replace(rows.events, said=said))
        sorted_anew = rows.take(event_order(rows.events))
        yield sorted_anew.write(folder, where / f"recoded-{position:05d}", part.bucket)
