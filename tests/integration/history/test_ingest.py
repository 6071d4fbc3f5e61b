"""What an ingest adds, recognises, corrects and keeps waiting."""

from __future__ import annotations

import hashlib
import os
import struct
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from pipelines.history import coding, verdicts
from pipelines.history import ingest as ingesting
from pipelines.history.manifest import CURRENT
from pipelines.undated import dated_ahead
from tests.integration.history.conftest import CUSTOMERS, INTERACTIONS, NOW, Place

HEADER = "interaction_id,customer_id,occurred_at,kind,topic,updated_at,deleted_at\n"


def ids(place: Place, customer: str = "acme") -> list[str]:
    return place.open().events_of(customer)["interaction_id"].tolist()


def topics(place: Place) -> dict[str, str | None]:
    frame = place.open().table("interactions")
    assert frame is not None
    return dict(zip(frame["interaction_id"], frame["topic"], strict=True))


def test_what_went_in_comes_out_in_the_contracts_columns(company: Place) -> None:
    frame = company.open().events_of("acme")
    first = frame.iloc[0]
    assert first["kind"] == "case_opened"
    assert first["case_id"] == "c1"
    assert first["topic"] == "billing"
    assert first["source"] == "crm"
    assert first["occurred_at"] == pd.Timestamp("2026-01-01T10:00Z")


def test_the_same_files_again_change_not_a_byte(company: Place) -> None:
    before = company.contents()
    report = company.ingest(company.root / "crm")
    assert not report.changed
    assert report.interactions.repeated == 3
    assert company.contents() == before


def test_overlapping_exports_bring_only_what_is_new(company: Place) -> None:
    more = INTERACTIONS + "4,bolt,2026-02-01T10:00:00Z,order,,,hats,3\n"
    report = company.ingest(company.source(interactions=more))
    assert (report.interactions.new, report.interactions.repeated) == (1, 3)
    assert company.open().rows == 4


def test_the_same_id_of_another_source_is_another_interaction(company: Place) -> None:
    report = company.ingest(company.source("shop", interactions=INTERACTIONS))
    assert report.interactions.new == 3
    assert set(company.open().sources) == {"crm", "shop"}


def test_of_one_id_with_different_content_the_first_is_kept_and_reported(company: Place) -> None:
    changed = INTERACTIONS.replace("billing", "delivery")
    report = company.ingest(company.source(interactions=changed))
    assert (report.interactions.conflicting, report.changed) == (1, False)
    assert topics(company)["1"] == "billing"


def test_duplicates_within_one_export_are_settled_alike(place: Place) -> None:
    text = INTERACTIONS + "3,bolt,2026-01-02T10:00:00Z,order,,,boots,12.5\n"
    report = place.ingest(place.source(customers=CUSTOMERS, interactions=text))
    assert (report.interactions.new, report.interactions.conflicting) == (3, 1)
    assert topics(place)["3"] == "shoes"


@pytest.mark.parametrize("few", [verdicts.FEW, 0])
def test_a_newer_version_replaces_the_older_one_which_is_kept_on_the_disk(
    company: Place, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verdicts, "FEW", few)
    newer = HEADER + "1,acme,2026-01-01T10:00:00Z,case_opened,delivery,2026-01-05T00:00:00Z,\n"
    report = company.ingest(company.source("crm", interactions=newer))
    assert (report.interactions.corrected, report.interactions.new) == (1, 0)
    assert topics(company)["1"] == "delivery"
    manifest = company.open().manifest
    assert (manifest.rows, sum(part.coded.rows for part in manifest.parts)) == (3, 4)
    assert not company.ingest(company.root / "crm").changed


def test_an_older_version_that_comes_late_changes_nothing(company: Place) -> None:
    for day in ("05", "03"):
        text = HEADER + f"1,acme,2026-01-01T10:00:00Z,case_opened,d{day},2026-01-{day}T00:00Z,\n"
        company.ingest(company.source("crm", interactions=text))
    assert topics(company)["1"] == "d05"


def test_a_tombstone_takes_a_row_out_for_good(company: Place) -> None:
    gone = HEADER + "1,acme,,,,,2026-01-05T00:00:00Z\n"
    report = company.ingest(company.source("crm", interactions=gone))
    assert report.interactions.removed == 1
    assert ids(company) == ["2"]
    assert not company.ingest(company.source("crm", interactions=INTERACTIONS)).changed
    assert ids(company) == ["2"]


def test_a_tombstone_that_comes_first_waits_for_its_row(place: Place) -> None:
    gone = HEADER + "1,acme,,,,,2026-01-05T00:00:00Z\n"
    place.ingest(place.source("crm", customers=CUSTOMERS, interactions=gone))
    place.ingest(place.source("crm", interactions=INTERACTIONS))
    assert ids(place) == ["2"]


def test_interactions_of_an_unknown_customer_wait_and_join(company: Place) -> None:
    text = HEADER + "9,calm,2026-03-01T00:00:00Z,order,,,\n"
    first = company.ingest(company.source("shop", interactions=text))
    assert (first.interactions.pending, first.unknown_customers) == (1, 1)
    assert company.open().rows == 3
    assert not company.ingest(company.root / "shop").changed
    calm = "customer_id,joined_at\ncalm,2025-03-01T00:00:00Z\n"
    second = company.ingest(company.source("new", customers=calm))
    assert (second.interactions.joined, second.interactions.pending) == (1, 0)
    assert ids(company, "calm") == ["9"]
    assert company.open().manifest.pending is None


def test_another_systems_id_resolves_through_identities(company: Place) -> None:
    identities = "system,external_id,customer_id\nshop,77,bolt\nforum,77,acme\nforum,88,acme\n"
    text = HEADER + (
        "a,77,2026-03-01T00:00:00Z,order,,,\n"
        "b,88,2026-03-01T00:00:00Z,order,,,\n"
        "c,99,2026-03-01T00:00:00Z,order,,,\n"
    )
    report = company.ingest(company.source("shop", identities=identities, interactions=text))
    assert ids(company, "bolt") == ["3", "a"]  # the feed's own system says who 77 is
    assert ids(company) == ["1", "2", "b"]
    assert report.interactions.pending == 1


def test_several_files_of_a_table_are_read_together(place: Place) -> None:
    header, *lines = INTERACTIONS.splitlines()
    folder = place.source(
        customers=CUSTOMERS,
        interactions__2026_01=f"{header}\n{lines[0]}\n",
        interactions__2026_02=f"{header}\n{lines[1]}\n{lines[2]}\n",
    )
    assert place.ingest(folder).interactions.new == 3


def test_parquet_says_the_same_as_csv(company: Place, place: Place) -> None:
    frame = pd.read_csv(company.root / "crm" / "interactions.csv")
    frame["occurred_at"] = pd.to_datetime(frame["occurred_at"])
    (company.root / "crm" / "interactions.csv").unlink()
    frame.to_parquet(company.root / "crm" / "interactions.parquet")
    assert company.ingest(company.root / "crm").interactions.repeated == 3


def test_naive_times_are_read_in_the_homes_zone_and_counted(place: Place) -> None:
    text = INTERACTIONS.replace("2026-01-01T10:00:00Z", "2026-01-01 10:00")
    folder = place.source(customers=CUSTOMERS, interactions=text)
    report = place.ingest(folder, timezone="Europe/Berlin")
    assert report.naive_timestamps == 1
    first = place.open().events_of("acme")["occurred_at"].iloc[0]
    assert first == pd.Timestamp("2026-01-01T09:00Z")


def test_a_dry_run_reports_and_leaves_no_trace(place: Place) -> None:
    folder = place.source(customers=CUSTOMERS, interactions=INTERACTIONS)
    report = place.ingest(folder, dry_run=True)
    assert (report.interactions.new, report.changed, report.dry_run) == (3, True, True)
    assert not place.history.exists()


def test_a_customers_newer_row_counts_and_the_first_is_remembered(company: Place) -> None:
    renamed = "customer_id,joined_at,region,plan\nacme,2025-01-01T00:00:00Z,EU,gold\n"
    later = NOW.replace(year=2027)
    report = company.ingest(company.source("crm2", customers=renamed), now=later)
    assert report.tables["customers"].corrected == 1
    frame = company.open().customers()
    assert frame["region"].tolist()[0] == "EU"
    assert frame["first_seen"].tolist() == [int(NOW.timestamp())] * 2
    table = company.open().table("customers")
    assert table is not None
    assert table["plan"].iloc[0] == "gold"


def test_what_is_dated_after_it_was_recorded_is_told_by_name(place: Place) -> None:
    header = "interaction_id,customer_id,occurred_at,kind,recorded_at\n"
    rows = [
        ("1", "2026-03-01T10:00:00Z", "meeting_held", "2026-02-20T10:00:00Z"),
        ("2", "2026-03-02T10:00:00Z", "meeting_held", "2026-02-20T10:00:00Z"),
        ("3", "2026-03-02T10:00:00Z", "order", "2026-03-01T10:00:00Z"),
        ("4", "2026-03-02T10:00:30Z", "usage", "2026-03-02T10:00:00Z"),  # clocks differ
        ("5", "2026-03-02T10:00:00Z", "usage", "2026-03-03T10:00:00Z"),
    ]
    attributes = "customer_id,name,value,valid_from,recorded_at\n" + "".join(
        f"acme,{name},7,{since}T00:00:00Z,2026-02-01T00:00:00Z\n"
        for name, since in (
            ("seats", "2026-03-01"),
            ("seats", "2026-04-01"),
            ("size", "2026-01-01"),
        )
    )
    lines = "".join(f"{n},acme,{at},{kind},{known}\n" for n, at, kind, known in rows)
    source = place.source(customers=CUSTOMERS, interactions=header + lines, attributes=attributes)
    report = place.ingest(source)
    assert report.ahead == {
        "attributes": {"seats": 2}, "interactions": {"meeting_held": 2, "order": 1},
    }  # fmt: skip
    told = "dated after they were recorded, which count from their date on: "
    assert f"interactions {told}meeting_held 2, order 1" in list(report.lines())
    assert dated_ahead(place.open(), ["seats", "size"]) == (
        "Dated after they were recorded: 2 of `seats` in `attributes`. They count from their own "
        "date on, and never before.",
    )
    assert dated_ahead(place.open(), ["size"]) == dated_ahead(place.open(), []) == ()
    again = place.ingest(place.source("app", interactions=INTERACTIONS))
    assert again.ahead == {}


def test_undated_columns_count_from_the_day_that_the_source_gives(place: Place) -> None:
    text = "customer_id,joined_at,recorded_at\nacme,2025-01-01T00:00Z,2025-01-02T00:00Z\n"
    place.ingest(place.source(customers=text))
    first_seen = place.open().customers()["first_seen"].iloc[0]
    assert first_seen == pd.Timestamp("2025-01-02T00:00Z").timestamp()


def test_many_small_ingests_are_compacted_by_themselves(company: Place) -> None:
    for n in range(12):
        text = HEADER + f"n{n},acme,2026-03-{n + 1:02}T00:00:00Z,usage,,,\n"
        company.ingest(company.source("app", interactions=text))
    manifest = company.open().manifest
    assert len(manifest.parts) <= 8
    assert manifest.rows == 15
    assert len(ids(company)) == 14


def test_the_largest_part_is_written_anew_only_when_the_others_weigh_on_it(place: Place) -> None:
    people = "customer_id,joined_at\nacme,2025-01-01T00:00Z\n"
    text = HEADER + "".join(f"o{n},acme,2025-03-01T00:00:{n:02}Z,usage,,,\n" for n in range(60))
    place.ingest(place.source("crm", customers=people, interactions=text))
    rewritten = []
    for n in range(24):
        largest = largest_part(place)
        text = HEADER + f"n{n},acme,2026-03-{n + 1:02}T00:00:00Z,usage,,,\n"
        place.ingest(place.source("app", interactions=text))
        if largest_part(place) != largest:
            rewritten.append(n + 1)
    assert rewritten == [22]  # the first time that 9 parts stand and 15 rows lie beside the 60
    assert place.open().rows == 84
    assert place.open().bucket(0).at.tolist() == sorted(place.open().bucket(0).at.tolist())


def largest_part(place: Place) -> str:
    parts = place.open().manifest.parts
    return max(parts, key=lambda part: part.coded.rows).coded.path


def test_a_reader_keeps_the_generation_that_it_opened(company: Place) -> None:
    reader = company.open()
    company.ingest(company.source("app", interactions=HEADER + "n,acme,2026-03-01,usage,,,\n"))
    assert (reader.generation, len(reader.bucket(0))) == (1, 3)
    assert len(company.open().bucket(0)) == 4


def test_a_history_that_grows_is_spread_over_more_buckets(
    company: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.history.buckets.TARGET_ROWS", 2)
    monkeypatch.setattr("pipelines.history.buckets.MOST_ROWS", 4)
    people = "customer_id,joined_at\n" + "".join(f"p{n},2025-01-01T00:00Z\n" for n in range(9))
    text = "interaction_id,customer_id,occurred_at,kind,case_id\n" + "".join(
        f"x{n},p{n % 9},2026-03-01T00:00:{n:02}Z,message_in,k{n % 3}\n" for n in range(18)
    )
    before = company.open().events_of("acme")
    company.ingest(company.source("more", customers=people, interactions=text))
    history = company.open()
    assert history.buckets == 16
    everyone = [number for bucket in range(16) for number in history.members(bucket)]
    assert sorted(everyone) == list(range(11))
    for bucket in range(16):
        assert set(history.bucket(bucket).customer) <= set(history.members(bucket).tolist())
    pd.testing.assert_frame_equal(history.events_of("acme"), before)
    assert set(history.events_of("p3")["case_id"]) == {"k0"}


def test_the_report_counts_each_row_once(company: Place) -> None:
    text = INTERACTIONS + (
        "5,acme,2026-01-01T10:00:00Z,usage,,,,\n"
        "5,acme,2026-01-01T10:00:00Z,usage,,,,\n"
        "6,nobody,2026-01-01T10:00:00Z,usage,,,,\n"
        "7,acme,when,usage,,,,\n"
    )
    report = company.ingest(company.source(interactions=text), max_reject_share=0.5)
    counts = report.interactions
    assert (counts.rows, counts.new, counts.repeated, counts.rejected) == (7, 2, 4, 1)
    assert report.kinds == {"usage": 3, "case_opened": 1, "message_out": 1, "order": 1}
    assert report.first == pd.Timestamp("2026-01-01T10:00Z")


def test_two_ids_whose_hashes_collide_stay_two(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    every_key_is_7 = (
        "CREATE TEMP MACRO hash64(word) AS CASE WHEN length(word) < 12 THEN 7::UBIGINT "
        "ELSE (md5_number(word) & 18446744073709551615)::UBIGINT END"
    )
    monkeypatch.setattr("pipelines.history.engine.HASH64", every_key_is_7)
    header = "interaction_id,customer_id,occurred_at,kind\n"
    rows = [f"{n},acme,2026-01-0{n}T00:00:00Z,order\n" for n in range(1, 7)]
    place.ingest(place.source(customers=CUSTOMERS, interactions=header + "".join(rows[:4])))
    report = place.ingest(place.source(interactions=header + "".join(rows)))
    assert (report.interactions.new, report.interactions.repeated) == (2, 4)
    assert ids(place) == ["1", "2", "3", "4", "5", "6"]


def test_what_others_put_into_the_folder_is_left_alone(company: Place) -> None:
    (company.history / "notes.txt").write_text("ours")
    company.ingest(company.source("app", interactions=HEADER + "n,acme,2026-03-01,usage,,,\n"))
    assert (company.history / "notes.txt").exists()


def test_an_ingest_too_large_for_memory_gives_the_same_to_the_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Corrections, a tombstone, a waiting customer and two systems' ids, by either way."""
    contents = []
    for name in ("in memory", "by files"):
        if name == "by files":
            monkeypatch.setattr(coding, "AT_ONCE", 0)
            monkeypatch.setattr(ingesting, "IN_MEMORY", 0)
        place = Place(tmp_path / name)
        place.root.mkdir()
        place.ingest(place.source(customers=CUSTOMERS, interactions=INTERACTIONS))
        place.ingest(
            place.source(
                identities="system,external_id,customer_id\ncrm,A-1,acme\n",
                interactions=HEADER
                + "1,acme,2026-01-01T10:00:00Z,case_opened,returns,2026-03-01T00:00:00Z,\n"
                + "3,bolt,2026-01-02T10:00:00Z,order,shoes,,2026-03-01T00:00:00Z\n"
                + "4,A-1,2026-01-03T10:00:00Z,order,hats,,\n"
                + "5,nobody,2026-01-03T10:00:00Z,order,hats,,\n",
            )
        )
        contents.append(place.contents())
    assert contents[0] == contents[1]


def test_all_files_of_a_generation_are_on_disk_before_it_counts(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: set[str] = set()
    counted: list[set[str]] = []
    real_sync, real_replace = os.fsync, Path.replace

    def sync(descriptor: int) -> None:
        synced.add(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
        real_sync(descriptor)

    def replaced(path: Path, target: Path) -> Path:
        if target.name == CURRENT:
            counted.append(set(synced))
        return real_replace(path, target)

    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(Path, "replace", replaced)
    place.ingest(place.source(customers=CUSTOMERS, interactions=INTERACTIONS))
    manifest = place.open().manifest
    assert len(counted) == 1
    assert {str(place.history / file.path) for file in manifest.files()} <= counted[0]


def test_what_a_row_says_is_hashed_alike_by_each_version_of_warmline(company: Place) -> None:
    """Else every row that comes again would be another version of itself."""
    (part,) = company.open().manifest.parts
    side = pq.read_table(company.history / part.side.path)
    row = side["interaction_id"].to_pylist().index("3")
    said = ["3", "bolt", "", "1767348000000000", "order", "", "", "", "shoes", "12.5"]
    said += [""] * 6 + ["crm", ""]  # seconds to text; the source; deleted_at
    for column, words in (("content", said), ("key", ["crm", "3"])):
        text = chr(31).join(words).encode()
        (low,) = struct.unpack("<Q", hashlib.md5(text, usedforsecurity=False).digest()[:8])
        assert side[column][row].as_py() == low
