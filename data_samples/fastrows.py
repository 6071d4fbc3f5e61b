"""The interactions of one block of a fast world: arrays, sorted by customer and time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from data_samples.rows import ORDER_TOPICS, TOPIC_CODE, TOPICS, USE_TOPICS
from data_samples.service import TOPIC_SHARES
from models.contracts import CHANNEL_CODE, CHANNELS, DAY, KIND_CODE, KINDS, SCORE_KINDS

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

# Kinds of the rows that are no cases, and how many of them (assumed).
ROUTINE = ("usage", "order", "payment", "bot_session")
ROUTINE_SHARES = (0.90, 0.06, 0.03, 0.01)
FADING_CASES = 3.0  # factor on the rate of cases (assumed)
SURVEYED, ANSWERED, COMPLAINS = 0.5, 0.3, 0.08  # shares of cases, of surveys, of cases (assumed)
WIDTH = 10  # digits of an id
NONE = -1
COLUMN_TYPES: dict[str, type[np.generic]] = {
    "channel": np.int8,
    "case": np.int32,
    "agent": np.int32,
    "topic": np.int8,
    "value": np.float32,
    "wait": np.float32,
    "score": np.float32,
}


@dataclass(frozen=True)
class Block:
    """n customers. Times are days since the world's start, infinite where they do not come."""

    numbers: Ints  # of the customers, ascending
    start: int  # seconds since 1970 UTC of day 0
    days: int
    joined: Floats
    fades: Floats
    notice: Floats
    ended: Floats
    fade_days: float
    use: Floats  # relative rate
    cases: Floats  # a day
    segment: Ints
    value: Floats

    def __len__(self) -> int:
        return len(self.joined)

    def ids(self) -> pa.Array:
        """`C0000000017`, n."""
        return ids("C", self.numbers)

    def instants(self, days: Floats) -> pa.Array:
        """Days as UTC timestamps; null where infinite."""
        never = ~np.isfinite(days)
        seconds = self.start + (np.where(never, 0.0, days) * DAY).astype(np.int64)
        return pa.array(seconds * 1_000, mask=never).cast(pa.timestamp("ms", "UTC"))

    @property
    def span(self) -> tuple[Floats, Floats, Floats]:
        """First, fading and last day of what is told of each customer, (n,) each."""
        begin = np.minimum(np.maximum(self.joined, 0.0), self.days)
        last = np.maximum(np.minimum(self.ended, self.days), begin)
        return begin, np.clip(self.fades, begin, last), last


@dataclass
class Drawn:
    """n rows; each column (n,), -1 or NaN where a row has none."""

    customer: NDArray[np.int32]
    at: Ints  # seconds since the block's start
    kind: NDArray[np.int8]
    channel: NDArray[np.int8]
    case: NDArray[np.int32]
    agent: NDArray[np.int32]
    topic: NDArray[np.int8]
    value: NDArray[np.float32]
    wait: NDArray[np.float32]
    score: NDArray[np.float32]

    @classmethod
    def of(cls, kind: str, customer: Ints, at: Floats, **columns: NDArray[np.generic]) -> Drawn:
        """Rows of one kind at days `at`; columns not given are empty."""
        n = len(customer)
        rest: dict[str, Any] = {}
        for name, dtype in COLUMN_TYPES.items():
            blank = NONE if np.issubdtype(dtype, np.integer) else np.nan
            given = columns.get(name)
            rest[name] = np.full(n, blank, dtype) if given is None else given.astype(dtype)
        code = np.full(n, KIND_CODE[kind], np.int8)
        seconds = (at * DAY).astype(np.int64)
        return cls(customer.astype(np.int32), seconds, code, **rest)

    @classmethod
    def join(cls, parts: list[Drawn]) -> Drawn:
        """All rows, by customer and time."""
        customer = np.concatenate([part.customer for part in parts])
        at = np.concatenate([part.at for part in parts])
        order = np.argsort((customer.astype(np.int64) << 32) | at)
        rest = {
            name: np.concatenate([getattr(part, name) for part in parts])[order]
            for name in list(cls.__dataclass_fields__)[2:]
        }
        return cls(customer[order], at[order], **rest)


def draw(block: Block, rng: np.random.Generator, target: int, agents: int) -> Drawn:
    """About `target` interactions of a block."""
    cases = _cases(block, rng, agents)
    spoken = sum(len(part.customer) for part in cases)
    routine = _routine(block, rng, max(target - spoken, 0))
    return Drawn.join([*cases, *routine])


def _routine(block: Block, rng: np.random.Generator, rows: int) -> list[Drawn]:
    """Use, orders and payments: at an even rate, then thinning out from the day of fading."""
    begin, fades, last = block.span
    steady = fades - begin
    tau = block.fade_days
    mass = steady + tau * -np.expm1(-(last - fades) / tau)
    weight = block.use * mass
    counts = rng.poisson(weight * (rows / max(weight.sum(), 1e-9)))
    who = np.repeat(np.arange(len(block)), counts)
    spent = rng.random(len(who)) * mass[who]
    late = np.maximum(spent - steady[who], 0.0)
    # Inverse of the mass: see Devroye, Non-Uniform Random Variate Generation, 1986, chapter 6.
    at = begin[who] + np.minimum(spent, steady[who]) - tau * np.log1p(-late / tau)
    at = np.minimum(at, np.nextafter(last[who], 0.0))
    kind = np.searchsorted(np.cumsum(ROUTINE_SHARES)[:-1], rng.random(len(who)), side="right")
    parts = []
    for code, name in enumerate(ROUTINE):
        mine = kind == code
        parts.append(_routine_rows(block, rng, name, who[mine], at[mine]))
    return parts


def _routine_rows(
    block: Block, rng: np.random.Generator, kind: str, who: Ints, at: Floats
) -> Drawn:
    n = len(who)
    if kind == "usage":
        topic = TOPIC_CODE[USE_TOPICS[0]] + rng.integers(len(USE_TOPICS), size=n)
        channel = np.where(rng.random(n) < 0.55, CHANNEL_CODE["app"], CHANNEL_CODE["web"])
        return Drawn.of(kind, who, at, topic=topic, channel=channel, value=rng.geometric(0.3, n))
    if kind == "order":
        topic = TOPIC_CODE[ORDER_TOPICS[0]] + rng.integers(len(ORDER_TOPICS), size=n)
        value = np.round(block.value[who] * (0.5 + rng.random(n)))
        return Drawn.of(kind, who, at, topic=topic, value=value)
    if kind == "payment":
        return Drawn.of(kind, who, at, value=np.round(block.value[who]))
    helped = (rng.random(n) < 0.62).astype(float)
    return Drawn.of(kind, who, at, channel=np.full(n, CHANNEL_CODE["bot"]), value=helped)


def _cases(block: Block, rng: np.random.Generator, agents: int) -> list[Drawn]:
    """Cases of the vocal: opened, answered, solved, some complained about or surveyed."""
    begin, fades, last = block.span
    steady, fading = fades - begin, last - fades
    mass = steady + FADING_CASES * fading
    counts = rng.poisson(block.cases * mass)
    who = np.repeat(np.arange(len(block)), counts)
    spent = rng.random(len(who)) * mass[who]
    late = np.maximum(spent - steady[who], 0.0) / FADING_CASES
    at = begin[who] + np.minimum(spent, steady[who]) + late
    case = np.arange(len(who))
    topic = np.searchsorted(np.cumsum(TOPIC_SHARES)[:-1], rng.random(len(who)), side="right")
    agent = rng.integers(agents, size=len(who))
    channel = np.array([CHANNEL_CODE[name] for name in ("email", "phone", "chat", "web")])
    facts = {"case": case, "topic": topic, "channel": channel[rng.integers(4, size=len(who))]}
    trouble = at > fades[who]  # a bad case: those who fade wait longer
    wait = np.minimum(0.25 * rng.lognormal(0.0, 0.9, len(who)) * np.where(trouble, 2.0, 1.0), 15.0)
    solved = at + wait + rng.exponential(0.5, len(who))
    surveyed = rng.random(len(who)) < SURVEYED
    answered = surveyed & (rng.random(len(who)) < ANSWERED)
    complains = rng.random(len(who)) < np.where(trouble, 3.0, 1.0) * COMPLAINS
    score = np.clip(np.rint(4.2 - 0.9 * trouble + 0.9 * rng.normal(size=len(who))), 1, 5)
    acted = {**facts, "agent": agent}
    every = np.ones(len(who), bool)
    email = {**facts, "channel": np.full(len(who), CHANNEL_CODE["email"])}
    steps = (
        ("case_opened", every, at, facts),
        ("message_out", every, at + wait, {**acted, "wait": wait * DAY}),
        ("case_solved", every, solved, acted),
        ("complaint", complains, solved + 0.3, facts),
        ("survey_sent", surveyed, solved + 0.04, email),
        ("survey_answered", answered, solved + 1.0, {**email, "score": score}),
    )
    parts = []
    for kind, where, moment, columns in steps:
        told = where & (moment < last[who])
        some = {name: values[told] for name, values in columns.items()}
        parts.append(Drawn.of(kind, who[told], moment[told], **some))
    return parts


def interactions(block: Block, rows: Drawn, before: int) -> pa.Table:
    """Drawn rows in the contract's columns; ids follow `before` rows."""
    n = len(rows.at)
    first_case = (
        int(block.numbers[0]) * 100
    )  # no customer of a block has so many: numbers never meet
    cases = int(rows.case.max(initial=NONE)) + 1
    when = pa.array((block.start + rows.at) * 1_000).cast(pa.timestamp("ms", "UTC"))
    agents = int(rows.agent.max(initial=NONE)) + 1
    scored = np.isnan(rows.score)
    return pa.table(
        {
            "interaction_id": ids("i", before + np.arange(n)),
            "customer_id": pa.DictionaryArray.from_arrays(pa.array(rows.customer), block.ids()),
            "occurred_at": when,
            "kind": _words(rows.kind, pa.array(KINDS)),
            "channel": _words(rows.channel, pa.array(CHANNELS)),
            "case_id": _words(rows.case, ids("k", first_case + np.arange(cases))),
            "agent_id": _words(rows.agent, pa.array([f"a-{code:05d}" for code in range(agents)])),
            "topic": _words(rows.topic, pa.array(TOPICS)),
            "value": pa.array(rows.value, mask=np.isnan(rows.value)),
            "wait_seconds": pa.array(np.round(rows.wait), mask=np.isnan(rows.wait)),
            "score": pa.array(rows.score, mask=scored),
            "score_kind": _words(np.where(scored, NONE, 0).astype(np.int8), pa.array(SCORE_KINDS)),
        }
    )


def _words(codes: NDArray[np.signedinteger], words: pa.Array) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(codes, mask=codes < 0), words)


def ids(prefix: str, numbers: Ints) -> pa.Array:
    """Texts such as `C0000000017`, n, written digit by digit: a tenth of the time of formatting."""
    size = len(prefix) + WIDTH
    text = np.empty((len(numbers), size), np.uint8)
    text[:, : len(prefix)] = np.frombuffer(prefix.encode(), np.uint8)
    rest = numbers.copy()
    for place in range(size - 1, len(prefix) - 1, -1):
        rest, digit = np.divmod(rest, 10)
        text[:, place] = digit + ord("0")
    offsets = np.arange(len(numbers) + 1, dtype=np.int32) * size
    return pa.StringArray.from_buffers(
        len(numbers), pa.py_buffer(offsets), pa.py_buffer(text.reshape(-1))
    )
