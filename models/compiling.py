"""Compiled functions, kept for exactly this code.

Numba's own cache looks at the one file in which a function stands: it would go on using what was
compiled from the old version of another file (a function called, a tuple passed), or fail to read
it at all. So the cache lies in a folder named after the content of every file that is compiled.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba

_config: Any = numba.config  # its attributes are made at import
_ROOT = Path(__file__).parents[1]
SOURCES = (_ROOT / "models", _ROOT / "pipelines" / "features")

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


def fingerprint(folders: tuple[Path, ...] = SOURCES) -> str:
    """Hash of the names and contents of all modules in `folders`."""
    found = hashlib.sha256()
    for folder in folders:
        for path in sorted(folder.glob("*.py")):
            found.update(path.name.encode() + b"\0" + path.read_bytes())
    return found.hexdigest()[:16]


def _cache_folder() -> Path:
    """Where NUMBA_CACHE_DIR says, else beside the code, else in the user's cache."""
    folder = Path(__file__).parent
    if _config.CACHE_DIR:
        place = Path(_config.CACHE_DIR)
    elif os.access(folder, os.W_OK):
        place = folder / "__pycache__"
    else:
        place = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "warmline"
    return place / f"numba-{fingerprint()}"


def _use(folder: Path) -> None:
    """Cache there; what former code left beside it goes."""
    if not folder.exists():
        for former in folder.parent.glob("numba-*"):
            if former != folder:  # which another process may have begun since
                shutil.rmtree(former, ignore_errors=True)
    _config.CACHE_DIR = str(folder)


_use(_cache_folder())
