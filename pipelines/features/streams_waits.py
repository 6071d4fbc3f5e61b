"""Streams of what the customer waits for: replies, promises of them, solutions; by two clocks."""

from __future__ import annotations

from pipelines.features.stream import (
    Stream,
    change,
    counts,
    facts,
    highest,
    last,
    means,
    rows,
    shares,
    since,
    sums,
    totals,
)

PER_HOUR = 1 / 3600  # seconds are told in hours
PER_MINUTE = 1 / 60

WAITS = (
    Stream(
        "first_reply",
        "S15",
        facts("first_reply"),
        (
            *means(
                90, 365,
                says="a first reply took {value} hours on average in {window}"
                "|first replies came at once in {window}|no first reply in {window}",
            ),
            *highest(
                90, 365,
                says="the slowest first reply in {window} took {value} hours"
                "|every first reply in {window} came at once|no first reply in {window}",
            ),
            *last(
                "the last first reply took {value} hours|the last first reply came at once"
                "|never had a first reply"
            ),
        ),
        measure="value",
        scale=PER_HOUR,
    ),
    Stream(
        "promised_reply",
        "S15",
        facts("promise_missed", "promise_held"),
        counts(
            365,
            says="{value} time{s} a first reply was due in {window}"
            "|no first reply was due in {window}",
        ),
        group="late_first_reply",
    ),
    Stream(
        "late_first_reply",
        "S15",
        facts("promise_missed"),
        (
            *counts(
                7, 30, 90, 365, None,
                says="{value} time{s} a first reply came later than promised in {window}"
                "|no first reply came later than promised in {window}",
            ),
            *change("late first replies"),
            *shares(
                "promised_reply", 365, None,
                says="{value} of the first replies due in {window} came later than promised"
                "|every first reply due in {window} came as promised"
                "|no first reply was due in {window}",
            ),
            *since(
                "a promised first reply failed to come {value} day{s} ago"
                "|a promised first reply failed to come today|no promised first reply ever failed"
            ),
        ),
    ),
    Stream(
        "requester_wait",
        "S15",
        facts("requester_wait"),
        (
            *sums(
                90, 365,
                says="waited {value} hours in all on open cases in {window}"
                "|did not wait on a case in {window}",
            ),
            *means(
                365,
                says="waited {value} hours each time on average in {window}"
                "|did not wait in {window}|no wait in {window}",
            ),
            *highest(
                365,
                says="the longest wait in {window} was {value} hours"
                "|did not wait in {window}|no wait in {window}",
            ),
        ),
        measure="value",
        scale=PER_HOUR,
    ),
    Stream(
        "hold",
        "S15",
        rows("message_in", "call_in", "message_out", "call_out"),
        (
            *means(
                90, 365,
                says="waited {value} minutes on average for an answer in {window}"
                "|answers came at once in {window}|no wait was noted in {window}",
            ),
            *highest(
                90,
                says="the longest wait for an answer in {window} was {value} minutes"
                "|answers came at once in {window}|no wait was noted in {window}",
            ),
        ),
        measure="wait",
        scale=PER_MINUTE,
    ),
)  # fmt: skip

# Of the same stretches what lies in the opening hours of the team that acted; not known without a
# calendar. An evening's wait is none by the calendar, and still one to the customer: both are kept.
BUSINESS = (
    Stream(
        "first_reply_business",
        "S15",
        facts("first_reply_business"),
        (
            *means(
                90, 365,
                says="a first reply took {value} working hours on average in {window}"
                "|first replies took no working time in {window}"
                "|no first reply by known working hours in {window}",
            ),
            *highest(
                365,
                says="the slowest first reply in {window} took {value} working hours"
                "|every first reply in {window} took no working time"
                "|no first reply by known working hours in {window}",
            ),
            *last(
                "the last first reply took {value} working hours"
                "|the last first reply took no working time"
                "|no first reply by known working hours"
            ),
        ),
        measure="value",
        scale=PER_HOUR,
    ),
    Stream(
        "resolved_business",
        "S1",
        facts("resolved_business"),
        (
            *means(
                90, 365,
                says="a solution took {value} working hours on average in {window}"
                "|solutions took no working time in {window}"
                "|no case solved by known working hours in {window}",
            ),
            *highest(
                365,
                says="the slowest solution in {window} took {value} working hours"
                "|every solution in {window} took no working time"
                "|no case solved by known working hours in {window}",
            ),
            *last(
                "the last solution took {value} working hours"
                "|the last solution took no working time"
                "|no case solved by known working hours"
            ),
        ),
        measure="value",
        scale=PER_HOUR,
    ),
    Stream(
        "requester_wait_business",
        "S15",
        facts("requester_wait_business"),
        (
            *totals(
                90, 365,
                says="waited {value} working hours in all on open cases in {window}"
                "|did not wait in working hours on a case in {window}"
                "|no wait by known working hours in {window}",
            ),
            *means(
                365,
                says="waited {value} working hours each time on average in {window}"
                "|did not wait in working hours in {window}"
                "|no wait by known working hours in {window}",
            ),
            *highest(
                365,
                says="the longest wait in {window} was {value} working hours"
                "|did not wait in working hours in {window}"
                "|no wait by known working hours in {window}",
            ),
        ),
        measure="value",
        scale=PER_HOUR,
    ),
)  # fmt: skip
