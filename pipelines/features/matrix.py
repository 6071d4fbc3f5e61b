"""Features of customers at nights: of the streams by the compiled pass, and of the contract.

Everything a caller needs stands here; how it is computed stays behind `compute`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models import bundle
from models.contracts import CHANNEL_CODE, CHANNELS, Feature
from models.settings import Features as Declared
from pipelines.features import declared as declarations
from pipelines.features import relationship
from pipelines.features.calendar_rows import read_hours
from pipelines.features.calendars import NO_HOURS, Hours
from pipelines.features.declared import Attributes
from pipelines.features.gaps import NO_GAPS, Gaps, gaps_of
from pipelines.features.program import Program, compile_program
from pipelines.features.streams import STREAMS, stream_features
from pipelines.feeds import found_gaps
from pipelines.history.events import Events
from pipelines.history.rates import Money

if TYPE_CHECKING:
    from models.settings import Promises, Settings
    from pipelines.history.store import History
    from pipelines.history.terms import Terms

HOUR = 3_600
SILENT_DAYS = 365  # CONTRACTS.md, definitions
BLOCK_ROWS = 32_768  # 80 MB with 300 features: a purchase log has 400,000 customers a bucket


def promise_seconds(promises: Promises) -> NDArray[np.int64]:
    """Seconds to a first reply by channel code, the last for rows without a channel."""
    seconds = np.full(len(CHANNELS) + 1, promises.first_reply_hours * HOUR, np.int64)
    for channel, hours in promises.by_channel.items():
        seconds[CHANNEL_CODE[channel]] = round(hours * HOUR)
    return seconds


@dataclass(frozen=True)
class Night:
    """Visible: `at` < as_of and `recorded` <= cutoff < `until`. Both in seconds since 1970 UTC."""

    as_of: int
    cutoff: int


@dataclass(frozen=True)
class Context:
    """What a customer's own rows do not tell."""

    bots: NDArray[np.bool_]  # by agent code; agents beyond its end are people
    promise_seconds: NDArray[np.int64]  # by channel code, the last for rows without a channel
    silent_days: int = SILENT_DAYS
    gaps: Gaps = NO_GAPS  # when feeds were down
    hours: Hours = NO_HOURS  # when teams work
    money: Money | None = None  # the home's currency; None: as `relationship.fill` says
    declared: Declared = field(default_factory=Declared)  # of the company's own columns
    attributes: Attributes = field(default_factory=Attributes.none)  # their values

    @property
    def features(self) -> tuple[Feature, ...]:
        """All columns in order."""
        return features(self.declared)


@dataclass(frozen=True)
class Block:
    """Rows of one bucket, or of a part of it: `values` is [nights, customers, features]."""

    bucket: int
    customers: NDArray[np.int32]  # ascending
    values: NDArray[np.float64]


NOTHING_DECLARED = Declared()


@cache
def features(declared: Declared = NOTHING_DECLARED) -> tuple[Feature, ...]:
    """All columns in order: of the streams, the customer and the contract, then those declared."""
    return stream_features() + relationship.FEATURES + declarations.features(declared)


@cache
def fingerprint(declared: Declared = NOTHING_DECLARED) -> str:
    """What a bundle must have been trained on to be used with this code and these settings."""
    return bundle.fingerprint(features(declared))


@cache
def _columns() -> dict[str, int]:
    return {feature.name: position for position, feature in enumerate(features())}


def column(name: str) -> int:
    """Position of a feature; raises `KeyError` for an unknown one."""
    return _columns()[name]


@cache
def program() -> Program:
    """The declared streams, compiled to tables."""
    return compile_program(STREAMS)


def context(history: History, settings: Settings, nights: Sequence[Night]) -> Context:
    """What the history knows of its agents, teams, feeds and money, and the home's promises.

    Gaps are those declared and those that the feeds' own rhythm shows until the last of `nights`.
    Raises `WarmlineError` for a wrong calendar and `WrongUsage` for a declared column that never
    came.
    """
    until = max((night.cutoff for night in nights), default=0)
    return Context(
        history.bots(),
        promise_seconds(settings.promises),
        settings.scoring.silent_days,
        _gaps(history, until),
        read_hours(history, settings.zone),
        Money.of_history(history, settings.currency),
        settings.features,
        Attributes.of(history, settings.features),
    )


def _gaps(history: History, until: int) -> Gaps:
    """Declared and found gaps. A found one is known once the feed is back."""
    feeds = history.feeds()
    declared, found = history.table("feed_gaps"), found_gaps(feeds, until)
    if all(table is None or table.empty for table in (declared, found)):
        return NO_GAPS
    return gaps_of(declared, found.assign(recorded_at=found["to"]), feeds)


def compute(
    events: Events,
    customers: NDArray[np.int32],
    joined: NDArray[np.int64],
    nights: Sequence[Night],
    context: Context,
    terms: Terms | None = None,
) -> NDArray[np.float64]:
    """The matrix [nights, customers, features] of `customers` (ascending numbers).

    `events` are sorted (see `Events`), hold every version of each row and may hold more customers;
    `joined` is in seconds and aligned with `customers`. Who has no event gets a row, too.
    """
    from pipelines.features import engine

    out = np.empty((len(nights), len(customers), len(context.features)))
    own = len(stream_features())
    end = own + len(relationship.FEATURES)
    if len(customers) and len(nights):
        engine.fill(out, events, customers, joined, nights, context, program())
        relationship.fill(out[:, :, own:end], terms, customers, nights, context.money)
        declarations.fill(out[:, :, end:], context.attributes, customers, nights)
        # Who has paused is not fading.
        out[:, :, column("fading")][out[:, :, column("paused")] == 1] = np.nan
    return out


def stream(
    history: History,
    nights: Sequence[Night],
    context: Context,
    *,
    customers: NDArray[np.bool_] | None = None,
    threads: int = 2,
) -> Iterator[Block]:
    """Blocks in the order of their buckets, of at most `BLOCK_ROWS` rows of the matrix each.

    `customers` is a mask over all customer numbers, [customers] or [nights, customers]: whose rows
    are wanted (on any night). Every bucket has a block, if only an empty one; one of many customers
    or nights has several. At most `threads` + 1 blocks and as many buckets are in memory. Reading
    and computing both leave the lock of the interpreter, so that the next bucket is read while one
    is computed.
    """
    joined = history.customers()["joined_at"].to_numpy(np.int64)
    terms = history.terms()
    wanted = customers
    if customers is not None and customers.ndim == 2:
        wanted = np.logical_or.reduce(customers, axis=0)

    def block(bucket: int, members: NDArray[np.int32], events: Future[Events]) -> Block:
        values = compute(events.result(), members, joined[members], nights, context, terms)
        return Block(bucket, members, values)

    with ThreadPoolExecutor(max(1, threads)) as pool:
        waiting: deque[Future[Block]] = deque()
        for bucket in range(history.buckets):
            members = history.members(bucket)
            if wanted is not None:
                members = members[wanted[members]]
            # Waits before its blocks in the queue, so that no block can wait for it in vain.
            events = pool.submit(history.versions, bucket) if len(members) else _nothing()
            for piece in _pieces(members, len(nights)):
                waiting.append(pool.submit(block, bucket, piece, events))
                if len(waiting) > threads:
                    yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _pieces(members: NDArray[np.int32], nights: int) -> list[NDArray[np.int32]]:
    """Customers in their order, so many at a time as fit into a block; one piece at least."""
    many = max(1, -(-len(members) * nights // BLOCK_ROWS))
    return np.array_split(members, many)


def _nothing() -> Future[Events]:
    """A bucket that need not be read."""
    future: Future[Events] = Future()
    future.set_result(Events.empty())
    return future
