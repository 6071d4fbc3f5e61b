"""Files that are written whole or not at all, and stay written when the power goes."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

SYNCED_AT_ONCE = 8
FOLDER = os.O_RDONLY | os.O_DIRECTORY


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A staged file beside `path` to write to; it takes `path`'s place in one step at the end.

    When the block fails, the staged file goes and `path` is what it was. The folder must exist.
    """
    staged = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        yield staged
        sync_file(staged)
        staged.replace(path)
    except BaseException:
        staged.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def write_atomically(path: Path, content: bytes) -> None:
    """`content` as the whole of `path`, in one step."""
    with replacing(path) as staged:
        staged.write_bytes(content)


def append_line(path: Path, line: bytes) -> None:
    """One line more at the end of `path`, on disk when this returns. The folder must exist."""
    # One write to a file opened for appending: a crash leaves the line or nothing of it.
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
    try:
        os.write(descriptor, line + b"\n")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    sync_folder(path.parent)


def make_folder(folder: Path) -> None:
    """`folder` and its missing parents, each entry on disk before this returns."""
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for place in reversed(missing):
        sync_folder(place.parent)


def sync_file(path: Path) -> None:
    """What was written to `path` is on disk when this returns."""
    _sync(path, os.O_RDWR)


def sync_folder(folder: Path) -> None:
    """The names in `folder` are on disk when this returns."""
    _sync(folder, FOLDER)


def sync_tree(folder: Path) -> None:
    """All files in `folder` and below, and their names, are on disk when this returns.

    Several at a time, so that the file system writes its journal once for many of them.
    """
    found: list[tuple[str, int]] = []
    for place, _, names in os.walk(folder):
        found.append((place, FOLDER))
        found += [(os.path.join(place, name), os.O_RDWR) for name in names]  # noqa: PTH118 - many
    with ThreadPoolExecutor(SYNCED_AT_ONCE) as pool:
        list(pool.map(lambda one: _sync(*one), found))


def stamp(path: Path | str) -> tuple[int, int] | None:
    """Another one once a file was replaced or written to; None where there is none."""
    try:
        facts = os.stat(path)  # noqa: PTH116 - who asks at each call makes no path anew
    except FileNotFoundError:
        return None
    return facts.st_mtime_ns, facts.st_ino


def sha256(path: Path) -> str:
    """The file's SHA-256, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(path: Path | str, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
