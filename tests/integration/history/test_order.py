"""The order and the grouping in which rows arrive never show in what the history says."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.history.parts import placed_events, read_side
from tests.integration.history.conftest import Place

PEOPLE = ("acme", "bolt", "calm")
HEADER = "interaction_id,customer_id,occurred_at,kind,case_id,topic,value,updated_at,deleted_at\n"

rows = st.lists(
    st.tuples(
        st.integers(0, 12),  # the id: several versions of one row are likely
        st.sampled_from(PEOPLE),
        st.integers(1, 3),  # the day
        st.sampled_from(("case_opened", "message_in", "order")),
        st.sampled_from(("", "c1", "c2")),
        st.sampled_from(("", "billing", "shoes")),
        st.sampled_from(("", "1", "2.5")),
    ),
    min_size=1,
    max_size=14,
)


def text(version: int, row: tuple[object, ...]) -> str:
    """A line; each row has an age of its own, so that there is always a newest."""
    number, who, day, *rest = row
    age = f"2026-02-01T00:00:{version:02}Z"
    return ",".join(map(str, (number, who, f"2026-01-0{day}T00:00:00Z", *rest, age, "")))


def counting(place: Place) -> list[tuple[object, ...]]:
    """The rows that count, since when they were known aside."""
    frame = place.open().table("interactions")
    assert frame is not None
    frame = frame.drop(columns="recorded_at").astype(object)
    kept = frame.where(frame.notna(), None)
    return sorted(kept.itertuples(index=False, name=None), key=lambda row: str(row[0]))


def versions(place: Place) -> list[tuple[str, int, int]]:
    """Topic, known from and known until of every version."""
    history = place.open()
    words = [*history.words("topic"), ""]
    found = [history.versions(bucket) for bucket in range(history.buckets)]
    return sorted(
        (words[topic], known, until)
        for events in found
        for topic, known, until in zip(
            events.topic.tolist(), events.recorded.tolist(), events.until.tolist(), strict=True
        )
        if known < until
    )


def customers(*who: str) -> str:
    return "customer_id,joined_at\n" + "".join(f"{one},2025-01-01T00:00:00Z\n" for one in who)


def check(
    lines: list[str],
    data: st.DataObject,
    said: Callable[[Place], object],
    whole: Place,
    split: Place,
) -> None:
    """Ingests `lines` whole, and shuffled in pieces: `said` is the same, and again is nothing."""
    for place in (whole, split):
        place.root.mkdir()
    everything = HEADER + "".join(f"{line}\n" for line in lines)
    whole.ingest(whole.source(customers=customers(*PEOPLE), interactions=everything))
    shuffled = data.draw(st.permutations(lines))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(lines)), min_size=2, max_size=2)))
    ends = [0, *cuts, len(lines)]
    pieces = [shuffled[start:end] for start, end in pairwise(ends)]
    # Most interactions come before their customer.
    for piece, who in zip(pieces, PEOPLE, strict=True):
        body = HEADER + "".join(f"{line}\n" for line in piece)
        split.ingest(split.source(customers=customers(who), interactions=body))
    assert said(split) == said(whole)
    assert not whole.ingest(whole.source(interactions=everything)).changed
    assert not split.ingest(split.source(interactions=everything)).changed


@given(rows=rows, data=st.data())
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_order_and_any_split_let_the_same_rows_count(
    rows: list[tuple[object, ...]], data: st.DataObject
) -> None:
    lines = [text(version, row) for version, row in enumerate(rows)]
    with tempfile.TemporaryDirectory() as folder:
        whole, split = Place(Path(folder) / "whole"), Place(Path(folder) / "split")
        check(lines, data, counting, whole, split)
        assert_one_at_a_time(whole)
        assert_one_at_a_time(split)


@given(
    ids=st.lists(st.tuples(st.integers(0, 3), st.booleans()), min_size=1, max_size=12),
    data=st.data(),
)
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_versions_that_differ_are_known_the_same_times_in_any_order_and_split(
    ids: list[tuple[int, bool]], data: st.DataObject
) -> None:
    """Each version says something of its own, some withdraw the row."""
    lines = []
    for version, (number, withdrawn) in enumerate(ids):
        age = f"2026-02-01T00:00:{version:02}Z"
        if withdrawn:
            lines.append(f"{number},{PEOPLE[number % 3]},,,,,,,{age}")
        else:
            who = PEOPLE[number % 3]
            lines.append(f"{number},{who},2026-01-01T00:00:00Z,order,,t{version},,{age},")
    with tempfile.TemporaryDirectory() as folder:
        check(lines, data, versions, Place(Path(folder) / "whole"), Place(Path(folder) / "split"))


def assert_one_at_a_time(place: Place) -> None:
    """No night sees two versions of one interaction."""
    spans: dict[object, list[tuple[int, int]]] = {}
    history = place.open()
    for bucket in range(history.buckets):
        for part in history.manifest.of_bucket(bucket):
            events, rows = placed_events(history.folder, part)
            ids = read_side(history.folder, part, ("interaction_id",))["interaction_id"]
            for row, known, until in zip(rows, events.recorded, events.until, strict=True):
                spans.setdefault(ids[int(row)].as_py(), []).append((int(known), int(until)))
    for mine in spans.values():
        seen = sorted(span for span in mine if span[0] < span[1])
        assert all(one[1] <= other[0] for one, other in pairwise(seen)), seen
