"""What was known when: versions, lags, and a history read again as it was."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd

from models.contracts import DAY
from pipelines.history.events import NEVER
from pipelines.history.lags import BINS
from pipelines.history.store import History
from tests.integration.history.conftest import CUSTOMERS, NOW, Place

HEADER = "interaction_id,customer_id,occurred_at,kind,topic,recorded_at,updated_at,deleted_at\n"
FIRST = HEADER + "1,acme,2026-01-01T00:00Z,order,red,2026-01-01T00:00Z,,\n"


def day(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def versions(history: History) -> list[tuple[str, int, int]]:
    """Topic, known from and known until of every version, by when it was known."""
    words = [*history.words("topic"), "-"]
    events = history.versions(0)
    columns = (events.topic.tolist(), events.recorded.tolist(), events.until.tolist())
    return sorted(((words[t], r, u) for t, r, u in zip(*columns, strict=True)), key=lambda v: v[1:])


def place_with(place: Place, *texts: str) -> Place:
    for number, text in enumerate(texts):
        source = place.source(customers=CUSTOMERS, interactions=text)
        place.ingest(source, now=NOW + timedelta(days=number))
    return place


BLUE = HEADER + "1,acme,2026-01-01T00:00Z,order,blue,2026-01-01T00:00Z,2026-02-01T00:00Z,\n"
GREEN = HEADER + "1,acme,2026-01-01T00:00Z,order,green,2026-01-01T00:00Z,2026-03-01T00:00Z,\n"
ALL_THREE = [
    ("red", day("2026-01-01"), day("2026-02-01")),
    ("blue", day("2026-02-01"), day("2026-03-01")),
    ("green", day("2026-03-01"), NEVER),
]


def test_a_correction_is_known_from_its_own_age_and_the_older_version_until_then(place):
    assert versions(place_with(place, FIRST, BLUE, GREEN).open()) == ALL_THREE


def test_versions_give_the_same_in_whichever_order_they_come(place):
    for number, order in enumerate(
        [(GREEN, BLUE, FIRST), (FIRST, GREEN, BLUE), (BLUE, GREEN, FIRST), (GREEN, FIRST, BLUE)]
    ):
        other = Place(place.root / str(number))
        other.root.mkdir()
        # A row without an age says nothing against one that has: it is no older version.
        known = [version for version in order if version is not FIRST]
        assert versions(place_with(other, FIRST, *known).open()) == ALL_THREE


def test_versions_that_come_together_are_kept_as_well(place):
    together = FIRST + BLUE.removeprefix(HEADER) + GREEN.removeprefix(HEADER)
    report = place.ingest(place.source(customers=CUSTOMERS, interactions=together))
    assert (report.interactions.new, report.interactions.corrected) == (1, 2)
    assert versions(place.open()) == ALL_THREE
    assert place.open().rows == 1
    assert not place.ingest(place.root / "crm").changed


def test_an_older_version_that_comes_late_is_kept_as_what_was_known_before(place):
    late = HEADER + "1,acme,2026-01-01T00:00Z,order,grey,2026-01-01T00:00Z,2026-02-15T00:00Z,\n"
    place_with(place, FIRST, GREEN)
    report = place.ingest(place.source(interactions=late))
    assert report.interactions.corrected == 1
    assert versions(place.open()) == [
        ("red", day("2026-01-01"), day("2026-02-15")),
        ("grey", day("2026-02-15"), day("2026-03-01")),
        ("green", day("2026-03-01"), NEVER),
    ]
    assert not place.ingest(place.root / "crm").changed


def test_a_deleted_row_counts_until_its_deletion_was_known(place):
    gone = HEADER + "1,acme,,,,,,2026-02-01T00:00Z\n"
    assert versions(place_with(place, FIRST, gone).open()) == [
        ("red", day("2026-01-01"), day("2026-02-01"))
    ]


def test_an_update_that_changes_nothing_but_its_age_is_no_version(place):
    same = HEADER + "1,acme,2026-01-01T00:00Z,order,red,2026-01-01T00:00Z,2026-02-01T00:00Z,\n"
    assert versions(place_with(place, FIRST, same).open()) == [("red", day("2026-01-01"), NEVER)]


def test_every_earlier_generation_can_be_read_again(place):
    more = HEADER + "2,bolt,2026-01-02T00:00Z,order,red,,,\n"
    gone = HEADER + "2,bolt,,,,,,2026-02-01T00:00Z\n"
    seen = []
    texts = [FIRST, more, BLUE, gone]
    for number, text in enumerate(texts):
        customers = CUSTOMERS + f"new{number},2025-03-01T00:00:00Z\n"
        place.ingest(place.source(customers=customers, interactions=text), now=NOW)
        seen.append(said(place.open()))
    for generation, expected in enumerate(seen, 1):
        assert said(place.open().at(generation)) == expected
    assert len({repr(one) for one in seen}) == len(texts)


def test_a_generation_is_read_again_through_compactions_and_more_buckets(place, monkeypatch):
    monkeypatch.setattr("pipelines.history.buckets.MOST_ROWS", 4)
    monkeypatch.setattr("pipelines.history.buckets.TARGET_ROWS", 2)
    customers = "customer_id,joined_at\n" + "".join(f"c{n},2025-01-01\n" for n in range(20))
    seen = []
    for number in range(8):
        rows = "".join(f"{number}-{n},c{(number + n) % 20},2026-01-{n + 1:02}T00:00Z,order,red,,,\n"
                       for n in range(5))  # fmt: skip
        if number:
            rows += f"0-0,c0,2026-01-01T00:00Z,order,t{number},,2026-03-{number:02}T00:00Z,\n"
        place.ingest(place.source(customers=customers, interactions=HEADER + rows), now=NOW)
        seen.append(said(place.open()))
    assert place.open().buckets > 4
    for generation, expected in enumerate(seen, 1):
        assert said(place.open().at(generation)) == expected


def said(history: History) -> list[object]:
    """All that a reader can get."""
    rows = history.table("interactions")
    customers = history.table("customers")
    numbered = history.customers()["customer_id"]
    events = [history.versions(bucket) for bucket in range(history.buckets)]
    all_versions = sorted(
        row
        for each in events
        for row in zip(
            each.customer.tolist(), each.at.tolist(), each.recorded.tolist(), each.topic.tolist(),
            each.until.tolist(), strict=True,
        )
    )  # fmt: skip
    return [
        rows[["interaction_id", "customer_id", "topic"]].fillna("").to_numpy().tolist(),
        customers["customer_id"].tolist(), numbered.tolist(), all_versions, history.rows,
    ]  # fmt: skip


APP = "interaction_id,customer_id,occurred_at,kind,recorded_at\n"


def test_a_source_read_each_night_shows_its_lag_and_rows_count_from_the_night_that_had_them(place):
    """Half of the rows of each day come a day late; the source gives no `recorded_at`."""
    begin = day("2026-05-01")
    load = APP + "".join(
        f"old-{n},acme,{stamp(begin - 200 * DAY + n * DAY)},usage,\n" for n in range(200)
    )
    place.ingest(place.source("app", customers=CUSTOMERS, interactions=load), now=moment(begin))
    for night in range(1, 11):
        rows = [
            f"{at}-{n},acme,{stamp(begin + at * DAY + n * 3_600)},usage,\n"
            for at in (night - 1, night - 2)
            for n in range(1, 9)
            if at >= 0 and (n % 2 == 1) == (at == night - 2)
        ]
        run = moment(begin + night * DAY + 1_800)
        place.ingest(place.source("app", interactions=APP + "".join(rows)), now=run)
    history = place.open()
    events = history.bucket(0)
    late = events.recorded - events.at
    regular = events.at >= begin
    hour = (events.at[regular] // 3_600) % 24
    assert set(late[regular][hour % 2 == 0]) == {0}
    missed = late[regular][hour % 2 == 1]
    # Missing at the night's run, and known right after it.
    assert missed.min() >= 24 * 3_600 - 7 * 3_600
    assert missed.max() <= DAY + 1_801
    loaded = late[~regular]
    assert 0.3 < (loaded > 0).mean() < 0.7
    assert set(loaded[loaded > 0]) <= set(BINS)
    feeds = history.feeds()
    assert feeds.loc[feeds["lag"] == -1, "rows"].sum() == 200
    assert feeds["rows"].sum() == history.rows


def test_a_past_loaded_in_several_pieces_is_not_taken_for_late(place):
    begin = day("2026-05-01")
    for piece in range(3):
        rows = [f"{piece}-{n},acme,{stamp(begin + (piece * 30 + n) * DAY)},usage,\n"
                for n in range(30)]  # fmt: skip
        source = place.source("app", customers=CUSTOMERS, interactions=APP + "".join(rows))
        place.ingest(source, now=datetime(2026, 9, 1, piece * 8, tzinfo=UTC))
    events = place.open().bucket(0)
    np.testing.assert_array_equal(events.recorded, events.at)


def test_what_a_source_says_of_some_rows_stands_in_for_the_others(place):
    rows = [f"{n},acme,{stamp(n * DAY)},usage,{stamp((n + 3) * DAY) if n % 2 else ''}\n"
            for n in range(100)]  # fmt: skip
    place.ingest(place.source("app", customers=CUSTOMERS, interactions=APP + "".join(rows)))
    events = place.open().bucket(0)
    assert set((events.recorded - events.at).tolist()) == {3 * DAY}


def stamp(second: int) -> str:
    return pd.Timestamp(second, unit="s", tz="UTC").isoformat()


def moment(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)
