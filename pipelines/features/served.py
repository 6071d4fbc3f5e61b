"""Figures of those who served a customer, compiled: looked up by night and agent, row by row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models.compiling import in_place
from pipelines.features.desk import Columns
from pipelines.features.program import SERVED, Program
from pipelines.features.records import EVER, NOWHERE, ONE, begin_of

if TYPE_CHECKING:
    from pipelines.features.figures import Lists, Nights

MEAN, MOST, LAST = range(len(SERVED))
KNOWN, TOTAL, HIGHEST = range(3)  # of a figure of the agents of a window

Floats = NDArray[np.float64]


@in_place
def served_figures(
    k: np.uint64, columns: Columns, program: Program, lists: Lists, nights: Nights, row: Floats
) -> None:
    """Figures of the agents of a stream's entries: in a window, or of the newest that has one."""
    night, agents, of = nights.night[k], nights.agents[:, k], nights.served
    for i in range(len(program.serving)):
        group = program.serving[i]
        slot = lists.slot[group.stream]
        if slot == NOWHERE:
            continue
        first, before, within = lists.state[slot].start, lists.before[slot], -1
        high = first + before[night.edge[EVER]]
        if high == first:
            continue
        for s in range(group.first, group.end):
            asked = program.served[s]
            if asked.op == LAST:
                who, figure = _newest(columns, lists, first, high), np.nan
                if 0 <= who < len(agents):
                    figure = agents[who, asked.figure]
                row[asked.column] = figure
                continue
            if asked.window != within:
                low = begin_of(asked.window, night, first, before)
                _gather(columns, lists, low, high, agents, of)
                within = asked.window
            row[asked.column] = np.nan
            known = of[asked.figure, KNOWN]
            if known > 0.0:
                most, total = of[asked.figure, HIGHEST], of[asked.figure, TOTAL]
                row[asked.column] = most if asked.op == MOST else total / known


@in_place
def _newest(columns: Columns, lists: Lists, first: np.uint64, high: np.uint64) -> int:
    """The agent of the newest entry that has one, else -1."""
    p = high
    while p > first:
        p -= ONE
        who = columns.agent[lists.row[p]]
        if who >= 0:
            return int(who)
    return -1


@in_place
def _gather(
    columns: Columns, lists: Lists, low: np.uint64, high: np.uint64, agents: Floats, of: Floats
) -> None:
    """All figures of the agents of entries `low` to `high`, the newest first."""
    of[:, KNOWN] = of[:, TOTAL] = 0.0
    of[:, HIGHEST] = -np.inf
    p = high
    while p > low:
        p -= ONE
        who = columns.agent[lists.row[p]]
        if not 0 <= who < len(agents):
            continue
        for figure in range(len(of)):
            value = agents[who, figure]
            if not np.isnan(value):
                of[figure, KNOWN] += 1.0
                of[figure, TOTAL] += value
                of[figure, HIGHEST] = max(of[figure, HIGHEST], value)
