"""What last happened to each customer as of a moment, found in columns, bucket by bucket.

Every function takes events that a moment sees, sorted by customer and time, and gives one instant
a customer: pairs of arrays (customer number ascending, seconds since 1970 UTC).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.contracts import DAY, KIND_CODE, SCORE_KIND_CODE
from pipelines.history.events import NEVER, NONE, Events
from pipelines.history.people import People
from pipelines.history.terms import Terms

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Found = tuple[NDArray[np.int32], Ints]

COMPANY_WORDS = ("message_out", "call_out", "outreach_sent")
# CONTRACTS.md, definitions: NPS 0-6 are detractors; CSAT's and CES's low end as far from their top.
LOW_SCORES = {"nps": 6, "csat": 2, "ces": 2}
REPEAT_DAYS = 7  # CONTRACTS.md: of a repeat contact
NEW_DAYS = 365
ASKED_TIMES, ASKED_DAYS = 3, 90  # a topic that often is one that the product does not explain


def of_kinds(events: Events, *kinds: str) -> Bools:
    """Which rows are of one of `kinds`."""
    wanted = np.zeros(len(KIND_CODE), np.bool_)
    wanted[[KIND_CODE[kind] for kind in kinds]] = True
    return wanted[events.kind]


def latest(events: Events, before: int) -> dict[str, Found]:
    """All of `models.contracts.LATEST` that interactions tell."""
    word = newest(events, of_kinds(events, *COMPANY_WORDS))
    paid = newest(events, of_kinds(events, "payment"))
    kept = newest(events, of_kinds(events, *COMPANY_WORDS, "promise_kept"))
    taken_up = newest(events, of_kinds(events, "case_opened", "case_reopened", "survey_sent"))
    repeated, asked = _repeated(events), _asked(events, before)
    return {
        "complaint_at": unanswered(events),
        "promise_broken_at": after(newest(events, of_kinds(events, "promise_broken")), kept),
        "detractor_at": after(newest(events, _low(events)), word),
        "outage_at": after(newest(events, of_kinds(events, "outage")), word),
        "payment_failed_at": after(newest(events, of_kinds(events, "payment_failed")), paid),
        "repeated_at": newest(events, repeated),
        "asked_at": newest(events, asked),
        "solved_at": after(newest(events, of_kinds(events, "case_solved")), taken_up),
        "order_at": newest(events, of_kinds(events, "order")),
        "touched_at": newest(events, of_kinds(events, *COMPANY_WORDS, "meeting_held")),
        "answered_at": newest(events, of_kinds(events, "outreach_answered", "survey_answered")),
        "contact_left_at": newest(events, of_kinds(events, "contact_left")),
    }


def newest(events: Events, which: Bools) -> Found:
    """Each customer's last row of those marked."""
    rows = np.flatnonzero(which)
    who = events.customer[rows]
    last = np.append(who[1:] != who[:-1], True)[: len(who)]
    return who[last], events.at[rows[last]]


def after(found: Found, ended: Found) -> Found:
    """Those of `found` that nothing of `ended` followed; the same moment is not after."""
    who, at = found
    end = np.full(len(who), np.iinfo(np.int64).min)
    place = np.searchsorted(ended[0], who)
    there = place < len(ended[0])
    there[there] = ended[0][place[there]] == who[there]
    end[there] = ended[1][place[there]]
    still = end <= at
    return who[still], at[still]


def unanswered(events: Events) -> Found:
    """Each customer's oldest complaint that no message or call of the company followed."""
    made = np.flatnonzero(of_kinds(events, "complaint"))
    who, at = events.customer[made], events.at[made]
    # Outreach is no answer to a complaint; every complaint is looked at, not the newest alone.
    word = newest(events, of_kinds(events, "message_out", "call_out"))
    who, at = after((who, at), word)
    first = np.append(True, who[1:] != who[:-1])[: len(who)]
    return who[first], at[first]


def renewals(terms: Terms | None, before: int, known_by: int) -> Found:
    """The next planned end of each customer's running terms that are under no notice."""
    if terms is None:
        return np.empty(0, np.int32), np.empty(0, np.int64)
    view = terms.known(known_by)
    runs = (view.started <= before) & (view.ended == NEVER) & (view.notice == NEVER)
    ahead = view.take(runs & (view.ends_at > before) & (view.ends_at < NEVER))
    order = np.lexsort((ahead.ends_at, ahead.customer))
    who, at = ahead.customer[order], ahead.ends_at[order]
    first = np.append(True, who[1:] != who[:-1])[: len(who)]
    return who[first], at[first]


def joined(people: People, before: int) -> Found:
    """When those who are customers for less than a year became so."""
    new = (people.joined < before) & (people.joined >= before - NEW_DAYS * DAY) & ~people.merged
    who = np.flatnonzero(new)
    return who.astype(np.int32), people.joined[who]


def _low(events: Events) -> Bools:
    """Answers at the low end of their scale."""
    low = np.zeros(len(events), np.bool_)
    for kind, most in LOW_SCORES.items():
        low |= (events.score_kind == SCORE_KIND_CODE[kind]) & (events.score <= most)
    return low & of_kinds(events, "survey_answered")


def _repeated(events: Events) -> Bools:
    """Openings of a case within `REPEAT_DAYS` of the solution of another one of the same topic."""
    rows, topic = _topical(events)
    order = np.lexsort((rows, topic, events.customer[rows]))  # rows are in order of time
    rows, topic = rows[order], topic[order]
    who, at = events.customer[rows], events.at[rows]
    solved = of_kinds(events, "case_solved")[rows]
    last = np.maximum.accumulate(np.where(solved, np.arange(len(rows)), -1))
    opened = of_kinds(events, "case_opened")[rows] & (last >= 0)
    same = opened & (who == who[last]) & (topic == topic[last])
    other = events.case[rows] != events.case[rows][last]
    marked = np.zeros(len(events), np.bool_)
    marked[rows[same & other & (at - at[last] <= REPEAT_DAYS * DAY)]] = True
    return marked


def _asked(events: Events, before: int) -> Bools:
    """Openings of a topic's newest case, where the customer opened `ASKED_TIMES` of it lately."""
    lately = of_kinds(events, "case_opened") & (events.at >= before - ASKED_DAYS * DAY)
    rows = np.flatnonzero(lately & (events.topic != NONE))
    order = np.lexsort((rows, events.topic[rows], events.customer[rows]))
    rows = rows[order]
    who, topic = events.customer[rows], events.topic[rows]
    marked = np.zeros(len(events), np.bool_)
    back = ASKED_TIMES - 1
    again = (who[back:] == who[:-back]) & (topic[back:] == topic[:-back])
    marked[rows[back:][again]] = True
    return marked


def _topical(events: Events) -> tuple[NDArray[np.intp], NDArray[np.int32]]:
    """Openings and solutions of cases that have a topic, in order of time, and that topic: the
    one with which the case was opened."""
    opened = np.flatnonzero(of_kinds(events, "case_opened") & (events.case != NONE))
    opened = opened[events.topic[opened] != NONE]
    keys = case_keys(events)
    order = np.argsort(keys[opened], kind="stable")
    known, topics = keys[opened][order], events.topic[opened][order]
    rows = np.flatnonzero(of_kinds(events, "case_opened", "case_solved") & (events.case != NONE))
    place = np.minimum(np.searchsorted(known, keys[rows]), max(len(known) - 1, 0))
    if not len(known):
        return rows[:0], topics
    has = known[place] == keys[rows]
    return rows[has], topics[place[has]]


def case_keys(events: Events) -> Ints:
    """One number a case, ascending with customer and case."""
    return (events.customer.astype(np.int64) << 32) | events.case
