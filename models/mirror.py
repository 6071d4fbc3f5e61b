"""A local folder and its copy by URL: pulled before it is read, pushed after it was published.

Such a folder holds files that never change and one pointer: it names a manifest, which names
every file. The pointer goes last, both ways, so whoever reads sees the old generation or the new.
Two homes that push at once are kept apart by claims, since object stores have no locks and
pyarrow cannot write on a condition (docs/decisions/0008-urls.md).
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from models.claim import Claim
from models.errors import BundleDamaged, WarmlineError
from models.files import make_folder, replacing, sha256, sync_folder, write_atomically
from models.generation import Generation, Layout, Needed
from models.remote import NotThere, Remote

AT_ONCE = 8  # files on their way at the same time: hides a store's latency, 8 x 4 MB of memory
ATTEMPTS = 3  # of a pull, where others publish meanwhile


@dataclass(frozen=True)
class Transfer:
    """What went over the wire, pointers and manifests included."""

    files: int = 0
    bytes: int = 0

    def __add__(self, other: Transfer) -> Transfer:
        return Transfer(self.files + other.files, self.bytes + other.bytes)


@dataclass(frozen=True)
class Mirror:
    """One local folder and its copy by URL. `record` notes which generation both last shared."""

    layout: Layout
    folder: Path
    remote: Remote
    record: Path

    def pull(self) -> Transfer:
        """Bring the folder to the generation that counts at the URL, where that is a newer one.

        A home that is ahead stays so: its next push goes on. Raises `BundleDamaged` for a file
        that is not what was published, and `WarmlineError` where both sides have changed.
        """
        with self._alone():
            for _ in range(ATTEMPTS - 1):
                try:
                    return self._catch_up()
                except (NotThere, BundleDamaged):
                    # Published twice while we read, and swept? Then there is a newer one by now.
                    continue
            return self._catch_up()

    def push(self, *, now: datetime, keep_former: bool = True) -> Transfer:
        """Publish the folder's generation at the URL; nothing, where it is there already.

        `keep_former=False` leaves nothing of the generation before, which somebody may be reading:
        for an erasure. Killed anywhere, the next push completes it. Raises `Busy` while another
        home pushes, and `WarmlineError` where another has published since this one pulled.
        """
        with self._alone():
            if not self.folder.is_dir():
                return Transfer()
            with self.layout.hold(self.folder):
                return self._publish(now, keep_former)

    def compared(self) -> str:
        """How the folder and its URL stand to each other, in words; changes nothing.

        Raises `WarmlineError` where both have changed or the URL cannot be read.
        """
        ours, theirs = self._ours(), self._theirs()
        if ours == theirs:
            return "the same here and there" if ours else "nothing here or there yet"
        if theirs is not None and (ours is None or ours.mark == self._base(ours)):
            return "newer there, and brought here by the next command that reads it"
        self._refuse_others(theirs, ours)
        return "newer here, and published by the next command that writes it"

    def _publish(self, now: datetime, keep_former: bool) -> Transfer:
        ours, theirs = self._ours(), self._theirs()
        claim = Claim.of(self.remote, self.record)
        if ours is None or (ours != theirs and ours.mark == self._base(ours)):
            return Transfer()  # nothing of our own: what is there may be newer
        if ours == theirs and not claim.held():
            self._note(ours)
            return Transfer()
        self._refuse_others(theirs, ours)
        claim.take(now)
        try:
            theirs = self._theirs()  # again: from here on nobody else publishes
            self._refuse_others(theirs, ours)
        except WarmlineError:
            claim.release()
            raise
        if claim.fresh():
            self._sweep(theirs)  # what a dead push of another home left under the same names
            claim.begin()
        done = Transfer() if ours == theirs else self._send(ours, theirs, claim)
        self._sweep(ours, theirs if keep_former else None)
        claim.release()
        return done

    def _catch_up(self) -> Transfer:
        """Fetch theirs where ours is what both last shared."""
        ours, theirs = self._ours(), self._theirs()
        if theirs is not None and ours == theirs:
            self._note(theirs)
            return Transfer()
        if theirs is not None and (ours is None or ours.mark == self._base(ours)):
            return self._fetch(theirs)
        self._refuse_others(theirs, ours)
        return Transfer()

    def _refuse_others(self, theirs: Generation | None, ours: Generation | None) -> None:
        """Raises where the URL holds neither ours nor what both last shared."""
        mark, base = None if theirs is None else theirs.mark, self._base(ours)
        if mark == base or (theirs is not None and theirs == ours):
            return
        if theirs is None:
            raise WarmlineError(
                f"{self.remote.shown} holds {self.layout.name} no more, though this home has "
                "published or read it there. Restore it, correct the URL under [storage], or "
                f"remove {self.record} to publish anew. Nothing was changed."
            )
        raise WarmlineError(
            f"Another home has published {self.layout.name} at {self.remote.shown} since this one "
            "last read it, and this one has changes of its own. Nothing was overwritten. Let one "
            f"home write; or take theirs: move {self.folder} away, run this again, and bring in "
            "once more what only this home had."
        )

    def _fetch(self, theirs: Generation) -> Transfer:
        """Files that are missing, then the manifest, then the pointer."""
        make_folder(self.folder)
        with self.layout.hold(self.folder):
            self.layout.tidy(self.folder)
            needed, ours = self._needed(theirs), self._ours()
            known = set() if ours is None else {(f.path, f.sha256) for f in self._needed(ours)}
            missing = [file for file in needed if not self._here(file, known)]
            for place in {(self.folder / file.path).parent for file in missing}:
                make_folder(place)
            sizes = list(_at_once(self._download, missing))
            manifest = self.folder / self.layout.manifest(theirs.word)
            make_folder(manifest.parent)
            write_atomically(manifest, theirs.manifest)
            sync_folder(self.folder)
            self._write_note(mark=self._base(ours), coming=theirs.mark)
            write_atomically(self.folder / self.layout.pointer, theirs.pointer)
        self._note(theirs)
        extra = len(theirs.manifest) + len(theirs.pointer)
        return Transfer(len(sizes) + 2, sum(sizes) + extra)

    def _here(self, file: Needed, known: set[tuple[str, str]]) -> bool:
        """Whether the folder has this very file. One that no manifest vouches for is hashed:
        a killed ingest may have left another under the same name."""
        path = self.folder / file.path
        if not path.is_file():
            return False
        return (file.path, file.sha256) in known or sha256(path) == file.sha256

    def _download(self, file: Needed) -> int:
        with replacing(self.folder / file.path) as staged:
            found = self.remote.fetch(file.path, staged)
            size = staged.stat().st_size
            if found != file.sha256 or file.bytes not in (None, size):
                raise BundleDamaged(
                    f"{self.remote.shown}/{file.path} is not the file that was published (its "
                    "checksum differs). Publish again from the home that writes, or restore the "
                    "file. Nothing was changed."
                )
        return size

    def _send(self, ours: Generation, theirs: Generation | None, claim: Claim) -> Transfer:
        """Files that are missing there, then the manifest, then the pointer."""
        needed = self._needed(ours)
        published = {} if theirs is None else {f.path: f.sha256 for f in self._needed(theirs)}
        there = self.remote.entries()

        def missing(file: Needed) -> bool:
            if file.path in published:
                return published[file.path] != file.sha256
            # Not published, so from this very push: all else was swept when it began.
            found = there.get(file.path)
            return found is None or found.bytes != (self.folder / file.path).stat().st_size

        sizes = []
        for size in _at_once(self._upload, [file for file in needed if missing(file)]):
            sizes.append(size)
            claim.renew(size)
        self.remote.put(self.layout.manifest(ours.word), ours.manifest)
        self.remote.put(self.layout.pointer, ours.pointer)
        self._note(ours)
        extra = len(ours.manifest) + len(ours.pointer)
        return Transfer(len(sizes) + 2, sum(sizes) + extra)

    def _upload(self, file: Needed) -> int:
        self.remote.send(self.folder / file.path, file.path)
        return (self.folder / file.path).stat().st_size

    def _sweep(self, *kept: Generation | None) -> None:
        """Remove at the URL what is ours and no generation of `kept` needs."""
        there = self.remote.entries()
        keep = {file.path for each in kept if each for file in self._needed(each)}
        keep |= {self.layout.manifest(each.word) for each in kept if each}
        if self.layout.keeps_all:
            whole = {path.split("/")[0] for path in there if path == _manifest_beside(path)}
            keep |= {path for path in there if path.split("/")[0] in whole}
        dead = {
            path for path in there
            if path not in keep and self.layout.ours.fullmatch(path.split("/")[0])
        }  # fmt: skip
        living = {path.split("/")[0] for path in there.keys() - dead}
        for folder in sorted({path.split("/")[0] for path in dead if "/" in path} - living):
            self.remote.remove_folder(folder)
        for path in sorted(dead):
            if "/" not in path or path.split("/")[0] in living:
                self.remote.remove(path)

    def _needed(self, generation: Generation) -> list[Needed]:
        return self.layout.needed(generation, self.remote.shown)

    def _theirs(self) -> Generation | None:
        return self.layout.read(self.remote.read, self.remote.shown)

    def _ours(self) -> Generation | None:
        return self.layout.read(lambda path: _read(self.folder / path), str(self.folder))

    def _base(self, ours: Generation | None) -> list[str] | None:
        """The mark of the generation that this home and the URL last shared."""
        content = _read(self.record)
        note: dict[str, Any] = {} if content is None else json.loads(content)
        if note.get("at") != self.remote.shown:
            return None
        mark: list[str] | None = note["mark"]
        coming: list[str] | None = note.get("coming")  # a pull was killed just before its end
        return coming if ours is not None and coming == ours.mark else mark

    def _note(self, shared: Generation) -> None:
        if self._base(None) != shared.mark:
            self._write_note(mark=shared.mark)

    def _write_note(self, **marks: list[str] | None) -> None:
        note = {"at": self.remote.shown, **marks}
        write_atomically(self.record, json.dumps(note).encode() + b"\n")

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One pull or push of this folder at a time on this machine; a second one waits."""
        make_folder(self.record.parent)
        with (self.record.parent / "lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def _at_once(work: Callable[[Needed], int], files: Iterable[Needed]) -> Iterator[int]:
    """`work` on each of `files`, several at the same time; the first error ends it."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        futures = [pool.submit(work, file) for file in files]
        try:
            for future in futures:
                yield future.result()
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def _manifest_beside(path: str) -> str:
    return f"{path.split('/')[0]}/manifest.json"


def _read(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None
