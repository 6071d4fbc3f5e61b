"""A process that kills itself with -9 at a step of its own, so that nothing of it can tidy up."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import pytest


@dataclass
class Dying:
    """Counts steps, and kills its process when it reaches step `last` (from 0; -1: never)."""

    last: int
    steps: int = 0
    _lock: Lock = field(default_factory=Lock)  # several threads write: no step is missed

    def step(self, *_: object) -> None:
        with self._lock:
            if self.steps == self.last:
                os.kill(os.getpid(), signal.SIGKILL)
            self.steps += 1

    @contextmanager
    def before(self, *calls: tuple[Any, str]) -> Iterator[None]:
        """Each of these calls (what has it, its name) begins with a step."""
        with pytest.MonkeyPatch.context() as patch:
            for owner, name in calls:
                patch.setattr(owner, name, self._begun_with_a_step(getattr(owner, name)))
            yield

    def _begun_with_a_step(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            self.step()
            return real(*arguments, **options)

        return call
