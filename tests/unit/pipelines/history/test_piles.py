"""However many nights come, few files are left, and none is written anew often."""

from __future__ import annotations

from math import log2

from hypothesis import given
from hypothesis import strategies as st

from pipelines.history.manifest import File
from pipelines.history.piles import staying


def file(rows: int) -> File:
    return File("", rows, 0, "")


def after(nights: list[int]) -> tuple[list[int], int]:
    """Rows of each file that is left, and how many rows were written in all."""
    files: list[File] = []
    written = 0
    for new in nights:
        place = staying(files, new)
        files[place:] = [file(new + sum(one.rows for one in files[place:]))]
        written += files[-1].rows
    return [one.rows for one in files], written


@given(st.lists(st.integers(1, 1_000_000), max_size=200))
def test_each_file_is_larger_than_all_later_ones_together(nights: list[int]) -> None:
    rows, _ = after(nights)
    assert sum(rows) == sum(nights)
    assert all(one > sum(rows[place + 1 :]) for place, one in enumerate(rows))


@given(st.integers(1, 3_000))
def test_a_year_of_like_nights_leaves_a_dozen_files(nights: int) -> None:
    rows, written = after([500] * nights)
    assert len(rows) <= log2(nights) + 1
    assert written <= sum(rows) * (log2(nights) + 1)


def test_what_a_first_ingest_brought_is_not_written_anew_each_night() -> None:
    rows, written = after([5_000_000, *[5_000] * 365])
    assert rows[0] == 5_000_000
    assert written < 3 * sum(rows)


def test_many_files_as_large_as_each_other_become_one() -> None:
    assert staying([file(80)] * 64, 5) == 0
