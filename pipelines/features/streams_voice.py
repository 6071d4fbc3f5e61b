"""Streams of what the customer says: words, complaints, channels, survey answers, public voice."""

from __future__ import annotations

from models.contracts import SCORE_KINDS, WORD_KINDS
from pipelines.features.stream import (
    RATINGS,
    Stream,
    change,
    counts,
    distinct,
    entropies,
    facts,
    last,
    latest,
    level,
    lowest,
    means,
    rhythm,
    rows,
    shares,
    since,
    slopes,
    streak,
    trend,
)

CONTACT_KINDS = ("message_in", "call_in", "case_opened", "case_reopened", "complaint")
SCORE_NAMES = {"csat": "satisfaction", "nps": "recommendation", "ces": "effort"}

WORDS = (
    Stream(
        "word",
        "S2",
        rows(*WORD_KINDS),
        (
            *counts(
                7, 30, 90, 180, 365, None,
                says="heard from the customer {value} time{s} in {window}|silent in {window}",
            ),
            *since(
                "the last word from the customer is {value} day{s} old"
                "|heard from the customer today|the customer never said a word"
            ),
            *trend(
                30, 180,
                "the customer talks {value} times as much in the last 30 days as before"
                "|fell silent in the last 30 days|too few earlier words to compare with",
            ),
            *trend(
                90, 365,
                "the customer talks {value} times as much in the last 90 days as before"
                "|fell silent in the last 90 days|too few earlier words to compare with",
            ),
            *distinct(
                "channel", 90, 365,
                says="used {value} different channel{s} in {window}"
                "|used no channel in {window}",
            ),
            *entropies(
                "channel", 365,
                says="words come over mixed channels in {window} (entropy {value} bits)"
                "|always used the same channel in {window}|used no known channel in {window}",
            ),
            *rhythm("a word from the customer"),
        ),
    ),
    Stream(
        "own_word",
        "S2",
        rows(*WORD_KINDS, provoked=False),
        (
            *counts(
                90, 365,
                says="spoke up unasked {value} time{s} in {window}"
                "|did not speak up unasked in {window}",
            ),
            *change("words unasked"),
            *since(
                "spoke up unasked {value} day{s} ago|spoke up unasked today"
                "|never spoke up unasked"
            ),
        ),
        group="word",
    ),
    Stream(
        "contact",
        "S1",
        rows(*CONTACT_KINDS),
        (
            *counts(
                30, 90, 365,
                says="got in touch {value} time{s} in {window}|did not get in touch in {window}",
            ),
            *trend(
                30, 180,
                "gets in touch {value} times as often in the last 30 days as before"
                "|stopped getting in touch in the last 30 days"
                "|too few earlier contacts to compare with",
            ),
        ),
    ),
    Stream(
        "channel_switch",
        "S4",
        facts("channel_switch"),
        (
            *counts(
                30, 90, 365, None,
                says="changed the channel {value} time{s} within a case in {window}"
                "|did not have to change the channel in {window}",
            ),
            *change("changes of channel"),
            *since(
                "changed the channel within a case {value} day{s} ago"
                "|changed the channel within a case today|never changed the channel within a case"
            ),
        ),
    ),
)  # fmt: skip


def _by_channel(channel: str, words: str) -> Stream:
    """Contacts on one channel."""
    return Stream(
        f"{channel}_contact",
        "S4",
        rows(*CONTACT_KINDS, channels=(channel,)),
        (
            *counts(
                90, 365,
                says=f"got in touch {words} {{value}} time{{s}} in {{window}}"
                f"|did not get in touch {words} in {{window}}",
            ),
            *change(f"contacts {words}"),
            *shares(
                "contact", 365,
                says=f"{{value}} of the contacts in {{window}} came {words}"
                f"|no contact in {{window}} came {words}|no contact in {{window}}",
            ),
        ),
        group="channel_mix",
    )  # fmt: skip


CHANNEL_MIX = tuple(
    _by_channel(channel, words)
    for channel, words in (
        ("email", "by e-mail"), ("phone", "by phone"), ("chat", "by chat"),
        ("web", "through the web site"), ("social", "through social media"),
        ("app", "through the app"), ("in_person", "in person"),
    )
)  # fmt: skip

COMPLAINTS = (
    Stream(
        "complaint",
        "S12",
        rows("complaint"),
        (
            *counts(
                7, 30, 90, 365, None,
                says="{value} complaint{s} in {window}|no complaint in {window}",
            ),
            *since(
                "complained {value} day{s} ago|complained today|never complained"
            ),
            *trend(
                90, 365,
                "complains {value} times as often in the last 90 days as before"
                "|stopped complaining in the last 90 days"
                "|too few earlier complaints to compare with",
            ),
        ),
    ),
    Stream(
        "complaint_unanswered",
        "S12",
        facts("complaint_unanswered"),
        (
            *counts(
                7, 30, 90, 365, None,
                says="{value} complaint{s} went a day without an answer in {window}"
                "|no complaint went a day without an answer in {window}",
            ),
            *change("complaints left a day without an answer"),
            *since(
                "a complaint had waited a day for an answer {value} day{s} ago"
                "|a complaint has waited a day for an answer today"
                "|no complaint ever went a day without an answer"
            ),
        ),
        group="complaint",
    ),
    Stream(
        "complaint_open",
        "S12",
        facts("complaint_level"),
        level(
            "complaints_waiting",
            "{value} complaint{s} {was} never answered|every complaint was answered",
        ),
        measure="value",
        group="complaint",
    ),
    Stream(
        "complaint_answered",
        "S12",
        facts("complaint_answered"),
        means(
            365, None,
            says="an answer to a complaint took {value} hours on average in {window}"
            "|complaints were answered at once in {window}|no complaint was answered in {window}",
        ),
        measure="value",
        scale=1 / 3600,
        group="complaint",
    ),
    Stream(
        "public_mention",
        "S19",
        rows("public_mention"),
        (
            *counts(
                30, 90, 365, None,
                says="spoke about us in public {value} time{s} in {window}"
                "|did not speak about us in public in {window}",
            ),
            *change("public words about us"),
            *since(
                "spoke about us in public {value} day{s} ago|spoke about us in public today"
                "|never spoke about us in public"
            ),
        ),
    ),
)  # fmt: skip


def _answers(kind: str) -> Stream:
    """Answers of one kind of survey."""
    name = SCORE_NAMES[kind]
    none = f"no {name} answer in {{window}}"
    return Stream(
        kind,
        "S21",
        rows("survey_answered", score_kinds=(kind,), ratings=RATINGS),
        (
            *last(
                f"the last {name} answer was {{value}}|the last {name} answer was 0"
                f"|never answered a {name} survey"
            ),
            *latest(
                f"the last three {name} answers average {{value}}"
                f"|the last three {name} answers average 0|too few {name} answers to average"
            ),
            *means(
                365, None,
                says=f"{name} answers average {{value}} in {{window}}"
                f"|{name} answers average 0 in {{window}}|{none}",
            ),
            *lowest(
                365,
                says=f"the lowest {name} answer in {{window}} was {{value}}"
                f"|the lowest {name} answer in {{window}} was 0|{none}",
            ),
            *slopes(
                365,
                says=f"{name} answers change by {{value}} in 30 days over {{window}}"
                f"|{name} answers stay the same over {{window}}"
                f"|too few {name} answers in {{window}} to see a direction",
            ),
        ),
        measure="score",
        group=f"{kind}_answers",
    )  # fmt: skip


def _poor(kind: str) -> Stream:
    """Poor answers of one kind of survey, as a share of all."""
    name = SCORE_NAMES[kind]
    return Stream(
        f"poor_{kind}",
        "S21",
        rows("survey_answered", score_kinds=(kind,), ratings=("poor",)),
        shares(
            kind, 365, None,
            says=f"{{value}} of the {name} answers in {{window}} were poor"
            f"|no {name} answer in {{window}} was poor|no {name} answer in {{window}}",
        ),
        group=f"{kind}_answers",
    )  # fmt: skip


SURVEYS = (
    *(_answers(kind) for kind in SCORE_KINDS),
    *(_poor(kind) for kind in SCORE_KINDS),
    Stream(
        "poor_answer",
        "S10",
        rows("survey_answered", ratings=("poor",)),
        (
            *counts(
                30, 90, 365, None,
                says="{value} poor survey answer{s} in {window}|no poor survey answer in {window}",
            ),
            *change("poor survey answers"),
            *since(
                "the last poor survey answer came {value} day{s} ago"
                "|a poor survey answer came today|never gave a poor survey answer"
            ),
        ),
    ),
    Stream(
        "survey_answer",
        "S9",
        rows("survey_answered"),
        (
            *counts(
                90, 365, None,
                says="{value} survey answer{s} in {window}|no survey answer in {window}",
            ),
            *change("survey answers"),
            *since(
                "answered a survey {value} day{s} ago|answered a survey today"
                "|never answered a survey"
            ),
        ),
    ),
    Stream(
        "survey_judged",
        "S2",
        facts("survey_unanswered", "survey_heeded"),
        counts(
            365,
            says="{value} survey{s} could be answered in {window}"
            "|no survey to answer in {window}",
        ),
        group="survey_unanswered",
    ),
    Stream(
        "survey_unanswered",
        "S2",
        facts("survey_unanswered"),
        (
            *counts(
                90, 365, None,
                says="left {value} survey{s} unanswered in {window}"
                "|left no survey unanswered in {window}",
            ),
            *change("unanswered surveys"),
            *shares(
                "survey_judged", 365, None,
                says="{value} of the surveys in {window} stayed without an answer"
                "|answered every survey in {window}|no survey to answer in {window}",
            ),
            *streak(
                "survey_answer",
                "left the last {value} survey{s} unanswered|left no survey since unanswered",
            ),
        ),
    ),
)  # fmt: skip

VOICE = WORDS + CHANNEL_MIX + COMPLAINTS + SURVEYS
