"""One run at a time: an exclusive lock that the kernel gives back when a run dies."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from models.errors import Busy


@contextmanager
def exclusive(path: Path, what: str) -> Iterator[None]:
    """Hold `path` while the block runs. Raises `Busy` where another run holds it."""
    with path.open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Busy(
                f"another {what} is running on {path.parent}. Wait for it to end, then run this "
                "again. Nothing was changed."
            ) from None
        yield
