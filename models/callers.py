"""Whose call it is: the key that a caller sends, what it may do and how often."""

from __future__ import annotations

import time
from pathlib import Path

from models.keys import Allowance, Key, Keyring
from models.problems import Problem


class Callers:
    """The callers of the home at `root`. Each of `workers` processes has its share of a key's
    calls a minute."""

    def __init__(self, root: Path, workers: int = 1) -> None:
        self._keys, self._workers = Keyring(root), workers
        self._allowances: dict[str, Allowance] = {}

    def key(self, authorization: str) -> Key | None:
        """The key of the header `Authorization: Bearer wl_...`; None without a valid one."""
        kind, _, text = authorization.partition(" ")
        return self._keys.find(text.strip(), time.monotonic()) if kind.lower() == "bearer" else None

    def spend(self, key: Key) -> None:
        """Counts the call against the key's limit. Raises `Problem` where it is used up."""
        if key.per_minute is None:
            return
        allowance = self._allowances.setdefault(key.id, Allowance(key.per_minute / self._workers))
        wait = allowance.take(time.monotonic())
        if wait > 0:
            words = f"This key may call {key.per_minute} times a minute."
            raise Problem(429, words, retry_after=wait)


def require(key: Key | None, scope: str) -> Key:
    """The key, which opens what asks for `scope`. Raises `Problem` where there is none, or it does
    not."""
    if key is None:
        challenge = {"WWW-Authenticate": 'Bearer realm="warmline"'}
        raise Problem(401, "A valid key is needed: `Authorization: Bearer wl_...`.",
                      headers=challenge)  # fmt: skip
    if not key.may(scope):
        raise Problem(403, f"This key does not have the scope `{scope}`.")
    return key
