"""Fixtures of mapped sources: copied, changed as a later export would differ, ingested, shown."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from pipelines.history import versions
from pipelines.history.engine import connect
from pipelines.history.ingest import ingest
from pipelines.history.report import IngestReport
from pipelines.history.store import History
from tests.integration.history.conftest import NOW

FIXTURES = Path(__file__).parent / "fixtures"


@dataclass
class Export:
    """A copy of the fixture of `system`, and the history that it is read into."""

    system: str
    root: Path

    @classmethod
    def of(cls, system: str, root: Path) -> Export:
        shutil.copytree(FIXTURES / system, root / system)
        return cls(system, root)

    @property
    def folder(self) -> Path:
        return self.root / self.system

    def later(self, file: str, *records: dict[str, Any]) -> None:
        """A further file of a later export, a line a record, beside the earlier ones."""
        lines = "".join(json.dumps(record) + "\n" for record in records)
        (self.folder / file).write_text(lines)

    def ingest(self) -> IngestReport:
        return ingest(self.root / "history", self.folder, mapping=Path(self.system), now=NOW)

    def ingest_what_says_nothing_new(self) -> None:
        """Ingests once more: no row is new or another than before, only said again."""
        before = self.history().table("interactions")
        counts = self.ingest().interactions
        assert counts.repeated == counts.rows > 0
        pd.testing.assert_frame_equal(self.history().table("interactions"), before)

    def history(self) -> History:
        return History.open(self.root / "history")

    def change(self, file: str, change: Callable[[Any], Any]) -> None:
        """Rewrites a JSON file as `change` makes it: in place, or by what it returns."""
        path = self.folder / file
        content = json.loads(path.read_text())
        changed = change(content)
        path.write_text(json.dumps(content if changed is None else changed))

    def replace(self, file: str, old: str, new: str) -> None:
        """Changes one place of a text file."""
        path = self.folder / file
        assert path.read_text().count(old) == 1
        path.write_text(path.read_text().replace(old, new))

    def every_version(self, table: str) -> pd.DataFrame:
        """All versions of all rows of a table, oldest first by `updated_at`, then by its ids."""
        history = self.history()
        rows = versions.all_versions(history.folder, history.manifest, table)
        with connect() as connection:
            query = f"SELECT * FROM ({rows}) ORDER BY updated_at, _generation, COLUMNS('.*_id')"  # noqa: S608
            frame: pd.DataFrame = connection.sql(query).to_arrow_table().to_pandas()
        return frame


def shown(frame: pd.DataFrame, columns: str, time: str = "%Y-%m-%d %H:%M") -> str:
    """The frame's columns (names between spaces) as a table with `|`; empty where absent."""
    names = columns.split()
    written = frame[names].copy()
    for name in names:
        if str(written[name].dtype).startswith("datetime"):
            written[name] = written[name].dt.tz_convert("UTC").dt.strftime(time)
        elif str(written[name].dtype).startswith("float"):
            written[name] = written[name].map(lambda x: "" if pd.isna(x) else f"{x:g}")
    rows = written.astype(object).where(written.notna(), "").astype(str).values.tolist()
    return "\n".join(" | ".join(row).rstrip() for row in rows)


def table(text: str) -> str:
    """A table written in a test, without its indentation and alignment."""
    lines = [line.strip() for line in text.strip().splitlines()]
    return "\n".join(
        " | ".join(cell.strip() for cell in line.split("|")).rstrip() for line in lines
    )
