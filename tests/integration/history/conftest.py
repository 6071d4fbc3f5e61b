"""A source folder written row by row, and a history to read it into."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pipelines.history.ingest import ingest
from pipelines.history.report import IngestReport
from pipelines.history.store import History

NOW = datetime(2026, 6, 1, 9, tzinfo=UTC)
CUSTOMERS = "customer_id,joined_at\nacme,2025-01-01T00:00:00Z\nbolt,2025-02-01T00:00:00Z\n"
INTERACTIONS = (
    "interaction_id,customer_id,occurred_at,kind,channel,case_id,topic,value\n"
    "1,acme,2026-01-01T10:00:00Z,case_opened,email,c1,billing,\n"
    "2,acme,2026-01-01T12:00:00Z,message_out,email,c1,,\n"
    "3,bolt,2026-01-02T10:00:00Z,order,,,shoes,12.5\n"
)


@dataclass
class Place:
    """One history and the sources that go into it."""

    root: Path

    @property
    def history(self) -> Path:
        return self.root / "history"

    def source(self, name: str = "crm", **tables: str) -> Path:
        """A folder `name` of CSV files; `interactions__2` stands for `interactions-2.csv`."""
        folder = self.root / name
        folder.mkdir(exist_ok=True)
        for table, text in tables.items():
            (folder / f"{table.replace('__', '-')}.csv").write_text(text)
        return folder

    def ingest(self, source: Path, **options: Any) -> IngestReport:
        return ingest(self.history, source, **({"now": NOW} | options))

    def open(self) -> History:
        return History.open(self.history)

    def contents(self) -> dict[str, bytes]:
        """Every file of the history with its bytes."""
        return {
            str(path.relative_to(self.history)): path.read_bytes()
            for path in sorted(self.history.rglob("*"))
            if path.is_file()
        }


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.fixture
def company(place: Place) -> Place:
    """A history of two customers and three interactions."""
    place.ingest(place.source(customers=CUSTOMERS, interactions=INTERACTIONS))
    return place
