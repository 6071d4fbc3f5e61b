"""Streams of money, promises, and the bond: meetings, referrals, check-ins."""

from __future__ import annotations

from pipelines.features.stream import (
    Stream,
    change,
    counts,
    facts,
    level,
    rows,
    shares,
    since,
    sums,
)

MONEY = (
    Stream(
        "payment",
        "S8",
        rows("payment"),
        (
            *counts(30, 90, 365, says="{value} payment{s} in {window}|no payment in {window}"),
            *change("payments"),
            *sums(90, 365, says="payments of {value} in {window}|no payment in {window}"),
            *since("the last payment was {value} day{s} ago|paid today|never paid anything"),
        ),
        measure="value",
    ),
    Stream(
        "payment_failed",
        "S8",
        rows("payment_failed"),
        (
            *counts(
                30, 90, 365, None,
                says="{value} payment{s} failed in {window}|no payment failed in {window}",
            ),
            *change("failed payments"),
            *since(
                "a payment failed {value} day{s} ago|a payment failed today|no payment ever failed"
            ),
        ),
    ),
    Stream(
        "unpaid",
        "S8",
        facts("unpaid_level"),
        level(
            "payment_outstanding", "a failed payment is not made up for"
            "|no failed payment is open"
        ),
        measure="value",
        group="payment_failed",
    ),
    Stream(
        "refund",
        "S12",
        rows("refund"),
        (
            *counts(90, 365, None, says="{value} refund{s} in {window}|no refund in {window}"),
            *change("refunds"),
            *sums(365, says="refunds of {value} in {window}|no refund in {window}"),
        ),
        measure="value",
    ),
)  # fmt: skip

PROMISES = (
    Stream(
        "promise_due",
        "S12",
        rows("promise_kept", "promise_broken"),
        counts(365, says="{value} promise{s} came due in {window}|no promise came due in {window}"),
        group="promise_broken",
    ),
    Stream(
        "promise_broken",
        "S12",
        rows("promise_broken"),
        (
            *counts(
                30, 90, 365, None,
                says="{value} promise{s} {was} broken in {window}"
                "|no promise was broken in {window}",
            ),
            *change("broken promises"),
            *shares(
                "promise_due", 365, None,
                says="{value} of the promises due in {window} were broken"
                "|every promise due in {window} was kept|no promise came due in {window}",
            ),
            *since(
                "a promise was broken {value} day{s} ago|a promise was broken today"
                "|no promise was ever broken"
            ),
        ),
    ),
    Stream(
        "promise_made",
        "S12",
        rows("promise_made"),
        (
            *counts(
                90, 365,
                says="{value} promise{s} made in {window}|no promise made in {window}",
            ),
            *change("promises"),
        ),
        group="promise_broken",
    ),
    Stream(
        "outage",
        "S15",
        rows("outage"),
        (
            *counts(
                7, 30, 90, 365,
                says="hit by {value} outage{s} in {window}|hit by no outage in {window}",
            ),
            *change("outages"),
            *sums(
                90,
                says="hit by outages of {value} hours in all in {window}"
                "|hit by no outage of known length in {window}",
            ),
            *since(
                "the last outage was {value} day{s} ago|an outage today|never hit by an outage"
            ),
        ),
        measure="seconds",
        scale=1 / 3600,
    ),
)  # fmt: skip

BOND = (
    Stream(
        "meeting",
        "S3",
        rows("meeting_held", "meeting_missed"),
        counts(365, says="{value} meeting{s} planned in {window}|no meeting planned in {window}"),
        group="meetings",
    ),
    Stream(
        "meeting_held",
        "S3",
        rows("meeting_held"),
        (
            *counts(90, 365, None, says="{value} meeting{s} in {window}|no meeting in {window}"),
            *change("meetings"),
            *since("the last meeting was {value} day{s} ago|met today|never met"),
        ),
        group="meetings",
    ),
    Stream(
        "meeting_missed",
        "S3",
        rows("meeting_missed"),
        (
            *counts(
                90, 365,
                says="missed {value} meeting{s} in {window}|missed no meeting in {window}",
            ),
            *change("missed meetings"),
            *shares(
                "meeting", 365,
                says="missed {value} of the meetings in {window}"
                "|missed no meeting in {window}|no meeting planned in {window}",
            ),
        ),
        group="meetings",
    ),
    Stream(
        "referral",
        "S8",
        rows("referral"),
        (
            *counts(365, None, says="{value} referral{s} in {window}|no referral in {window}"),
            *since(
                "the last referral was {value} day{s} ago"
                "|a referral today|never referred anyone"
            ),
        ),
    ),
    Stream(
        "contact_left",
        "S8",
        rows("contact_left"),
        (
            *counts(
                90, 365, None,
                says="{value} contact{s} left the customer in {window}"
                "|no contact left the customer in {window}",
            ),
            *since(
                "a contact left the customer {value} day{s} ago|a contact left the customer today"
                "|no contact ever left the customer"
            ),
        ),
    ),
    Stream(
        "plan_changed",
        "S8",
        rows("plan_changed"),
        counts(
            90, 365,
            says="changed the plan {value} time{s} in {window}|did not change the plan in {window}",
        ),
    ),
    Stream(
        "paused",
        "S8",
        rows("paused"),
        counts(365, None, says="paused {value} time{s} in {window}|did not pause in {window}"),
    ),
    Stream(
        "outreach_sent",
        "S3",
        rows("outreach_sent"),
        (
            *counts(
                30, 90, 365,
                says="we checked in {value} time{s} in {window}|we did not check in in {window}",
            ),
            *change("check-ins"),
            *since("we checked in {value} day{s} ago|we checked in today|we never checked in"),
        ),
        group="outreach",
    ),
    Stream(
        "outreach_answered",
        "S3",
        rows("outreach_answered"),
        (
            *counts(
                90, 365,
                says="answered {value} check-in{s} in {window}|answered no check-in in {window}",
            ),
            *change("answered check-ins"),
            *since(
                "answered a check-in {value} day{s} ago|answered a check-in today"
                "|never answered a check-in"
            ),
        ),
        group="outreach",
    ),
    Stream(
        "outreach_refused",
        "S18",
        rows("outreach_unsubscribed"),
        counts(None, says="unsubscribed {value} time{s}|never unsubscribed"),
        group="outreach",
    ),
)  # fmt: skip

TRADE = MONEY + PROMISES + BOND
