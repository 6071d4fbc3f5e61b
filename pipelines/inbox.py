"""What lies in `inbox/` becomes history, by the same ingest as everything else."""

from __future__ import annotations

import csv
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from models import inbox
from pipelines.history.schema import INTERACTIONS
from pipelines.history.sources import columns_of
from pipelines.intake import take_up

if TYPE_CHECKING:
    from models.command import Run
    from pipelines.history.report import IngestReport

NAME = "inbox"  # in reports, and the source of rows that name none


def take_up_inbox(run: Run) -> IngestReport | None:
    """Ingest what the endpoint and outreach have written; None where there is nothing.

    What an ingest cannot take stays, and is tried again by the next one. A row that is refused is
    set aside like any other and holds nobody else's back.
    """
    taken = inbox.take(run.root)
    if not taken:
        return None
    with tempfile.TemporaryDirectory(prefix=".inbox-", dir=run.root) as place:
        folder = Path(place) / NAME
        folder.mkdir()
        if not _write(taken, folder / "interactions.csv"):
            inbox.done(taken)
            return None
        report = take_up(run, str(folder), None, max_reject_share=1.0)
    inbox.done(taken)
    return report


def _write(taken: list[Path], path: Path) -> int:
    """All rows as one file of the contract; how many."""
    columns = [column.name for column in columns_of(INTERACTIONS)]
    many = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore")
        writer.writeheader()
        for one in taken:
            for row in inbox.rows(one):
                writer.writerow(row)
                many += 1
    return many
