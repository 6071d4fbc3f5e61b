"""`inbox/`: interactions from the endpoint and from outreach, until the next ingest takes them up.

inbox/WRITER-2026-07-01.jsonl   one JSON object a line, one file a writer and day
inbox/taken/...                 what an ingest is taking up; it goes when that is done

A row is on disk before its writer is told so. A line that a crash cut off was never acknowledged.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from models.files import make_folder, sync_folder

FOLDER = "inbox"
TAKEN = "taken"


def add(home: Path, writer: str, rows: Iterable[Mapping[str, Any]], *, now: datetime) -> int:
    """Rows of the contract's table `interactions`, on disk when this returns, and how many.

    `now`: UTC. Cut off, it may leave some of them.
    """
    folder = home / FOLDER
    make_folder(folder)
    path = folder / f"{writer}-{now.date()}.jsonl"
    with _locked(path) as descriptor:
        if (
            os.fstat(descriptor).st_size
            and os.pread(descriptor, 1, os.fstat(descriptor).st_size - 1) != b"\n"
        ):
            os.write(descriptor, b"\n")  # what a crash cut off stays a line of its own
        many = 0
        for some in _some(rows):
            many += len(some)
            content = "".join(
                json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n" for row in some
            ).encode()
            while content:
                content = content[os.write(descriptor, content) :]
        os.fsync(descriptor)
    sync_folder(folder)
    return many


def _some(rows: Iterable[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    """A thousand at a time, however many there are."""
    left = iter(rows)
    while some := list(islice(left, 1000)):
        yield some


def take(home: Path) -> list[Path]:
    """What is there to be taken up, set aside so that no writer adds to it any more."""
    folder = home / FOLDER
    for path in sorted(folder.glob("*.jsonl")):
        make_folder(folder / TAKEN)
        with _locked(path):
            path.rename(folder / TAKEN / f"{path.stem}-{secrets.token_hex(4)}.jsonl")
    return sorted((folder / TAKEN).glob("*.jsonl"))


def rows(path: Path) -> Iterator[dict[str, Any]]:
    """The rows of a file that `take` gave, without what a crash cut off."""
    with path.open("rb") as file:
        for line in file:
            try:
                row = json.loads(line)
            except ValueError:
                continue
            yield row


def done(paths: Sequence[Path]) -> None:
    """They were taken up: they go."""
    for path in paths:
        path.unlink(missing_ok=True)


@contextmanager
def _locked(path: Path) -> Iterator[int]:
    """The file for adding, locked; made where it is not there."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if _is_at(descriptor, path):
                yield descriptor
                return
        finally:
            os.close(descriptor)


def _is_at(descriptor: int, path: Path) -> bool:
    """Whether the file still lies there: it may have been taken while its lock was waited for."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
