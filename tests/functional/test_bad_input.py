"""Bad input gets one clear line that says what to do, and nothing is lost."""

import fcntl
import subprocess
from pathlib import Path

import pytest

HEADER = "interaction_id,customer_id,occurred_at,kind"


def tree(home: Path) -> dict[str, bytes]:
    """Every file of a home, but locks."""
    return {
        str(path.relative_to(home)): path.read_bytes()
        for path in sorted(home.rglob("*"))
        if path.is_file() and not path.name.endswith(".lock")
    }


def refused(warmline, *arguments) -> str:
    """What the command says; it must fail with 1 and leave the home as it was."""
    before = tree(warmline.home)
    done = warmline(*arguments)
    assert done.code == 1, done
    assert "Traceback" not in done.stderr
    assert done.facts["ok"] is False
    after = tree(warmline.home)
    assert {name: after.get(name) for name in before} == before
    assert not [name for name in after if name not in before and "rejects" not in name]
    return done.stderr


def test_a_folder_that_is_not_there(warmline, tmp_path):
    assert "nowhere" in refused(warmline, "ingest", tmp_path / "nowhere")


def test_an_empty_folder(warmline, folder):
    folder.path.mkdir()
    said = refused(warmline, "ingest", folder.path)
    assert "customers" in said
    assert "Nothing was changed" in said


def test_a_missing_column_names_the_one_that_was_meant(warmline, folder):
    folder.good().write(
        "interactions.csv",
        "interaction_id,customer_id,occured_at,kind",
        "1,acme,2026-01-05T10:00:00Z,order",
    )
    said = refused(warmline, "ingest", folder.path)
    assert "no column `occurred_at`" in said
    assert "`occured_at` at position 3" in said


def test_another_encoding_is_named_with_its_place(warmline, folder):
    folder.good().write(
        "customers.csv",
        "customer_id,joined_at,name",
        "acme,2025-01-01T00:00:00Z,Müller",
        encoding="latin-1",
    )
    said = refused(warmline, "ingest", folder.path)
    assert "customers.csv" in said
    assert "UTF-8" in said


def test_one_bad_row_of_many_is_set_aside_with_its_line(warmline, folder):
    rows = [f"{n},acme,2026-01-05T10:00:00Z,order" for n in range(1, 50_001)]
    rows[31_337] = "31338,acme,yesterday,order"
    folder.good().write("interactions.csv", HEADER, *rows)
    done = warmline("ingest", folder.path)
    assert done.code == 0, done.stderr
    assert done.facts["tables"]["interactions"]["new"] == 49_999
    reject = Path(done.facts["rejects"]).read_text()
    assert "31339" in reject  # the line: the header is line 1
    assert "yesterday" in reject
    assert "occurred_at" in reject


def test_too_many_bad_rows_fail_the_whole_ingest(warmline, folder):
    folder.good().write(
        "interactions.csv", HEADER, *(f"{n},acme,yesterday,order" for n in range(9))
    )
    assert "Nothing was changed" in refused(warmline, "ingest", folder.path)


def test_a_time_in_the_future_is_no_history(warmline, folder):
    folder.good().write(
        "interactions.csv",
        HEADER,
        *(f"{n},acme,2026-01-05T10:00:00Z,order" for n in range(200)),
        "future,acme,2199-01-01T00:00:00Z,order",
    )
    done = warmline("ingest", folder.path)
    assert done.facts["tables"]["interactions"]["rejected"] == 1
    assert "future" in " ".join(done.facts["reject_reasons"])


def test_one_id_with_two_contents_keeps_the_first_and_says_so(warmline, folder):
    folder.good()
    assert warmline("ingest", folder.path).code == 0
    folder.write("interactions.csv", HEADER, "1,acme,2026-01-06T10:00:00Z,order")
    done = warmline("ingest", folder.path)
    assert done.facts["tables"]["interactions"]["conflicting"] == 1
    assert done.facts["changed"] is False


def test_who_left_before_joining_is_set_aside(warmline, folder):
    folder.good().write(
        "customers.csv",
        "customer_id,joined_at,left_at",
        *(f"c{n},2025-01-01T00:00:00Z," for n in range(200)),
        "acme,2025-01-01T00:00:00Z,2024-01-01T00:00:00Z",
    )
    done = warmline("ingest", folder.path)
    assert done.facts["tables"]["customers"]["rejected"] == 1
    assert "left_at" in " ".join(done.facts["reject_reasons"])


def test_no_customers_at_all(warmline, folder):
    folder.write("interactions.csv", HEADER, "1,acme,2026-01-05T10:00:00Z,order")
    assert "customers" in refused(warmline, "ingest", folder.path)


def test_the_same_file_twice_changes_nothing(warmline, folder):
    folder.good()
    warmline("ingest", folder.path)
    before = tree(warmline.home)
    done = warmline("ingest", folder.path)
    assert done.code == 0
    assert done.facts["tables"]["interactions"]["repeated"] == 1
    assert tree(warmline.home) == before


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 1 MB to run full; mounting needs root."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"cannot mount a small file system here: {done.stderr.strip()}")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_full_disk_says_so_and_keeps_what_was_there(warmline, folder, small_disk):
    home = type(warmline)(small_disk / "home")
    assert home("init").code == 0
    folder.good()
    assert home("ingest", folder.path).code == 0
    before = (home.home / "history" / "CURRENT").read_bytes()
    rows = (f"r{n},acme,2026-01-05T10:00:{n % 60:02d}Z,order" for n in range(200_000))
    folder.write("interactions.csv", HEADER, *rows)
    done = home("ingest", folder.path)
    assert done.code == 1
    assert "disk is full" in done.stderr or "no space" in done.stderr.lower()
    assert "Traceback" not in done.stderr
    assert (home.home / "history" / "CURRENT").read_bytes() == before


def test_a_read_only_home_says_so(warmline, folder, small_disk):
    home = type(warmline)(small_disk / "home")
    assert home("init").code == 0
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    done = home("ingest", folder.good().path)
    assert done.code == 1
    assert "read-only" in done.stderr.lower()
    assert "Traceback" not in done.stderr


def test_a_home_of_a_newer_version_is_left_alone(warmline, folder):
    (warmline.home / "warmline.toml").write_text("format = 99\n")
    assert "newer Warmline" in refused(warmline, "ingest", folder.good().path)


def test_a_second_ingest_at_the_same_time_leaves_with_75(warmline, folder):
    folder.good()
    warmline("ingest", folder.path)
    with (warmline.home / "history" / ".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = warmline("ingest", folder.path)
    assert done.code == 75
    assert "running" in done.stderr


def test_a_second_run_at_the_same_time_leaves_with_75(warmline):
    with (warmline.home / ".nightly.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = warmline("nightly")
    assert done.code == 75


def test_a_home_that_is_not_there_says_how_to_make_one(warmline, folder, tmp_path):
    nowhere = type(warmline)(tmp_path / "nowhere")
    done = nowhere("ingest", folder.good().path)
    assert done.code == 1
    assert "warmline init" in done.stderr


def test_training_without_history_says_what_comes_first(warmline):
    assert "warmline ingest" in refused(warmline, "train")


def test_a_wrong_date_is_wrong_usage(warmline):
    done = warmline("score", "--as-of", "01.07.2026")
    assert done.code == 2
    assert "2026-07-01" in done.stderr
