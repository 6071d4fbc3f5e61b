"""Random histories: few codes and a coarse clock, so that ties and edges happen all the time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from hypothesis import strategies as st

from models.contracts import CHANNELS, DAY, KINDS, SCORE_KINDS
from models.settings import Promises
from pipelines.features import matrix
from pipelines.features.agents import Agents
from pipelines.features.calendars import NO_HOURS, Calendar, Hours
from pipelines.features.gaps import ALL_KINDS, NO_GAPS, Gap, Gaps
from pipelines.features.stream import AGENT_FIGURES
from pipelines.history.events import DTYPES, NEVER, Events

AS_OF = 1_767_225_600  # 2026-01-01
HOUR = 3_600
# Steps back from the night: hours, whole windows, and one second beside an edge.
AGES = st.one_of(
    st.integers(-40, 40).map(lambda step: step * HOUR),
    st.integers(0, 60).map(lambda step: step * DAY),
    st.sampled_from([7, 30, 90, 180, 365, 400, 700]).map(lambda days: days * DAY),
)
NUDGES = st.sampled_from([0, 0, 0, 0, 1, -1])
LAGS = st.sampled_from([0, 0, 0, 0, 0, HOUR, 30 * HOUR, 40 * DAY])
# How long a row stood before a correction, which came hours later or ended it.
STOOD = st.sampled_from([0, 1, HOUR, 30 * HOUR, 40 * DAY, 200 * DAY])
# What makes facts comes often, everything now and then.
BUSY = (
    "case_opened", "message_in", "message_out", "case_pending", "case_solved", "case_reopened",
    "complaint", "survey_sent", "survey_answered", "bot_session", "order", "usage", "payment",
    "payment_failed",
)  # fmt: skip
FOLLOWING = ("message_out", "case_pending", "message_in", "case_solved", "case_solved")
KIND = st.one_of(st.sampled_from(BUSY), st.sampled_from(KINDS)).map(KINDS.index)
BOTS = np.array([False, False, True])
TEAMS = np.array([1, 0, -1], np.int32)


@st.composite
def row(draw: st.DrawFn, customers: int) -> dict[str, Any]:
    at = AS_OF - draw(AGES) + draw(NUDGES)
    return {
        "customer": draw(st.integers(0, customers - 1)),
        "at": at,
        "recorded": at + draw(LAGS),
        "kind": draw(KIND),
        "channel": draw(st.integers(-1, len(CHANNELS) - 1)),
        "topic": draw(st.integers(-1, 1)),
        "agent": draw(st.integers(-1, 3)),
        "case": draw(st.integers(-1, 2)),
        "value": draw(st.sampled_from([np.nan, -2.0, 0.0, 0.25, 1.0, 8.0])),
        "seconds": draw(st.sampled_from([np.nan, 60.0, 900.0])),
        "wait": draw(st.sampled_from([np.nan, 0.0, 600.0])),
        "score": draw(st.sampled_from([np.nan, 0.0, 2.0, 3.0, 4.0, 6.0, 9.0])),
        "score_kind": draw(st.integers(-1, len(SCORE_KINDS) - 1)),
        "provoked": draw(st.booleans()),
        "said": draw(st.sampled_from([0, 0, 1, 3, 5, 7, 9, 17, 26, 33])),
        "until": NEVER,
    }


@st.composite
def versions(draw: st.DrawFn, customers: int) -> list[dict[str, Any]]:
    """One interaction: nearly always one row; else corrected, perhaps twice, perhaps deleted."""
    found = [draw(row(customers))]
    for _ in range(draw(st.sampled_from([0, 0, 0, 0, 1, 2]))):
        former = found[-1]
        former["until"] = former["recorded"] + draw(STOOD)
        newer = draw(row(customers)) | {
            "customer": former["customer"],
            "recorded": former["until"],
        }
        # Most corrections leave the time alone, or shift it a little.
        if draw(st.booleans()):
            newer["at"] = former["at"] + draw(NUDGES)
        found.append(newer)
    if draw(st.sampled_from([False] * 7 + [True])):
        found[-1]["until"] = found[-1]["recorded"] + draw(STOOD)
    return found


@st.composite
def story(draw: st.DrawFn, customers: int) -> list[dict[str, Any]]:
    """A case with what follows its opening: alone, rows would seldom meet in one."""
    opening = draw(row(customers))
    opening |= {"kind": KINDS.index("case_opened"), "case": draw(st.integers(0, 2))}
    found = [opening]
    for kind in draw(st.lists(st.sampled_from(FOLLOWING), min_size=1, max_size=4)):
        at = found[-1]["at"] + draw(st.sampled_from([0, HOUR, 20 * HOUR, 3 * DAY, 40 * DAY]))
        found.append(
            draw(row(customers))
            | {"customer": opening["customer"], "case": opening["case"], "at": at}
            | {"recorded": at, "kind": KINDS.index(kind)}
        )
    return found


def histories(customers: int = 2, most: int = 40) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Lists of rows, in no order, some of them superseded versions, some of one case.

    `interaction` says which are versions of one, the older ones first.
    """
    alone = versions(customers).map(lambda chain: [chain])
    stories = story(customers).map(lambda rows: [[row] for row in rows])
    return st.lists(st.one_of(alone, alone, stories), max_size=most).map(
        lambda found: [
            row | {"interaction": number}
            for number, chain in enumerate(chain for chains in found for chain in chains)
            for row in chain
        ]
    )


def events(rows: list[dict[str, Any]]) -> Events:
    """The rows as the history would hand them over."""
    columns = {name: np.array([row[name] for row in rows], dtype) for name, dtype in DTYPES.items()}
    return Events(**columns).sorted()


@st.composite
def gap(draw: st.DrawFn) -> Gap:
    start = AS_OF - draw(AGES) + draw(NUDGES)
    lasts = draw(st.sampled_from([0, HOUR, DAY, 3 * DAY, 60 * DAY]))
    kind = draw(st.one_of(st.just(ALL_KINDS), KIND))
    return Gap(kind, start, start + lasts + draw(NUDGES), start + draw(LAGS))


@st.composite
def gaps(draw: st.DrawFn) -> Gaps:
    """A few gaps, of one kind or many; some kinds were brought late or never."""
    found = draw(st.lists(gap(), max_size=4))
    many = draw(st.lists(gap(), max_size=1))
    found += [replace(one, kind=kind) for one in many for kind in range(len(KINDS))]
    began = [0] * len(KINDS)
    for _ in range(draw(st.integers(0, 3))):
        began[draw(KIND)] = draw(st.sampled_from([NEVER, AS_OF - 50 * DAY]))
    if draw(st.booleans()):  # a history of one kind, whose outage is everyone's
        only, began = draw(KIND), [draw(st.sampled_from([NEVER, AS_OF - 50 * DAY]))] * len(KINDS)
        began[only] = 0
        found = [replace(one, kind=only) for one in found]
    return Gaps(tuple(sorted(set(found))), tuple(began))


# A shop with a lunch break and two free days; a desk far away that is always open but on Sundays.
SHOP = Calendar(
    ZoneInfo("Europe/Rome"),
    (*[((9 * HOUR, 12 * HOUR), (13 * HOUR, 17 * HOUR + 1800))] * 5, ((10 * HOUR, 12 * HOUR),), ()),
    frozenset({date(2025, 12, 25), date(2025, 12, 31)}),
)
DESK = Calendar(ZoneInfo("America/New_York"), (*[((0, DAY),)] * 6, ()))
HOURS = Hours((SHOP, DESK), (0, 1, -1), -1, AS_OF - 500 * DAY, AS_OF + 10 * DAY)


class AnyNight(Agents):
    """Figures of agents at whichever night is asked for: some not known, agent 3 not known at all.

    The same night has the same figures, and another one others.
    """

    def at(self, nights: Sequence[matrix.Night]) -> Any:
        found = []
        for night in nights:
            luck = np.random.default_rng([night.as_of, night.cutoff])
            figures = luck.integers(0, 9, (3, len(AGENT_FIGURES))) / 4
            found.append(np.where(luck.random(figures.shape) < 0.2, np.nan, figures))
        return np.array(found)


@st.composite
def contexts(draw: st.DrawFn) -> matrix.Context:
    """Feed gaps and calendars, or none of either."""
    hours = draw(st.sampled_from([NO_HOURS, HOURS, replace(HOURS, other=0)]))
    return context(draw(gaps()), hours)


def context(gaps: Gaps = NO_GAPS, hours: Hours = NO_HOURS) -> matrix.Context:
    promises = matrix.promise_seconds(Promises())
    return matrix.Context(BOTS, promises, gaps=gaps, hours=hours, teams=TEAMS, agents=AnyNight())


def features(
    rows: list[dict[str, Any]],
    nights: list[matrix.Night],
    customers: int = 2,
    context: matrix.Context = context(),  # noqa: B008 - frozen
) -> Any:
    """[nights, customers, features] by the compiled pass; joined 200 days before the first."""
    numbers = np.arange(customers, dtype=np.int32)
    joined = np.full(customers, AS_OF - 200 * DAY, np.int64)
    return matrix.compute(events(rows), numbers, joined, nights, context)
