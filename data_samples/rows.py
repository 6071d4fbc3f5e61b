"""Interactions as coded rows inside the simulator, and their way out as the contract's columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import ArrayLike, NDArray

from models.contracts import CHANNEL_CODE, CHANNELS, DAY, KIND_CODE, KINDS, SCORE_KINDS

Rows = NDArray[np.void]
NONE = -1
# Rows that are no interactions: on that day the same trouble comes back as a new case, or only
# mood moves.
REPEAT, FEELING = "repeat", "feeling"
CODE = {**KIND_CODE, REPEAT: -2, FEELING: -3}

CASE_TOPICS = ("billing", "delivery", "login", "defect", "how_to", "contract")
ORDER_TOPICS = ("basic_kit", "extension", "spare_part", "licence", "training")
USE_TOPICS = ("search", "report", "booking", "export")
TOPICS = (*CASE_TOPICS, *ORDER_TOPICS, *USE_TOPICS, "relationship", "invoice", "platform")
TOPIC_CODE = {topic: code for code, topic in enumerate(TOPICS)}

ROW = np.dtype(
    [
        ("customer", np.int32),
        ("at", np.int64),  # seconds since 1970 UTC
        ("kind", np.int16),
        ("channel", np.int8),
        ("case", np.int32),
        ("agent", np.int32),
        ("topic", np.int16),
        ("value", np.float64),
        ("seconds", np.int32),
        ("wait", np.int32),
        ("score", np.int8),
        ("score_kind", np.int8),
        ("cause", np.int32),  # number of the message that provoked it
        ("mood", np.float64),  # what it does to the customer's mood when it happens
    ]
)
_BLANK = np.zeros((), ROW)
for _name in (
    "channel",
    "case",
    "agent",
    "topic",
    "seconds",
    "wait",
    "score",
    "score_kind",
    "cause",
):
    _BLANK[_name] = NONE
_BLANK["value"] = np.nan


def rows_of(kind: str, customer: ArrayLike, at: ArrayLike, **columns: ArrayLike) -> Rows:
    """n rows of one kind; `customer` gives n, channel and topic may be given by name."""
    customer = np.asarray(customer)
    rows = np.full(len(customer), _BLANK)
    rows["customer"] = customer
    rows["at"] = at
    rows["kind"] = CODE[kind]
    for name, values in columns.items():
        if isinstance(values, str):
            values = CHANNEL_CODE[values] if name == "channel" else TOPIC_CODE[values]
        rows[name] = values
    return rows


class Agenda:
    """Rows that are to happen on later days, kept by day."""

    def __init__(self, midnight: int) -> None:
        self._midnight = midnight  # seconds since 1970 UTC of day 0
        self._days: dict[int, list[Rows]] = {}

    def put(self, blocks: list[Rows]) -> None:
        """Take rows of any days."""
        rows = np.concatenate(blocks) if blocks else np.empty(0, ROW)
        if not len(rows):
            return
        day = (rows["at"] - self._midnight) // DAY
        order = np.argsort(day, kind="stable")
        rows, day = rows[order], day[order]
        starts = np.flatnonzero(np.r_[True, day[1:] != day[:-1]])
        for start, end in zip(starts, np.r_[starts[1:], len(rows)], strict=True):
            self._days.setdefault(int(day[start]), []).append(rows[start:end].copy())

    def take(self, day: int) -> Rows:
        """All rows of one day, in the order in which they were put; they leave the agenda."""
        blocks = self._days.pop(day, [])
        return np.concatenate(blocks) if blocks else np.empty(0, ROW)


def numbered(prefix: str, numbers: NDArray[np.integer], width: int) -> pa.Array:
    """Ids such as `i-000000017`; null where the number is negative."""
    text = pc.utf8_lpad(pc.cast(pa.array(numbers), pa.string()), width, "0")
    ids = pc.binary_join_element_wise(prefix, text, "")
    return pc.if_else(pa.array(numbers >= 0), ids, pa.scalar(None, pa.string()))


def _words(codes: NDArray[np.integer], words: tuple[str, ...]) -> pa.Array:
    """Dictionary column of a fixed vocabulary; null where the code is -1."""
    indices = pa.array(codes.astype(np.int8), mask=codes < 0)
    return pa.DictionaryArray.from_arrays(indices, pa.array(words))


def _whole(values: NDArray[np.integer]) -> pa.Array:
    return pa.array(values.astype(np.int32), mask=values < 0)


@dataclass(frozen=True)
class Naming:
    """How numbers become the ids of one world."""

    row_width: int
    customer_width: int
    agent_width: int
    messages: list[str]  # ids of the outreach messages, by number

    def customers(self, numbers: NDArray[np.integer]) -> pa.Array:
        """`C00017`."""
        return numbered("C", numbers, self.customer_width)

    def agents(self, numbers: NDArray[np.integer]) -> pa.Array:
        """`a-017`."""
        return numbered("a-", numbers, self.agent_width)

    def causes(self, numbers: NDArray[np.integer]) -> pa.Array:
        """The ids under which the messages were handed in."""
        if not self.messages:
            return pa.nulls(len(numbers), pa.string())
        return pa.array(self.messages).take(pa.array(numbers, mask=numbers < 0))


def interactions_table(rows: Rows, first_number: int, naming: Naming) -> pa.Table:
    """The contract's `interactions` columns for n rows that carry on from `first_number`."""
    numbers = np.arange(first_number, first_number + len(rows))
    occurred = pa.array(rows["at"]).cast(pa.timestamp("s")).cast(pa.timestamp("ms", "UTC"))
    return pa.table(
        {
            "interaction_id": numbered("i-", numbers, naming.row_width),
            "customer_id": naming.customers(rows["customer"]),
            "occurred_at": occurred,
            "kind": _words(rows["kind"], KINDS),
            "channel": _words(rows["channel"], CHANNELS),
            "case_id": numbered("k-", rows["case"], 5),
            "agent_id": naming.agents(rows["agent"]),
            "topic": _words(rows["topic"], TOPICS),
            "value": pa.array(rows["value"], from_pandas=True),
            "seconds": _whole(rows["seconds"]),
            "wait_seconds": _whole(rows["wait"]),
            "score": _whole(rows["score"]),
            "score_kind": _words(rows["score_kind"], SCORE_KINDS),
            "caused_by": naming.causes(rows["cause"]),
        }
    )
