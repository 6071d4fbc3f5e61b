"""Streams of what the customer does and pays, and of what was promised: use, orders, meetings."""

from __future__ import annotations

from models.contracts import KINDS, STAYING_KINDS
from pipelines.features.stream import (
    Stat,
    Stream,
    counts,
    distinct,
    facts,
    last,
    level,
    means,
    rhythm,
    rows,
    shares,
    since,
    since_first,
    sums,
    trend,
)

USE = (
    Stream(
        "usage",
        "S8",
        rows("usage"),
        (
            *counts(
                7, 30, 90, 180, 365,
                says="used the product {value} time{s} in {window}"
                "|did not use the product in {window}",
            ),
            *sums(
                30, 90, 365,
                says="an amount of use of {value} in {window}|no measured use in {window}",
            ),
            *distinct(
                "day", 30, 90, 365,
                says="used the product on {value} day{s} in {window}"
                "|used the product on no day in {window}",
            ),
            *distinct(
                "topic", 30, 90, 365,
                says="used {value} different part{s} of the product in {window}"
                "|used no known part of the product in {window}",
            ),
            *since(
                "last used the product {value} day{s} ago|used the product today"
                "|never used the product"
            ),
            *trend(
                7, 30,
                "uses the product {value} times as often in the last 7 days as before"
                "|stopped using the product in the last 7 days|too little earlier use to compare",
            ),
            *trend(
                30, 180,
                "uses the product {value} times as often in the last 30 days as before"
                "|stopped using the product in the last 30 days|too little earlier use to compare",
            ),
            *trend(
                90, 365,
                "uses the product {value} times as often in the last 90 days as before"
                "|stopped using the product in the last 90 days|too little earlier use to compare",
            ),
            *trend(
                30, 180,
                "the amount of use of the last 30 days is {value} times the earlier one"
                "|no measured use in the last 30 days|too little earlier use to compare",
                measured=True,
            ),
            *rhythm("use"),
        ),
        measure="value",
    ),
    Stream(
        "order",
        "S8",
        rows("order"),
        (
            *counts(
                7, 30, 90, 180, 365, None,
                says="{value} order{s} in {window}|no order in {window}",
            ),
            *sums(
                90, 365, None,
                says="orders for {value} in {window}|no order with a value in {window}",
            ),
            *means(
                90, 365, None,
                says="an order was worth {value} on average in {window}"
                "|orders in {window} were worth nothing|no order with a value in {window}",
            ),
            *last(
                "the last order was worth {value}|the last order was worth nothing"
                "|no order with a value"
            ),
            *distinct(
                "topic", 365,
                says="ordered {value} different item{s} in {window}"
                "|ordered no known item in {window}",
            ),
            *distinct(
                "day", 365, None,
                says="ordered on {value} day{s} in {window}|ordered on no day in {window}",
            ),
            *since("no order for {value} day{s}|ordered today|never placed an order"),
            *since_first(
                "the first order was {value} day{s} ago|the first order came today"
                "|never placed an order"
            ),
            *trend(
                30, 180,
                "orders {value} times as often in the last 30 days as before"
                "|stopped ordering in the last 30 days|too few earlier orders to compare with",
            ),
            *trend(
                90, 365,
                "orders {value} times as often in the last 90 days as before"
                "|stopped ordering in the last 90 days|too few earlier orders to compare with",
            ),
            *trend(
                90, 365,
                "spends {value} times as much in the last 90 days as before"
                "|spent nothing in the last 90 days|too few earlier orders to compare with",
                measured=True,
            ),
            *rhythm("an order"),
        ),
        measure="value",
    ),
    Stream(
        "return",
        "S8",
        rows("order", signs=("negative",)),
        (
            *counts(
                90, 365,
                says="sent something back {value} time{s} in {window}"
                "|sent nothing back in {window}",
            ),
            *shares(
                "order", 365,
                says="{value} of the orders in {window} were sent back"
                "|no order in {window} was sent back|no order in {window}",
            ),
        ),
    ),
    Stream(
        "active",
        "S2",
        rows(*STAYING_KINDS),
        (
            *distinct(
                "day", 30, 90, 365,
                says="active on {value} day{s} in {window}|active on no day in {window}",
            ),
            *since(
                "no order, use or payment for {value} day{s}|active today"
                "|never ordered, used or paid anything"
            ),
            *since_first(
                "first active {value} day{s} ago|first active today"
                "|never ordered, used or paid anything"
            ),
            *trend(
                30, 90,
                "{value} times as active in the last 30 days as before"
                "|stopped all activity in the last 30 days"
                "|too little earlier activity to compare",
            ),
        ),
    ),
    Stream(
        "fading",
        "S2",
        rows("order", "usage"),
        (
            Stat(
                "rhythm",
                None,
                "no order or use for {value} times the usual gap"
                "|ordered or used the product as recently as ever"
                "|too few days with orders or use to know a rhythm",
                name="fading",
            ),
        ),
    ),
    Stream(
        "any",
        "S2",
        rows(*KINDS),
        (
            *counts(
                30, 90, 365,
                says="{value} event{s} of any kind in {window}|nothing in {window}",
            ),
            *since(
                "nothing at all for {value} day{s}"
                "|something happened today|nothing ever happened"
            ),
            *since_first(
                "the first we know of happened {value} day{s} ago|the first we know of was today"
                "|nothing ever happened"
            ),
        ),
    ),
)  # fmt: skip

MONEY = (
    Stream(
        "payment",
        "S8",
        rows("payment"),
        (
            *counts(30, 90, 365, says="{value} payment{s} in {window}|no payment in {window}"),
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
        counts(90, 365, says="{value} promise{s} made in {window}|no promise made in {window}"),
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

TRADE = USE + MONEY + PROMISES + BOND
