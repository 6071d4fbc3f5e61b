"""Interactions in the contract's own columns, for people and explanations; never for features."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models.contracts import CHANNELS, KINDS, SCORE_KINDS
from pipelines.history import cases
from pipelines.history.dictionaries import read_words
from pipelines.history.events import NEVER, Events
from pipelines.history.manifest import Manifest, Part
from pipelines.history.parts import placed_events, read_side

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    "interaction_id", "customer_id", "contact_id", "occurred_at", "kind", "channel", "case_id",
    "agent_id", "topic", "value", "seconds", "wait_seconds", "score", "score_kind", "caused_by",
    "text", "source", "recorded_at",
)  # fmt: skip
WORDS = ("source", "interaction_id", "contact_id", "caused_by", "text")


def contract_rows(folder: Path, manifest: Manifest, until: int | None = None) -> pd.DataFrame:
    """All interactions that count, by customer number and time. Holds them all in memory.

    `until`: the last generation whose rows count; None for all.
    """
    pieces = [
        _rows(folder, manifest, part, None, until)
        for bucket in range(manifest.buckets)
        for part in manifest.of_bucket(bucket)
    ]
    return joined(pieces, folder, manifest)


def rows_of_customer(
    folder: Path, manifest: Manifest, number: int, until: int | None = None
) -> pd.DataFrame:
    """One customer's interactions that count, oldest first; `until` as in `contract_rows`."""
    from pipelines.history.buckets import bucket_of

    bucket = int(bucket_of(np.array([number]), manifest.buckets)[0])
    pieces = [_rows(folder, manifest, part, number, until) for part in manifest.of_bucket(bucket)]
    frame = joined(pieces, folder, manifest)
    return frame.sort_values("occurred_at", kind="stable", ignore_index=True)


def _rows(
    folder: Path, manifest: Manifest, part: Part, number: int | None, until: int | None
) -> pd.DataFrame:
    events, place = placed_events(folder, part, until)
    counts = events.until == NEVER
    if number is not None:
        counts &= events.customer == number
    words = read_side(folder, part, WORDS).take(place[counts]).to_pandas()
    events = events.take(counts)
    return coded(events, words, cases.ids(folder, manifest.cases, events.customer, events.case))


def coded(events: Events, words: pd.DataFrame, case_ids: NDArray[np.object_]) -> pd.DataFrame:
    """Events with their side columns (`WORDS`) and case ids; customers, agents, topics and sources
    as codes."""
    import pandas as pd

    return pd.DataFrame(
        {
            "customer": events.customer,
            "occurred_at": _instants(events.at),
            "recorded_at": _instants(np.maximum(events.recorded, events.at)),
            "kind": _decoded(KINDS, events.kind),
            "channel": _decoded(CHANNELS, events.channel),
            "case_id": case_ids,
            "agent": events.agent,
            "topic_code": events.topic,
            "value": events.value,
            "seconds": events.seconds,
            "wait_seconds": events.wait,
            "score": events.score,
            "score_kind": _decoded(SCORE_KINDS, events.score_kind),
            "source_code": words.pop("source").to_numpy(),
        }
        | {name: words[name].to_numpy(object) for name in words.columns}
    )


def joined(pieces: list[pd.DataFrame], folder: Path, manifest: Manifest) -> pd.DataFrame:
    """All rows of `pieces` (see `coded`) in words, by customer number and time."""
    import pandas as pd

    if not pieces:
        return pd.DataFrame({name: np.array([], object) for name in COLUMNS})
    frame = pd.concat(pieces, ignore_index=True)
    for name, codes, dictionary in (
        ("customer_id", "customer", "customer"),
        ("topic", "topic_code", "topic"),
        ("agent_id", "agent", "agent"),
        ("source", "source_code", "source"),
    ):
        words = tuple(read_words(folder, manifest, dictionary))
        frame[name] = _decoded(words, frame[codes].to_numpy())
    ordered = frame.sort_values(["customer", "occurred_at", "source", "interaction_id"])
    return ordered[list(COLUMNS)].reset_index(drop=True)


def _decoded(words: tuple[str, ...], codes: NDArray[np.integer]) -> NDArray[np.object_]:
    """Words by code, None for the code of nothing."""
    decoded: NDArray[np.object_] = np.array([*words, None], object)[codes]
    return decoded


def _instants(seconds: NDArray[np.int64]) -> pd.DatetimeIndex:
    import pandas as pd

    return pd.to_datetime(seconds, unit="s", utc=True)
