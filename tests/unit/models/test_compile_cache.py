"""What was compiled is used for exactly the code that it was compiled from."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from models import compile_cache
from models.compile_cache import fingerprint, watched
from models.errors import WarmlineError

IMPORT = "from models.compiling import compiled"
DECORATED = re.compile(r"^@(compiled|in_place)$", re.M)
CALL = "from {package}.caller import twice; print(twice(21))"
CALLER = """
from models.compiling import compiled
from {package}.callee import times

@compiled
def twice(x):
    return times(x)
"""
CALLEE = """
from models.compiling import compiled

@compiled
def times(x):
    return x * {factor}
"""


def test_a_change_counts_in_what_compiles_and_in_all_that_it_imports(tmp_path):
    package = tmp_path / "pack"
    (package / "inner").mkdir(parents=True)

    def seen(module, text):
        (package / module).write_text(text)
        return fingerprint(tmp_path, ("pack",))

    seen("inner/__init__.py", "")
    seen("inner/numbers.py", "SEVEN = 7")
    seen("names.py", "NAME = 'x'")
    seen("beside.py", "from pack import caller")
    seen("types.py", "from pack.inner import (\n    numbers,\n)\nfrom pack.names import NAME")
    first = seen("caller.py", f"{IMPORT}\nfrom pack.types import numbers")
    assert seen("beside.py", "from pack import other") == first
    assert seen("inner/numbers.py", "SEVEN = 8") != first
    assert seen("inner/numbers.py", "SEVEN = 7") == first
    assert seen("names.py", "NAME = 'y'") != first


def test_every_module_that_compiles_is_watched():
    root = compile_cache._ROOT
    packages = ("models", "pipelines", "serving", "outreach")
    modules = [path for package in packages for path in (root / package).rglob("*.py")]
    found = [path for path in modules if DECORATED.search(path.read_text("utf-8"))]
    assert found
    assert set(found) <= set(watched())


def test_a_changed_function_changes_who_calls_it_from_another_file(tmp_path):
    """Numba alone would go on with the old one: the caller's own file has not changed."""
    package = tmp_path / "pack"
    package.mkdir()
    (package / "caller.py").write_text(CALLER.format(package="pack"))
    said = []
    for factor in (2, 3):
        (package / "callee.py").write_text(CALLEE.format(factor=factor))
        # As `watched` would name the cache after this package's content.
        cache = tmp_path / fingerprint(tmp_path, ("pack",))
        done = subprocess.run(
            [sys.executable, "-c", CALL.format(package="pack")],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{Path.cwd()}",
                 "NUMBA_CACHE_DIR": str(cache)},
        )  # fmt: skip
        said.append(done.stdout.strip())
    assert said == ["42", "63"]


def test_what_another_process_has_just_begun_is_not_swept_with_what_former_code_left(
    tmp_path, monkeypatch
):
    """Two processes start with new code: the other makes the folder after this one has looked."""
    mine, former = tmp_path / "numba-new", tmp_path / "numba-old"
    for folder in (mine, former):
        folder.mkdir()
        (folder / "pass.nbc").write_bytes(b"compiled")
    monkeypatch.setattr(Path, "exists", lambda path: False)
    compile_cache.make(mine)
    monkeypatch.undo()
    assert (mine / "pass.nbc").read_bytes() == b"compiled"
    assert not former.exists()


def test_where_nothing_can_be_kept_that_is_said_with_what_to_do(tmp_path):
    taken = tmp_path / "taken"
    taken.touch()
    with pytest.raises(WarmlineError, match=f"in {taken}: .*Set NUMBA_CACHE_DIR to a folder"):
        compile_cache.make(taken / "numba-new")


def test_it_is_kept_where_the_user_says_else_beside_the_code(tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    assert compile_cache.place().parent == tmp_path
    monkeypatch.delenv("NUMBA_CACHE_DIR")
    assert compile_cache.place().parent == Path(compile_cache.__file__).parent / "__pycache__"
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert compile_cache.place().parent == tmp_path / "warmline"
