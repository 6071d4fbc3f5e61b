"""All declared streams in their fixed order, and the features they make."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from models.contracts import Feature
from pipelines.features.stream import AGENT_FIGURES, Stream
from pipelines.features.streams_agents import AGENTS
from pipelines.features.streams_service import SERVICE
from pipelines.features.streams_trade import TRADE
from pipelines.features.streams_use import USE
from pipelines.features.streams_voice import VOICE
from pipelines.features.streams_words import WORDS
from pipelines.history.words.lexicon import OURS as LEXICON

STREAMS: tuple[Stream, ...] = SERVICE + AGENTS + VOICE + WORDS + USE + TRADE

# What is told of the customer and not of a stream.
OWN = (
    Feature(
        "tenure_days",
        "a customer for {value} day{s}|a customer since today|not a customer yet",
        system="S8",
        group="tenure",
        stat="days",
    ),
    Feature(
        "silent",
        "not a word from the customer in a long time|the customer still talks to us",
        system="S2",
        group="word",
        stat="count",
    ),
)


@cache
def stream_features(lexicon: str = LEXICON.version) -> tuple[Feature, ...]:
    """The features of all streams, then those of the customer, in column order.

    `lexicon` is the version of the lists by which words are coded.
    """
    check(STREAMS)
    return tuple(feature for stream in STREAMS for feature in stream.features(lexicon)) + OWN


def check(streams: Sequence[Stream]) -> None:
    """Raises `ValueError` for a name given twice, or a share of a stream that is not there."""
    names = [stream.name for stream in streams]
    features = [feature.name for stream in streams for feature in stream.features()]
    for kind, given in (("stream", names), ("feature", features)):
        twice = sorted({name for name in given if given.count(name) > 1})
        if twice:
            raise ValueError(f"the {kind} {twice[0]!r} is declared twice; give one another name")
    for stream in streams:
        for stat in stream.stats:
            known = AGENT_FIGURES if stat.op.startswith("served") else names
            if stat.of and stat.of not in known:
                raise ValueError(f"{stream.name}: {stat.op} of {stat.of!r}, which is not declared")
