"""A folder by URL, through pyarrow's file systems: read, write, list, remove.

Any URL that `pyarrow.fs.FileSystem.from_uri` takes. What a URL may carry besides its address (a
key, a password, a signature) never appears in a message: `shown` is the address alone.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

from models.errors import WarmlineError
from models.files import make_folder, replacing, write_atomically

if TYPE_CHECKING:
    from pyarrow.fs import FileSystem

GUIDE = "docs/guides/urls.md"
CHUNK = 4 << 20  # bytes held in memory for each file on its way
# Options of a URL that say where a server is, not who we are: they may be seen. Source: the
# `FromUri` of each of Arrow's file systems.
PUBLIC_OPTIONS = frozenset({"endpoint_override", "scheme", "region", "user"})
# What S3, Google and Azure answer to a caller they do not know or do not let in.
REFUSED = (
    "ACCESS_DENIED", "AccessDenied", "InvalidAccessKeyId", "INVALID_ACCESS_KEY_ID",
    "SignatureDoesNotMatch", "SIGNATURE_DOES_NOT_MATCH", "INVALID_CLIENT_TOKEN_ID",
    "HTTP status 401", "HTTP status 403", "HTTP response code: 403", "HTTP 403", "HTTP 401",
    "PERMISSION_DENIED", "UNAUTHENTICATED", "credentials", "Permission denied",
)  # fmt: skip


class NotThere(WarmlineError):
    """A file that a generation needs is not at the URL."""


@dataclass(frozen=True)
class Entry:
    """A file in a listing: its bytes, and when it was last written (by the store's clock)."""

    bytes: int
    written: datetime | None


@dataclass(frozen=True)
class Remote:
    """One folder by URL. Its errors are `WarmlineError`: what failed, and what to do."""

    shown: str
    files: FileSystem = field(repr=False)
    root: str
    secrets: tuple[str, ...] = field(repr=False, default=())

    @classmethod
    def open(cls, url: str) -> Remote:
        """The folder at `url`. Raises where the URL is none, or its bucket or folder is missing."""
        from pyarrow import fs

        shown, secrets = _shown(url), _secrets(url)
        with _said(shown, (url, *secrets), "opened"):
            files, root = fs.FileSystem.from_uri(_with_whole_writes(url))
        remote = cls(shown, files, root.rstrip("/"), (url, *secrets))
        remote._require()
        return remote

    def under(self, name: str) -> Remote:
        """The folder `name` in this one, which need not exist yet."""
        return Remote(f"{self.shown}/{name}", self.files, f"{self.root}/{name}", self.secrets)

    def read(self, path: str) -> bytes | None:
        """The whole of a small file, or None where there is none."""
        with self._said("read"):
            try:
                with self.files.open_input_stream(self._at(path)) as stream:
                    content: bytes = stream.read()
                    return content
            except FileNotFoundError:
                return None

    def fetch(self, path: str, target: Path) -> str:
        """Copy a file to `target`; its SHA-256. Raises `NotThere` where there is none."""
        digest = hashlib.sha256()
        with self._said("read"):
            try:
                stream = self.files.open_input_stream(self._at(path))
            except FileNotFoundError:
                raise NotThere(
                    f"{self.shown}/{path} is missing. Publish again from the home that writes, or "
                    "restore the file. Nothing was changed."
                ) from None
        with stream, target.open("wb") as file:
            while True:
                with self._said("read"):
                    chunk = stream.read(CHUNK)
                if not chunk:
                    return digest.hexdigest()
                digest.update(chunk)
                file.write(chunk)

    def put(self, path: str, content: bytes) -> None:
        """A small file, visible in one step."""
        with self._said("written"):
            if self._local:
                make_folder(self._path(path).parent)
                write_atomically(self._path(path), content)
                return
            with self.files.open_output_stream(self._at(path)) as stream:
                stream.write(content)

    def send(self, source: Path, path: str) -> None:
        """Copy the local file `source` to `path`, visible in one step."""
        with self._said("written"):
            if self._local:
                make_folder(self._path(path).parent)
                with replacing(self._path(path)) as staged:
                    shutil.copyfile(source, staged)
                return
            with source.open("rb") as file, self.files.open_output_stream(self._at(path)) as stream:
                while chunk := file.read(CHUNK):
                    stream.write(chunk)

    def entries(self) -> dict[str, Entry]:
        """Every file in the folder and below it, by its path from here."""
        return {
            info.path[len(self.root) + 1 :]: Entry(info.size, info.mtime)
            for info in self._infos(recursive=True)
            if info.is_file
        }

    def folders(self) -> list[str]:
        """Names of the folders right in this one."""
        return [info.base_name for info in self._infos(recursive=False) if not info.is_file]

    def remove(self, path: str) -> None:
        """Remove a file; one that is gone already is no error."""
        with self._said("written"):
            try:
                self.files.delete_file(self._at(path))
            except FileNotFoundError:
                return

    def remove_folder(self, name: str) -> None:
        """Remove the folder `name` with all that is in it."""
        with self._said("written"):
            self.files.delete_dir(self._at(name))

    def _infos(self, recursive: bool) -> list[Any]:
        from pyarrow import fs

        selector = fs.FileSelector(self.root, recursive=recursive, allow_not_found=True)
        with self._said("listed"):
            return list(self.files.get_file_info(selector))

    def _require(self) -> None:
        """A missing bucket and an unmounted disk look just like a folder still empty: so ask."""
        from pyarrow import fs

        place = self.root if self._local else self.root.split("/", 1)[0]
        with self._said("read"):
            found = self.files.get_file_info(place).type
        if found != fs.FileType.Directory:
            if self._local:
                what = f"folder at {self.shown}: mount it or make it"
            else:
                what = f"bucket or container {place!r}: make it or correct the name"
            raise WarmlineError(f"There is no {what} ({GUIDE}). Nothing was changed.")

    @property
    def _local(self) -> bool:
        """A mounted disk: written through our own functions, which also survive a power cut."""
        return bool(self.files.type_name == "local")

    def _at(self, path: str) -> str:
        return f"{self.root}/{path}"

    def _path(self, path: str) -> Path:
        return Path(self.root) / path

    @contextmanager
    def _said(self, done: str) -> Iterator[None]:
        with _said(self.shown, self.secrets, done):
            yield


@contextmanager
def _said(shown: str, secrets: tuple[str, ...], done: str) -> Iterator[None]:
    """Has what the file system raises say in one line what to do, and no secret."""
    from pyarrow import ArrowException

    try:
        yield
    except WarmlineError:
        raise
    except (OSError, ArrowException, ValueError) as error:
        lines = str(error).strip().splitlines()
        words = lines[0] if lines else type(error).__name__
        for secret in sorted(secrets, key=len, reverse=True):
            words = words.replace(secret, "***")
        if any(sign in words for sign in REFUSED):
            advice = (
                "The credentials are missing or do not suffice: set them where the store's own "
                f"tools look for them, such as AWS_ACCESS_KEY_ID, or a profile ({GUIDE})."
            )
        else:
            advice = (
                "Check the URL under [storage], the bucket, the credentials and the network "
                f"({GUIDE})."
            )
        # `from None`: the original words may hold what the URL holds, and --verbose shows chains.
        raise WarmlineError(
            f"{shown} cannot be {done}: {words.rstrip('.')}. {advice} "
            "What was published before still stands."
        ) from None


def _with_whole_writes(url: str) -> str:
    """S3: one request a small file, where Arrow by itself makes three (begin, part, end)."""
    if not url.startswith("s3://") or "allow_delayed_open=" in url:
        return url
    return f"{url}{'&' if '?' in url else '?'}allow_delayed_open=true"


def _shown(url: str) -> str:
    """The URL without user, password and options."""
    if "://" not in url:
        return url.split("?", 1)[0].rsplit("@", 1)[-1].rstrip("/")
    scheme, rest = url.split("://", 1)
    address = rest.split("?", 1)[0]
    host, _, path = address.partition("/")
    if scheme.startswith("abfs"):  # abfs://container@account.host/path: the first part is no user
        user, at, host = host.rpartition("@")
        host = f"{user.split(':', 1)[0]}{at}{host}"
    else:
        host = host.rsplit("@", 1)[-1]
    return f"{scheme}://{host}/{path}".rstrip("/")


def _secrets(url: str) -> tuple[str, ...]:
    """Everything in the URL that a message must not repeat."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ()
    user, _, password = parts.netloc.rpartition("@")[0].partition(":")
    found = [password] if parts.scheme.startswith("abfs") else [user, password]
    found += [value for key, value in parse_qsl(parts.query) if key not in PUBLIC_OPTIONS]
    return tuple({form for word in found if word for form in (word, unquote(word))})
