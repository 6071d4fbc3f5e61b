"""Streams of what the customer does: use, orders, and every sign of life."""

from __future__ import annotations

from models.contracts import KINDS, STAYING_KINDS
from pipelines.features.stream import (
    Stat,
    Stream,
    alive,
    change,
    counts,
    distinct,
    last,
    means,
    pace,
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
        "S2",
        rows("usage"),
        (
            *counts(
                7, 30, 90, 180, 365,
                says="used the product {value} time{s} in {window}"
                "|did not use the product in {window}",
            ),
            *sums(
                30, 90, 365,
                says="use adds up to {value} in {window}|no use in {window}",
            ),
            # How much at a time tells of fading before how often does: rates differ between
            # customers for life, amounts less (docs/quality.md, The hidden truth).
            *means(
                30, 90, 365,
                says="a use came to {value} on average in {window}"
                "|uses in {window} came to nothing|no measured use in {window}",
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
            *pace("use", "uses the product"),
        ),
        measure="value",
        group="use",
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
                says="orders for {value} in {window}|nothing ordered in {window}",
            ),
            *means(
                90, 365, None,
                says="an order was worth {value} on average in {window}"
                "|orders in {window} were worth nothing|nothing ordered in {window}",
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
            *change("returns"),
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
            *alive("an order, use or a payment"),
        ),
        group="use",
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
        group="use",
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
            *change("events of any kind"),
            *since(
                "nothing at all for {value} day{s}"
                "|something happened today|nothing ever happened"
            ),
            *since_first(
                "the first we know of happened {value} day{s} ago|the first we know of was today"
                "|nothing ever happened"
            ),
        ),
        group="use",
    ),
)  # fmt: skip
