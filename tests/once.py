"""What several test workers look at is made by one of them."""

from __future__ import annotations

import fcntl
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

T = TypeVar("T")


def once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], T]) -> T:
    """What `make` gave for a new folder of the session; another worker waits and reads it."""
    ours = factory.getbasetemp()
    place = (ours.parent if "PYTEST_XDIST_WORKER" in os.environ else ours) / f"{name}-of-all"
    place.mkdir(exist_ok=True)
    made = place / "made.pickle"
    with (place / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            folder = place / "folder"
            folder.mkdir()
            made.write_bytes(pickle.dumps(make(folder)))
    found: T = pickle.loads(made.read_bytes())  # noqa: S301 - written by this very session
    return found
