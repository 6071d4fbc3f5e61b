"""Compiled functions, kept for exactly this code (`compile_cache`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

from models import compile_cache

_config: Any = numba.config  # its attributes are made at import
_config.CACHE_DIR = str(compile_cache.ready())

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """Compile at the first call, once for an installation; runs without the interpreter's lock.

    Never parallel: Numba's threads abort the process where two threads enter such a function.
    """
    return cast(Function, numba.njit(cache=True, nogil=True)(function))


def in_place(function: Function) -> Function:
    """As `compiled`, for what only writes into the arrays that it is given.

    It allocates nothing and returns no array, so it need not count references, and all it calls
    becomes one piece with it: a tuple of arrays is hundreds of arguments. Together they had taken
    more than half of the feature pass (docs/decisions/0003-feature-kernel.md).
    """
    options: dict[str, Any] = {"forceinline": True, "_nrt": False}
    return cast(Function, numba.njit(cache=True, nogil=True, **options)(function))
