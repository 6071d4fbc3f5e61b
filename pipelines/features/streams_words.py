"""Streams of what the words say, where they are kept: tone, effort, talk of leaving.

Where the words of a window were not kept, nobody knows what was said: `counts_of`, not `counts`.
"""

from __future__ import annotations

from models.contracts import ANSWER_KINDS, TONE_KINDS
from pipelines.features.stream import Stream, change, counts, counts_of, rows, shares, since

_UNKNOWN = "no words of the customer are kept from {window}"

WORDS = (
    Stream(
        "kept_word",
        "S14",
        rows(*TONE_KINDS, said=("text",)),
        counts(
            90, 365,
            says="the words of {value} message{s} in {window} are known"
            "|no words of the customer are known from {window}",
        ),
        group="tone",
    ),
    Stream(
        "bad_tone",
        "S14",
        rows(*TONE_KINDS, said=("negative",)),
        (
            *counts_of(
                "kept_word", 30, 90, 365,
                says="sounded displeased {value} time{s} in {window}"
                f"|never sounded displeased in {{window}}|{_UNKNOWN}",
            ),
            *shares(
                "kept_word", 90, 365,
                says="{value} of the messages in {window} sounded displeased"
                f"|no message in {{window}} sounded displeased|{_UNKNOWN}",
            ),
            *change("displeased messages"),
            *since(
                "sounded displeased {value} day{s} ago|sounded displeased today"
                "|no displeased word is known"
            ),
        ),
        group="tone",
    ),
    Stream(
        "good_tone",
        "S14",
        rows(*TONE_KINDS, said=("positive",)),
        (
            *counts_of(
                "kept_word", 90, 365,
                says="sounded pleased {value} time{s} in {window}"
                f"|never sounded pleased in {{window}}|{_UNKNOWN}",
            ),
            *shares(
                "kept_word", 365,
                says="{value} of the messages in {window} sounded pleased"
                f"|no message in {{window}} sounded pleased|{_UNKNOWN}",
            ),
            *change("pleased messages"),
            *since(
                "sounded pleased {value} day{s} ago|sounded pleased today"
                "|no pleased word is known"
            ),
        ),
        group="tone",
    ),
    Stream(
        "effort_word",
        "S14",
        rows(*TONE_KINDS, said=("effort",)),
        (
            *counts_of(
                "kept_word", 30, 90, 365,
                says="spoke of asking again or waiting {value} time{s} in {window}"
                f"|did not speak of asking again or waiting in {{window}}|{_UNKNOWN}",
            ),
            *shares(
                "kept_word", 365,
                says="{value} of the messages in {window} spoke of asking again or waiting"
                f"|no message in {{window}} spoke of asking again or waiting|{_UNKNOWN}",
            ),
            *change("messages about asking again or waiting"),
        ),
    ),
    Stream(
        "leaving_word",
        "S14",
        rows(*TONE_KINDS, said=("leaving",)),
        (
            *counts_of(
                "kept_word", 30, 90, 365,
                says="spoke of leaving {value} time{s} in {window}"
                f"|did not speak of leaving in {{window}}|{_UNKNOWN}",
            ),
            *change("messages about leaving"),
            *since(
                "spoke of leaving {value} day{s} ago|spoke of leaving today"
                "|no talk of leaving is known"
            ),
        ),
    ),
    Stream(
        "kept_answer",
        "S13",
        rows(*ANSWER_KINDS, said=("text",)),
        counts(
            365,
            says="the words of {value} answer{s} in {window} are known"
            "|no words of our answers are known from {window}",
        ),
        group="refusal",
    ),
    Stream(
        "refusal",
        "S13",
        rows(*ANSWER_KINDS, said=("refused",)),
        (
            *counts_of(
                "kept_answer", 90, 365,
                says='was told {value} time{s} in {window} that nothing can be done'
                "|was never told in {window} that nothing can be done"
                "|no words of our answers are kept from {window}",
            ),
            *change("answers that nothing can be done"),
            *since(
                "was told {value} day{s} ago that nothing can be done"
                "|was told today that nothing can be done"
                "|no answer is known that nothing can be done"
            ),
        ),
    ),
)  # fmt: skip
