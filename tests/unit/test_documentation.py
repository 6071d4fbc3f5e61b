"""The documentation says what the code does."""

import re
from pathlib import Path

import pytest

from models.contracts import CHANNELS, KINDS
from pipelines.history.schema import TABLES

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
HISTORY = (ROOT / "docs" / "history.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page):
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8"))
    local = [link for link in links if "://" not in link and not link.startswith("mailto:")]
    missing = [link for link in local if not (page.parent / link).exists()]
    assert not missing


def test_the_history_page_names_every_table_and_column():
    for table in TABLES:
        assert table.name in HISTORY
        for column in table.columns:
            assert column.name in HISTORY, f"{table.name}.{column.name}"


def test_the_history_page_names_every_kind_and_channel():
    for word in (*KINDS, *CHANNELS):
        assert word in HISTORY
