"""A remedy changes what happened; all features follow, so that the row is one that could be."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import numpy as np
import pytest

from pipelines.features import matrix
from pipelines.history.events import NEVER, Events
from pipelines.mending import REMEDIES, Mended, Seen, mended
from pipelines.onecustomer import OneCustomer
from pipelines.particulars import particulars
from tests.spec.features.table import coded, context, parsed, second

NIGHT = matrix.Night(second("2026-03-01"), second("2026-03-01 06:00"))
REMEDY = {remedy.says: remedy for remedy in REMEDIES}
HEADER = "customer | occurred_at | kind | case | channel | topic\n"


def told(history: str) -> tuple[OneCustomer, matrix.Context]:
    events, agents = coded(parsed(HEADER + history), ["acme"])
    return OneCustomer(0, second("2020-01-01"), events, None), context(agents, {})


def figures(history: str, says: str, *names: str) -> tuple[list[float], list[float]]:
    """The named features before and after."""
    customer, known = told(history)
    after = REMEDY[says].mend(Seen.of(customer, NIGHT, known))
    rows = [customer.features(NIGHT, known, events) for events in (None, after)]
    before, then = ([float(row[matrix.column(name)]) for name in names] for row in rows)
    return before, then


OPEN = """\
acme | 2026-02-10 00:00 | case_opened | 1 | email | billing
acme | 2026-02-11 07:00 | message_out | 1 | email | -
"""
COMPLAINT = """\
acme | 2026-02-10 00:00 | complaint | 1 | phone | -
acme | 2026-02-10 01:00 | message_out | 2 | email | -
"""


@pytest.mark.parametrize(
    ("says", "history", "before", "after"),
    [
        (
            "every open case solved", OPEN,
            {"open_cases": 1, "resolved_count_30": 0, "reply_count_30": 1, "days_since_case": 19},
            {"open_cases": 0, "resolved_count_30": 1, "reply_count_30": 2, "days_since_case": 19},
        ),
        (  # the miss is gone, the wait is as long as was promised
            "every first reply of the last year in time", OPEN,
            {"late_first_reply_count_30": 1, "late_first_reply_share_365": 1,
             "first_reply_mean_90": 31, "reply_count_30": 1},
            {"late_first_reply_count_30": 0, "late_first_reply_share_365": 0,
             "first_reply_mean_90": 24, "reply_count_30": 1},
        ),
        (  # another case's message is no answer; that it waited too long cannot be undone
            "every complaint answered", COMPLAINT,
            {"complaints_waiting": 1, "complaint_unanswered_count_30": 1, "complaint_count_30": 1},
            {"complaints_waiting": 0, "complaint_unanswered_count_30": 1, "complaint_count_30": 1},
        ),
        (
            "every complaint of the last year answered in a day", COMPLAINT,
            {"complaints_waiting": 1, "complaint_unanswered_count_30": 1, "complaint_count_30": 1},
            {"complaints_waiting": 0, "complaint_unanswered_count_30": 0, "complaint_count_30": 1},
        ),
        (
            "the failed payment made good",
            "acme | 2026-02-10 00:00 | payment_failed | - | - | -",
            {"payment_outstanding": 1, "payment_failed_count_30": 1, "payment_count_30": 0},
            {"payment_outstanding": 0, "payment_failed_count_30": 1, "payment_count_30": 1},
        ),
        (
            "no promise broken in the last year",
            "acme | 2026-02-10 00:00 | promise_broken | - | - | -",
            {"promise_broken_count_365": 1, "promise_due_count_365": 1,
             "promise_broken_share_365": 1},
            {"promise_broken_count_365": 0, "promise_due_count_365": 1,
             "promise_broken_share_365": 0},
        ),
        (
            "no case passed on in the last year",
            OPEN + "acme | 2026-02-12 00:00 | case_transferred | 1 | - | -",
            {"transferred_count_30": 1, "case_count_30": 1},
            {"transferred_count_30": 0, "case_count_30": 1},
        ),
        (
            "no outage in the last year",
            "acme | 2026-02-10 00:00 | outage | - | - | -",
            {"outage_count_30": 1},
            {"outage_count_30": 0},
        ),
    ],
)  # fmt: skip
def test_all_features_follow_what_is_mended(says, history, before, after):
    assert figures(history, says, *before) == (list(before.values()), list(after.values()))


@pytest.mark.parametrize("says", list(REMEDY))
def test_where_there_is_nothing_to_mend_nothing_changes(says):
    customer, known = told(
        """\
acme | 2026-02-10 00:00 | case_opened | 1 | email | billing
acme | 2026-02-10 07:00 | message_out | 1 | email | -
acme | 2026-02-10 08:00 | complaint | 1 | email | -
acme | 2026-02-10 09:00 | message_out | 1 | email | -
acme | 2026-02-10 10:00 | case_solved | 1 | email | -
acme | 2026-02-11 00:00 | payment_failed | - | - | -
acme | 2026-02-12 00:00 | payment | - | - | -
acme | 2024-02-10 00:00 | outage | - | - | -
"""
    )
    seen = Seen.of(customer, NIGHT, known)
    again = REMEDY[says].mend(seen)
    for name in Events.columns():
        assert np.array_equal(
            getattr(again, name), getattr(seen.events, name), equal_nan=name in FLOATS
        )


FLOATS = ("value", "seconds", "wait", "score")


def test_what_the_night_did_not_know_is_not_mended():
    later = OPEN.replace("2026-02", "2026-03").replace("03-11 07:00", "03-11 07:00")
    customer, known = told("acme | 2026-02-01 00:00 | order | - | - | -\n" + later)
    assert Seen.of(customer, NIGHT, known).rows[-1].kind == "order"
    assert mended([customer], NIGHT, known, Sum()) == [(0.0, [])]  # type: ignore[arg-type]


class Sum:
    """Each open case, waiting complaint, transfer and reply counts a tenth."""

    features = matrix.features()

    def predict(self, rows: np.ndarray) -> np.ndarray:
        names = ("open_cases", "complaints_waiting", "transferred_count_365", "reply_count_365")
        return 0.1 * sum(np.nan_to_num(rows[:, matrix.column(name)]) for name in names)


def test_each_remedy_is_told_and_those_that_can_still_be_done_together():
    passed_on = "acme | 2026-02-12 00:00 | case_transferred | 3 | - | -\n"
    customer, known = told(COMPLAINT + OPEN.replace("| 1 |", "| 3 |") + passed_on)
    ((now, found),) = mended([customer], NIGHT, known, Sum())  # type: ignore[arg-type]
    assert round(now, 3) == 0.5
    # Of what is told of replies nothing moves, although a message was needed to mend it.
    assert [(one.says, one.still, round(one.probability, 3)) for one in found] == [
        ("every open case solved", True, 0.4),
        ("every complaint answered", True, 0.4),
        ("all of what can still be done", True, 0.3),
        ("every complaint of the last year answered in a day", False, 0.4),
        ("every first reply of the last year in time", False, 0.5),
        ("no case passed on in the last year", False, 0.4),
    ]
    assert found[0].words(0.5) == "every open case solved: 40% instead of 50%"
    assert found[0].words(0.403) == "every open case solved: the model sees no gain"
    assert Mended("no outage", False, 0.396).words(0.404) == "no outage: 39.6% instead of 40.4%"
    assert found[0].words(0.3) == "every open case solved: the model sees no gain"


def test_several_customers_are_mended_as_each_by_itself():
    told_of = (("acme", OPEN), ("bolt", COMPLAINT), ("calm", OPEN))
    rows = "".join(history.replace("acme", who) for who, history in told_of)
    everything, agents = coded(parsed(HEADER + rows), ["acme", "bolt", "calm"])
    known, joined = context(agents, {}), second("2020-01-01")
    each = [
        OneCustomer(number, joined, everything.take(everything.customer == number), None)
        for number in range(3)
    ]
    alone = [mended([one], NIGHT, known, Sum())[0] for one in each]  # type: ignore[arg-type]
    assert mended(each, NIGHT, known, Sum()) == alone  # type: ignore[arg-type]
    assert [len(found) for _, found in alone] == [2, 2, 2]


@pytest.mark.parametrize("remedy", REMEDIES, ids=list(REMEDY))
def test_each_remedy_is_about_features_that_there_are(remedy):
    groups = {feature.group for feature in matrix.features()}
    assert set(remedy.groups) <= groups
    assert remedy.columns(matrix.features())


def test_what_waits_is_told_with_its_date():
    customer, known = told(COMPLAINT)
    seen = Seen.of(customer, NIGHT, known)
    assert list(particulars(seen, [], ZoneInfo("UTC"))) == [
        "the complaint of 10 February 2026 has had no answer"
    ]


def test_a_topic_that_keeps_coming_back_and_late_replies_are_told_with_their_figures():
    customer, known = told(
        OPEN
        + """\
acme | 2026-02-20 00:00 | case_opened | 2 | email | billing
acme | 2026-02-20 02:00 | message_out | 2 | email | -
acme | 2026-02-22 00:00 | case_opened | 3 | email | app
acme | 2026-02-28 00:00 | case_opened | 4 | chat | billing
"""
    )
    seen = Seen.of(customer, NIGHT, known)
    assert list(particulars(seen, ["app", "billing"], ZoneInfo("UTC"))) == [
        "a case about billing is open since 28 February 2026, and 3 more",
        "third case about billing in 18 days",
        "a late first reply took 31 hours, promised in 24",
        "2 cases never had a reply",
    ]
    assert NEVER not in (row.at for row in seen.rows)
