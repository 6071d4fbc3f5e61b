"""Where work of several parts is done: in threads, or where it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def executor(threads: int) -> Executor:
    """So many threads; none: whoever submits does it at once, which for a few customers takes less
    time than starting a thread."""
    return ThreadPoolExecutor(threads) if threads else _Here()


def done(result: T) -> Future[T]:
    """What need not be waited for."""
    future: Future[T] = Future()
    future.set_result(result)
    return future


class _Here(Executor):
    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        return done(fn(*args, **kwargs))
