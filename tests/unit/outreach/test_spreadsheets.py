"""Our CSV files opened in LibreOffice: nothing in them runs, and texts are texts."""

from __future__ import annotations

import csv
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pyarrow as pa
import pytest

from outreach import worklist
from outreach.channels.file import Drop
from tests.unit.outreach.channels.test_email import outgoing

FORMULAS = [
    "=1+1", "+1+1", "-1+1", "@SUM(1;1)", "\t=1+1", "\r=1+1", "\n=1+1", " =1+1", "\x00=1+1",
    "\ufeff=1+1", "＝1+1", "a;=1+1", "a; =1+1", "a\t=1+1", "a\n=1+1", 'a";=1+1', 'a";"=1+1',
    "a|=1+1", "a,=1+1", '=WEBSERVICE("http://127.0.0.1:9/")', '=DDE("soffice";"/etc/passwd";"A1")',
    '=HYPERLINK("http://127.0.0.1:9/";"x")', "{=1+1}", "=cmd|' /C calc'!A0",
]  # fmt: skip
TEXTS = ["007", "1e5", "2026-01-02", "TRUE", "1/2", "Zoë, Ltd", "a=b", "x@y", "+49"]
# How a spreadsheet may read them (LibreOffice's "Filter Options for CSV"): separators, quotes,
# characters. The second is as Excel does in Europe.
READINGS = {"usual": "44,34,76", "foreign": "59/9/124,34,76"}
QUOTED = "44,34,76,1,,0,true"
TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"

Opened = Callable[[str], dict[str, ElementTree.Element]]


def raw(path: Path) -> None:
    """The same without our care: what is looked for must be found there."""
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([cell] for cell in FORMULAS)


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Opened:
    """Reads a worklist, a dropped file a text and a careless file, each by name."""
    program = shutil.which("soffice")
    if program is None:
        assert not os.environ.get("REQUIRE_SERVERS")
        pytest.skip("needs LibreOffice: run `.ci/system-packages libreoffice-calc-nogui`")
    folder = tmp_path_factory.mktemp("csv")
    cells = FORMULAS + TEXTS
    listed = [
        {"rank": 7, "customer_id": cell, "reasons": ["late", cell], "expected_saved_value": -1.5}
        for cell in cells
    ]
    rows = pa.Table.from_pylist(listed, worklist.worklist_schema())
    worklist.to_csv(rows, folder / "worklist.csv")
    for n, cell in enumerate(cells):
        Drop(folder).deliver(outgoing(id=f"drop{n}", name=cell, subject=cell, text=cell))
    raw(folder / "raw.csv")

    def read(options: str) -> dict[str, ElementTree.Element]:
        out = folder / re.sub(r"\W", "-", options)
        command = [
            program, "--headless", "--norestore",
            f"-env:UserInstallation={folder.as_uri()}/profile",
            f"--infilter=CSV:{options}", "--convert-to", "fods", "--outdir", str(out),
            *map(str, sorted(folder.glob("*.csv"))),
        ]  # fmt: skip
        subprocess.run(command, check=True, capture_output=True, timeout=120)
        return {path.stem: ElementTree.parse(path).getroot() for path in out.iterdir()}  # noqa: S314

    return read


def formulas(sheet: ElementTree.Element) -> list[str]:
    return [found for cell in sheet.iter() if (found := cell.get(f"{TABLE}formula"))]


def grid(sheet: ElementTree.Element) -> list[list[str]]:
    """The texts of a sheet's cells, row by row."""
    return [
        [
            "\n".join("".join(line.itertext()) for line in cell.iter(f"{TEXT}p"))
            for cell in row.iter(f"{TABLE}table-cell")
            for _ in range(int(cell.get(f"{TABLE}number-columns-repeated", "1")))
        ]
        for row in sheet.iter(f"{TABLE}table-row")
    ]


@pytest.mark.parametrize("reading", READINGS)
def test_nothing_runs_however_the_file_is_read(opened: Opened, reading: str) -> None:
    sheets = opened(READINGS[reading])
    assert len(sheets) == len(FORMULAS) + len(TEXTS) + 2
    assert formulas(sheets.pop("raw"))
    assert {name: found for name, sheet in sheets.items() if (found := formulas(sheet))} == {}


def test_where_quotes_mean_text_all_texts_are_as_they_were(opened: Opened) -> None:
    sheets = opened(QUOTED)
    head, *rows = grid(sheets["worklist"])
    assert head[:2] == ["rank", "customer_id"]
    texts = rows[len(FORMULAS) :]
    assert [row[1] for row in texts] == [*TEXTS[:-1], "'+49"]
    assert {row[0] for row in rows} == {"7"}
    for n, text in enumerate(TEXTS[:-1], len(FORMULAS)):
        (head, row) = grid(sheets[f"drop{n}"])[:2]
        assert [row[head.index(name)] for name in ("name", "subject", "text")] == [text] * 3
