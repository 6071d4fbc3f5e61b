"""The compiled pass made ready before anybody waits for it.

Compiling takes about a minute, once for an installation: what was compiled is kept in a cache
(`models.compiling`). A worker that serves loads it before its first call.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from models.contracts import DAY, KIND_CODE
from models.settings import Features, Promises
from pipelines.features import contract_pass, kernel, matrix
from pipelines.features.engine import FEW_ROWS
from pipelines.history import decoding, placing
from pipelines.history.events import ABSENT, DTYPES, NEVER, Events
from pipelines.history.ordering import merged
from pipelines.history.partfiles import read_coded, write_coded
from pipelines.history.rooms import Rooms
from pipelines.history.terms import Terms

BEGIN = 1_700_000_000  # any time will do


@dataclass(frozen=True)
class Warmth:
    """What making ready took."""

    loaded: int  # compiled functions that came from the cache
    compiled: int  # that had to be compiled, and are in the cache now
    seconds: float

    @property
    def words(self) -> str:
        """For people."""
        if self.compiled:
            return f"the feature pass was compiled in {self.seconds:.0f} s, and is kept from now on"
        return f"the feature pass was compiled already: loaded in {self.seconds:.1f} s"


def warm_up(features: Features | None = None) -> Warmth:
    """Loads the compiled pass, compiling what is not in the cache.

    All that a call may need is looked at: one customer or many, one night or several, rows that
    are settled or corrected later, with `features` a company's own streams. After it no
    `matrix.compute` of this process compiles anything. It may run in several processes at once:
    each compiles for itself, and what is kept is whole.
    """
    before, began = _statistics(), time.monotonic()
    declared = features or Features()
    where = matrix.Context(
        np.zeros(1, np.bool_), matrix.promise_seconds(Promises()), declared=declared
    )
    for rows in (1, FEW_ROWS + 1):  # of a customer with more, entries are counted beforehand
        nights = [matrix.Night(BEGIN + rows * DAY, BEGIN + rows * DAY)]
        one, joined = np.zeros(1, np.int32), np.full(1, BEGIN)
        terms = Terms.of(customer=one, started=joined)
        matrix.compute(_orders(rows), one, joined, nights, where, terms)
    merged([_orders(2), _orders(1)], large=0)  # a bucket of several parts
    with TemporaryDirectory() as folder:  # and a large one
        part = write_coded(Path(folder) / "part", _orders(2), small=0)
        read_coded(part, rooms=Rooms(), large=0)
    after = _statistics() - before
    return Warmth(after["hits"], after["misses"], time.monotonic() - began)


def compilations() -> int:
    """How many functions of the pass this process has compiled, and not found in the cache."""
    return _statistics()["misses"]


def _orders(rows: int) -> Events:
    """One customer's orders."""
    at = BEGIN + np.arange(rows, dtype=np.int64)
    said = {"customer": 0, "kind": KIND_CODE["order"], "until": NEVER, **ABSENT}
    columns = {name: np.full(rows, value, DTYPES[name]) for name, value in said.items()}
    return Events(at=at, recorded=at, **columns)


def _statistics() -> Counter[str]:
    """Numba's counts of what was loaded from the cache (hits) and what was not (misses)."""
    found: Counter[str] = Counter()
    for function in _entrances():
        found["hits"] += sum(function.stats.cache_hits.values())
        found["misses"] += sum(function.stats.cache_misses.values())
    return found


def _entrances() -> Iterator[Any]:
    """The compiled functions that are called from outside compiled code."""
    yield kernel.run
    yield kernel.entries
    yield kernel.bounds
    yield contract_pass._run
    yield placing._find
    yield placing._insert
    yield decoding._decode
