"""Histories of tests as rows of the contract, for the engines that start from those."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa

from models.contracts import CHANNELS, KINDS, SCORE_KINDS
from pipelines.history.events import NEVER
from pipelines.history.given import Given, Known, given
from pipelines.history.words import coder

LATER = 2_000_000_000  # when all rows have come in: nothing of them depends on it
TIMES = ("occurred_at", "recorded_at", "updated_at", "deleted_at", "joined_at")
NUMBERS = ("value", "seconds", "wait_seconds", "score")
COLUMNS = (
    "interaction_id", "customer_id", "contact_id", "occurred_at", "kind", "channel", "case_id",
    "agent_id", "topic", *NUMBERS, "score_kind", "caused_by", "text", "recorded_at", "updated_at",
    "deleted_at",
)  # fmt: skip
CODED = ("topic", "agent", "case")
LETTER = {"topic": "t", "agent": "a", "case": "c"}  # words of codes: in the order of these
# What is coded as each of SAID.
SAYING = (
    "hello", "this is terrible", "this is excellent", "I have told you three times",
    "I want to cancel my contract", "there is nothing we can do",
)  # fmt: skip
WORDS = {"topic": ("t0", "t1"), "agent": ("a0", "a1", "a2", "a3")}


def contract(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Interactions as their source exports them, versions and deletions with their ages.

    `rows` are of `histories.histories`: those with one `interaction` are versions of it, in order.
    """
    chains: dict[int, list[Mapping[str, Any]]] = {}
    for row in rows:
        chains.setdefault(row["interaction"], []).append(row)
    return [said for number, chain in chains.items() for said in _versions(f"i{number}", chain)]


def _versions(name: str, chain: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    first = chain[0]["recorded"]
    found = []
    for place, row in enumerate(chain):
        age = moment(row["recorded"], place) if place else None
        # `contact_id` is in no feature: no version says the same as the one before it.
        found.append(_said(row) | {"interaction_id": name, "contact_id": f"{place}"}
                     | {"recorded_at": moment(first), "updated_at": age})  # fmt: skip
    if chain[-1]["until"] != NEVER:
        gone = moment(chain[-1]["until"], len(chain))
        found.append({"interaction_id": name, "customer_id": found[-1]["customer_id"]}
                     | {"deleted_at": gone})  # fmt: skip
    return found


def _said(row: Mapping[str, Any]) -> dict[str, Any]:
    numbers = zip(NUMBERS, ("value", "seconds", "wait", "score"), strict=True)
    words = {name: None if row[name] < 0 else f"{LETTER[name]}{row[name]}" for name in CODED}
    return {
        "customer_id": f"{row['customer']:03}",
        "occurred_at": moment(row["at"]),
        "kind": KINDS[row["kind"]],
        "channel": None if row["channel"] < 0 else CHANNELS[row["channel"]],
        "case_id": words["case"],
        "agent_id": words["agent"],
        "topic": words["topic"],
        **{theirs: None if np.isnan(row[ours]) else row[ours] for theirs, ours in numbers},
        "score_kind": None if row["score_kind"] < 0 else SCORE_KINDS[row["score_kind"]],
        "caused_by": "a message" if row["provoked"] else None,
        "text": text_of(row["said"]),
    }


def text_of(said: int) -> str | None:
    """A text that is coded as these flags, where its kind is one whose words are looked at."""
    return ". ".join(words for flag, words in enumerate(SAYING) if said >> flag & 1) or None


@cache
def coded_as(said: int, kind: int) -> int:
    """How an ingest codes `text_of(said)` in a row of a kind."""
    text = pa.array([text_of(said)], pa.string())
    return int(coder().code(text, np.array([kind], np.int16))[0])


def moment(second: int, nudge: int = 0) -> datetime:
    """A time in UTC; `nudge` microseconds later, for ages that must differ."""
    return datetime.fromtimestamp(second, UTC) + timedelta(microseconds=nudge)


def tables(
    interactions: Sequence[Mapping[str, Any]], joined: Mapping[str, int]
) -> dict[str, pa.Table]:
    """The contract's tables: customers by id with when they joined, and their interactions."""
    customers = [{"customer_id": name, "joined_at": moment(at)} for name, at in joined.items()]
    return {
        "customers": _table(customers, ("customer_id", "joined_at")),
        "interactions": _table(interactions, COLUMNS),
    }


def _table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> pa.Table:
    return pa.table({name: pa.array([row.get(name) for row in rows], _type(name))
                     for name in columns})  # fmt: skip


def _type(column: str) -> pa.DataType:
    if column in TIMES:
        return pa.timestamp("us", "UTC")
    return pa.float64() if column in NUMBERS else pa.string()


def read(given_tables: Mapping[str, pa.Table], words: Mapping[str, Sequence[str]]) -> Given:
    """The history that the rows are; `words` by code, as the test has coded them."""
    found = given(given_tables, zone=ZoneInfo("UTC"), seen=LATER, known=Known(words=words))
    assert found.rejects == ()
    return found
