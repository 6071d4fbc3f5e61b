"""Topics that keep coming back: "third case about billing in 20 days"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models.contracts import DAY, KIND_CODE, Reason
from models.executors import executor
from pipelines.history.events import NONE, Events
from pipelines.history.happened import case_keys

if TYPE_CHECKING:
    from models.churn import ChurnModel
    from pipelines.features.matrix import Night
    from pipelines.history.store import History

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


def again(events: Events, before: int, topics: Sequence[str]) -> dict[int, str]:
    """Of each customer who opened several cases about one topic in the days `before`, the topic
    that came most often, in a sentence; of several the one that came first.

    `events`: what a night saw, each customer's in order; `topics`: names by code.
    """
    opened = np.flatnonzero((events.kind == KIND_CODE["case_opened"]) & (events.case != NONE))
    events = events.take(opened)
    _, first = np.unique(case_keys(events), return_index=True)
    lately = (events.at[first] >= before - RECENT_DAYS * DAY) & (events.topic[first] != NONE)
    rows = first[lately]
    who, topic, at = events.customer[rows], events.topic[rows], events.at[rows]
    order = np.lexsort((at, topic, who))
    who, topic, at = who[order], topic[order], at[order]
    start = np.flatnonzero(np.append(True, (who[1:] != who[:-1]) | (topic[1:] != topic[:-1])))
    if not len(who):
        return {}
    many = np.diff(np.append(start, len(who)))
    started, ended = at[start], at[start + many - 1]
    best = np.lexsort((started, -many, who[start]))
    best = best[np.unique(who[start][best], return_index=True)[1]]
    best = best[many[best] >= AGAIN]
    told = (who[start][best], many[best], topic[start][best], started[best], ended[best])
    return {
        customer: _sentence(times, topics[code], since, until)
        for customer, times, code, since, until in zip(*(x.tolist() for x in told), strict=True)
    }


def with_topics(
    reasons: Mapping[int, list[Reason]],
    model: ChurnModel,
    history: History,
    night: Night,
    threads: int = 1,
) -> dict[int, list[Reason]]:
    """`reasons` by customer number, with the topic that keeps coming back before the heaviest
    reason that raises the risk and is about contacts or cases."""
    groups = model.systems.group_of
    places = {customer: _place(some, groups) for customer, some in reasons.items()}
    about = {customer: place for customer, place in places.items() if place is not None}
    if not about:
        return dict(reasons)
    found = _found(history, night, np.array(sorted(about), np.int32), threads)
    told = dict(reasons)
    for customer, sentence in found.items():
        some, place = list(told[customer]), about[customer]
        some[place] = replace(some[place], words=f"{sentence}: {some[place].words}")
        told[customer] = some
    return told


def _place(reasons: Sequence[Reason], groups: Mapping[str, str]) -> int | None:
    for place, reason in enumerate(reasons):
        if reason.direction == "raises" and groups[reason.feature] in ABOUT_CASES:
            return place
    return None


def _found(
    history: History, night: Night, customers: NDArray[np.int32], threads: int
) -> dict[int, str]:
    """What `again` says of `customers` as of `night`."""
    topics = history.words("topic")

    def look(bucket: int) -> dict[int, str]:
        seen = [_seen(piece, night, customers) for piece in history.pieces(bucket, READ)]
        return again(Events.concatenate(seen), night.as_of, topics)

    buckets = range(history.buckets)
    with executor(threads if len(buckets) > 1 else 0) as pool:
        return {who: words for some in pool.map(look, buckets) for who, words in some.items()}


def _seen(events: Events, night: Night, customers: NDArray[np.int32]) -> Events:
    """The openings of cases of `customers` that `night` saw."""
    opened = np.flatnonzero((events.kind == KIND_CODE["case_opened"]) & (events.at < night.as_of))
    known = (events.recorded[opened] <= night.cutoff) & (night.cutoff < events.until[opened])
    theirs = np.isin(events.customer[opened], customers)
    return events.take(opened[known & theirs])


def _sentence(many: int, topic: str, since: int, until: int) -> str:
    days = max(1, round((until - since) / DAY))
    nth = f"{ORDINALS[many - 1]} case" if many <= len(ORDINALS) else f"{many} cases"
    return f"{nth} about {topic} in {days} day{'s' * (days != 1)}"
