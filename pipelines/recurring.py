"""Topics that keep coming back: "third case about billing in 20 days"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.contracts import DAY, KIND_CODE, Reason
from pipelines.history.events import NONE, Events
from pipelines.history.happened import case_keys
from pipelines.walks import Few

if TYPE_CHECKING:
    from models.churn import ChurnModel
    from pipelines.features.matrix import Night
    from pipelines.history.store import History
    from pipelines.walks import Engine

RECENT_DAYS = 90
AGAIN = 2  # cases about one topic from which on it keeps coming back
ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth")
READ = ("topic", "case", "until")
# Groups of features that tell of contacts and cases: a topic stands beside a reason of theirs.
ABOUT_CASES = frozenset(
    {
        "case", "contact", "repeat_contact", "resolved", "resolved_business", "reopened",
        "escalated", "transferred", "first_contact_resolution", "first_reply",
        "first_reply_business", "late_first_reply", "requester_wait", "requester_wait_business",
        "open_case", "channel_switch",
    }
)  # fmt: skip


class Often(NamedTuple):
    """Of n customers who opened several cases about one topic lately, the topic that came most
    often; of several the one that came first."""

    customer: NDArray[np.int32]
    many: NDArray[np.int64]
    topic: NDArray[np.int32]
    since: NDArray[np.int64]  # seconds, of the first of them
    until: NDArray[np.int64]  # of the last

    def sentences(self, topics: Sequence[str]) -> dict[int, str]:
        """By customer; `topics`: names by code."""
        rows = zip(*(column.tolist() for column in self), strict=True)
        return {
            customer: _sentence(many, topics[topic], since, until)
            for customer, many, topic, since, until in rows
        }


def most_often(events: Events, before: int) -> Often:
    """In the last days `before` (seconds) as a night saw them, each customer's in order."""
    events = events.take(np.flatnonzero(_openings(events) & (events.case != NONE)))
    _, first = np.unique(case_keys(events), return_index=True)
    lately = (events.at[first] >= before - RECENT_DAYS * DAY) & (events.topic[first] != NONE)
    rows = first[lately]
    who, topic, at = events.customer[rows], events.topic[rows], events.at[rows]
    order = np.lexsort((at, topic, who))
    who, topic, at = who[order], topic[order], at[order]
    new = (who[1:] != who[:-1]) | (topic[1:] != topic[:-1])
    start = np.flatnonzero(np.append(True, new)[: len(who)])
    many = np.diff(np.append(start, len(who)))
    since, until = at[start], at[start + many - 1]
    best = np.lexsort((since, -many, who[start]))
    best = best[np.unique(who[start][best], return_index=True)[1]]
    best = best[many[best] >= AGAIN]
    return Often(who[start][best], many[best], topic[start][best], since[best], until[best])


@dataclass(frozen=True)
class Seen:
    """The openings of cases of some `customers` that a night saw."""

    night: Night
    customers: NDArray[np.int32]

    def __call__(self, events: Events) -> Events:
        opened = np.flatnonzero(_openings(events) & (events.at < self.night.as_of))
        cutoff = self.night.cutoff
        known = (events.recorded[opened] <= cutoff) & (cutoff < events.until[opened])
        theirs = np.isin(events.customer[opened], self.customers)
        return events.take(opened[known & theirs])


def with_topics(
    reasons: Mapping[int, list[Reason]],
    model: ChurnModel,
    history: History,
    night: Night,
    engine: Engine,
) -> dict[int, list[Reason]]:
    """`reasons` by customer number, with the topic that keeps coming back before the heaviest
    reason that raises the risk and is about contacts or cases. `engine`: where rows are read."""
    groups = model.systems.group_of
    places = {customer: _place(some, groups) for customer, some in reasons.items()}
    about = {customer: place for customer, place in places.items() if place is not None}
    if not about:
        return dict(reasons)
    seen = Seen(night, np.array(sorted(about), np.int32))
    few = Few(READ, seen, partial(most_often, before=night.as_of))
    told, topics = dict(reasons), history.words("topic")
    for often in engine.versions(history, few):
        for customer, sentence in often.sentences(topics).items():
            some, place = list(told[customer]), about[customer]
            some[place] = replace(some[place], words=f"{sentence}: {some[place].words}")
            told[customer] = some
    return told


def _place(reasons: Sequence[Reason], groups: Mapping[str, str]) -> int | None:
    for place, reason in enumerate(reasons):
        if reason.direction == "raises" and groups[reason.feature] in ABOUT_CASES:
            return place
    return None


def _openings(events: Events) -> NDArray[np.bool_]:
    opened: NDArray[np.bool_] = events.kind == KIND_CODE["case_opened"]
    return opened


def _sentence(many: int, topic: str, since: int, until: int) -> str:
    days = max(1, round((until - since) / DAY))
    nth = f"{ORDINALS[many - 1]} case" if many <= len(ORDINALS) else f"{many} cases"
    return f"{nth} about {topic} in {days} day{'s' * (days != 1)}"
