"""Figures of those who served a customer, compiled: looked up by night and agent, row by row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models.compiling import in_place
from pipelines.features.desk import Columns
from pipelines.features.program import SERVED, Program
from pipelines.features.stream import WINDOWS

if TYPE_CHECKING:
    from pipelines.features.figures import Lists, Nights

MEAN, MOST, LAST = range(len(SERVED))
EVER = len(WINDOWS) - 1


@in_place
def served_figures(
    k: int,
    columns: Columns,
    program: Program,
    lists: Lists,
    nights: Nights,
    row: NDArray[np.float64],
) -> None:
    """Figures of the agents of a stream's entries in a window, the newest entry first."""
    end, agents = nights.edge[k, EVER], nights.agents[k]
    for s in range(len(program.served)):
        stream, op, window, figure, column = program.served[s]
        if not lists.touched[stream]:
            continue
        first, low = lists.start[stream], np.int64(0)
        if window != EVER:
            low = lists.tally[stream, nights.edge[k, window]]
        known, total, most = 0, 0.0, -np.inf
        for p in range(first + lists.tally[stream, end] - 1, first + low - 1, -1):
            who = columns.agent[lists.row[p]]
            if who < 0:
                continue
            value = agents[who, figure] if who < len(agents) else np.nan
            if not np.isnan(value):
                known += 1
                total += value
                most = max(most, value)
            if op == LAST:
                break
        if known:
            row[column] = total / known if op == MEAN else (
                most if op == MOST else total
            )  # fmt: skip
