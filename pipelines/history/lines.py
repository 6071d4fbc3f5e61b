"""Where in a CSV file something is: looked up only when there is something to report."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

BLOCK = 1 << 20


def open_bytes(path: Path) -> BinaryIO:
    """The file's content, unpacked."""
    return gzip.open(path) if path.suffix == ".gz" else path.open("rb")  # type: ignore[return-value]


def lines_of_records(path: Path, records: Iterable[int], width: int) -> dict[int, int]:
    """The line on which each of `records` starts; records of `width` fields are counted, from 0.

    Lines are counted as an editor does, from 1, header and line ends within quotes included.
    """
    from pipelines.history.sources import open_text

    wanted, found = set(records), {}
    csv.field_size_limit(1 << 24)
    with open_text(path) as file:
        reader = csv.reader(file)
        next(reader, None)
        record, before = 0, reader.line_num
        for row in reader:
            if len(row) == width:
                if record in wanted:
                    found[record] = before + 1
                    if len(found) == len(wanted):
                        break
                record += 1
            before = reader.line_num
    return found


def lines_of_bytes(path: Path, positions: Iterable[int]) -> dict[int, int]:
    """The line of each byte position; a position on an empty line means the next that is not."""
    found: dict[int, int] = {}
    line, offset = 1, 0
    waiting = sorted(set(positions), reverse=True)
    with open_bytes(path) as file:
        for text in file:
            offset += len(text)
            while waiting and waiting[-1] < offset and text.strip():
                found[waiting.pop()] = line
            line += 1
    return found


def not_utf8(path: Path, label: str) -> str:
    """The message for a file in another encoding, naming the first byte that shows it."""
    line, offset = 1, 0
    with open_bytes(path) as file:
        for text in file:
            try:
                text.decode()
            except UnicodeDecodeError as error:
                place = offset + error.start
                break
            line, offset = line + 1, offset + len(text)
        else:
            place = offset
    return (
        f"{label} is not UTF-8: byte {place}, on line {line}, belongs to another encoding.\n"
        "Convert the file, for example `iconv -f WINDOWS-1252 -t UTF-8`. A wrong encoding is the"
        " file's fault, not a row's, so nothing of it was read. Nothing was changed."
    )
