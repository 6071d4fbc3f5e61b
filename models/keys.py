"""API keys: made once, shown once, kept as hashes in the home's `keys.json`.

A key is `wl_ID_SECRET`. The secret has 256 random bits, so that one round of SHA-256 is enough:
there is nothing to guess (NIST SP 800-63B, 5.1.1.2, is about secrets that people choose).
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Literal

from models.errors import WarmlineError, WrongUsage
from models.files import replacing, stamp

FILE = "keys.json"
SCOPES = ("score", "read", "work", "admin")
ANY = "any"  # asked for by what every key opens
# The unit in which a caller reads `Retry-After`; HubSpot's workflows take it for milliseconds.
UNITS = ("seconds", "milliseconds")
Unit = Literal["seconds", "milliseconds"]
_KEY = re.compile(r"wl_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")


@dataclass(frozen=True)
class Key:
    """What is kept of a key. An `admin` key may do everything."""

    id: str
    name: str
    scopes: tuple[str, ...]
    hash: str  # SHA-256 of the secret
    created_at: str  # ISO 8601, UTC
    per_minute: int | None = None  # calls; None: no limit
    retry_after: Unit = "seconds"
    revoked_at: str | None = None

    def may(self, scope: str) -> bool:
        """Whether the key opens what asks for this scope."""
        return scope == ANY or scope in self.scopes or "admin" in self.scopes

    def line(self, used: str | None) -> str:
        """The key in words; `used`: when it last was."""
        state = f"revoked {self.revoked_at}" if self.revoked_at else f"last used {used or 'never'}"
        limit = f", {self.per_minute} calls a minute" if self.per_minute else ""
        return f"{self.id}  {self.name}: {', '.join(self.scopes)}{limit}; {state}"


def create(
    home: Path,
    *,
    name: str,
    scopes: Sequence[str],
    now: datetime,
    per_minute: int | None = None,
    retry_after: Unit = "seconds",
) -> tuple[Key, str]:
    """A new key and its text, which is kept nowhere. Raises `WrongUsage` for an unknown scope."""
    if unknown := sorted(set(scopes) - set(SCOPES)):
        raise WrongUsage(f"there is no scope {unknown[0]!r}: known are {', '.join(SCOPES)}.")
    if not scopes:
        raise WrongUsage(f"a key needs a scope: {', '.join(SCOPES)}.")
    secret = secrets.token_urlsafe(32)
    kept = tuple(scope for scope in SCOPES if scope in scopes)
    at = now.isoformat(timespec="seconds")
    key = Key(secrets.token_hex(6), name, kept, _hash(secret), at, per_minute, retry_after)
    _write(home, [*read(home), key])
    return key, f"wl_{key.id}_{secret}"


def revoke(home: Path, key_id: str, *, now: datetime) -> Key:
    """The key opens nothing from now on. Raises `WarmlineError` where there is none."""
    known = {key.id: key for key in read(home)}
    if key_id not in known:
        raise WarmlineError(f"there is no key {key_id!r}: `warmline keys list` shows all.")
    at = known[key_id].revoked_at or now.isoformat(timespec="seconds")
    known[key_id] = replace(known[key_id], revoked_at=at)
    _write(home, list(known.values()))
    return known[key_id]


def read(home: Path) -> list[Key]:
    """All keys, revoked ones too, in the order they were made."""
    path = home / FILE
    if not path.exists():
        return []
    told = json.loads(path.read_text(encoding="utf-8"))
    return [Key(**{**one, "scopes": tuple(one["scopes"])}) for one in told]


def last_used(home: Path) -> dict[str, str]:
    """When each key was last used, ISO 8601 in UTC, to the minute."""
    from datetime import UTC

    return {
        path.name: datetime.fromtimestamp(path.stat().st_mtime, UTC).isoformat(timespec="minutes")
        for path in (home / "keys").glob("*")
    }


class Keyring:
    """The keys as they stand, for a process that serves; sees a change at once."""

    TOUCH_SECONDS = 60.0  # how exact "last used" is

    def __init__(self, home: Path) -> None:
        self._home = home
        self._file = str(home / FILE)
        self._keys: Mapping[str, Key] = {}
        self._stamp: tuple[int, int] | None = None
        self._used: dict[str, float] = {}

    def find(self, text: str, clock: float) -> Key | None:
        """The key whose text this is; None for an unknown or revoked one.

        `clock`: seconds of a clock that only goes forward.
        """
        self._refresh()
        parts = _KEY.fullmatch(text)
        key = self._keys.get(parts[1]) if parts else None
        # Compared for unknown ids as well, so that time does not tell which ones there are.
        same = hmac.compare_digest(_hash(parts[2] if parts else ""), key.hash if key else "0" * 64)
        if key is None or not same or key.revoked_at:
            return None
        self._touch(key, clock)
        return key

    def _refresh(self) -> None:
        """Reads the file where it is another: to look takes 2 microseconds."""
        there = stamp(self._file)
        if there != self._stamp:
            self._keys = {key.id: key for key in read(self._home)}
            self._stamp = there

    def _touch(self, key: Key, clock: float) -> None:
        if clock - self._used.get(key.id, -self.TOUCH_SECONDS) < self.TOUCH_SECONDS:
            return
        self._used[key.id] = clock
        folder = self._home / "keys"
        folder.mkdir(exist_ok=True)
        (folder / key.id).touch()


class Allowance:
    """A token bucket: calls a minute, of which half may come at once."""

    def __init__(self, per_minute: float) -> None:
        self._a_second = per_minute / 60.0
        self._most = max(per_minute / 2.0, 1.0)
        self._left, self._at = self._most, float("-inf")

    def take(self, clock: float) -> float:
        """0 where a call is allowed; else the seconds until the next one is."""
        if self._at > float("-inf"):
            self._left = min(self._most, self._left + (clock - self._at) * self._a_second)
        self._at = clock
        if self._left >= 1.0:
            self._left -= 1.0
            return 0.0
        return (1.0 - self._left) / self._a_second


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _write(home: Path, keys: Sequence[Key]) -> None:
    with replacing(home / FILE) as staged:
        staged.touch(mode=0o600)
        staged.write_text(json.dumps([asdict(key) for key in keys], indent=1), encoding="utf-8")
