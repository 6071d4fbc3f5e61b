"""Lines are counted as an editor counts them."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from pipelines.history.lines import lines_of_bytes, lines_of_records, not_utf8

TEXT = 'id,text\n1,"two\nlines"\n2,x\n\n3,one,too many\n4,"say ""hi"""\n'


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
def test_records_are_found_past_line_ends_in_quotes_empty_lines_and_broken_rows(
    tmp_path: Path, name: str
) -> None:
    path = tmp_path / name
    path.write_bytes(gzip.compress(TEXT.encode()) if name.endswith("gz") else TEXT.encode())
    assert lines_of_records(path, [0, 1, 2], 2) == {0: 2, 1: 4, 2: 7}


def test_a_byte_on_an_empty_line_means_the_line_after(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(TEXT)
    assert lines_of_bytes(path, [TEXT.index("2,x"), TEXT.index("\n\n3") + 1]) == {
        TEXT.index("2,x"): 4,
        TEXT.index("\n\n3") + 1: 6,
    }


def test_the_first_byte_of_another_encoding_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("id\nok\ncafé\n".encode("latin-1"))
    assert "a.csv is not UTF-8: byte 9, on line 3" in not_utf8(path, "a.csv")
