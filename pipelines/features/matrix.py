"""Features of customers at nights: of the streams by the compiled pass, and of the contract.

Everything a caller needs stands here; how it is computed stays behind `compute`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models import bundle, protected
from models.contracts import CHANNEL_CODE, CHANNELS, Feature
from models.errors import WrongUsage
from models.executors import done, executor
from models.settings import Features as Declared
from pipelines.features import contract, contract_pass
from pipelines.features import declared as declarations
from pipelines.features.agents import NO_AGENTS, Agents, agents_of
from pipelines.features.calendar_rows import read_hours
from pipelines.features.calendars import NO_HOURS, Hours
from pipelines.features.declared import Attributes
from pipelines.features.gaps import NO_GAPS, Gaps, gaps_of
from pipelines.features.own_streams import own_streams
from pipelines.features.program import Compiled, compile_streams
from pipelines.features.streams import STREAMS, stream_features
from pipelines.feeds import found_gaps
from pipelines.history.events import Events
from pipelines.history.rates import Money
from pipelines.history.rooms import Rooms
from pipelines.history.words.lexicon import lexicon

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
    money: Money | None = None  # the home's currency; None: as `contract_pass.fill` says
    declared: Declared = field(default_factory=Declared)  # of the company's own columns
    attributes: Attributes = field(default_factory=Attributes.none)  # their values
    teams: NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32))  # by agent code
    agents: Agents = NO_AGENTS  # figures of those who serve, at the nights that are asked for

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
    """All columns in order: of the streams, the customer and the contract, then those declared,
    then of a company's own streams. Raises `WrongUsage` where those cannot be used."""
    told = lexicon(declared.words).version
    own = tuple(one for stream in own_streams(declared.streams) for one in stream.features(told))
    return (*stream_features(told), *contract.FEATURES, *declarations.features(declared), *own)


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
def compiled(declared: Declared = NOTHING_DECLARED) -> Compiled:
    """All streams, a company's own among them, as the pass takes them. Raises `WrongUsage` where
    they are too many."""
    own = own_streams(declared.streams)
    every = len(features(declared))
    own_at = every - sum(len(stream.stats) for stream in own)
    try:
        return compile_streams(STREAMS, own, own_at)
    except OverflowError as error:
        raise WrongUsage(
            f"[features] declares too much: {every:,} figures, of {len(own):,} streams of your own "
            "and all others. The pass numbers at most 65,535 figures, and as many pairs of a "
            "stream with a kind that it counts: declare fewer streams, or fewer kinds a stream. "
            "Nothing was changed."
        ) from error


def context(
    history: History,
    settings: Settings,
    nights: Sequence[Night],
    agents: Agents | None = None,
) -> Context:
    """What the history knows of its agents, teams, feeds and money, and the home's promises.

    `agents` are figures that are known already, or `NO_AGENTS` where no stream asks for any; else
    one walk over the history finds those of `nights`. Gaps are those declared and those that the
    feeds' own rhythm shows until the last of `nights`. Raises `WarmlineError` for a wrong calendar
    and `WrongUsage` for a declared column that never came or that holds a protected attribute, or
    words that were coded by other lists than the settings name.
    """
    _refuse_other_words(history, settings)
    _refuse_protected(settings)
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
        teams_of(history.words("agent"), history.teams()),
        agents_of(history, settings, nights) if agents is None else agents,
    )


def _refuse_other_words(history: History, settings: Settings) -> None:
    """A model must not learn from codes of other lists than its features are declared by."""
    coded = history.manifest.lexicon
    if coded and coded != lexicon(settings.features.words).version:
        raise WrongUsage(
            "The words of the history were coded by other lists than `words` under [features] "
            "names now: run `warmline ingest` with any source, which codes all of them anew. "
            "Nothing was changed."
        )


def _refuse_protected(settings: Settings) -> None:
    """What a company declares must hold no personal data and no protected attribute."""
    declared, training = settings.features, settings.training
    own = [stream.name for stream in own_streams(declared.streams)]
    places = {"attributes": declared.attributes, "static": declared.static, "streams": own}
    for place, names in places.items():
        where = f"`{place}` under [features]"
        protected.refuse_features(names, where, training.protected, training.not_protected)


def teams_of(agents: Sequence[str], team: Mapping[str, str]) -> NDArray[np.int32]:
    """The team of each of `agents` (ids by code) as its place among all, -1 where not known."""
    place = {name: code for code, name in enumerate(sorted(set(team.values())))}
    return np.array([place.get(team.get(agent, ""), -1) for agent in agents], np.int32)


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
    rooms: Rooms | None = None,
) -> NDArray[np.float64]:
    """The matrix [nights, customers, features] of `customers` (ascending numbers).

    `events` are sorted (see `Events`), hold every version of each row and may hold more customers;
    `joined` is in seconds and aligned with `customers`. Who has no event gets a row, too. With
    `rooms` the matrix lies in one of them.
    """
    from pipelines.features import engine

    room = rooms.array if rooms else lambda *shape: np.empty(shape)
    out = room(len(nights), len(customers), len(context.features))
    of_contract = room(len(nights), len(customers), len(contract.FEATURES))
    own = len(stream_features())
    end = own + len(contract.FEATURES)
    last = end + len(declarations.features(context.declared))
    if len(customers) and len(nights):
        plan = compiled(context.declared)
        # Made apart: a row of the matrix would have to be fetched from memory once more for them.
        contract_pass.fill(of_contract, terms, customers, nights, context.money)
        engine.fill(out, events, customers, joined, nights, context, plan, of_contract, own)
        declarations.fill(out[:, :, end:last], context.attributes, customers, nights)
        # Who has paused is not fading.
        paused = of_contract[:, :, column("paused") - own] == 1
        out[:, :, column("fading")][paused] = np.nan
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
    or nights has several. At most `threads` + 1 blocks and one bucket more are in memory. Reading
    and computing both leave the lock of the interpreter, so that the next bucket is read while one
    is computed. Without `threads` all of it is done by who asks.
    """
    wanted = None if customers is None else np.logical_or.reduce(np.atleast_2d(customers), axis=0)
    rooms = Rooms()
    with executor(threads) as pool:
        joined = history.people().joined

        def prepared(bucket: int) -> _Work:
            """A bucket's rows, begun to be read. What blocks wait for is before them in the queue,
            so that none can wait in vain."""
            everyone = history.members(bucket)
            members = everyone if wanted is None else everyone[wanted[everyone]]
            if not len(members):
                return _Work(bucket, members, done((Events.empty(), None)))
            return _Work(bucket, members, pool.submit(rows, bucket))

        def rows(bucket: int) -> tuple[Events, Terms | None]:
            return history.versions(bucket), history.terms_of(bucket)

        def block(work: _Work, members: NDArray[np.int32]) -> Block:
            events, terms = work.rows.result()
            values = compute(events, members, joined[members], nights, context, terms, rooms)
            return Block(work.bucket, members, values)

        waiting: deque[Future[Block]] = deque()
        ahead = deque([prepared(0)])
        for bucket in range(history.buckets):
            if bucket + 1 < history.buckets:  # read while this one is computed
                ahead.append(prepared(bucket + 1))
            work = ahead.popleft()
            for piece in pieces(work.customers, len(nights)):
                waiting.append(pool.submit(block, work, piece))
                if len(waiting) > threads:
                    yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


@dataclass(frozen=True)
class _Work:
    """What the blocks of a bucket share: its interactions and terms."""

    bucket: int
    customers: NDArray[np.int32]
    rows: Future[tuple[Events, Terms | None]]


def pieces(members: NDArray[np.int32], nights: int) -> list[NDArray[np.int32]]:
    """Customers in their order, so many at a time as fit into a block; one piece at least."""
    many = max(1, -(-len(members) * nights // BLOCK_ROWS))
    return [members] if many == 1 else np.array_split(members, many)
