"""Cases that two sources opened: at another time, or on another topic.

Both openings stay in the history; the clock of the case starts with the first one, and its topic is
the first that is given.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.contracts import KINDS
from pipelines.history.arrivals import feeds
from pipelines.history.claims import ALIKE_WITHIN
from pipelines.history.dictionaries import read_words
from pipelines.history.manifest import Conflict, Manifest, Part
from pipelines.history.parts import read_notes, read_raw, read_side

OPENED = "case_opened"
COLUMNS = ("customer", "case", "at", "topic")

Openings = dict[str, NDArray[np.int64]]


def of_cases(folder: Path, manifest: Manifest, examples: int) -> list[Conflict]:
    """What the sources tell differently of the same case. Where only one ever opened cases, which
    the counts of what came tell, nothing else is read."""
    counted = feeds(folder, manifest)
    if counted.loc[counted["kind"] == OPENED, "source"].nunique() < 2:
        return []
    found = [_openings(folder, part) for part in manifest.parts]
    openings = {n: np.concatenate([piece[n] for piece in found]) for n in (*COLUMNS, "source")}
    first, later = _pairs(openings)
    sources = read_words(folder, manifest, "source")
    apart = np.abs(openings["at"][later] - openings["at"][first]) > ALIKE_WITHIN
    conflicts = [*_counted(openings, first[apart], later[apart], "opened_at", sources, examples)]
    topics = openings["topic"]
    other = (topics[first] >= 0) & (topics[later] >= 0) & (topics[first] != topics[later])
    conflicts += _counted(openings, first[other], later[other], "topic", sources, examples)
    return conflicts


def _openings(folder: Path, part: Part) -> Openings:
    """Openings of cases in one part that count."""
    coded = read_raw(folder, part, ("case", "topic"))
    opened = (coded.kind == KINDS.index(OPENED)) & (coded.case >= 0)
    opened[read_notes(folder, part).taken_out] = False
    rows = np.flatnonzero(opened)
    source = read_side(folder, part, ("source",))["source"].to_numpy()
    columns = {name: getattr(coded, name)[rows].astype(np.int64) for name in COLUMNS}
    return columns | {"source": source[rows].astype(np.int64)}


def _pairs(openings: Openings) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Of each case that several sources opened, the row of the first opening beside each other
    source's first one."""
    case = (openings["customer"] << 32) | openings["case"]
    order = np.lexsort((openings["source"], openings["at"], case))
    case, source = case[order], openings["source"][order]
    begins = np.flatnonzero(np.r_[True, case[1:] != case[:-1]])
    first = np.repeat(begins, np.diff(np.r_[begins, len(case)]))
    others = np.flatnonzero(source != source[first])
    key = np.stack([case[others], source[others]])
    _, kept = np.unique(key, axis=1, return_index=True)
    others = others[kept]
    return order[first[others]], order[others]


def _counted(
    openings: Openings,
    first: NDArray[np.intp],
    later: NDArray[np.intp],
    field: str,
    sources: list[str],
    examples: int,
) -> Iterator[Conflict]:
    source, customer = openings["source"], openings["customer"]
    pairs = np.stack([source[first], source[later]], axis=1)
    for counts, other in np.unique(pairs, axis=0).tolist():
        mine = first[(pairs == (counts, other)).all(axis=1)]
        shown = np.unique(customer[mine])[:examples].tolist()
        yield Conflict(
            "cases", field, sources[counts], sources[other], len(mine), False, tuple(shown)
        )
