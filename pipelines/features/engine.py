"""Between NumPy arrays and the compiled pass: types, room to work in, nights in order."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from models.contracts import CHANNELS, DAY, KINDS
from pipelines.features import kernel
from pipelines.features.desk import FACTS_A_ROW, Columns, prepare_desk
from pipelines.features.figures import Lists, Nights
from pipelines.features.program import Compiled, Program
from pipelines.features.records import DIFFER, NIGHT, NOWHERE, STATE, TEMPO
from pipelines.features.stream import AGENT_FIGURES, WINDOWS
from pipelines.history.events import DTYPES, Events

if TYPE_CHECKING:
    from pipelines.features.matrix import Context, Night


FEW_ROWS = 20_000  # of a customer, for whom list entries of every kind may be set aside


def fill(
    out: NDArray[np.float64],
    events: Events,
    customers: NDArray[np.int32],
    joined: NDArray[np.int64],
    nights: Sequence[Night],
    context: Context,
    compiled: Compiled,
    beside: NDArray[np.float64] | None = None,
    beside_at: int = 0,
) -> None:
    """Write the figures of the streams into `out` [nights, customers, ...], contiguous, and those
    that are already there of the contract, `beside`, into the columns from `beside_at` on."""
    program = compiled.wordless if events.wordless else compiled.program
    settled = events.settled and all(night.as_of <= night.cutoff for night in nights)
    first, end = bounds(events, customers)
    rows = slice(first[0], end[-1]) if len(customers) else slice(0)
    columns = _columns(events, rows, context, settled)
    first, end = first - rows.start, end - rows.start
    need = _room(columns, first, end, program)
    agents = _as(context.agents.at(nights), np.float64)
    if beside is None:
        beside = np.empty((len(nights), len(customers), 0))
    groups = [
        _nights(
            nights,
            slots,
            gaps.table(compiled.kinds),
            agents,
            context.silent_days,
            settled,
            program,
            beside,
            beside_at,
        )
        for gaps, slots in context.gaps.by_night(nights)
    ]
    work = _work(columns, need, groups, context, program)
    for group in groups:
        mine = work._replace(nights=group)
        kernel.run(columns, first, end, _as(joined, np.int64), program, mine, out)


def _as(array: NDArray[Any], dtype: type[np.generic]) -> NDArray[Any]:
    """Contiguous, writable and of the type: each other combination would compile once more."""
    return np.require(array, dtype, ["C", "W"])


def bounds(
    events: Events, customers: NDArray[np.int32]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """As `Events.bounds`, of customers in their order."""
    first, end = np.empty(len(customers), np.int64), np.empty(len(customers), np.int64)
    of_row, asked = (_fixed(numbers, np.int32) for numbers in (events.customer, customers))
    kernel.bounds(of_row, asked, first, end)
    return first, end


def _columns(events: Events, rows: slice, context: Context, settled: bool) -> Columns:
    """The columns of some rows; when each was known is not looked at where all is settled."""
    unread = {"recorded", "until"} if settled else set()
    given = {
        name: _read((events.at if name in unread else getattr(events, name))[rows], DTYPES[name])
        for name in Events.columns()
        if name != "customer"
    }
    bots, teams = _read(context.bots, np.bool_), _read(context.teams, np.int32)
    return Columns(**given, bots=bots, teams=teams)


def _read(array: NDArray[Any], dtype: type[np.generic]) -> NDArray[Any]:
    """As `_fixed`, but made once for all buckets where one value stands for all rows."""
    if len(array) and array.strides == (0,):  # as an empty one may have, too
        return _one_value(np.require(array[:1], dtype), len(array))
    return _fixed(array, dtype)


def _fixed(array: NDArray[Any], dtype: type[np.generic]) -> NDArray[Any]:
    """The same values, contiguous and not to be written."""
    view = np.ascontiguousarray(array, dtype).view()
    view.flags.writeable = False
    return view


_ONE_VALUE: dict[tuple[np.dtype[Any], bytes], NDArray[Any]] = {}
MOST_VALUES = 32  # kept: those that stand for what is absent are fewer


def _one_value(value: NDArray[Any], rows: int) -> NDArray[Any]:
    """So many rows of a value, as of a column that was not read or that no row has."""
    key = value.dtype, value.tobytes()
    found = _ONE_VALUE.get(key, value[:0])
    if len(found) < rows:
        if len(_ONE_VALUE) >= MOST_VALUES:
            _ONE_VALUE.clear()
        found = _ONE_VALUE[key] = np.full(rows * 2, value[0], value.dtype)
        found.flags.writeable = False
    return found[:rows]


def _room(
    columns: Columns, first: NDArray[np.int64], end: NDArray[np.int64], program: Program
) -> tuple[int, int, int, int]:
    """What the busiest customer may need: rows, list entries, case numbers, days of history."""
    many = end - first
    some = many > 0
    per_kind, per_fact = np.split(np.diff(program.kept.start), [len(KINDS)])
    facts = int(per_fact.max(initial=0)) * FACTS_A_ROW
    if some.any() and many.max() > FEW_ROWS:
        # Every kind as if it were the busiest would be far too much for a giant.
        entries = kernel.entries(columns, first[some], end[some], program, facts)
    else:
        entries = int(many.max(initial=0)) * (int(per_kind.max(initial=0)) + facts)
    days = (columns.at[end[some] - 1] - columns.at[first[some]]).max(initial=0) // DAY
    cases = int(columns.case.max(initial=-1)) + 1
    return int(many.max(initial=0)), entries, cases, int(days)


def _work(
    columns: Columns,
    need: tuple[int, int, int, int],
    groups: Sequence[Nights],
    context: Context,
    program: Program,
) -> kernel.Work:
    nights = max(len(group.night) for group in groups)
    edges = max(len(group.edges) for group in groups)
    rows, entries, cases, days = (max(1, many) for many in need)
    codes = max(
        columns.agent.max(initial=0), columns.topic.max(initial=0), cases, len(CHANNELS),
        columns.teams.max(initial=0),
    )  # fmt: skip
    return kernel.Work(
        rows=np.empty(rows, np.uint64),
        signature=np.empty(rows, np.int64),
        day=np.empty(rows, np.int64),
        which=np.zeros(nights, np.uint64),
        one=np.zeros(1, np.uint64),
        desk=prepare_desk(rows, cases, _as(context.promise_seconds, np.int64), context.hours),
        lists=_lists(entries, int(codes) + 1, days, (len(program.plan), edges + 1)),
        nights=groups[0],
    )


def _lists(entries: int, codes: int, days: int, tally: tuple[int, int]) -> Lists:
    return Lists(
        tally=np.zeros(tally, np.uint32),
        touched=np.zeros(tally[0], np.bool_),
        slot=np.full(tally[0], NOWHERE),
        of_kind=np.zeros((len(KINDS), tally[1]), np.uint32),
        met=np.zeros(len(KINDS), np.bool_),
        state=np.zeros(tally[0], STATE),
        before=np.empty(tally, np.uint32),
        end=np.empty(tally[0], np.uint64),
        at=np.empty(entries, np.int64),
        day=np.empty(entries, np.int64),
        row=np.empty(entries, np.uint64),
        value=np.empty(entries, np.float64),
        days=np.empty(entries, np.int64),
        seen=np.zeros(codes, np.int64),
        noted=np.empty(codes, np.int64),
        newest=np.empty(codes, np.uint64),
        gaps=np.zeros(days + 2, np.int64),
        turn=np.zeros(1, np.int64),
    )


def _nights(
    nights: Sequence[Night],
    slots: Sequence[int],
    gaps: tuple[NDArray[np.int64], NDArray[np.int64]],
    agents: NDArray[np.float64],
    silent_days: int,
    settled: bool,
    program: Program,
    beside: NDArray[np.float64],
    beside_at: int,
) -> Nights:
    """The nights at `slots`, in order of time."""
    streams = len(program.plan)
    order = sorted(slots, key=lambda slot: nights[slot].as_of)
    dead, dead_start = gaps
    as_of = [nights[slot].as_of for slot in order]
    edges, edge = _edges(tuple(as_of))
    night = np.empty(len(order), NIGHT)
    night["as_of"], night["cutoff"] = as_of, [nights[slot].cutoff for slot in order]
    night["slot"], night["edge"] = order, edge
    return Nights(
        night=night,
        edges=edges,
        high=np.zeros(len(order), np.uint64),
        differ=np.zeros((len(program.looks), len(order)), DIFFER),
        tempo=np.zeros((streams, len(order)), TEMPO),
        row=np.full(max(len(program.template), beside_at + beside.shape[2]), np.nan),
        beside=beside,
        beside_at=beside_at,
        agents=np.ascontiguousarray(agents[order].swapaxes(0, 1)),
        served=np.empty((len(AGENT_FIGURES), 3)),
        settled=settled,
        silent=silent_days * DAY,
        dead=dead,
        dead_start=dead_start,
    )


@lru_cache(maxsize=8)  # a caller asks for one night again and again
def _edges(as_of: tuple[int, ...]) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
    """When windows of these nights begin, ascending, and the place of each among them, [nights,
    windows]; the pass only reads both."""
    back = [0 if days is None else days * DAY for days in WINDOWS]
    edges, edge = np.unique(
        np.array(as_of, np.int64)[:, None] - np.array(back, np.int64), return_inverse=True
    )
    return edges, np.ascontiguousarray(edge.reshape(len(as_of), len(WINDOWS)), np.uint64)
