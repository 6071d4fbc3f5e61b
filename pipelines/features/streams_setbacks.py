"""Streams of all that went wrong, of whatever kind.

Each kind has a stream of its own, and each alone is rare: what wears a customer down is how much of
it there was together (docs/decisions/0004-model-and-bundle.md has what it tells).
"""

from __future__ import annotations

from pipelines.features.stream import Stream, change, counts, facts, rows, since

SETBACKS = (
    Stream(
        "setback",
        "S12",
        rows(
            "outage", "promise_broken", "payment_failed", "case_transferred", "case_reopened",
            "complaint",
        ),
        (
            *counts(
                30, 90, 365,
                says="{value} setback{s} in {window} (outages, broken promises, failed payments, "
                "transfers, reopened cases, complaints)|no setback in {window}",
            ),
            *change("setbacks"),
            *since("the last setback was {value} day{s} ago|a setback today|never a setback"),
        ),
        group="setback",
    ),
    Stream(
        "letdown",
        "S12",
        facts("promise_missed", "repeat_contact", "bot_failed", "complaint_unanswered"),
        (
            *counts(
                30, 90, 365,
                says="let down {value} time{s} in {window} (late first replies, repeat contacts, "
                "failed bot sessions, unanswered complaints)|never let down in {window}",
            ),
            *change("letdowns"),
            *since("let down last {value} day{s} ago|let down today|never let down"),
        ),
        group="setback",
    ),
)  # fmt: skip
