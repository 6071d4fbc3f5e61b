"""One run at a time: an exclusive lock that the kernel gives back when a run dies."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from models.errors import Busy

LOOK_AGAIN_SECONDS = 0.2


@contextmanager
def exclusive(path: Path, what: str, wait: float = 0.0) -> Iterator[None]:
    """Hold `path` while the block runs.

    Where another run holds it, look again for `wait` seconds, then raise `Busy`.
    """
    with path.open("a") as handle:
        until = time.monotonic() + wait
        while not _taken(handle):
            if time.monotonic() >= until:
                waited = f", and still after {wait:g} s" if wait else ""
                raise Busy(
                    f"another {what} is running on {path.parent}{waited}. Wait for it to end, then "
                    "run this again. Nothing was changed."
                )
            time.sleep(LOOK_AGAIN_SECONDS)
        yield


def _taken(handle: IO[str]) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
