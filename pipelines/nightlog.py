"""What happens in the nights, one JSON object a line, one file a month: logs/nightly-2026-07.jsonl.

Names of steps, seconds and counts. Never an id, a name or a word of a customer: of what a step
tells, only numbers are kept.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

FACTS_DEEP = 6  # what steps tell is not nested deeper


@dataclass(frozen=True)
class NightLog:
    """Appends to the log of the month of each event."""

    folder: Path

    def write(self, at: datetime, event: str, **facts: object) -> None:
        """One line; `at` in UTC. A log that cannot be written never fails a night."""
        line = json.dumps({"time": at.isoformat(), "event": event, **facts}, default=str)
        try:
            self.folder.mkdir(exist_ok=True)
            # One write to a file opened for appending: lines of two processes never mix.
            path = self.folder / f"nightly-{at:%Y-%m}.jsonl"
            descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
            try:
                os.write(descriptor, line.encode() + b"\n")
            finally:
                os.close(descriptor)
        except OSError:
            return


def numbers(facts: Mapping[str, Any], deep: int = FACTS_DEEP) -> dict[str, Any]:
    """The numbers of what a step tells, by name; everything else could be about a person."""
    kept: dict[str, Any] = {}
    for name, value in facts.items():
        if isinstance(value, bool | int | float):
            kept[name] = value
        elif isinstance(value, Mapping) and deep:
            inner = numbers(value, deep - 1)
            if inner:
                kept[name] = inner
    return kept
