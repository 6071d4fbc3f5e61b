"""What a stream is: a named filter over interactions or dated facts, and the figures wanted of it.

A feature is one figure (`Stat`) of one stream. Nothing else has to be written for it: the
reference and the compiled pass both read these declarations.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from math import log
from typing import Literal

from models.contracts import CHANNELS, KINDS, SAID, SCORE_KINDS, Feature
from pipelines.history.words.lexicon import OURS as LEXICON

WINDOWS = (7, 30, 90, 180, 365, None)  # days; None: the whole history
# Raised when a fact or a statistic is computed otherwise than before: old models do not fit.
CODE_VERSION = 3
LATEST = 3  # answers that tell how things are now, when the last alone may be a whim
RHYTHM_DAYS = 3  # days of activity that make a rhythm: two gaps
# Who is still there: the MBG/NBD model (Batislam, Denizel and Filiztekin, 2007, doi
# 10.1016/j.ijresmar.2006.12.005), in which, other than in the BG/NBD model (Fader, Hardie and Lee,
# 2005), a customer may also leave after the first time, and one who came once is not certain to
# come again. Its r, alpha (days), a and b are not the company's but a prior: the ones that fit
# CDNOW's 23,570 new buyers best over 18 months (tests/integration/test_alive_prior.py).
ALIVE = (0.689, 69.2, 0.492, 0.859)
# Pace, a dynamic generalised linear model (West, Harrison and Migon, 1985, doi
# 10.1080/01621459.1985.10477131): what is believed of how often a customer is active, and how
# much at a time, usually and now. The usual log rate of active days is normal: once a month, by a
# factor of 400 more or less (the middle 95%), so wide that it is hardly taken for a deviation. The
# deviation from it now is an Ornstein-Uhlenbeck process: a factor of e either way, halved in a
# quarter. Half of it shows in a day's amount, which varies by a factor of 1.8 besides. They are
# no company's own, for the reason given above; docs/decisions/0003-feature-kernel.md says what
# they matter.
PACE_USUAL = (-log(30.0), 3.0**2)  # mean, variance
PACE_SPREAD = 1.0  # variance of the deviation
PACE_HALF_LIFE = 90.0  # days
PACE_SHOWN = 0.5  # of the deviation in a log amount
PACE_NOISE = 0.6**2  # variance of a log amount
PACE_STEP = 28  # days that are learned from together
PACE_OUTLIER = 3.0  # standard deviations; what lies further off counts as that

# Facts of pipelines/features/facts.py. Their codes follow those of the kinds; append only.
FACTS = (
    "first_reply", "promise_missed", "promise_held", "resolved", "requester_wait",
    "first_contact", "repeat_contact", "channel_switch", "complaint_unanswered",
    "complaint_answered", "complaint_level", "survey_unanswered", "survey_heeded", "case_level",
    "bot_failed", "unpaid_level", "first_reply_business", "resolved_business",
    "requester_wait_business",
)  # fmt: skip
# Kinds whose rows make a fact, or start the time that runs out: what cannot come while their feeds
# are down.
_WORDS = ("case_opened", "message_in", "call_in")
_REPLIES = ("message_out", "call_out")
_ENDS = ("case_solved", "case_closed")
MADE_BY: dict[str, tuple[str, ...]] = {
    "first_reply": _REPLIES,
    "promise_missed": _WORDS,
    "promise_held": _REPLIES,
    "resolved": ("case_solved",),
    "requester_wait": ("case_pending", *_ENDS),
    "first_contact": ("case_solved",),
    "repeat_contact": ("case_opened",),
    "channel_switch": (*_WORDS, "case_reopened", "complaint"),
    "complaint_unanswered": ("complaint",),
    "complaint_answered": _REPLIES,
    "complaint_level": ("complaint", *_REPLIES),
    "survey_unanswered": ("survey_sent",),
    "survey_heeded": ("survey_answered",),
    "case_level": ("case_opened", "case_reopened", *_ENDS),
    "bot_failed": ("bot_handoff", *_WORDS),
    "unpaid_level": ("payment_failed", "payment"),
    "first_reply_business": _REPLIES,
    "resolved_business": ("case_solved",),
    "requester_wait_business": ("case_pending", *_ENDS),
}
SOURCES = KINDS + FACTS
SOURCE_CODE = {name: code for code, name in enumerate(SOURCES)}

# How good an answer is. CSAT: 4 and 5 are good; NPS: 9-10 and 0-6; CES: 5-7 (CONTRACTS.md,
# definitions). Poor CSAT and CES mirror their good ones. Highest poor and lowest good score.
SCORE_CUTS = {"csat": (2.0, 4.0), "nps": (6.0, 9.0), "ces": (3.0, 5.0)}
Rating = Literal["poor", "middling", "good"]
RATINGS: tuple[Rating, ...] = ("poor", "middling", "good")
Actor = Literal["person", "bot"]
ACTORS: tuple[Actor, ...] = ("person", "bot")
Sign = Literal["unknown", "negative", "zero", "positive"]
SIGNS: tuple[Sign, ...] = ("unknown", "negative", "zero", "positive")
Measure = Literal["", "value", "seconds", "wait", "score"]
MEASURES: tuple[Measure, ...] = ("", "value", "seconds", "wait", "score")
Attribute = Literal["agent", "team", "topic", "channel", "case", "day"]
ATTRIBUTES: tuple[Attribute, ...] = ("agent", "team", "topic", "channel", "case", "day")

# What is known of an agent at a night and how it is written; agents.py says what each means.
AGENT_FIGURES = {
    "caseload": "mean", "workload": "ratio", "against_team": "ratio", "tenure": "days",
    "gone": "share", "lost": "share", "turnover": "share", "team_workload": "ratio",
}  # fmt: skip

Op = Literal[
    "count", "sum", "mean", "min", "max", "last", "since", "first", "distinct", "share", "trend",
    "gap", "gap_spread", "rhythm", "alive", "total", "top_share", "entropy", "slope", "streak",
    "count_of", "latest", "served_mean", "served_max", "served_last", "pace", "pace_error",
    "usual",
]  # fmt: skip
OPS: tuple[Op, ...] = (
    "count", "sum", "mean", "min", "max", "last", "since", "first", "distinct", "share", "trend",
    "gap", "gap_spread", "rhythm", "alive", "total", "top_share", "entropy", "slope", "streak",
    "count_of", "latest", "served_mean", "served_max", "served_last", "pace", "pace_error",
    "usual",
)  # fmt: skip
PACED: tuple[Op, ...] = ("pace", "pace_error", "usual")
# How models/words.py writes the figure.
WRITTEN: dict[Op, str] = {
    "since": "days", "first": "days", "gap": "days", "gap_spread": "ratio", "rhythm": "ratio",
    "total": "sum", "alive": "share", "top_share": "share", "entropy": "ratio", "streak": "count",
    "count_of": "count", "latest": "mean", "pace": "share", "pace_error": "ratio",
    "usual": "ratio",
}  # fmt: skip


@dataclass(frozen=True)
class Where:
    """Which rows belong: all that is said must hold. An empty tuple lets everything through."""

    sources: tuple[str, ...]  # kinds, or facts
    channels: tuple[str, ...] = ()
    by: Actor | None = None  # an agent that is not a bot, or none at all, is a person
    score_kinds: tuple[str, ...] = ()
    ratings: tuple[Rating, ...] = ()  # only where there is a score and its kind
    signs: tuple[Sign, ...] = ()  # of `value`
    provoked: bool | None = None  # an answer to our own message
    in_case: bool | None = None
    said: tuple[str, ...] = ()  # all of these, of models.contracts.SAID

    def __post_init__(self) -> None:
        known = (
            (self.sources, SOURCES), (self.channels, CHANNELS), (self.score_kinds, SCORE_KINDS),
            (self.ratings, RATINGS), (self.signs, SIGNS), (self.said, SAID),
        )  # fmt: skip
        for given, allowed in known:
            wrong = sorted(set(given) - set(allowed))
            if wrong:
                raise ValueError(f"unknown {wrong[0]!r}; known: {', '.join(allowed)}")
        if not self.sources or (set(self.sources) & set(KINDS) and set(self.sources) & set(FACTS)):
            raise ValueError("a stream is over kinds or over facts, and names at least one")
        told = (self.by, self.score_kinds, self.ratings, self.provoked, self.in_case, self.said)
        if self.of_facts and any(told):
            raise ValueError("a fact has a time, a channel and a value; nothing else can be asked")

    @property
    def of_facts(self) -> bool:
        return self.sources[0] in FACTS

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of rows without which nothing can come, in the contract's order."""
        made = {kind for source in self.sources for kind in MADE_BY.get(source, (source,))}
        return tuple(sorted(made, key=SOURCE_CODE.__getitem__))


def rows(*kinds: str, **conditions: object) -> Where:
    """Interactions of these kinds (see `Where` for the conditions)."""
    return Where(kinds, **conditions)  # type: ignore[arg-type]


def facts(*names: str, **conditions: object) -> Where:
    """Dated facts of these names."""
    return Where(names, **conditions)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Stat:
    """One figure. `says` is a template of models/words.py: usual | for zero | for not known."""

    op: Op
    window: int | None
    says: str
    name: str = ""  # where the usual name would read wrongly
    # share, count_of: the stream that holds this one; streak: the stream that ends it; served_mean,
    # served_max, served_last: which of AGENT_FIGURES
    of: str = ""
    attribute: Attribute | None = None  # distinct, top_share, entropy: of what
    recent: int = 0  # trend: days of the recent part of the window
    measured: bool = False  # trend: of the measure, not of the count
    least_days: int = RHYTHM_DAYS  # gap, gap_spread, rhythm: undefined with fewer active days
    written: str = ""  # how the figure is written, where not by `op`

    def __post_init__(self) -> None:
        for days in (self.window, self.recent or None):
            if days not in WINDOWS:
                raise ValueError(f"{days} is no window; known: {WINDOWS}")


@dataclass(frozen=True)
class Stream:
    """A named filter and its figures. `measure` times `scale` is what sums and means are of."""

    name: str
    system: str  # of CAPABILITIES.md
    where: Where
    stats: tuple[Stat, ...]
    measure: Measure = ""
    scale: float = 1.0
    group: str = field(default="")  # streams that tell of the same together; default its own

    def features(self, lexicon: str = LEXICON.version) -> tuple[Feature, ...]:
        """The columns this stream makes, in declared order; words coded by that lexicon."""
        return tuple(self._feature(stat, lexicon) for stat in self.stats)

    def _feature(self, stat: Stat, lexicon: str) -> Feature:
        return Feature(
            name=stat.name or self._name(stat),
            says=stat.says,
            system=self.system,
            group=self.group or self.name,
            stat=stat.written or AGENT_FIGURES.get(stat.of) or WRITTEN.get(stat.op, stat.op),
            window_days=stat.window,
            definition=self._definition(stat, lexicon),
        )

    def _definition(self, stat: Stat, lexicon: str) -> str:
        """A short hash of everything that decides the figure, its words left out."""
        said = (
            CODE_VERSION, self.where, self.measure, self.scale, stat.op, stat.window, stat.of,
            stat.attribute, stat.recent, stat.measured, stat.least_days,
            *([lexicon] if self.where.said else []),
        )  # fmt: skip
        return hashlib.sha256(repr(said).encode()).hexdigest()[:12]

    def _name(self, stat: Stat) -> str:
        if stat.op == "since":
            return f"days_since_{self.name}"
        if stat.op == "first":
            return f"days_since_first_{self.name}"
        window = "ever" if stat.window is None else str(stat.window)
        middle = f"{stat.attribute}s" if stat.attribute else stat.op
        if stat.op == "count_of":
            return f"{self.name}_count_{window}"
        if stat.op == "trend":
            return f"{self.name}_{'sum_' if stat.measured else ''}trend_{stat.recent}_{window}"
        if stat.op == "served_last":
            return f"{self.name}_{stat.of}_last"
        if stat.op in ("served_mean", "served_max"):
            return f"{self.name}_{stat.of}_{stat.op.removeprefix('served_')}_{window}"
        if stat.op in ("top_share", "entropy"):
            return f"{self.name}_{stat.attribute}_{stat.op}_{window}"
        if stat.op in ("last", "gap", "gap_spread", "rhythm", "alive", "streak", "latest", *PACED):
            return f"{self.name}_{stat.op}"
        return f"{self.name}_{middle}_{window}"


def counts(*windows: int | None, says: str) -> tuple[Stat, ...]:
    """How many, over each window."""
    return tuple(Stat("count", window, says) for window in windows)


def counts_of(of: str, *windows: int | None, says: str) -> tuple[Stat, ...]:
    """How many, over each window; NaN where there is none of the stream `of`, because what was not
    kept may have been there."""
    return tuple(Stat("count_of", window, says, of=of) for window in windows)


def sums(*windows: int | None, says: str) -> tuple[Stat, ...]:
    """The measure summed; 0 where there is none."""
    return tuple(Stat("sum", window, says) for window in windows)


def totals(*windows: int | None, says: str) -> tuple[Stat, ...]:
    """The measure summed; NaN where none is known, because nothing may have been measured."""
    return tuple(Stat("total", window, says) for window in windows)


def means(*windows: int | None, says: str) -> tuple[Stat, ...]:
    """The measure's mean; NaN where there is none."""
    return tuple(Stat("mean", window, says) for window in windows)


def highest(*windows: int | None, says: str) -> tuple[Stat, ...]:
    """The measure's maximum; NaN where there is none."""
    return tuple(Stat("max", window, says) for window in windows)


def lowest(*windows: int | None, says: str) -> tuple[Stat, ...]:
    """The measure's minimum; NaN where there is none."""
    return tuple(Stat("min", window, says) for window in windows)


def last(says: str) -> tuple[Stat, ...]:
    """The newest known measure."""
    return (Stat("last", None, says),)


def latest(says: str) -> tuple[Stat, ...]:
    """The mean of the three newest known measures; NaN with fewer than two: one is the `last`."""
    return (Stat("latest", None, says),)


def since(says: str) -> tuple[Stat, ...]:
    """Days since the newest in which its feed was alive; NaN where there is none."""
    return (Stat("since", None, says),)


def since_first(says: str) -> tuple[Stat, ...]:
    """Days since the oldest; NaN where there is none."""
    return (Stat("first", None, says),)


def distinct(attribute: Attribute, *windows: int | None, says: str) -> tuple[Stat, ...]:
    """How many different agents, topics, channels, cases (unknown ones left out) or UTC days."""
    return tuple(Stat("distinct", window, says, attribute=attribute) for window in windows)


def shares(of: str, *windows: int | None, says: str) -> tuple[Stat, ...]:
    """This stream's count over the count of the stream `of`; NaN where that is zero."""
    return tuple(Stat("share", window, says, of=of) for window in windows)


def trend(recent: int, window: int, says: str, measured: bool = False) -> tuple[Stat, ...]:
    """The daily rate of the recent days over that of the rest of the window.

    The rest begins no earlier than the relationship did (joining, or the first interaction where
    that is older). NaN where it is shorter than the recent days, or nothing happened in it.
    """
    return (Stat("trend", window, says, recent=recent, measured=measured),)


def change(noun: str) -> tuple[Stat, ...]:
    """The trend of the last quarter against the rest of the year, for many of `noun`."""
    return trend(
        90,
        365,
        f"{{value}} times as many {noun} in the last 90 days as before"
        f"|no {noun} in the last 90 days, some before|too few earlier {noun} to compare with",
    )


def slopes(*windows: int | None, says: str) -> tuple[Stat, ...]:
    """The measure's least-squares slope in 30 days; NaN where the known ones span less than one."""
    return tuple(Stat("slope", window, says) for window in windows)


def top_shares(attribute: Attribute, *windows: int | None, says: str) -> tuple[Stat, ...]:
    """How many of the known agents, topics, ... are the most frequent one; NaN where none is known.

    Of agents this is the usual provider continuity of care (Breslau and Reeb, 1975).
    """
    return tuple(Stat("top_share", window, says, attribute=attribute) for window in windows)


def entropies(attribute: Attribute, *windows: int | None, says: str) -> tuple[Stat, ...]:
    """Shannon's entropy of the known agents, topics, ... in bits; NaN where none is known."""
    return tuple(Stat("entropy", window, says, attribute=attribute) for window in windows)


def streak(of: str, says: str) -> tuple[Stat, ...]:
    """How many came after the newest of the stream `of`."""
    return (Stat("streak", None, says, of=of),)


def level(name: str, says: str) -> tuple[Stat, ...]:
    """What is open now: the sum of +1 and -1 over the whole history."""
    return (Stat("sum", None, says, name=name, written="sum_count"),)


def alive(noun: str) -> tuple[Stat, ...]:
    """How likely it is that there will be more, by the active days so far (see `ALIVE`)."""
    return (
        Stat(
            "alive",
            None,
            f"by the rhythm so far {noun} is {{value}} likely to come again"
            f"|by the rhythm so far {noun} is not likely to come again|{noun} never came",
        ),
    )


def rhythm(noun: str) -> tuple[Stat, ...]:
    """The usual gap between active days, how much it varies, the present gap against it, and how
    likely it is that another follows."""
    few = f"|too few days with {noun} to know a rhythm"
    usual = f"usually {{value}} day{{s}} between days with {noun}"
    spread = (
        f"the middle half of the gaps between days with {noun} spreads over {{value}} usual gaps"
    )
    return (
        Stat("gap", None, f"{usual}|{usual}{few}"),
        Stat("gap_spread", None, f"{spread}|days with {noun} come as regularly as a clock{few}"),
        Stat(
            "rhythm",
            None,
            f"the present gap without {noun} is {{value}} times the usual one"
            f"|{noun} as recently as ever{few}",
        ),
        *alive(noun),
    )


def pace(noun: str, does: str) -> tuple[Stat, ...]:
    """How active now against the usual, how sure that is, and the usual days in 30 (see
    `PACE_USUAL`)."""
    never = f"|{noun} never came"
    return (
        Stat(
            "pace",
            None,
            f"{does} {{value}} as much as is usual for this customer"
            f"|{does} next to nothing of what is usual for this customer{never}",
        ),
        Stat(
            "pace_error",
            None,
            f"how much {noun} differs from the usual is known by a factor of {{value}}"
            f"|how much {noun} differs from the usual is known{never}",
        ),
        Stat(
            "usual",
            None,
            f"usually {{value}} day{{s}} with {noun} in 30"
            f"|usually hardly a day with {noun} in 30{never}",
        ),
    )
