"""Bad input and a bad disk: one clear message, and the history as it was."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from models.errors import SchemaTooNew, SchemaTooOld, WarmlineError
from pipelines.history.manifest import manifest_name
from pipelines.history.store import History
from tests.integration.history.conftest import CUSTOMERS, INTERACTIONS, Place

HEADER = INTERACTIONS.splitlines()[0] + "\n"


def refusal(place: Place, folder: Path, **options: object) -> str:
    """The message; the history must be as it was."""
    before = place.contents() if place.history.exists() else {".lock": b""}
    with pytest.raises(WarmlineError) as caught:
        place.ingest(folder, **options)
    assert place.contents() == before
    assert "Nothing was changed." in str(caught.value)
    return str(caught.value)


def rejected(place: Place) -> list[str]:
    """The lines of the only file of rejects."""
    (path,) = (place.history / "rejects").iterdir()
    return path.read_text().splitlines()


def test_a_misspelt_column_is_named_with_its_place_and_the_way_out(place: Place) -> None:
    text = INTERACTIONS.replace("occurred_at", "occured_at")
    folder = place.source(customers=CUSTOMERS, interactions=text)
    assert refusal(place, folder) == (
        "interactions.csv has no column `occurred_at`.\n"
        "It has `occured_at` at position 3: rename it, or map it (docs/guides/mappings.md).\n"
        "Nothing was changed."
    )


def test_a_column_that_is_spelled_for_people_is_named(place: Place) -> None:
    text = CUSTOMERS.replace("customer_id", "Customer ID")
    said = refusal(place, place.source(customers=text))
    assert "It has `Customer ID` at position 1: rename it" in said


def test_an_export_without_ids_says_what_an_id_is_for(place: Place) -> None:
    text = "customer_id,occurred_at,kind\nacme,2026-01-01,order\n"
    assert "mapping" in refusal(place, place.source(customers=CUSTOMERS, interactions=text))


def test_an_empty_folder_says_what_it_looked_for(place: Place) -> None:
    assert "It is empty." in refusal(place, place.source())


def test_an_empty_file_is_named(place: Place) -> None:
    assert "interactions.csv is empty" in refusal(
        place, place.source(customers=CUSTOMERS, interactions="")
    )


def test_a_history_without_any_customer_is_refused(place: Place) -> None:
    assert "no customers" in refusal(place, place.source(interactions=INTERACTIONS))


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16"])
def test_another_encoding_fails_whole_with_the_place_of_its_first_byte(
    company: Place, encoding: str
) -> None:
    text = CUSTOMERS + "cafe,2025-01-01T00:00:00Z\n" * 2000 + "café,2025-01-01T00:00:00Z\n"
    folder = company.source("export")
    (folder / "customers.csv").write_bytes(text.encode(encoding))
    said = refusal(company, folder)
    assert "customers.csv is not UTF-8" in said
    assert ("line 2004" if encoding == "latin-1" else "byte 0, on line 1") in said


def test_too_many_bad_rows_fail_whole_with_a_summary_by_reason(company: Place) -> None:
    text = HEADER + "8,acme,yesterday,order,,,,\n9,acme,2026-01-01,ordr,,,,\n"
    said = refusal(company, company.source("shop", interactions=text))
    assert "occurred_at: is no time, such as 2026-07-01T09:30:00+02:00 (first: " in said
    assert (
        "1 x kind: is none of the kinds in docs/history.md (first: interactions.csv, line 3)"
        in said
    )


MANY_BAD = [
    *("8,acme,2026-01-01,ordr,,,,\n" for _ in range(3)),
    "9,acme,2026-01-01,order,,,,\n",
    *("10,acme,2026-01-01,order,,,,many\n" for _ in range(7)),
]


def test_a_refusal_tells_the_first_lines_of_each_reason_and_how_many_there_are(
    company: Place,
) -> None:
    folder = company.source("shop", interactions=HEADER + "".join(MANY_BAD))
    with pytest.raises(WarmlineError) as caught:
        company.ingest(folder)
    assert str(caught.value).splitlines()[1:3] == [
        "  7 x value: is no number, such as 1234.5 "
        "(first: interactions.csv, lines 6, 7, 8, 9 and 10)",
        "  3 x kind: is none of the kinds in docs/history.md "
        "(first: interactions.csv, lines 2, 3 and 4)",
    ]
    assert [(one["reason"], one["rows"]) for one in caught.value.facts["rejected"]] == [
        ("value: is no number", 7),
        ("kind: is none of the kinds in docs/history.md", 3),
    ]
    assert caught.value.facts["rejected"][1]["first"] == [
        {"file": "interactions.csv", "line": line} for line in (2, 3, 4)
    ]


def test_a_dry_run_tells_the_lines_that_an_ingest_would_reject(company: Place) -> None:
    bad, rest = HEADER + "".join(MANY_BAD[:3]), HEADER + "".join(MANY_BAD[2:4])
    folder = company.source("shop", interactions=bad)
    (folder / "interactions.csv").rename(folder / "interactions-1.csv")
    (folder / "interactions-2.csv").write_text(rest)
    before = company.contents()
    told = company.ingest(folder, dry_run=True, max_reject_share=1)
    assert company.contents() == before
    places = "interactions-1.csv, lines 2, 3 and 4; interactions-2.csv, line 2"
    why = "kind: is none of the kinds in docs/history.md"
    assert f"rejected: 4 x {why} (first: {places})" in list(told.lines())
    assert (
        told.to_dict()["rejected"]
        == company.ingest(folder, max_reject_share=1).to_dict()["rejected"]
    )


def test_a_bad_row_of_a_large_file_is_found_at_its_line(place: Place) -> None:
    lines = [f'{n},acme,2026-01-01T00:00:00Z,usage,,,"two\nlines",1\n' for n in range(40_000)]
    lines[20_000] = "bad,acme,2026-01-01T00:00:00Z,usage,,,,many\n"
    lines[30_000] = "short,acme\n"
    folder = place.source(customers=CUSTOMERS, interactions=HEADER + "".join(lines))
    report = place.ingest(folder)
    assert (report.interactions.new, report.interactions.rejected) == (39_998, 2)
    assert rejected(place) == [
        "file,line,column,value,reason",
        "interactions.csv,40002,value,many,is no number",
        "interactions.csv,60001,,,the row has missing columns",
    ]


@pytest.mark.parametrize(
    ("row", "column", "value", "reason"),
    [
        ("8,acme,2026-06-03T00:00:00Z,order,,,,", "occurred_at", "2026-06-03T00:00:00Z",
         "lies in the future"),
        ("8,acme,2026-01-01,order,fax,,,", "channel", "fax", "is none of email"),
        ("8,,2026-01-01,order,,,,", "customer_id", "", "is missing"),
        ("8,acme,2026-01-01,order,,,,inf", "value", "inf", "is no number"),
        ("8,acme,1700000000,order,,,,", "occurred_at", "1700000000", "is no time"),
    ],
)  # fmt: skip
def test_a_bad_value_is_set_aside_with_its_reason(
    place: Place, row: str, column: str, value: str, reason: str
) -> None:
    folder = place.source(customers=CUSTOMERS, interactions=HEADER + row + "\n")
    report = place.ingest(folder, max_reject_share=1)
    assert report.interactions.rejected == 1
    assert rejected(place)[1].startswith(f"interactions.csv,2,{column},{value},")
    assert reason in rejected(place)[1]


def test_who_left_before_joining_is_set_aside(place: Place) -> None:
    text = "customer_id,joined_at,left_at\nacme,2025-01-01,2024-01-01\nbolt,2025-01-01,\n"
    report = place.ingest(place.source(customers=text), max_reject_share=1)
    assert report.tables["customers"].rejected == 1
    assert rejected(place)[1] == "customers.csv,2,left_at,2024-01-01,is before joined_at"


def test_a_score_must_fit_its_scale(place: Place) -> None:
    text = "interaction_id,customer_id,occurred_at,kind,score,score_kind\n" + (
        "1,acme,2026-01-01,survey_answered,9,nps\n2,acme,2026-01-01,survey_answered,9,csat\n"
    )
    folder = place.source(customers=CUSTOMERS, interactions=text)
    assert place.ingest(folder, max_reject_share=1).interactions.rejected == 1


def test_a_customer_without_history_is_a_customer(place: Place) -> None:
    place.ingest(place.source(customers=CUSTOMERS))
    history = place.open()
    assert (history.rows, history.span) == (0, None)
    assert len(history.customers()) == 2
    assert len(history.bucket(0)) == 0
    assert history.events_of("acme").empty
    assert history.terms() is None
    assert history.table("agents") is None


def test_columns_that_nothing_reads_are_named(company: Place) -> None:
    text = INTERACTIONS.replace("channel", "chanel")
    report = company.ingest(company.source("shop", interactions=text))
    assert report.ignored == ["column `chanel` of interactions"]


def test_no_history_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(WarmlineError, match="warmline ingest"):
        History.open(tmp_path / "history")


@pytest.mark.parametrize(("found", "error"), [(99, SchemaTooNew), (0, SchemaTooOld)])
def test_a_history_of_another_version_is_left_alone(
    company: Place, found: int, error: type[WarmlineError]
) -> None:
    path = company.history / manifest_name(1)
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": found}))
    with pytest.raises(error):
        company.open()
    with pytest.raises(error):
        company.ingest(company.root / "crm")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MB; mounting one needs root."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def many_rows(place: Place) -> Path:
    rows = "".join(
        f"row number {n},acme,2026-01-01T00:00:00Z,usage,,,,{n}\n" for n in range(100_000)
    )
    return place.source("much", customers=CUSTOMERS, interactions=HEADER + rows)


def test_a_full_disk_is_said_and_keeps_what_was_there(tmp_path: Path, small_disk: Path) -> None:
    place, outside = Place(small_disk), Place(tmp_path)
    place.ingest(outside.source(customers=CUSTOMERS, interactions=INTERACTIONS))
    assert "the disk is full" in refusal(place, many_rows(outside))
    assert place.open().rows == 3


def test_a_read_only_disk_is_said(tmp_path: Path, small_disk: Path) -> None:
    place, outside = Place(small_disk), Place(tmp_path)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(WarmlineError, match="mounted read-only"):
        place.ingest(outside.source(customers=CUSTOMERS, interactions=INTERACTIONS))


def test_a_limit_on_file_size_is_said(company: Place) -> None:
    script = (
        "import sys, resource; from datetime import datetime, UTC; from pathlib import Path\n"
        "from models.errors import WarmlineError; from pipelines.history.ingest import ingest\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, {resource.RLIM_INFINITY}))\n"
        "try: ingest(*map(Path, sys.argv[1:]), now=datetime(2026, 6, 1, tzinfo=UTC))\n"
        "except WarmlineError as error: print(error)\n"
    )
    arguments = [str(company.history), str(many_rows(company))]
    run = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        cwd=Path(__file__).parents[3], capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "Nothing was changed." in run.stdout, run.stderr
    assert company.open().rows == 3
