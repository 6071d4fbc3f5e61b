"""What the file system refuses, said in one clear line."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from models.errors import WarmlineError

MEANINGS = {
    errno.ENOSPC: "the disk is full: make room, then run it again",
    errno.EDQUOT: "the disk quota is used up: make room, then run it again",
    errno.EFBIG: "a file would pass the size that this process may write: raise the limit",
    errno.EROFS: "the disk is mounted read-only: name another home, or mount it writable",
    errno.EACCES: "permission denied: run it as the owner of the home",
    errno.EPERM: "permission denied: run it as the owner of the home",
}
# DuckDB gives the system's own words, not its number.
WORDS = {
    "no space left": errno.ENOSPC, "disk quota": errno.EDQUOT, "file too large": errno.EFBIG,
    "read-only file system": errno.EROFS, "permission denied": errno.EACCES,
    "out of disk space": errno.ENOSPC,
}  # fmt: skip


@contextmanager
def said_plainly(folder: Path) -> Iterator[None]:
    """Turns a refusal of the file system into a `WarmlineError` that says what to do."""
    import duckdb

    try:
        yield
    except OSError as error:
        raise _refused(folder, error.errno, str(error)) from error
    except duckdb.Error as error:
        text = str(error).lower()
        number = next((code for words, code in WORDS.items() if words in text), None)
        if number is None and not isinstance(error, duckdb.IOException):
            raise
        raise _refused(folder, number, str(error)) from error


def _refused(folder: Path, number: int | None, text: str) -> WarmlineError:
    meaning = MEANINGS.get(number or 0, text.splitlines()[0] if text else "unknown")
    return WarmlineError(f"{folder} cannot be written or its source read: {meaning}."
                         " Nothing was changed.")  # fmt: skip
