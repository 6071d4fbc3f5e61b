"""What a model was made from, so that it can be made again: data, code, packages."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from models.files import sha256
from models.version import VERSION

if TYPE_CHECKING:
    from models.dataset import Dataset

LOCK = Path(__file__).parents[1] / "uv.lock"  # beside the packages, in a clone and a container


@dataclass(frozen=True)
class Provenance:
    """The same of all of these, and the same seed: the same model, to the byte."""

    data_fingerprint: str  # SHA-256 of the rows learned from
    history_generation: int
    lock_hash: str  # SHA-256 of the lock file, or of the installed packages
    lock_of: str  # "uv.lock" | "installed packages"
    code_version: str
    python_version: str

    @classmethod
    def of(
        cls, data: Dataset, history_generation: int, more: Iterable[NDArray[Any]] = ()
    ) -> Provenance:
        """Of a training on `data` from that generation of the history, and on `more` columns."""
        lock_hash, lock_of = packages()
        return cls(
            data_fingerprint=fingerprint(data, more),
            history_generation=history_generation,
            lock_hash=lock_hash,
            lock_of=lock_of,
            code_version=VERSION,
            python_version=platform.python_version(),
        )


def fingerprint(data: Dataset, more: Iterable[NDArray[Any]] = ()) -> str:
    """SHA-256 of features by name, rows, labels, surrogates, weights and `more` that is learned
    from; any changed value changes it."""
    digest = hashlib.sha256("\n".join(feature.name for feature in data.features).encode())
    told = data.y, data.customer, data.as_of, data.leaves_in, data.surrogates, data.weight
    for column in (data.X, *told, *more):
        if column is None:
            continue
        digest.update(f"{column.shape} {column.dtype}".encode())
        digest.update(np.ascontiguousarray(column).data)
    return digest.hexdigest()


@cache
def packages(lock: Path = LOCK) -> tuple[str, str]:
    """A hash of the packages at work, and what it is a hash of."""
    if lock.exists():
        return sha256(lock), lock.name
    from importlib.metadata import distributions

    found = sorted({f"{one.name.lower()}=={one.version}" for one in distributions()})
    return hashlib.sha256("\n".join(found).encode()).hexdigest(), "installed packages"
