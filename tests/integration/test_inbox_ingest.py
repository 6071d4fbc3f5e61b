"""What lies in the inbox becomes history with the next ingest, and leaves the inbox."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from models import inbox
from models.command import Run
from models.home import create
from pipelines.history.store import History
from pipelines.inbox import take_up_inbox
from pipelines.intake import take_up

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
ROW = {
    "interaction_id": "9", "customer_id": "acme", "kind": "complaint", "source": "endpoint",
    "occurred_at": "2026-06-30T10:00:00Z", "recorded_at": "2026-07-01T11:00:00Z",
    "text": 'a "b",\nc',
}  # fmt: skip


@pytest.fixture
def run(tmp_path: Path) -> Run:
    home, _ = create(tmp_path / "home")
    run = Run(home.root, json=True, verbose=False, now=NOW)
    source = tmp_path / "crm"
    source.mkdir()
    (source / "customers.csv").write_text("customer_id,joined_at\nacme,2025-01-01T00:00Z\n")
    (source / "interactions.csv").write_text(
        "interaction_id,customer_id,occurred_at,kind\n1,acme,2026-01-01T00:00Z,order\n"
    )
    take_up(run, str(source), None)
    return run


def test_rows_become_history_and_leave_the_inbox(run: Run) -> None:
    inbox.add(run.root, "endpoint-1", [ROW], now=NOW)
    report = take_up_inbox(run)
    assert report is not None
    assert report.tables["interactions"].new == 1
    events = History.open(run.home.history).events_of("acme")
    told = events[events["interaction_id"] == "9"].iloc[0]
    assert (told["source"], told["kind"], told["text"]) == ("endpoint", "complaint", 'a "b",\nc')
    assert str(told["recorded_at"]) == "2026-07-01 11:00:00+00:00"
    assert list((run.root / "inbox").rglob("*.jsonl")) == []
    assert take_up_inbox(run) is None


def test_the_same_row_again_changes_nothing(run: Run) -> None:
    for _ in range(2):
        inbox.add(run.root, "endpoint-1", [ROW], now=NOW)
        report = take_up_inbox(run)
    assert report is not None
    counts = report.tables["interactions"]
    assert (counts.new, counts.repeated) == (0, 1)


def test_a_row_that_is_refused_holds_nobody_else_back(run: Run) -> None:
    wrong = {**ROW, "interaction_id": "8", "kind": "nonsense"}
    inbox.add(run.root, "endpoint-1", [wrong, ROW], now=NOW)
    report = take_up_inbox(run)
    assert report is not None
    counts = report.tables["interactions"]
    assert (counts.new, counts.rejected) == (1, 1)
    assert report.rejects is not None


def test_what_an_ingest_cannot_take_stays(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    inbox.add(run.root, "endpoint-1", [ROW], now=NOW)
    with monkeypatch.context() as broken:
        broken.setattr("pipelines.inbox.take_up", _fails)
        with pytest.raises(OSError, match="disk is full"):
            take_up_inbox(run)
    inbox.add(run.root, "endpoint-1", [{**ROW, "interaction_id": "10"}], now=NOW)
    report = take_up_inbox(run)
    assert report is not None
    assert report.tables["interactions"].new == 2


def _fails(*_: object, **__: object) -> None:
    raise OSError("disk is full")
