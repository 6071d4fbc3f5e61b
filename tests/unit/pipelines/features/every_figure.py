"""Streams that ask for every figure over every window, as a company may declare them."""

from typing import get_args

from pipelines.features.stream import (
    AGENT_FIGURES,
    PACED,
    WINDOWS,
    Attribute,
    Op,
    Stat,
    Stream,
    facts,
    rows,
)

CODES = tuple(attribute for attribute in get_args(Attribute) if attribute != "day")
SERVED: tuple[Op, ...] = ("served_mean", "served_max", "served_last")


def told(op: Op, window: int | None = None, **more: object) -> Stat:
    return Stat(op, window, "{value}|nothing|not known", **more)  # type: ignore[arg-type]


MEASURED = tuple(
    told(op, window) for op in ("sum", "total", "mean", "min", "max", "slope") for window in WINDOWS
)
TRENDS = tuple(
    told("trend", window, recent=recent, measured=measured)
    for window in WINDOWS
    for recent in WINDOWS
    if recent and (window is None or recent < window)
    for measured in (False, True)
)
TIMES = (
    told("since"), told("since", name="days_since_it_again"), told("first"), told("last"),
    told("latest"), told("gap", least_days=2), told("gap_spread"), told("rhythm"), told("alive"),
    *(told(op) for op in PACED), told("streak", of="word"),
)  # fmt: skip
DIFFERENT = tuple(
    told("distinct", window, attribute=attribute)
    for attribute in get_args(Attribute)
    for window in WINDOWS
)
MIXED = tuple(
    told(op, window, attribute=attribute)
    for op in ("top_share", "entropy")
    for attribute in CODES
    for window in WINDOWS
)
SHARES = tuple(
    told(op, window, of="word", name=f"{op}_of_words_{window}")
    for op in ("share", "count_of")
    for window in WINDOWS
)
SERVICE = tuple(
    told(op, window, of=figure)
    for op in SERVED
    for figure in AGENT_FIGURES
    for window in (WINDOWS if op != "served_last" else (None,))
)
COUNTS = tuple(told("count", window) for window in WINDOWS)

STREAMS = (
    Stream(
        "everything",
        "S8",
        rows("order", "usage", "message_in", "message_out", "case_opened"),
        (*COUNTS, *MEASURED, *TRENDS, *TIMES, *DIFFERENT, *SHARES, *SERVICE),
        measure="value",
    ),
    Stream("mixture", "S6", rows("message_out", "call_out"), (*MIXED, *DIFFERENT)),
    Stream("reply_time", "S4", facts("first_reply"), (*COUNTS, *MEASURED, told("last")), "value"),
)
