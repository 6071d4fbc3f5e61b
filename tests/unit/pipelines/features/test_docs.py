"""docs/features.md says what the code does."""

from __future__ import annotations

from pathlib import Path

from pipelines.features import docs

PAGE = Path(__file__).parents[4] / "docs" / "features.md"


def test_the_page_is_up_to_date():
    assert PAGE.read_text() == docs.page(docs.collected()), "run `make docs`"
