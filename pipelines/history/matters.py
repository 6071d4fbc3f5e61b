"""What dated facts of customers were about: the topic and the case, never words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models.contracts import MATTERS
from pipelines.history import cases
from pipelines.history.buckets import bucket_of
from pipelines.history.events import NONE, Events
from pipelines.history.happened import case_keys, of_kinds
from pipelines.history.store import History

if TYPE_CHECKING:
    import pyarrow as pa

# The kind of the row that each fact is the moment of; of all others it is the fact's own name.
KINDS = {
    "repeated_at": "case_opened", "asked_at": "case_opened", "solved_at": "case_solved",
}  # fmt: skip
_READ = ("topic", "case", "until")
_Row = tuple[str, str, str | None, str | None]


def schema() -> pa.Schema:
    """Columns of `Correspondence.matters`."""
    import pyarrow as pa

    return pa.schema([(name, pa.string()) for name in ("customer_id", "fact", "topic", "case_id")])


def matters(history: History, latest: pa.Table, before: int, known_by: int) -> pa.Table:
    """Of the customers of `latest` (rows of `Timeline.latest`), what each of `MATTERS` was about,
    as of `before` and as it was known `known_by` (seconds)."""
    import pyarrow as pa
    import pyarrow.compute as pc

    rows = list[_Row]()
    codes = pc.index_in(latest["customer_id"], value_set=history.ids()).to_numpy()
    topics = history.words("topic") if len(codes) else []
    buckets = bucket_of(codes.astype(np.int64), history.buckets)
    for bucket in np.unique(buckets).tolist():
        mine = np.flatnonzero(buckets == bucket)
        mine = mine[np.argsort(codes[mine])]
        who = codes[mine].astype(np.int32)
        events = _of(history, bucket, who, before, known_by)
        words = _case_words(history, events)
        moments = latest.take(pa.array(mine))
        names = moments["customer_id"].to_pylist()
        for fact in MATTERS:
            at = pc.fill_null(moments[fact].cast(pa.int64()), np.iinfo(np.int64).min).to_numpy()
            rows += _about(fact, events, who, at, names, topics, words)
    return pa.Table.from_pylist(
        [dict(zip(schema().names, row, strict=True)) for row in rows], schema()
    )


def _of(
    history: History, bucket: int, who: NDArray[np.int32], before: int, known_by: int
) -> Events:
    """What such a night sees of these customers."""
    found = []
    for events in history.pieces(bucket, _READ):
        seen = (events.at < before) & (events.recorded <= known_by) & (known_by < events.until)
        found.append(events.take(seen & np.isin(events.customer, who)))
    return Events.concatenate(found)


def _about(
    fact: str,
    events: Events,
    who: NDArray[np.int32],
    at: NDArray[np.int64],
    names: list[str],
    topics: list[str],
    words: Mapping[int, str | None],
) -> Iterator[_Row]:
    """The fact of each of `who` (ascending) for whom it is known; where several things happened at
    that moment, what they have in common."""
    rows = np.flatnonzero(of_kinds(events, KINDS.get(fact, fact.removesuffix("_at"))))
    place = np.searchsorted(who, events.customer[rows])
    rows, place = rows[events.at[rows] == at[place]], place[events.at[rows] == at[place]]
    topic, case = _topics(events)[rows], case_keys(events)[rows]
    case = np.where(events.case[rows] == NONE, NONE, case)
    for one in np.unique(place).tolist():
        same = place == one
        code, key = _only(topic[same]), _only(case[same])
        # Histories that benchmarks make code their topics without words.
        known = topics[code] if 0 <= code < len(topics) else None, words.get(key)
        if known != (None, None):
            yield names[one], fact, *known


def _only(values: NDArray[np.generic]) -> int:
    """The one value there is; `NONE` where there are several."""
    found = np.unique(values)
    return int(found[0]) if len(found) == 1 else NONE


def _topics(events: Events) -> NDArray[np.int32]:
    """The topic of each row: the one with which its case was opened, else its own."""
    opened = np.flatnonzero(of_kinds(events, "case_opened") & (events.case != NONE))
    opened = opened[events.topic[opened] != NONE]
    if not len(opened):
        return events.topic
    keys = case_keys(events)
    known, first = np.unique(keys[opened], return_index=True)  # rows are in order of time
    place = np.minimum(np.searchsorted(known, keys), len(known) - 1)
    has = (known[place] == keys) & (events.case != NONE)
    return np.where(has, events.topic[opened[first]][place], events.topic)


def _case_words(history: History, events: Events) -> dict[int, str | None]:
    """The `case_id` of each case of these events, by `case_keys`."""
    of_cases = np.flatnonzero(events.case != NONE)
    keys, first = np.unique(case_keys(events)[of_cases], return_index=True)
    each = events.take(of_cases[first])
    words = cases.ids(history.folder, history.manifest.cases, each.customer, each.case)
    return dict(zip(keys.tolist(), words.tolist(), strict=True))
