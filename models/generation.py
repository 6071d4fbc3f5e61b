"""What a published folder consists of: a pointer, the manifest it names, and the files that one
names. Files and manifests never change; only the pointer does."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from models.errors import BundleDamaged


@dataclass(frozen=True)
class Needed:
    """A file that a generation needs: its path from the folder, SHA-256, and bytes where known."""

    path: str
    sha256: str
    bytes: int | None = None


@dataclass(frozen=True)
class Generation:
    """One state of a folder: what its pointer says, and the manifest that is named."""

    word: str
    manifest: bytes

    @property
    def pointer(self) -> bytes:
        """The pointer's content."""
        return f"{self.word}\n".encode()

    @property
    def mark(self) -> list[str]:
        """Tells it from every other, even from one of the same name."""
        return [self.word, hashlib.sha256(self.manifest).hexdigest()]


@dataclass(frozen=True)
class Layout:
    """How a folder of one kind is laid out."""

    name: str  # in messages: "the history"
    pointer: str
    word: re.Pattern[str]  # what a pointer may say
    manifest: Callable[[str], str]  # the pointer's word -> the manifest's path
    files: Callable[[str, bytes], Sequence[Needed]]  # word and manifest -> what they need
    ours: re.Pattern[str]  # names at the top that a push may remove at the URL
    keeps_all: bool = False  # every finished generation stays, not only the one before
    hold: Callable[[Path], AbstractContextManager[None]] = lambda folder: nullcontext()
    tidy: Callable[[Path], object] = lambda folder: None  # removes locally what nobody needs

    def read(self, read: Callable[[str], bytes | None], where: str) -> Generation | None:
        """The generation that counts, by a function that reads a path; None where none does.

        Raises `BundleDamaged` where the pointer names none.
        """
        pointer = read(self.pointer)
        if pointer is None:
            return None
        word = pointer.decode("utf-8", "replace").strip()
        manifest = read(self.manifest(word)) if self.word.fullmatch(word) else None
        if manifest is None:
            raise BundleDamaged(
                f"{where}/{self.pointer} says {word[:80]!r}, and there is no such generation. If "
                "somebody is publishing just now, run this again; else restore the file. "
                "Nothing was changed."
            )
        return Generation(word, manifest)

    def needed(self, generation: Generation, where: str) -> list[Needed]:
        """What the generation needs. Raises `BundleDamaged` for a manifest that cannot be read."""
        manifest = f"{where}/{self.manifest(generation.word)}"
        try:
            needed = list(self.files(generation.word, generation.manifest))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise BundleDamaged(
                f"{manifest} cannot be read as a manifest ({error!r}). Restore the file, or "
                "publish again from the home that writes. Nothing was changed."
            ) from error
        for file in needed:
            if file.path.startswith("/") or ".." in file.path.split("/"):
                raise BundleDamaged(
                    f"{manifest} names {file.path!r}, which lies outside its folder: somebody has "
                    "changed it. Restore the file. Nothing was changed."
                )
        return needed
