"""Streams of cases and of the people and bots who work on them; their waits stand aside."""

from __future__ import annotations

from pipelines.features.stream import (
    Stream,
    change,
    counts,
    distinct,
    facts,
    highest,
    last,
    level,
    means,
    rows,
    shares,
    since,
    top_shares,
    trend,
)
from pipelines.features.streams_waits import BUSINESS, PER_HOUR, PER_MINUTE, WAITS

CASES = (
    Stream(
        "case",
        "S1",
        rows("case_opened"),
        (
            *counts(
                7, 30, 90, 180, 365, None,
                says="{value} case{s} opened in {window}|no case opened in {window}",
            ),
            *since(
                "the last case was opened {value} day{s} ago|the last case was opened today"
                "|never opened a case"
            ),
            *trend(
                30, 180,
                "cases of the last 30 days come at {value} times the earlier rate"
                "|no case in the last 30 days, some before|too few earlier cases to compare with",
            ),
            *distinct(
                "topic", 90, 365,
                says="cases about {value} different topic{s} in {window}"
                "|no case with a known topic in {window}",
            ),
        ),
    ),
    Stream(
        "open_case",
        "S15",
        facts("case_level"),
        level("open_cases", "{value} case{s} still open|no case open"),
        measure="value",
    ),
    Stream(
        "resolved",
        "S1",
        facts("resolved"),
        (
            *counts(
                30, 90, 365,
                says="{value} case{s} solved in {window}|no case solved in {window}",
            ),
            *change("solved cases"),
            *means(
                90, 365,
                says="a solution took {value} hours on average in {window}"
                "|solutions came at once in {window}|no case solved in {window}",
            ),
            *highest(
                365,
                says="the slowest solution in {window} took {value} hours"
                "|every solution in {window} came at once|no case solved in {window}",
            ),
            *last(
                "the last solution took {value} hours|the last solution came at once"
                "|no case was ever solved"
            ),
        ),
        measure="value",
        scale=PER_HOUR,
    ),
    Stream(
        "solved",
        "S6",
        rows("case_solved", by="person"),
        top_shares(
            "agent", 365, None,
            says="the same agent solved {value} of the cases in {window}"
            "|no agent solved a case in {window}|no agent solved a case in {window}",
        ),
        group="continuity",
    ),
    Stream(
        "settled",
        "S1",
        facts("first_contact"),
        counts(
            365,
            says="{value} solved case{s} could be judged in {window}"
            "|no solved case to judge in {window}",
        ),
        group="first_contact_resolution",
    ),
    Stream(
        "resolved_first_contact",
        "S1",
        facts("first_contact", signs=("positive",)),
        (
            *counts(
                90, 365,
                says="{value} case{s} settled on first contact in {window}"
                "|no case settled on first contact in {window}",
            ),
            *change("cases settled on first contact"),
            *shares(
                "settled", 365, None,
                says="{value} of the cases solved in {window} were settled on first contact"
                "|no case solved in {window} was settled on first contact"
                "|no solved case to judge in {window}",
            ),
        ),
        group="first_contact_resolution",
    ),
    Stream(
        "repeat_contact",
        "S1",
        facts("repeat_contact"),
        (
            *counts(
                30, 90, 365, None,
                says="had to come back about the same topic {value} time{s} in {window}"
                "|never had to come back about the same topic in {window}",
            ),
            *change("repeated contacts"),
            *shares(
                "case", 365,
                says="{value} of the cases in {window} were about something solved the week before"
                "|no case in {window} was about something solved the week before"
                "|no case in {window}",
            ),
            *since(
                "had to come back about the same topic {value} day{s} ago"
                "|had to come back about the same topic today"
                "|never had to come back about the same topic"
            ),
        ),
    ),
    Stream(
        "reopened",
        "S14",
        rows("case_reopened"),
        (
            *counts(
                30, 90, 365, None,
                says="{value} case{s} {was} reopened in {window}|no case was reopened in {window}",
            ),
            *change("reopened cases"),
            *since(
                "a case was reopened {value} day{s} ago|a case was reopened today"
                "|never reopened a case"
            ),
        ),
    ),
    Stream(
        "transferred",
        "S7",
        rows("case_transferred"),
        (
            *counts(
                30, 90, 365, None,
                says="was handed on {value} time{s} in {window}|was not handed on in {window}",
            ),
            *change("handovers"),
            *distinct(
                "case", 365,
                says="{value} case{s} {was} handed on in {window}"
                "|no case was handed on in {window}",
            ),
        ),
    ),
    Stream(
        "escalated",
        "S1",
        rows("case_escalated"),
        (
            *counts(
                30, 90, 365, None,
                says="{value} escalation{s} in {window}|no escalation in {window}",
            ),
            *change("escalations"),
            *since(
                "the last escalation was {value} day{s} ago|a case was escalated today"
                "|no case was ever escalated"
            ),
        ),
    ),
    Stream(
        "pending",
        "S14",
        rows("case_pending"),
        (
            *counts(
                90, 365,
                says="was asked for more {value} time{s} in {window}"
                "|was not asked for more in {window}",
            ),
            *change("questions back"),
        ),
    ),
)  # fmt: skip

PEOPLE = (
    Stream(
        "reply",
        "S6",
        rows("message_out", "call_out", by="person"),
        (
            *counts(
                30, 90, 365,
                says="heard from us {value} time{s} in {window}|did not hear from us in {window}",
            ),
            *change("replies from us"),
            *distinct(
                "agent", 90, 365, None,
                says="dealt with {value} different agent{s} in {window}"
                "|dealt with no agent in {window}",
            ),
            *distinct(
                "team", 365,
                says="dealt with {value} different team{s} in {window}"
                "|dealt with no known team in {window}",
            ),
            *top_shares(
                "agent", 365,
                says="the same agent gave {value} of our replies in {window}"
                "|no agent gave a reply in {window}|no agent gave a reply in {window}",
            ),
            *means(
                90, 365,
                says="an agent took {value} minutes for them on average in {window}"
                "|agents took no time for them in {window}|no handling time known in {window}",
            ),
            *since(
                "we last wrote or called {value} day{s} ago|we wrote or called today"
                "|we never wrote or called"
            ),
        ),
        measure="seconds",
        scale=PER_MINUTE,
    ),
    Stream(
        "any_reply",
        "S13",
        rows("message_out", "call_out"),
        counts(365, says="{value} answer{s} in {window}|no answer in {window}"),
        group="bot_reply",
    ),
    Stream(
        "bot_reply",
        "S13",
        rows("message_out", "call_out", by="bot"),
        (
            *counts(
                90, 365,
                says="{value} answer{s} by a bot in {window}|no answer by a bot in {window}",
            ),
            *change("answers by a bot"),
            *shares(
                "any_reply", 365,
                says="{value} of the answers in {window} came from a bot"
                "|no answer in {window} came from a bot|no answer in {window}",
            ),
        ),
    ),
    Stream(
        "bot_session",
        "S13",
        rows("bot_session"),
        (
            *counts(
                30, 90, 365,
                says="{value} talk{s} with the bot in {window}|no talk with the bot in {window}",
            ),
            *change("talks with the bot"),
        ),
    ),
    Stream(
        "bot_failed",
        "S13",
        facts("bot_failed"),
        (
            *counts(
                30, 90, 365, None,
                says="the bot could not help {value} time{s} in {window}"
                "|the bot never failed them in {window}",
            ),
            *change("failures of the bot"),
            *since(
                "the bot could not help {value} day{s} ago|the bot could not help today"
                "|the bot never failed them"
            ),
        ),
    ),
    Stream(
        "bot_handoff",
        "S13",
        rows("bot_handoff"),
        (
            *counts(
                90, 365,
                says="the bot handed over {value} time{s} in {window}"
                "|the bot did not hand over in {window}",
            ),
            *change("handovers by the bot"),
        ),
    ),
)  # fmt: skip

SERVICE = CASES + WAITS + BUSINESS + PEOPLE
