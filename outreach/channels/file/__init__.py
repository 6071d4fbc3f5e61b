"""File drop: one CSV file a message in a folder, for a program that takes it from there."""

from __future__ import annotations

import csv
import re
from pathlib import Path

from models.files import make_folder, replacing
from outreach.channels import Outgoing, Result, Sent

# As in outreach/worklist.py; within a text only what every spreadsheet takes for a formula, since a
# program may pass the words on, and `-` and `+49` begin lines of letters.
FORMULA = r"(?:[\t\r\n]|[\x00-\x20\uFEFF\u200B]*[=+\-@＝＋－＠])"
WITHIN = r"([;|\t\r\n][\x00-\x20\"]*)([=＝])"
COLUMNS = (
    "id", "customer_id", "channel", "purpose", "address", "name", "from_name", "language",
    "subject", "text",
)  # fmt: skip


class Drop:
    """Writes into `folder`. A file that is there already is the same message."""

    repeatable = True

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def deliver(self, message: Outgoing) -> Result:
        """See `Transport`. The file is there whole or not at all."""
        make_folder(self._folder)
        with replacing(self._folder / f"{message.id}.csv") as staged:
            staged.touch(mode=0o600)
            with staged.open("w", encoding="utf-8", newline="") as file:
                write = csv.writer(file, quoting=csv.QUOTE_ALL)
                write.writerow(COLUMNS)
                write.writerow(safe(getattr(message, name)) for name in COLUMNS)
        return Sent()

    def close(self) -> None:
        """See `Transport`."""


def safe(cell: str | None) -> str:
    """What a spreadsheet would run as a formula is led by an apostrophe."""
    text = re.sub(WITHIN, r"\1'\2", cell or "")
    return f"'{text}" if re.match(FORMULA, text) else text
