"""Where what is compiled is kept: in a folder named after exactly the code it was compiled from.

Numba's own cache looks at the one file in which a function stands: it would go on using what was
compiled from the old version of another file (a function called, a tuple passed), or fail to read
it at all. So the cache lies in a folder named after the content of every module that has compiled
functions and of all that those import of ours; another change compiles nothing anew.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
from pathlib import Path

from models.errors import WarmlineError

_ROOT = Path(__file__).parents[1]
PACKAGES = ("models", "pipelines")

_COMPILES = "from models.compiling import"


def fingerprint(root: Path = _ROOT, packages: tuple[str, ...] = PACKAGES) -> str:
    """Hash of the names and contents of all modules that what is compiled depends on."""
    found = hashlib.sha256()
    for path in watched(root, packages):
        found.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes())
    return found.hexdigest()[:16]


def watched(root: Path = _ROOT, packages: tuple[str, ...] = PACKAGES) -> list[Path]:
    """The modules of `packages` that compile, and those that they import as they are loaded."""
    mine = re.compile(rf"^from ((?:{'|'.join(packages)})\b[\w.]*) import (\([^)]*\)|.*)", re.M)
    modules = [path for package in packages for path in (root / package).rglob("*.py")]
    waiting = [path for path in modules if _COMPILES in path.read_text("utf-8")]
    found: set[Path] = set()
    while waiting:
        path = waiting.pop()
        if path in found or not path.exists():
            continue
        found.add(path)
        for module, names in mine.findall(path.read_text("utf-8")):
            place = root.joinpath(*module.split("."))
            # What is imported is a module itself or stands in one.
            inner = [place / f"{name}.py" for name in re.findall(r"\w+", names)]
            waiting += [place.with_suffix(".py"), place / "__init__.py", *inner]
    return sorted(found)


def place() -> Path:
    """Where NUMBA_CACHE_DIR says, else beside the code, else in the user's cache."""
    folder = Path(__file__).parent
    if told := os.environ.get("NUMBA_CACHE_DIR"):
        place = Path(told)
    elif os.access(folder, os.W_OK):
        place = folder / "__pycache__"
    else:
        place = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "warmline"
    return place / f"numba-{fingerprint()}"


def ready() -> Path:
    """The folder, made. Raises `WarmlineError` where nothing can be written."""
    folder = place()
    make(folder)
    return folder


def make(folder: Path) -> None:
    """Makes the folder; what former code left beside it goes.

    Raises `WarmlineError` where nothing can be written: each process would compile for minutes.
    """
    if not folder.exists():
        for former in folder.parent.glob("numba-*"):
            if former != folder:  # which another process may have begun since
                shutil.rmtree(former, ignore_errors=True)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise WarmlineError(
            f"What is compiled cannot be kept in {folder.parent}: {error.strerror}. Set "
            "NUMBA_CACHE_DIR to a folder that can be written, and that stays. Nothing was changed."
        ) from error
