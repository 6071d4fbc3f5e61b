"""The mappings' pages: the source's rows stand in the source, and become what the page shows."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pandas as pd
import pytest

from pipelines.history.ingest import ingest
from pipelines.history.mapped import BUILT_IN
from pipelines.history.report import IngestReport
from pipelines.history.store import History
from tests.integration.history.conftest import NOW

PROJECT = Path(__file__).parents[3]
PAGES = PROJECT / "docs" / "guides" / "mappings"
DATA = PROJECT.parent / "shared" / "data"
FIXTURES = Path(__file__).parent / "fixtures"  # exports of systems that publish no data set
SLOW = {"fightchurn_sim"}  # 5.6 million events: once is enough
BLOCK = re.compile(r"^```(\w+) (.+?)\n(.*?)^```", re.M | re.S)


def blocks(page: str, kind: str) -> Iterator[tuple[str, list[str]]]:
    text = (PAGES / f"{page}.md").read_text()
    for found in BLOCK.finditer(text):
        if found[1] == kind:
            yield found[2], found[3].splitlines()


def source_of(dataset: str) -> Path:
    """A data set, or an export, by the name that a page gives it."""
    fixture = FIXTURES / dataset
    return fixture if fixture.exists() else DATA / dataset


def figures(page: str) -> tuple[str, str]:
    """The data set and the mapping that the page is about."""
    ((about, _),) = blocks(page, "figures")
    dataset, mapping = about.split()
    return dataset, mapping


@cache
def read(page: str, folder: Path) -> tuple[History, IngestReport]:
    dataset, mapping = figures(page)
    source = source_of(dataset)
    if not source.is_dir():
        pytest.skip(f"{source} is not here")
    report = ingest(folder / "history", source, mapping=Path(mapping), now=NOW)
    return History.open(folder / "history"), report


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pages")


def shown(frame: pd.DataFrame, columns: list[str], day: bool = False) -> list[list[str]]:
    """The frame's columns as a page writes them."""
    written = frame[columns].copy()
    for column in columns:
        if str(written[column].dtype).startswith("datetime"):
            written[column] = written[column].dt.strftime("%Y-%m-%d" if day else "%Y-%m-%d %H:%M")
    return written.astype(object).where(written.notna(), "").astype(str).values.tolist()


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.split("|")]


PAGE_NAMES = sorted(path.stem for path in PAGES.glob("*.md"))


def test_every_mapping_that_ships_has_a_page() -> None:
    assert sorted(path.name for path in BUILT_IN.iterdir() if path.is_dir()) == PAGE_NAMES


@pytest.mark.parametrize("page", PAGE_NAMES)
def test_the_sources_rows_are_in_the_source(page: str) -> None:
    for file, lines in blocks(page, "source"):
        path = source_of(file)
        if not path.exists():
            pytest.skip(f"{path} is not here")
        raw = path.read_bytes()
        text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode().splitlines()
        assert set(lines) <= set(text)


@pytest.mark.parametrize("page", PAGE_NAMES)
def test_they_become_what_the_page_shows(page: str, folder: Path) -> None:
    history, report = read(page, folder / page)
    for about, (header, *lines) in blocks(page, "history"):
        customer, _, case = about.partition(" / ")
        events = history.events_of(customer)
        events = events[events["case_id"] == case] if case else events
        assert shown(events, cells(header))[: len(lines)] == [cells(line) for line in lines]
    for table in ("terms", "attributes"):
        for customer, (header, *lines) in blocks(page, table):
            rows = history.table(table)
            assert rows is not None
            of_customer = rows[rows["customer_id"] == customer]
            day = table == "terms"
            assert shown(of_customer, cells(header), day) == [cells(line) for line in lines]
    ((_, lines),) = blocks(page, "figures")
    for table, rows, rejected in map(cells, lines):
        counts = report.tables[table]
        assert (counts.new, counts.rejected) == (int(rows), int(rejected))


@pytest.mark.parametrize("page", [page for page in PAGE_NAMES if figures(page)[0] not in SLOW])
def test_the_same_source_again_changes_nothing(page: str, folder: Path) -> None:
    history, first = read(page, folder / page)
    dataset, mapping = figures(page)
    again = ingest(history.folder, source_of(dataset), mapping=Path(mapping), now=NOW)
    assert not again.changed
    assert again.interactions.repeated == first.interactions.rows
