"""Random histories: few codes and a coarse clock, so that ties and edges happen all the time."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from models.contracts import CHANNELS, DAY, KINDS, SCORE_KINDS
from models.settings import Promises
from pipelines.features import matrix
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
# What makes facts comes often, everything now and then.
BUSY = (
    "case_opened", "message_in", "message_out", "case_pending", "case_solved", "case_reopened",
    "complaint", "survey_sent", "survey_answered", "bot_session", "order", "usage", "payment",
    "payment_failed",
)  # fmt: skip
KIND = st.one_of(st.sampled_from(BUSY), st.sampled_from(KINDS)).map(KINDS.index)
BOTS = np.array([False, False, True])


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
        "until": NEVER,
    }


def histories(customers: int = 2, most: int = 40) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Lists of rows, in no order."""
    return st.lists(row(customers), max_size=most)


def events(rows: list[dict[str, Any]]) -> Events:
    """The rows as the history would hand them over."""
    columns = {name: np.array([row[name] for row in rows], dtype) for name, dtype in DTYPES.items()}
    return Events(**columns).sorted()


def context() -> matrix.Context:
    return matrix.Context(BOTS, matrix.promise_seconds(Promises()))


def features(rows: list[dict[str, Any]], nights: list[matrix.Night], customers: int = 2) -> Any:
    """[nights, customers, features] by the compiled pass; joined 200 days before the first."""
    numbers = np.arange(customers, dtype=np.int32)
    joined = np.full(customers, AS_OF - 200 * DAY, np.int64)
    return matrix.compute(events(rows), numbers, joined, nights, context())
