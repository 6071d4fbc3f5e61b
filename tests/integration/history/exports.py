"""What the exports of help desks become in a history, as tables of text."""

from __future__ import annotations

from typing import Any

from pipelines.history.claims import Claim
from pipelines.history.report import IngestReport
from pipelines.history.store import History
from tests.integration.history.mapped_sources import Export as Export


def rows(history: History, customer: str, *columns: str) -> str:
    """The customer's interactions by case, time and id, as a table of text."""
    events = history.events_of(customer).sort_values(["case_id", "occurred_at", "interaction_id"])
    return _table(events, columns)


def table(history: History, name: str, *columns: str) -> str:
    """The rows of a table that count, as text."""
    frame = history.table(name)
    assert frame is not None
    return _table(frame, columns)


def _table(frame: Any, columns: tuple[str, ...]) -> str:
    shown = frame[list(columns)].copy()
    for column in columns:
        if str(shown[column].dtype).startswith("datetime"):
            shown[column] = shown[column].dt.strftime("%Y-%m-%d %H:%M:%S")
    values = shown.astype(object).where(shown.notna(), "").astype(str).to_numpy().tolist()
    return "\n".join(" | ".join(row).rstrip(" |") for row in values)


def expected(text: str) -> str:
    """A table as a test writes it; padding and empty cells at the end do not matter."""
    lines = (line.split("|") for line in text.strip().splitlines())
    return "\n".join(" | ".join(cell.strip() for cell in line).rstrip(" |") for line in lines)


def claim(report: IngestReport, metric: str) -> Claim:
    (found,) = [claim for claim in report.claims if claim.metric == metric]
    return found
