"""Rows on their way: posted when they are made, delivered on the first night after they arrive."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data_samples.export import write_table

ARRIVES, PLACE = "_arrives", "_place"


@dataclass
class Mail:
    """Waiting rows by table and source. What is delivered does not depend on who asks how often."""

    _waiting: dict[tuple[str, str], list[pd.DataFrame]] = field(default_factory=dict)

    def post(
        self,
        table: str,
        source: str,
        rows: pd.DataFrame,
        arrives: NDArray[np.int64],
        place: NDArray[np.int64] | None = None,
    ) -> None:
        """n rows that arrive at second `arrives` (n,); `place` orders rows that arrive together."""
        if not len(rows):
            return
        rows = rows.assign(**{ARRIVES: arrives, PLACE: 0 if place is None else place})
        self._waiting.setdefault((table, source), []).append(rows)

    def deliver(self, folder: Path, before: int) -> None:
        """Write what arrived before second `before` into `folder`, one file a table and source.

        The folder must be new: what was delivered is never written over.
        """
        folder.mkdir(parents=True)
        for (table, source), blocks in sorted(self._waiting.items()):
            rows = pd.concat(blocks, ignore_index=True) if len(blocks) > 1 else blocks[0]
            arrived = rows[ARRIVES] < before
            self._waiting[table, source] = [rows[~arrived]] if not arrived.all() else []
            if arrived.any():
                due = rows[arrived].sort_values([ARRIVES, PLACE], kind="stable")
                due = due.drop(columns=[ARRIVES, PLACE])
                if "source" not in due:  # `feed_gaps` name the source that they are about
                    due = due.assign(source=source)
                write_table(folder / f"{table}-{source}.parquet", due, "parquet")
        self._waiting = {key: blocks for key, blocks in self._waiting.items() if blocks}
