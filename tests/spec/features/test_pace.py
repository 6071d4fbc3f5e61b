"""Pace: how active now against the usual, worked out by hand.

Four weeks begin on 2026-02-12. Until something is learned the usual log rate is that of a day in
30, with a variance of 9, and the deviation from it is nothing, with a variance of 1.
"""

from __future__ import annotations

from math import exp, log, sqrt

from tests.spec.features.table import feature_spec

EXPECTED = 14 / 30  # active days in 14
KNOWN = 1 + 9  # variance of the log rate now
SILENT = -2 * EXPECTED / (2 + KNOWN * EXPECTED)
ACTIVE = 2 * (1 - EXPECTED) / (2 + KNOWN * (1 + EXPECTED))  # on one of them
LEARNED = 1 / (1 + KNOWN)
LEFT = 2 ** (-14 / 90)  # of a deviation after 14 days


@feature_spec("usage_pace", as_of="2026-02-26")
def test_use_is_a_faster_pace_and_silence_a_slower_one():
    history = """
        customer | occurred_at      | kind
        silent   | 2026-02-11 00:00 | usage
        active   | 2026-02-11 23:59 | usage
        active   | 2026-02-20 08:00 | usage
        active   | 2026-02-20 09:00 | usage
        today    | 2026-02-25 12:00 | usage
    """
    return history, {"silent": exp(SILENT), "active": exp(ACTIVE), "today": 1, "nobody": None}


@feature_spec("usage_pace_error", as_of="2026-02-26")
def test_use_makes_the_pace_better_known_and_silence_does_not():
    history = """
        customer | occurred_at      | kind
        silent   | 2026-02-11 00:00 | usage
        active   | 2026-02-11 00:00 | usage
        active   | 2026-02-20 08:00 | usage
    """
    return history, {"silent": exp(1), "active": exp(sqrt(1 - LEARNED)), "nobody": None}


@feature_spec(
    "usage_usual",
    as_of="2026-02-26",
    feed_gaps="""
        kind  | from             | to               | recorded_at
        usage | 2026-02-13 12:00 | 2026-02-16 12:00 | 2026-02-16 12:00
    """,
)
def test_days_without_the_feed_are_no_silence():
    history = """
        customer | occurred_at      | kind
        silent   | 2026-02-11 00:00 | usage
        active   | 2026-02-11 00:00 | usage
        active   | 2026-02-20 08:00 | usage
    """
    expected = 11 / 30
    silent = -2 * expected / (2 + KNOWN * expected)
    active = 2 * (1 - expected) / (2 + KNOWN * (1 + expected))
    return history, {
        "silent": exp(9 * silent),
        "active": exp(9 * active),
        "nobody": None,
    }


@feature_spec("usage_pace", as_of="2026-02-26")
def test_a_larger_amount_than_usual_is_a_faster_pace():
    history = """
        customer | occurred_at      | kind  | value
        again    | 2026-02-11 00:00 | usage | 3
        again    | 2026-02-11 01:00 | usage | 1
        again    | 2026-02-11 02:00 | usage | -2
        again    | 2026-02-11 03:00 | usage | -
        again    | 2026-02-20 00:00 | usage | 4
        again    | 2026-02-20 12:00 | usage | 5
        first    | 2026-02-20 00:00 | usage | 9
        unknown  | 2026-02-20 00:00 | usage | -
        nothing  | 2026-02-20 00:00 | usage | 0
    """
    # Half of the deviation shows in an amount, whose noise has a variance of .36.
    usual = log(4) - 0.5 * LEFT * ACTIVE
    of_deviation, shared = 1 - LEARNED, -0.5 * LEFT * (1 - LEARNED)
    of_amount = 0.25 + 0.36 - 0.25 * LEFT**2 * LEARNED
    along = 0.5 * of_deviation + shared
    variance = 0.5 * along + 0.5 * shared + of_amount + 0.36
    again = ACTIVE + along * (log(9) - usual - 0.5 * ACTIVE) / variance
    once = exp(-2 * (5 / 30) / (2 + KNOWN * 5 / 30))  # after five days of silence
    return history, {
        "again": exp(again), "first": once, "unknown": once, "nothing": once, "nobody": None,
    }  # fmt: skip
