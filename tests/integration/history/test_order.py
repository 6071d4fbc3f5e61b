"""The order and the grouping in which rows arrive never show in what the history says."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.history.conftest import Place

PEOPLE = ("acme", "bolt", "calm")
HEADER = "interaction_id,customer_id,occurred_at,kind,case_id,topic,value,updated_at\n"

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
    return ",".join(map(str, (number, who, f"2026-01-0{day}T00:00:00Z", *rest, age)))


def said(place: Place) -> list[tuple[object, ...]]:
    frame = place.open().table("interactions")
    assert frame is not None
    kept = frame.astype(object).where(frame.notna(), None)
    return sorted(kept.itertuples(index=False), key=lambda row: row.interaction_id)


def customers(*who: str) -> str:
    return "customer_id,joined_at\n" + "".join(f"{one},2025-01-01T00:00:00Z\n" for one in who)


@given(rows=rows, data=st.data())
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_order_and_any_split_give_the_same_content(
    rows: list[tuple[object, ...]], data: st.DataObject
) -> None:
    lines = [text(version, row) for version, row in enumerate(rows)]
    with tempfile.TemporaryDirectory() as folder:
        whole, split = Place(Path(folder) / "whole"), Place(Path(folder) / "split")
        for place in (whole, split):
            place.root.mkdir()
        once = whole.source(
            customers=customers(*PEOPLE), interactions=HEADER + "\n".join(lines) + "\n"
        )
        whole.ingest(once)
        shuffled = data.draw(st.permutations(lines))
        cut = data.draw(st.integers(0, len(lines)))
        pieces = [shuffled[:cut], shuffled[cut:]]
        people = [PEOPLE[:1], PEOPLE[1:]]  # most interactions come before their customer
        for piece, who in zip(pieces, people, strict=True):
            body = HEADER + "".join(f"{line}\n" for line in piece)
            split.ingest(split.source(customers=customers(*who), interactions=body))
        assert said(split) == said(whole)
        again = split.source(interactions=HEADER + "\n".join(lines) + "\n")
        assert not split.ingest(again).changed
