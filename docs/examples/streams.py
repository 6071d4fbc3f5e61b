"""Streams of our own: put the file beside warmline.toml, and name it there.

[features]
streams = "streams.py"
"""

from pipelines.features.stream import Stream, change, counts, highest, rows, shares, since

STREAMS = (
    # What is counted: orders by phone or in person, which a person took.
    Stream(
        "assisted_order",
        "S8",
        rows("order", channels=("phone", "in_person"), by="person"),
        (
            *counts(
                90,
                365,
                says="ordered {value} time{s} with an agent's help in {window}"
                "|ordered nothing with an agent's help in {window}",
            ),
            *shares(
                "order",
                365,
                says="an agent helped with {value} of the orders in {window}"
                "|no agent helped with an order in {window}|nothing ordered in {window}",
            ),
            *since(
                "last ordered with an agent's help {value} day{s} ago"
                "|ordered with an agent's help today|never ordered with an agent's help"
            ),
            *change("assisted orders"),
        ),
    ),
    # What is measured: how long the customer talked to us, in minutes.
    Stream(
        "long_call",
        "S14",
        rows("call_in"),
        highest(
            90,
            says="the longest call in {window} took {value} minutes"
            "|no call in {window} took any time|no call of known length in {window}",
        ),
        measure="seconds",
        scale=1 / 60,
    ),
)
