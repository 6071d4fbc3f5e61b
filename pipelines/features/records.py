"""The tables that the compiled pass follows, row by row.

A row is a record whose fields lie side by side, at distances that the compiler knows: it follows
one pointer to what a stream, a night or a figure is, where arrays would be one for each field.
Numbers are as small as they can be, so that all that is looked at of a customer at a night fits the
fastest cache, and unsigned where they are places, so that compiled code need not ask whether they
count from the end.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.compiling import in_place
from pipelines.features.stream import PACED, WINDOWS

Records = NDArray[np.void]
Record = Any  # a row of them, by whose name a field is read and written
Places = NDArray[np.uint16]
Indices = NDArray[np.uint64]
Counts = NDArray[np.uint32]
Index = np.uint64 | int  # unsigned once compiled

ONE = np.uint64(1)  # to step by: with a mere 1 an index would become a float
NOWHERE = np.uint16(np.iinfo(np.uint16).max)
EVER = len(WINDOWS) - 1  # the window that holds all

# What is known of the measure in a window; OWN: the sum of what the next shorter one does not hold.
OWN, SUM, TOTAL, MEAN, LEAST, MOST = range(6)
MEASURED = {"sum": SUM, "total": TOTAL, "mean": MEAN, "min": LEAST, "max": MOST}
# Of the values of an attribute in a window: how many different ones, the share of the most frequent
# one, their entropy.
DIFFERENTS, TOP, MIXTURE = range(3)
DIFFERING = {"distinct": DIFFERENTS, "top_share": TOP, "entropy": MIXTURE}


def _record(*tables: tuple[str, str, tuple[int, ...]], **fields: str) -> np.dtype[np.void]:
    """Of fields of one number each, then of whole tables."""
    return np.dtype([*fields.items(), *tables], align=True)


# What is declared. Of a stream: where its rows of the other tables begin and end, and what is asked
# of its entries.
PLAN = _record(
    count="u2", count_end="u2", value="u2", value_end="u2", look="u2", look_end="u2",
    different="u2", different_end="u2", trend="u2", trend_end="u2",
    other="u2", moving="u2", other_end="u2",  # from `moving` on what moves while nothing happens
    deepest="i2",  # last window whose measure is wanted, -1: none
    since="i2",  # column of the days since the newest, -1: none
    extreme="?",  # whether the least or the most of the measure is wanted
    has_gaps="?", has_pace="?", has_measure="?",
    keeps="?",  # whether it keeps entries, or only counts; of these whether anybody asks
    timed="?", daily="?", placed="?",  # when they were, on which days, of which rows
    scale="f8",
)  # fmt: skip
COUNT = _record(window="u2", column="u2")
VALUE = _record(window="u2", which="u2", column="u2")  # which of MEASURED
LOOK = _record(attribute="u2", deepest="u2", mixed="?")  # last window; whether how often each is
DIFFERENT = _record(look="u2", window="u2", which="u2", column="u2")  # which of DIFFERING
TREND = _record(window="u2", recent="u2", measured="?", column="u2")
OTHER = _record(op="u2", window="u2", least_days="u2", column="u2")
SHARE = _record(part="u2", window="u2", column="u2", is_count="?")
STREAK = _record(stream="u2", ends="u2", column="u2")
SERVICE = _record(window="u2", op="u2", figure="u2", column="u2")  # a figure of those who served
GROUP = _record(stream="u2", first="u2", end="u2")  # rows that belong to one stream

# What is asked, and what is found out.
NIGHT = _record(
    # Of `Nights.edges`, where each window begins; in the last place where all end.
    ("edge", "u8", (len(WINDOWS),)),
    as_of="i8", cutoff="i8",
    slot="u8",  # where it goes in the output
)  # fmt: skip
STATE = _record(  # of a stream of a customer that has any of it, at the night that is made
    ("low", "u8", (len(WINDOWS),)),  # first entry of each window
    ("part", "f8", (len(WINDOWS), MOST + 1)),  # measures of each window
    stream="u2",
    moved="?",  # whether any window holds other entries than at the night before
    start="u8",  # its first entry
    seen="u8",  # the entry past the last that the night before saw
)
DIFFER = _record(("window", "f8", (len(WINDOWS), len(DIFFERING))))  # of an attribute's values
TEMPO = _record(  # of a stream at a night
    ("pace", "f8", (len(PACED),)),
    days="f8",  # of activity
    span="f8",  # days from the first to the last
    median="f8", lower="f8", upper="f8",  # days between two, and their quartiles
)  # fmt: skip


@in_place
def begin_of(window: Index, night: Record, start: np.uint64, before: Counts) -> np.uint64:
    """The first entry that a window of a night holds, of a stream whose entries begin at `start`
    and are counted `before` each edge."""
    return start if window == EVER else start + before[night.edge[window]]
